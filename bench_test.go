package weir_test

import (
	"context"
	"sync"
	"testing"

	"github.com/weirflow/weir"
)

// BenchmarkBatch is what the engine costs: lease, hand-over and acknowledgement
// of a batch of 64 KiB between a source and a sink that do nothing.
func BenchmarkBatch(b *testing.B) {
	for _, c := range []struct {
		name string
		fp   weir.Footprint
	}{{"inline", weir.Footprint{}}, {"lanes", weir.Footprint{MaxInFlight: 4, PerWrite: 4096}}} {
		b.Run(c.name, func(b *testing.B) {
			budget := weir.NewBudget(8<<20, weir.BudgetOptions{})
			flow(b, 100, c.fp, noWrite, weir.Options{Budget: budget})
			b.ReportAllocs()
			b.ResetTimer()
			flow(b, b.N, c.fp, noWrite, weir.Options{Budget: budget})
			b.StopTimer()
			if err := budget.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

// BenchmarkBudgetContention is the same with eight pipelines that want more of
// one budget than there is.
func BenchmarkBudgetContention(b *testing.B) {
	const pipelines = 8
	budget := weir.NewBudget(pipelines*3*(64<<10), weir.BudgetOptions{})
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for range pipelines {
		all.Go(func() {
			flow(b, b.N/pipelines+1, weir.Footprint{MaxInFlight: 4}, func(context.Context, *weir.Batch) error { return nil }, weir.Options{Budget: budget})
		})
	}
	all.Wait()
	b.StopTimer()
	if err := budget.Close(); err != nil {
		b.Error(err)
	}
}
