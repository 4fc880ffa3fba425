package weir_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// world is what survives a crash: the store of checkpoints and what the sink has
// on its disk. Everything else is made anew for each run.
type world struct {
	mu     sync.Mutex
	store  map[string]weir.Checkpoint
	disk   map[string]*shelf
	faults func(call string) error // nil: none; runs before each call
}

// shelf is what the sink holds of one stream.
type shelf struct {
	durable   []int // records
	position  weir.Position
	committed bool
	commits   int
}

func newWorld() *world {
	return &world{store: map[string]weir.Checkpoint{}, disk: map[string]*shelf{}}
}

func (w *world) fault(call string) error {
	if w.faults == nil {
		return nil
	}
	return w.faults(call)
}

func (w *world) Load(_ context.Context, s weir.StreamInfo) (weir.Checkpoint, bool, error) {
	if err := w.fault("load"); err != nil {
		return weir.Checkpoint{}, false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.store[s.ID]
	return c, ok, nil
}

func (w *world) Save(_ context.Context, s weir.StreamInfo, c weir.Checkpoint) error {
	if err := w.fault("save"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Position, c.Mark = slices.Clone(c.Position), slices.Clone(c.Mark)
	w.store[s.ID] = c
	return nil
}

// counting is a source of streams of the numbers 0 to records-1 that can continue
// anywhere, and checks that it is told only what is stored.
type counting struct {
	w       *world
	streams int
	records int
	given   int
	endless bool
	wait    time.Duration
}

func (s *counting) Next(context.Context) (weir.Stream, error) {
	if s.given == s.streams {
		return nil, io.EOF
	}
	s.given++
	return &countingStream{src: s, n: s.given - 1}, nil
}

func (s *counting) Close() error { return nil }

type countingStream struct {
	src *counting
	n   int
	at  int
}

func (s *countingStream) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: fmt.Sprint("id", s.n), Name: fmt.Sprint("s", s.n), Size: weir.UnknownSize, Endless: s.src.endless, Resumable: true}
}

func (s *countingStream) Seek(_ context.Context, p weir.Position) error {
	off, err := p.Offset()
	s.at = int(off)
	return err
}

