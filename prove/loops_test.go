package prove

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

var errFull = errors.New("full")

// fragile is a sink whose writes take a moment, and fail from the failAt-th.
type fragile struct {
	mu                       sync.Mutex
	failAt, places           int
	writes, commits, aborts  int
	running, maxRunning, out int // of order
	last                     int
}

func (f *fragile) Footprint() weir.Footprint { return weir.Footprint{MaxInFlight: f.places} }

func (f *fragile) Open(context.Context, weir.StreamInfo) (weir.Writer, error) { return f, nil }
func (f *fragile) Close() error                                               { return nil }
func (f *fragile) Commit(context.Context) error                               { f.commits++; return nil }

func (f *fragile) Abort(context.Context, error) error { f.aborts++; return nil }

func (f *fragile) Write(_ context.Context, b *weir.Batch) error {
	n := f.begin(int(b.Bytes()[0]))
	time.Sleep(time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	if f.failAt > 0 && n >= f.failAt {
		return errFull
	}
	return nil
}

func (f *fragile) begin(first int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running++
	f.maxRunning = max(f.maxRunning, f.running)
	f.writes++
	if first < f.last {
		f.out++
	}
	f.last = first
	return f.writes
}

// numbered is a source of one stream whose batches hold their number.
func numbered(n int) weir.Source { return weir.FromReader(&numbers{n: n}) }

type numbers struct{ i, n int }

func (r *numbers) Read(p []byte) (int, error) {
	if r.i == r.n {
		return 0, errEnd
	}
	p[0] = byte(r.i)
	r.i++
	return 1, nil
}

var errEnd = errors.New("the source broke off")

// Every loop ends its writers once, with the first error, and keeps the order
// where the sink takes one write at a time.
func TestLoopsEndTheirWriters(t *testing.T) {
	for _, s := range []Strategy{Unbounded, CountBounded, ReadAll} {
		for _, c := range []struct {
			source       weir.Source
			sink         *fragile
			want         error
			commits, max int
		}{
			{generator(t), &fragile{}, nil, 1, 1},
			{generator(t), &fragile{failAt: 3}, errFull, 0, 1},
			{numbered(100), &fragile{}, errEnd, 0, 1},
			{generator(t), &fragile{places: 4}, nil, 1, 4},
		} {
			synctest.Test(t, func(t *testing.T) {
				sink, p, ended := c.sink, newProbe(), 0
				l := &loop{scenario: Scenario{Strategy: s, Chunk: 4 << 10}, probe: p, ended: func() { ended++ }}
				l.sink = p.sink(sink, s != Unbounded)
				err := l.run(t.Context(), p.source(c.source), l.way())
				if !errors.Is(err, c.want) || sink.commits != c.commits || sink.aborts != 1-c.commits || ended != 1 {
					t.Errorf("%s: %v, %d commits, %d aborts, ended %d times", s, err, sink.commits, sink.aborts, ended)
				}
				if sink.maxRunning > c.max || s == Unbounded && sink.maxRunning != c.max && c.want == nil {
					t.Errorf("%s: %d writes at once, want %d", s, sink.maxRunning, c.max)
				}
				if c.max == 1 && c.want == errEnd && sink.out > 0 {
					t.Errorf("%s: %d writes out of order", s, sink.out)
				}
				if c.want == nil && (p.read.Load() != p.finished.Load() || p.writing.Load() != 0 || p.inFlight() != 0) {
					t.Errorf("%s: %d read, %d finished, %d writing", s, p.read.Load(), p.finished.Load(), p.writing.Load())
				}
			})
		}
	}
}

func generator(t *testing.T) weir.Source {
	t.Helper()
	g, err := sim.NewGenerator(sim.GeneratorOptions{Size: 100 << 10, Opaque: true})
	if err != nil {
		t.Fatal(err)
	}
	return g
}
