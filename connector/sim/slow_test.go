package sim_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

func newSlow(t testing.TB, o sim.SlowOptions) *sim.Slow {
	t.Helper()
	s, err := sim.NewSlow(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, s weir.Sink) weir.Writer {
	t.Helper()
	w, err := s.Open(context.Background(), weir.StreamInfo{ID: "a", Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func batchOf(n int) *weir.Batch {
	b := weir.NewBatch(n)
	b.Advance(n)
	return b
}

// writeAtOnce starts n writes, a moment apart, on n writers of s and returns
// the order in which they ended, and how long that took.
func writeAtOnce(t *testing.T, s weir.Sink, n int) (order []int, took time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for i := range n {
		w := open(t, s)
		wg.Go(func() {
			if err := w.Write(t.Context(), batchOf(1000)); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
		synctest.Wait() // so that they queue in this order
	}
	wg.Wait()
	return order, time.Since(began)
}

func TestSlowServesAsManyAtOnceAsItSays(t *testing.T) {
	for _, c := range []struct {
		concurrency, atOnce int
		took                time.Duration
	}{
		{0, 1, 12 * time.Second},
		{3, 3, 4 * time.Second},
		{sim.Unlimited, 1024, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, sim.SlowOptions{Delay: time.Second, Concurrency: c.concurrency})
			if n := s.Footprint().MaxInFlight; n != c.atOnce {
				t.Errorf("Concurrency %d: MaxInFlight is %d, want %d", c.concurrency, n, c.atOnce)
			}
			order, took := writeAtOnce(t, s, 12)
			if took != c.took {
				t.Errorf("Concurrency %d: 12 writes took %v, want %v", c.concurrency, took, c.took)
			}
			if s.MaxOutstanding() != 12 || s.Outstanding() != 0 || s.Writes() != 12 || s.Count().Bytes != 12_000 {
				t.Errorf("counted %d, %d, %d, %d", s.MaxOutstanding(), s.Outstanding(), s.Writes(), s.Count().Bytes)
			}
			if c.concurrency == 0 {
				for i, at := range order {
					if i != at {
						t.Fatalf("served in the order %v", order)
					}
				}
			}
		})
	}
}

func TestSlowKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, sim.SlowOptions{Rate: 1000, Concurrency: 4})
		if _, took := writeAtOnce(t, s, 12); took != 12*time.Second {
			t.Errorf("12000 bytes at 1000 a second took %v", took)
		}
	})
}

func TestSlowJitterIsBoundedAndTheSameInEveryRun(t *testing.T) {
	durations := func(seed uint64) (all [20]time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			w := open(t, newSlow(t, sim.SlowOptions{Delay: time.Second, Jitter: time.Second, Seed: seed}))
			for i := range all {
				began := time.Now()
				if err := w.Write(t.Context(), batchOf(1)); err != nil {
					t.Fatal(err)
				}
				all[i] = time.Since(began)
				if all[i] < time.Second || all[i] > 2*time.Second {
					t.Errorf("a write took %v", all[i])
				}
			}
		})
		return all
	}
	first := durations(1)
	if durations(1) != first {
		t.Error("two runs differ")
	}
	if durations(2) == first {
		t.Error("two seeds do not differ")
	}
}

func TestSlowWriteEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(t, sim.SlowOptions{Delay: time.Hour})
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		began := time.Now()
		var wg sync.WaitGroup
		for range 3 { // one being served, two queued
			w := open(t, s)
			wg.Go(func() {
				if err := w.Write(ctx, batchOf(1)); !errors.Is(err, cause) {
					t.Errorf("Write = %v", err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(began); d != time.Second {
			t.Errorf("it took %v to end", d)
		}
		if s.Outstanding() != 0 || s.Writes() != 0 {
			t.Errorf("%d outstanding, %d accepted", s.Outstanding(), s.Writes())
		}
	})
}

func TestSlowWriteDoesNotAllocate(t *testing.T) {
	s := newSlow(t, sim.SlowOptions{Delay: time.Nanosecond, Jitter: 1000, Rate: 1 << 40})
	w, b, ctx := open(t, s), batchOf(10), t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if err := w.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a write", n)
	}
}

func TestInvalidSlowOptionsAreAllNamed(t *testing.T) {
	_, err := sim.NewSlow(sim.SlowOptions{Delay: -1, Jitter: -1, Concurrency: -2, Rate: -1})
	if weir.KindOf(err) != weir.Invalid {
		t.Fatalf("err = %v", err)
	}
}

func TestNullCountsWhatItForgets(t *testing.T) {
	s := sim.NewNull()
	w, b := open(t, s), weir.NewBatch(100)
	b.Append([]byte("one"))
	b.Append([]byte("two"))
	if n := testing.AllocsPerRun(9, func() {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a write", n)
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := s.Count(); c.Bytes != 60 || c.Records != 20 {
		t.Errorf("counted %+v", c)
	}
}
