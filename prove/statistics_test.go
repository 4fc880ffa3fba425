package prove

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheilSen(t *testing.T) {
	line := func(n int, slope, noise float64, outliers int) (x []float64, y []int64) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			x = append(x, float64(i)/20)
			y = append(y, int64(1e7+slope*x[i]+noise*r.NormFloat64()))
		}
		for range outliers {
			y[r.IntN(n)] += 1e9
		}
		return x, y
	}
	for _, c := range []struct {
		name         string
		n            int
		slope, noise float64
		outliers     int
		within       float64
	}{
		{name: "no points"},
		{name: "one point", n: 1},
		{name: "exact", n: 100, slope: 5000, within: 1},
		{name: "flat with noise", n: 600, noise: 10_000, within: 200},
		{name: "falling with noise", n: 600, slope: -70_000, noise: 10_000, within: 500},
		{name: "outliers do not move it", n: 600, slope: 70_000, noise: 1000, outliers: 60, within: 500},
		{name: "more points than are looked at", n: 5000, slope: 3000, noise: 100, within: 20},
	} {
		x, y := line(c.n, c.slope, c.noise, c.outliers)
		if got := theilSen(x, y); math.Abs(got-c.slope) > c.within {
			t.Errorf("%s: %g, want %g", c.name, got, c.slope)
		}
	}
	if got := theilSen([]float64{1, 1, 1}, []int64{1, 2, 3}); got != 0 {
		t.Errorf("of one moment: %g", got)
	}
}

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, c := range []struct {
		of      []float64
		q, want float64
	}{{nil, 0.5, 0}, {[]float64{7}, 0.99, 7}, {hundred, 0.5, 50}, {hundred, 0.99, 99}, {hundred, 1, 100}, {hundred, 0, 1}} {
		if got := quantile(c.of, c.q); got != c.want {
			t.Errorf("the %g-quantile of %d: %g, want %g", c.q, len(c.of), got, c.want)
		}
	}
}

// In virtual time no timer is late, unless somebody notes that it was.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeartbeat()
		ctx, cancel := context.WithTimeout(t.Context(), 10*HeartbeatEvery+time.Millisecond)
		defer cancel()
		h.run(ctx)
		if got := h.lateness(); got != (Lateness{Beats: 10}) {
			t.Errorf("%+v", got)
		}
	})
	h := newHeartbeat()
	for i := range heartbeats + 10 {
		h.note(time.Duration(i) * time.Millisecond)
	}
	got := h.lateness()
	if got.Beats != heartbeats+10 || len(h.late) != heartbeats || got.Max != heartbeats+9 {
		t.Errorf("%+v of %d kept", got, len(h.late))
	}
}
