package weir_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// A reader that writes by itself reads again into the memory that it has, but not
// where somebody waits for it: streams that have room for one batch take turns.
func TestMemoryIsNotKeptFromThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, rounds = 4096, 1000
		b := weir.NewBudget(size, weir.BudgetOptions{})
		src := &fakeSource{streams: 2, records: rounds, perRead: 1}
		writes := map[string]int{}
		dst := &fakeSink{write: func(_ context.Context, stream string, n int) error {
			time.Sleep(10 * time.Microsecond)
			writes[stream] = n
			if other := writes["s0"] + writes["s1"] - n; n == rounds && other < rounds*9/10 {
				t.Errorf("%s has written all %d batches, the other stream %d", stream, n, other)
			}
			return nil
		}}
		res, err := weir.Ingest(t.Context(), src, dst, weir.Options{Budget: b, Batch: size, Streams: 2})
		if err != nil || res.Written.Records != 2*rounds {
			t.Errorf("%v written: %v", res.Written, err)
		}
		if s := b.Stats(); s.Waits < rounds/2 {
			t.Errorf("only %d waits: the streams did not share their memory", s.Waits)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}