func (s *countingStream) Read(ctx context.Context, b *weir.Batch) error {
	if err := s.src.w.fault("read"); err != nil {
		return err
	}
	if s.src.wait > 0 && !pause(ctx, s.src.wait) {
		return context.Cause(ctx)
	}
	if s.src.endless && s.at == s.src.records {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for range 7 {
		if s.at == s.src.records {
			return io.EOF
		}
		b.Append(fmt.Appendf(nil, "%d\n", s.at))
		s.at++
		b.SetOffset(int64(s.at))
	}
	return nil
}

func (s *countingStream) Committed(_ context.Context, upTo weir.Position) error {
	s.src.w.mu.Lock()
	defer s.src.w.mu.Unlock()
	if c := s.src.w.store[s.Info().ID]; string(c.Position) != string(upTo) {
		return fmt.Errorf("told %s is durable, stored is %s", upTo, c.Position)
	}
	return nil
}

func (s *countingStream) Close() error { return nil }

// kind is how a shelfSink can continue.
type kind int

const (
	byMark     kind = iota // goes back to the length of the checkpoint
	byPosition             // has the position with the data
	flushOnly              // cannot go back
)

// shelfSink is a sink on the world's disk. What is not flushed is lost in a crash,
// or, with dirty, may be there all the same.
type shelfSink struct {
	w        *world
	kind     kind
	inFlight int
	delay    func() time.Duration
	most     int // records that it writes before it asks for a Flush; 0: any
}

func (s *shelfSink) Footprint() weir.Footprint {
	fp := weir.Footprint{MaxInFlight: s.inFlight}
	if s.kind != flushOnly {
		fp.Resumes = weir.ResumesAtMark
	}
	return fp
}

func (s *shelfSink) Close() error { return nil }

func (s *shelfSink) Open(_ context.Context, info weir.StreamInfo) (weir.Writer, error) {
	if err := s.w.fault("open"); err != nil {
		return nil, err
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.disk[info.ID] == nil {
		s.w.disk[info.ID] = &shelf{}
	}
	w := &shelfWriter{s: s, shelf: s.w.disk[info.ID]}
	if s.kind == flushOnly {
		return struct {
			weir.Writer
			weir.Flusher
		}{w, w}, nil
	}
	return w, nil
}

type shelfWriter struct {
	s      *shelfSink
	shelf  *shelf
	mu     sync.Mutex
	recent []int // not flushed
	ended  int
}

func (w *shelfWriter) Resume(_ context.Context, last weir.Checkpoint) (weir.Position, error) {
	if err := w.s.w.fault("resume"); err != nil {
		return nil, err
	}
	if w.shelf.committed {
		return nil, weir.ErrCommitted
	}
	if w.s.kind == byPosition {
		return w.shelf.position, nil
	}
	n := 0
	if len(last.Mark) > 0 {
		if _, err := fmt.Sscan(string(last.Mark), &n); err != nil {
			return nil, err
		}
	}
	if n > len(w.shelf.durable) {
		return nil, fmt.Errorf("the checkpoint says %d, there are %d", n, len(w.shelf.durable))
	}
	w.shelf.durable = w.shelf.durable[:n]
	return last.Position, nil
}

func (w *shelfWriter) Write(ctx context.Context, b *weir.Batch) error {
	if err := w.s.w.fault("write"); err != nil {
		return err
	}
	if !pause(ctx, w.s.delay()) {
		return context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range b.Records() {
		var n int
		if _, err := fmt.Sscan(string(b.Record(i)), &n); err != nil {
			return err
		}
		w.recent = append(w.recent, n)
	}
	if most := w.s.most; most > 0 && len(w.recent) >= most {
		b.AskFlush()
	}
	return nil
}

func (w *shelfWriter) Flush(_ context.Context, upTo weir.Position) ([]byte, error) {
	if err := w.s.w.fault("flush"); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shelf.durable = append(w.shelf.durable, w.recent...)
	w.shelf.position = slices.Clone(upTo)
	w.recent = nil
	if err := w.s.w.fault("flushed"); err != nil { // durable, and nobody hears of it
		return nil, err
	}
	return fmt.Append(nil, len(w.shelf.durable)), nil
}

func (w *shelfWriter) Commit(context.Context) error {
	if err := w.s.w.fault("commit"); err != nil {
		return err
	}
	w.shelf.durable = append(w.shelf.durable, w.recent...)
	w.shelf.committed = w.s.kind != flushOnly
	w.shelf.commits++
	return w.s.w.fault("committed")
}

func (w *shelfWriter) Abort(context.Context, error) error {
	w.ended++
	if w.s.kind != flushOnly {
		w.shelf.durable, w.shelf.position = nil, nil
	}
	return nil
}

func (w *shelfWriter) Suspend(context.Context, error) error { w.ended++; return nil }

var errCrash = errors.New("crash")

// crashRun runs until one of the calls crashes, which everything after it does
// too, or to the end.
func crashRun(t *testing.T, w *world, r *rand.Rand, src *counting, dst *shelfSink, o weir.Options) (weir.Result, error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var mu sync.Mutex
	left := 1 + r.IntN(150)
	w.faults = func(string) error {
		mu.Lock()
		defer mu.Unlock()
		if left--; left > 0 {
			return nil
		}
		cancel(errCrash)
		return errCrash
	}
	res, err := weir.Ingest(ctx, src, dst, o)
	w.faults = nil
	return res, err
}

// Whatever call a crash comes in, and however often, a later run continues so
// that nothing is lost, and nothing doubled where the sink can go back.
func TestCrashesLoseNothingAndDoubleNothing(t *testing.T) {
	for seed := range uint64(240) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			w := newWorld()
			streams, records := 1+r.IntN(3), 100+r.IntN(900)
			k, inFlight := kind(seed%3), 1+r.IntN(3)
			var dice sync.Mutex
			delay := func() time.Duration {
				dice.Lock()
				defer dice.Unlock()
				return time.Duration(r.IntN(5)) * time.Millisecond
			}
			runs := 0
			for ; runs < 400; runs++ {
				src := &counting{w: w, streams: streams, records: records, wait: time.Millisecond}
				dst := &shelfSink{w: w, kind: k, inFlight: inFlight, delay: delay}
				b := poisoned(1 << 20)
				_, err := crashRun(t, w, r, src, dst, weir.Options{
					Batch: 4096, Budget: b, Checkpoints: w, CheckpointEvery: time.Duration(1+r.IntN(20)) * time.Millisecond,
				})
				if s := b.Stats(); s.Used != 0 {
					t.Fatalf("seed %d: %+v", seed, s)
				}
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if err == nil {
					break
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("seed %d, run %d: %v", seed, runs, err)
				}
			}
			for i := range streams {
				got := slices.Clone(w.disk[fmt.Sprint("id", i)].durable)
				if inFlight > 1 || k == flushOnly {
					slices.Sort(got)
				}
				if k == flushOnly {
					got = slices.Compact(got)
				}
				if !slices.Equal(got, numbers(records)) {
					t.Errorf("seed %d: stream %d has %d records after %d runs, want %d", seed, i, len(got), runs, records)
				}
				if n := w.disk[fmt.Sprint("id", i)].commits; k != flushOnly && n != 1 {
					t.Errorf("seed %d: %d commits", seed, n)
				}
			}
		})
	}
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// A drain stores how far it came; the next run reads nothing again and says where
// it began; a third one has nothing to do.
func TestDrainedRunIsContinuedAndFinishedOneDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		run := func(drainAfter time.Duration) (weir.Result, error) {
			var c weir.Control
			if drainAfter > 0 {
				time.AfterFunc(drainAfter, c.Drain)
			}
			return weir.Ingest(t.Context(), &counting{w: w, streams: 1, records: 700, wait: time.Millisecond},
				&shelfSink{w: w, delay: func() time.Duration { return 0 }},
				weir.Options{Checkpoints: w, Control: &c, CheckpointEvery: time.Hour})
		}
		first, err := run(30 * time.Millisecond)
		if !errors.Is(err, weir.ErrDrained) || first.Read.Records == 0 || first.Checkpoints != 1 || first.Acknowledged != first.Written {
			t.Fatalf("%+v, %v", first.Stats, err)
		}
		second, err := run(0)
		if second.Guarantee.Label != weir.ExactlyOnce {
			t.Errorf("%+v", second.Guarantee)
		}
		if err != nil || second.Resumed != first.Read || second.Read.Records != 700-first.Read.Records {
			t.Errorf("read %v, resumed %v, %v", second.Read, second.Resumed, err)
		}
		third, err := run(0)
		if err != nil || third.Read.Records != 0 || third.Streams.Already != 1 || third.Streams.Committed != 1 {
			t.Errorf("%+v, %v", third.Stats, err)
		}
		if got := w.disk["id0"].durable; !slices.Equal(got, numbers(700)) {
			t.Errorf("%d records", len(got))
		}
	})
}

