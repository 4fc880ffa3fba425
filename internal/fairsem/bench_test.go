package fairsem

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

func mustOpen(tb testing.TB, s *Sem, name string, guarantee int64) *Account {
	tb.Helper()
	a, err := s.Open(context.Background(), name, guarantee)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func acquireAndRelease(tb testing.TB, a *Account, n int64) {
	if err := a.Acquire(context.Background(), n); err != nil {
		tb.Error(err)
	}
	a.Release(n)
}

func BenchmarkUncontended(b *testing.B) {
	b.ReportAllocs()
	a := mustOpen(b, New(1<<30), "a", 64*mib)
	for b.Loop() {
		acquireAndRelease(b, a, mib)
	}
}

// BenchmarkContended has every goroutine on its own account and none waiting.
func BenchmarkContended(b *testing.B) {
	b.ReportAllocs()
	s := New(1 << 30)
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		a := mustOpen(b, s, strconv.FormatInt(next.Add(1), 10), 8*mib)
		for pb.Next() {
			acquireAndRelease(b, a, mib)
		}
	})
}

// BenchmarkBlockedHandoff has more goroutines than the account has room for,
// so that bytes pass from hand to hand.
func BenchmarkBlockedHandoff(b *testing.B) {
	b.ReportAllocs()
	a := mustOpen(b, New(mib), "a", mib)
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			acquireAndRelease(b, a, mib)
		}
	})
}

// Benchmark1000Accounts measures one account's Acquire and Release while 999
// others are idle or wait for shared bytes, and the Release frees bytes of the
// guarantee or of the shared pool (too few for any waiter).
func Benchmark1000Accounts(b *testing.B) {
	b.Run("idle", func(b *testing.B) { bench1000Accounts(b, false, false) })
	b.Run("waiting/guaranteed", func(b *testing.B) { bench1000Accounts(b, true, false) })
	b.Run("waiting/shared", func(b *testing.B) { bench1000Accounts(b, true, true) })
}

func bench1000Accounts(b *testing.B, waiting, shared bool) {
	b.ReportAllocs()
	const others, page = 999, 4 * kib
	s := New((others+1)*mib + page)
	busy := mustOpen(b, s, "busy", page)
	var accounts []*Account
	for i := range others {
		accounts = append(accounts, mustOpen(b, s, strconv.Itoa(i), mib))
	}
	if shared {
		busy.TryAcquire(page)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, a := range accounts {
		if waiting && a.TryAcquire(mib) {
			wg.Go(func() { _ = a.Acquire(ctx, mib) }) // ends with the cancel below
		}
	}
	for waiting && s.Stats().Waiters < others {
		runtime.Gosched()
	}
	for b.Loop() {
		acquireAndRelease(b, busy, page)
	}
	cancel()
	wg.Wait()
}

func TestUncontendedCallsDoNotAllocate(t *testing.T) {
	a := mustOpen(t, New(64*mib), "a", mib)
	if n := testing.AllocsPerRun(1000, func() { acquireAndRelease(t, a, mib) }); n != 0 {
		t.Errorf("%v allocations for Acquire and Release, want 0", n)
	}
}
