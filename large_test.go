package weir_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/weirtest"
)

// double writes every record twice, as one. It borrows memory for a large one, and
// leaves its mark in it.
func double(_ context.Context, in, out *weir.Batch) error {
	for i := range in.Records() {
		rec := bytes.TrimSuffix(in.Record(i), []byte{'\n'})
		twice := append(append(rec[:len(rec):len(rec)], rec...), '\n')
		if len(rec) > 4<<10 {
			mem := out.Borrow(8 << 10)
			if mem == nil {
				return weir.ErrBatchFull
			}
			for k := range mem {
				mem[k] = 'x'
			}
		}
		if !out.Append(twice) {
			return weir.ErrBatchFull
		}
	}
	return nil
}

// Streams with records that are much larger than a batch, of a length that is known
// or not, wait for the memory of their batches, for that of what several steps make
// of them and for what they hold, in a budget that has room for one at a time:
// nobody waits for ever, everything arrives, and everything comes home.
func TestLargeBatchesPassStepsWithoutDeadlock(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			src := &pieces{
				streams: randomPieces(r, 1+r.IntN(6), 32<<10),
				hold:    int64(r.IntN(3)) * 4 << 10,
				wait:    time.Duration(r.IntN(3)) * time.Millisecond,
				knows:   r.IntN(2) == 0, creeps: r.IntN(2) == 0,
			}
			dst := weirtest.NewMemSink(weir.Footprint{PerWrite: int64(r.IntN(2)) << 10})
			o := weir.Options{Batch: 4 << 10, Streams: 1 + r.IntN(4), Workers: 1 + r.IntN(3)}
			times, charge := 1, int64(5<<10)
			for range 1 + r.IntN(3) {
				step := weir.Step{Expand: 1 + float64(r.IntN(2)), Do: func(_ context.Context, in, out *weir.Batch) error { return copyRecords(in, out) }}
				if times == 1 && r.IntN(2) == 0 {
					times, step.Do, step.Borrows, step.Expand = 2, double, true, 2
				}
				charge = int64(float64(charge)*step.Expand) + 4<<10
				o.Steps = append(o.Steps, step)
			}
			// In and out of the last step are doubled, beside what others may hold.
			b := poisoned(int64(o.Streams)*(2*charge+src.hold) + int64(128+8+r.IntN(40))<<10)
			o.Budget, o.Guarantee = b, b.Limit()
			res, err := weir.Ingest(t.Context(), src, dst, o)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for i, all := range src.streams {
				var want []byte
				for line := range bytes.Lines(all) {
					want = append(append(want, bytes.Repeat(line[:len(line)-1], times)...), '\n')
				}
				if got, _ := dst.Committed(fmt.Sprint("s", i)); !bytes.Equal(got, want) {
					t.Errorf("seed %d: stream %d: %d bytes arrived of %d", seed, i, len(got), len(want))
				}
			}
			if s := b.Stats(); s.Used != 0 || s.Held != 0 || res.InFlightBytes != 0 || s.Peak > b.Limit() {
				t.Errorf("seed %d: %+v, %d in flight", seed, s, res.InFlightBytes)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A record that steps change needs itself twice, whatever they say that they need,
// and not a page more.
func TestLargeBatchGetsWhatThereIs(t *testing.T) {
	page := int64(os.Getpagesize())
	record := append(bytes.Repeat([]byte("x"), int(20*page)-100), '\n')
	for _, steps := range []int{1, 2, 3} {
		for _, c := range []struct {
			pages int64
			want  string
		}{{40, ""}, {39, fmt.Sprintf("a record that needs a batch of %d bytes and for what the steps make of it %d; this pipeline can give it at most %d", weir.RecordSize(len(record)), 20*page, 39*page)}} {
			synctest.Test(t, func(t *testing.T) {
				b := poisoned(c.pages * page)
				dst := weirtest.NewMemSink(weir.Footprint{})
				o := weir.Options{Batch: 4 << 10, Streams: 1, Budget: b, Guarantee: b.Limit()}
				for range steps {
					o.Steps = append(o.Steps, weir.Step{Expand: 3, Do: func(_ context.Context, in, out *weir.Batch) error { return copyRecords(in, out) }})
				}
				_, err := weir.Ingest(t.Context(), &pieces{streams: [][]byte{record}, creeps: true}, dst, o)
				got, _ := dst.Committed("s0")
				switch {
				case c.want == "" && (err != nil || !bytes.Equal(got, record)):
					t.Errorf("%d steps, %d pages: %v, %d bytes arrived", steps, c.pages, err, len(got))
				case c.want != "" && (weir.KindOf(err) != weir.Rejected || !errors.Is(err, weir.ErrBatchFull) || !strings.Contains(err.Error(), c.want)):
					t.Errorf("%d steps, %d pages: %v\nwant %s", steps, c.pages, err, c.want)
				}
				if s := b.Stats(); s.Used != 0 {
					t.Errorf("%+v", s)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// What a step cannot borrow is part of the sum.
func TestRefusalCountsWhatIsBorrowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := poisoned(128 << 10)
		record := append(bytes.Repeat([]byte("x"), 40<<10), '\n')
		var room *weir.RoomError
		_, err := weir.Ingest(t.Context(), &pieces{streams: [][]byte{record}}, weirtest.NewMemSink(weir.Footprint{}), weir.Options{
			Batch: 4 << 10, Streams: 1, Budget: b, Guarantee: b.Limit(),
			Steps: []weir.Step{{Borrows: true, Do: func(_ context.Context, _, out *weir.Batch) error {
				if out.Borrow(16<<10) == nil || out.Borrow(256<<10) != nil {
					return errors.New("not as expected")
				}
				return weir.ErrBatchFull
			}}},
		})
		if !errors.As(err, &room) || !room.Whole || room.Size != weir.RecordSize(len(record)) || room.Steps < (40+16+256)<<10 || room.Most != 128<<10 {
			t.Errorf("%v: %+v", err, room)
		}
		if s := b.Stats(); s.Used != 0 {
			t.Errorf("%+v", s)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A sink that needs memory for a write has it while it writes a batch that went
// alone, whatever the number of steps.
func TestLargeBatchKeepsWhatItsWriteNeeds(t *testing.T) {
	record := append(bytes.Repeat([]byte("x"), 60<<10), '\n')
	for _, steps := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			const perWrite = 24 << 10
			b := poisoned(160 << 10)
			dst := &chargedSink{MemSink: weirtest.NewMemSink(weir.Footprint{PerWrite: perWrite}), used: func() int64 { return b.Stats().Used }}
			o := weir.Options{Batch: 4 << 10, Streams: 1, Budget: b, Guarantee: b.Limit()}
			for range steps {
				o.Steps = append(o.Steps, weir.Step{Expand: 2, Do: func(_ context.Context, in, out *weir.Batch) error { return copyRecords(in, out) }})
			}
			if _, err := weir.Ingest(t.Context(), &pieces{streams: [][]byte{record}, creeps: true}, dst, o); err != nil {
				t.Fatal(err)
			}
			if least := int64(len(record) + perWrite); dst.during < least || dst.during > least+3*int64(os.Getpagesize()) {
				t.Errorf("%d steps: %d bytes are charged while %d are written, with %d for the write", steps, dst.during, len(record), perWrite)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A chargedSink notes what is charged while it writes.
type chargedSink struct {
	*weirtest.MemSink
	used   func() int64
	during int64
}

func (s *chargedSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	w, err := s.MemSink.Open(ctx, info)
	return &chargedWriter{w, s}, err
}

type chargedWriter struct {
	weir.Writer
	sink *chargedSink
}

func (w *chargedWriter) Write(ctx context.Context, b *weir.Batch) error {
	w.sink.during = w.sink.used()
	return w.Writer.Write(ctx, b)
}

func TestHeapBatchLendsMemoryOfTheHeap(t *testing.T) {
	if n := len(weir.NewBatch(10).Borrow(100)); n != 100 {
		t.Errorf("%d bytes were lent, want 100", n)
	}
}
