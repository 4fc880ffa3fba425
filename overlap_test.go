package weir_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// A write overlaps the next read where one of them waits, and not where both only
// move bytes within the machine.
func TestOverlapsWhereItPays(t *testing.T) {
	const us = time.Microsecond
	const rounds = 1000
	for _, c := range []struct {
		name        string
		batch       int
		read, write time.Duration
		overlaps    bool
	}{
		{"page cache to page cache", 1 << 20, 80 * us, 120 * us, false},
		{"a disk is read", 1 << 20, 400 * us, 120 * us, true},
		{"a sink is slow", 1 << 20, 80 * us, 2000 * us, true},
		{"both work for long", 1 << 20, 400 * us, 400 * us, true},
		{"small batches, page cache", 64 << 10, 10 * us, 20 * us, false},
		{"small batches that take as long", 64 << 10, 80 * us, 120 * us, true},
		{"a sink that takes no time", 64 << 10, 400 * us, 20 * us, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := rounds
				src := &opaqueSource{read: func(_ context.Context, b *weir.Batch) bool {
					time.Sleep(c.read)
					b.Advance(len(b.Space()))
					left--
					return left == 0
				}}
				dst := &opaqueSink{write: func(context.Context, *weir.Batch) error { time.Sleep(c.write); return nil }}
				b := weir.NewBudget(4<<20, weir.BudgetOptions{})
				res, err := weir.Ingest(t.Context(), src, dst, weir.Options{Budget: b, Batch: c.batch})
				if err != nil || res.Written.Bytes != int64(c.batch)*rounds {
					t.Fatalf("%v written: %v", res.Written, err)
				}
				want := (c.read + c.write) * rounds
				if c.overlaps {
					want = max(c.read, c.write) * rounds
				}
				// The first few batches go one after another: then it is known how long each takes.
				if took := res.Elapsed; took < want || took > want+want/50 {
					t.Errorf("it took %v; want %v", took, want)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
