package weir_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/weirtest"
)

// flow moves batches of 64 KiB from a source that does nothing into a sink whose
// write is given.
func flow(t testing.TB, batches int, fp weir.Footprint, write func(context.Context, *weir.Batch) error, o weir.Options) {
	left := batches
	src := &opaqueSource{read: func(_ context.Context, b *weir.Batch) bool {
		b.Advance(b.Cap())
		left--
		return left == 0
	}}
	o.Batch = 64 << 10
	res, err := weir.Ingest(context.Background(), src, &opaqueSink{fp: fp, write: write}, o)
	if err != nil || res.Written.Bytes != int64(batches)*64<<10 {
		t.Fatalf("wrote %v: %v", res.Written, err)
	}
}

func noWrite(context.Context, *weir.Batch) error { return nil }

// spin is a write that takes long enough for lanes and does not allocate.
func spin(context.Context, *weir.Batch) error {
	for began := time.Now(); time.Since(began) < 60*time.Microsecond; {
		runtime.Gosched()
	}
	return nil
}

func TestNoAllocationsPerBatch(t *testing.T) {
	weirtest.CheckLeaks(t)
	b := weir.NewBudget(8<<20, weir.BudgetOptions{})
	cases := []struct {
		name  string
		n     int
		fp    weir.Footprint
		write func(context.Context, *weir.Batch) error
		o     weir.Options
	}{
		{"inline", 5000, weir.Footprint{}, noWrite, weir.Options{}},
		{"lane", 2000, weir.Footprint{}, spin, weir.Options{}},
		{"concurrent", 5000, weir.Footprint{MaxInFlight: 4, PerWrite: 4096}, noWrite, weir.Options{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.o.Budget = b
			mallocs := func(n int) int64 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				flow(t, n, c.fp, c.write, c.o)
				runtime.ReadMemStats(&after)
				return int64(after.Mallocs - before.Mallocs)
			}
			mallocs(c.n) // warm up
			one, two := mallocs(c.n), mallocs(2*c.n)
			t.Logf("%d allocations for %d batches, %d for %d", one, c.n, two, 2*c.n)
			if two-one > 300 {
				t.Errorf("%.2f allocations a batch", float64(two-one)/float64(c.n))
			}
		})
	}
	checkHome(t, b)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
