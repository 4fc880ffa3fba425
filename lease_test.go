package weir_test

import (
	"context"
	"sync"
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

// A short stream that waits for nothing runs to its end without taking turns with
// others: hundreds of them need memory for a few.
func TestShortStreamsNeedMemoryForAFew(t *testing.T) {
	const size, streams = 4096, 400
	b := weir.NewBudget(streams*4*size, weir.BudgetOptions{})
	older := sync.OnceFunc(func() { time.Sleep(20 * time.Millisecond) }) // the run, than any stream
	src := &fakeSource{streams: streams, records: 4, perRead: 1, next: func(context.Context) error { older(); return nil }}
	res, err := weir.Ingest(t.Context(), src, &fakeSink{}, weir.Options{Budget: b, Batch: size, Streams: streams})
	if err != nil || res.Written.Records != streams*4 {
		t.Errorf("%v written: %v", res.Written, err)
	}
	if peak := b.Stats().Peak / size; peak > streams/8 {
		t.Errorf("%d batches at once for %d streams", peak, streams)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
