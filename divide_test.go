package weir_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// recordsOf returns a batch of records.
func recordsOf(records ...string) *weir.Batch {
	b := weir.NewBatch(1 << 10)
	for _, r := range records {
		b.Append([]byte(r))
	}
	return b
}

func TestBatchIsCutBehindTheRecordThatReachesTheRoom(t *testing.T) {
	opaque, packed := weir.NewBatch(10), weir.NewBatch(10)
	opaque.Advance(10)
	packed.Advance(10)
	packed.SetPacked(3)
	for name, c := range map[string]struct {
		b    *weir.Batch
		from int
		room int64
		want int
	}{
		"inside a record":       {recordsOf("aaa", "bbb", "cc"), 0, 4, 6},
		"at the end of one":     {recordsOf("aaa", "bbb", "cc"), 0, 3, 3},
		"from the middle on":    {recordsOf("aaa", "bbb", "cc"), 3, 1, 6},
		"everything fits":       {recordsOf("aaa", "bbb", "cc"), 3, 5, 8},
		"more than fits":        {recordsOf("aaa", "bbb", "cc"), 0, 1 << 40, 8},
		"bytes without records": {opaque, 2, 3, 5},
		"records inside bytes":  {packed, 0, 3, 10},
	} {
		if got := c.b.Cut(c.from, c.room); got != c.want {
			t.Errorf("%s: it is cut at %d, want %d", name, got, c.want)
		}
	}
}

func TestViewIsAPieceOfABatch(t *testing.T) {
	b := recordsOf("aaa", "bbb", "cc")
	b.SetHeader([]byte("h"))
	b.SetFormat("lines")
	var w weir.Batch
	b.View(&w, 3, 8)
	if string(w.Bytes()) != "bbbcc" || w.Records() != 0 || string(w.Header()) != "h" || w.Format() != "lines" {
		t.Errorf("it is %q with %d records, header %q, format %q", w.Bytes(), w.Records(), w.Header(), w.Format())
	}
	if &w.Bytes()[0] != &b.Bytes()[3] {
		t.Error("it was copied")
	}
	if n := testing.AllocsPerRun(100, func() { b.View(&w, 0, 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// timely is a sink whose Writer must be flushed a minute after its last Write, and
// notes what it is called for.
type timely struct {
	calls []string
	last  time.Time
	fails error // of Committed
}

func (s *timely) Footprint() weir.Footprint { return weir.Footprint{MaxInFlight: 1} }

func (s *timely) Open(context.Context, weir.StreamInfo) (weir.Writer, error) { return s, nil }

func (s *timely) Close() error { return nil }

func (s *timely) note(call string) {
	if n := len(s.calls); n == 0 || s.calls[n-1] != call {
		s.calls = append(s.calls, call)
	}
}

func (s *timely) Write(context.Context, *weir.Batch) error {
	s.note("write")
	s.last = time.Now()
	return nil
}

func (s *timely) Overdue() bool { return !s.last.IsZero() && time.Since(s.last) >= time.Minute }

func (s *timely) Flush(context.Context, weir.Position) ([]byte, error) {
	if s.Overdue() {
		s.note("overdue")
		s.last = time.Time{}
	}
	s.note("flush")
	return nil, nil
}

func (s *timely) Committed(context.Context, weir.Position) error {
	s.note("committed")
	return s.fails
}

func (s *timely) Commit(context.Context) error { s.note("commit"); return nil }

func (s *timely) Abort(context.Context, error) error { s.note("abort"); return nil }

// A Writer that must be flushed in time is, though nothing is written, and no more
// often; after each checkpoint it is told.
func TestIdleWriterIsFlushedWhenItIsOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, sink := newWorld(), &timely{}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, errTired)
		defer cancel()
		_, err := weir.Ingest(ctx, &counting{w: w, streams: 1, records: 7, endless: true}, sink, weir.Options{
			Batch: 4 << 10, Checkpoints: w, CheckpointEvery: time.Second,
		})
		if !errors.Is(err, errTired) {
			t.Errorf("error %v", err)
		}
		want := []string{"write", "flush", "committed", "overdue", "flush", "committed", "abort"}
		if !slices.Equal(sink.calls, want) {
			t.Errorf("calls are %q, want %q", sink.calls, want)
		}
	})
}

var errTired = errors.New("tired")

func TestSinkThatCannotShowWhatIsCoveredFailsTheStream(t *testing.T) {
	w, sink := newWorld(), &timely{fails: errors.New("no room in the window")}
	_, err := weir.Ingest(t.Context(), &counting{w: w, streams: 1, records: 7}, sink, weir.Options{
		Batch: 4 << 10, Checkpoints: w, CheckpointEvery: time.Second,
	})
	var e *weir.Error
	if !errors.Is(err, sink.fails) || !errors.As(err, &e) || e.Op != "committed" {
		t.Errorf("error %v", err)
	}
	if len(w.store) != 1 {
		t.Errorf("%d checkpoints are stored, want the one that was covered", len(w.store))
	}
}
