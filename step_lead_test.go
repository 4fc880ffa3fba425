package weir_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/weirtest"
)

// leading is a step with Lead that checks who is in it.
type leading struct {
	led     atomic.Bool // the first call has returned
	inside  atomic.Int32
	first   atomic.Int64 // number of the first record of the first call
	trouble atomic.Pointer[string]
}

func (l *leading) do(_ context.Context, in, out *weir.Batch) error {
	if inside := l.inside.Add(1); inside > 1 && !l.led.Load() {
		text := fmt.Sprintf("%d calls before the first has returned", inside)
		l.trouble.Store(&text)
	}
	defer l.inside.Add(-1)
	if !l.led.Load() {
		l.first.Store(in.FirstRecord())
		time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		l.led.Store(true)
	}
	return copyRecords(in, out)
}

func TestFirstBatchWithDataLeadsItsStreamIntoAStep(t *testing.T) {
	weirtest.CheckLeaks(t)
	const lines = 20_000
	for round := range 40 {
		workers, from := 1+round%6, round*lines/50 // the records before from are left out
		data := []byte(strings.Repeat("0123456789012345678\n", lines))
		passed := func(_ context.Context, in, out *weir.Batch) error { return copyRecords(in, out) }
		dropped := func(_ context.Context, in, out *weir.Batch) error {
			time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
			for i := range in.Records() {
				if in.FirstRecord()+int64(i) > int64(from) {
					out.Append(in.Record(i))
				}
			}
			return nil
		}
		var led, again leading
		_, err := weir.Ingest(t.Context(), weirtest.NewBytesSource(weirtest.BytesStream{Name: "s", Data: data, Lines: true}),
			weirtest.NewMemSink(weir.Footprint{}), weir.Options{
				Batch: 4 << 10, Workers: workers,
				Steps: []weir.Step{{Do: dropped}, {Do: led.do, Lead: true}, {Do: passed}, {Do: again.do, Lead: true}},
			})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []*leading{&led, &again} {
			if trouble := l.trouble.Load(); trouble != nil {
				t.Fatalf("%d workers: %s", workers, *trouble)
			}
			// The batch that has record from+1 begins at or before it.
			if first := l.first.Load(); first > int64(from)+1 || first+4<<10/24 < int64(from)+1 {
				t.Fatalf("%d workers: the batch from record %d led, with %d left out", workers, first, from)
			}
		}
	}
}

func TestFailureOfALeadingBatchEndsTheStream(t *testing.T) {
	weirtest.CheckLeaks(t)
	broken := errors.New("broken")
	data := []byte(strings.Repeat("line\n", 20_000))
	fails := func(context.Context, *weir.Batch, *weir.Batch) error {
		time.Sleep(time.Millisecond)
		return broken
	}
	_, err := weir.Ingest(t.Context(), weirtest.NewBytesSource(weirtest.BytesStream{Name: "s", Data: data, Lines: true}),
		weirtest.NewMemSink(weir.Footprint{}), weir.Options{
			Batch: 4 << 10, Workers: 4, Steps: []weir.Step{{Do: fails, Lead: true}},
		})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
