package weir_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// A write overlaps the next read where that is found to gain more than it costs.
func TestOverlapsWhereItPays(t *testing.T) {
	const us = time.Microsecond
	const rounds = 4000
	for _, c := range []struct {
		name        string
		read, write time.Duration
		apart       float64 // how much longer they take while both run
		nearAfter   int     // rounds until they do not
		want        time.Duration
	}{
		{name: "within the machine, a cache in common", read: 80 * us, write: 120 * us, apart: 1, want: 120 * us},
		{name: "within the machine, no cache in common", read: 80 * us, write: 120 * us, apart: 3, want: 200 * us},
		{name: "too little is gained", read: 60 * us, write: 400 * us, apart: 1, want: 460 * us},
		{name: "moved to a common cache in the middle", read: 80 * us, write: 120 * us, apart: 3, nearAfter: rounds / 2, want: 160 * us},
		{name: "a source is waited for", read: 1500 * us, write: 1200 * us, apart: 1, want: 1500 * us},
		{name: "a sink is slow", read: 80 * us, write: 2000 * us, apart: 1, want: 2000 * us},
		{name: "reads take no time", read: 10 * us, write: 400 * us, apart: 1, want: 410 * us},
		{name: "writes take no time", read: 400 * us, write: 10 * us, apart: 1, want: 410 * us},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var running, begun atomic.Int32
				take := func(d time.Duration) {
					if n := running.Add(1); n > 1 && (c.nearAfter == 0 || int(begun.Load()) < c.nearAfter) {
						d = time.Duration(float64(d) * c.apart)
					}
					time.Sleep(d)
					running.Add(-1)
				}
				src := &opaqueSource{read: func(_ context.Context, b *weir.Batch) bool {
					last := begun.Add(1) == rounds
					take(c.read)
					b.Advance(len(b.Space()))
					return last
				}}
				dst := &opaqueSink{write: func(context.Context, *weir.Batch) error { take(c.write); return nil }}
				b := weir.NewBudget(1<<20, weir.BudgetOptions{})
				res, err := weir.Ingest(t.Context(), src, dst, weir.Options{Budget: b, Batch: 64 << 10})
				if err != nil || res.Written.Bytes != rounds*64<<10 {
					t.Fatalf("%v written: %v", res.Written, err)
				}
				// Trials take a little, and the first batches until it is known how long each takes.
				each := res.Elapsed / rounds
				if each < c.want*98/100 || each > c.want*112/100 {
					t.Errorf("a batch took %v; want %v", each, c.want)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
