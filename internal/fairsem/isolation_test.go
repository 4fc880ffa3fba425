package fairsem

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pump is a pipeline whose sink takes every batch at once and acknowledges it
// after pumpDelay on average, or never.
type pump struct {
	account *Account
	hung    bool
	rand    *rand.Rand
	written atomic.Int64
}

const (
	pumpBatch = 256 * kib
	pumpDelay = 100 * time.Millisecond
)

func (p *pump) run(ctx context.Context) {
	for p.account.Acquire(ctx, pumpBatch) == nil {
		if p.hung {
			continue
		}
		// Some jitter, or the batches of the first burst stay in step for ever
		// and the split of the first instant with them.
		jitter := time.Duration(p.rand.Int64N(int64(pumpDelay / 5)))
		time.AfterFunc(pumpDelay*9/10+jitter, func() {
			p.account.Release(pumpBatch)
			p.written.Add(pumpBatch)
		})
	}
}

// measure runs n pipelines with a guarantee of 2 MiB each on 64 MiB, the first
// one hung or not, and returns what each wrote, in MB/s.
func measure(t *testing.T, n int, firstHangs bool) []float64 {
	t.Helper()
	const runtime = 10 * time.Second
	var rates []float64
	synctest.Test(t, func(t *testing.T) {
		s := New(64 * mib)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pumps := make([]pump, n)
		for i := range pumps {
			pumps[i].account = mustOpen(t, s, strconv.Itoa(i), 2*mib)
			pumps[i].hung = firstHangs && i == 0
			pumps[i].rand = rand.New(rand.NewPCG(uint64(i), 1))
		}
		for i := range pumps {
			go pumps[i].run(ctx)
			synctest.Wait() // the first one takes all it can get
		}
		time.Sleep(runtime)
		for i := range pumps {
			rates = append(rates, float64(pumps[i].written.Load())/1e6/runtime.Seconds())
		}
	})
	return rates
}

// TestIsolation is the isolation table of the design: what a hung pipeline
// costs the others, and what a lone one gets.
func TestIsolation(t *testing.T) {
	const limit = float64(64*mib) / 1e6 / 0.1 // MB/s with the whole limit in flight
	within := func(what string, got, low, high float64) {
		t.Helper()
		t.Logf("%s: %.1f MB/s", what, got)
		if got < low || got > high {
			t.Errorf("%s: %.1f MB/s, want %.1f to %.1f", what, got, low, high)
		}
	}

	alone := measure(t, 1, false)[0]
	within("alone", alone, 0.98*limit, limit)

	// 8 accounts at twice the free part of the pool leave a 17th of it unused.
	total := 0.0
	for i, got := range measure(t, 8, false) {
		within("healthy "+strconv.Itoa(i), got, 0.90*limit/8, 1.05*limit/8)
		total += got
	}
	healthy := total / 8

	// The hung one has taken two thirds of the pool: 34 MiB with its guarantee.
	// The others share what is left in the same way, a 15th of it unused.
	for i, got := range measure(t, 8, true)[1:] {
		within("beside a hung one "+strconv.Itoa(i+1), got, 0.5*healthy, 0.6*healthy)
	}
}