// A Writer that asks for a Flush has it before its next Write, long before a checkpoint is
// due, and what it has flushed is where the next run begins.
func TestWriterIsFlushedWhenItAsks(t *testing.T) {
	for _, inFlight := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			flushes, unsaved, most := 0, 0, 0
			w.faults = func(call string) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				switch call {
				case "write":
					unsaved++
					most = max(most, unsaved)
				case "flush":
					flushes++
					unsaved = 0
				}
				return nil
			}
			_, err := weir.Ingest(t.Context(), &counting{w: w, streams: 1, records: 700, wait: time.Millisecond},
				&shelfSink{w: w, kind: byPosition, inFlight: inFlight, most: 21, delay: func() time.Duration { return time.Millisecond }},
				weir.Options{Checkpoints: w, InFlight: inFlight, CheckpointEvery: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			if most > 3+inFlight-1 || flushes < 700/7/(3+inFlight) {
				t.Errorf("%d in flight: %d flushes, at most %d writes between two", inFlight, flushes, most)
			}
			if got := w.disk["id0"].durable; len(got) != 700 {
				t.Errorf("%d records", len(got))
			}
		})
	}
}

// An endless stream that waits for data still gets its checkpoint.
func TestIdleStreamIsCheckpointed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var c weir.Control
		done := make(chan error, 1)
		go func() {
			_, err := weir.Ingest(context.WithoutCancel(t.Context()), &counting{w: w, streams: 1, records: 70, endless: true},
				&shelfSink{w: w, kind: byPosition, delay: func() time.Duration { return 0 }}, weir.Options{Checkpoints: w, Control: &c})
			done <- err
		}()
		time.Sleep(5 * time.Second)
		w.mu.Lock()
		if got, _ := w.store["id0"].Position.Offset(); got != 70 || w.store["id0"].Whole {
			t.Errorf("stored %d of 70: %+v", got, w.store["id0"])
		}
		w.mu.Unlock()
		c.Drain()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
