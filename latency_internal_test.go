package weir

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestLatencyBucketsAreWithinFourPercent(t *testing.T) {
	last := -1
	for v := time.Duration(0); v < 1<<42; v += v/50 + 1 {
		i := latencyBucket(v)
		if i < last {
			t.Fatalf("bucket of %d is %d, before that of a smaller one, %d", v, i, last)
		}
		last = i
		if off := math.Abs(float64(latencyMiddle(i) - v)); off > 0.04*float64(v) {
			t.Errorf("%d falls in bucket %d, whose middle is %d", v, i, latencyMiddle(i))
		}
	}
}

func TestLatencyQuantilesAgainstSortedValues(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		var h latencyHist
		values := make([]time.Duration, 1+r.IntN(5000))
		for i := range values {
			values[i] = time.Duration(math.Exp(r.Float64() * 28))
			h.record(values[i])
		}
		slices.Sort(values)
		s := h.summary()
		at := func(percent int) time.Duration { return values[(len(values)*percent+99)/100-1] }
		near := func(a, b time.Duration) bool { return math.Abs(float64(a-b)) <= 0.04*float64(b) }
		if s.Count != int64(len(values)) || s.Max != values[len(values)-1] || !near(s.P50, at(50)) || !near(s.P99, at(99)) {
			t.Errorf("seed %d, %d values: %+v; p50 %v, p99 %v, max %v", seed, len(values), s, at(50), at(99), values[len(values)-1])
		}
	}
}

func TestLatencyOutOfRange(t *testing.T) {
	var h latencyHist
	if s := h.summary(); s != (Latency{}) {
		t.Errorf("empty: %+v", s)
	}
	h.record(-1)
	h.record(1000 * time.Hour)
	h.record(math.MaxInt64)
	s := h.summary()
	if s.Count != 3 || s.Max != math.MaxInt64 || s.P99 < time.Hour || s.P50 > s.P99 {
		t.Errorf("%+v", s)
	}
}
