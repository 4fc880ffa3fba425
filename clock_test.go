package weir_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// Invariant 9: the states of a stage add up to the time its workers existed,
// in the middle of a run and at its end, and name the right stage.
func TestClocksAddUpAndNameTheLimit(t *testing.T) {
	const ms = time.Millisecond
	cases := []struct {
		name           string
		read, up       time.Duration // of a Read; of it, waiting for the origin
		write, process time.Duration
		workers        int
		fp             weir.Footprint
		o              weir.Options
		stage, text    string
	}{
		{name: "source", read: 10 * ms, write: ms, stage: "source", text: "source opaque source: "},
		{name: "sink", read: ms, write: 10 * ms, stage: "sink", text: "sink opaque sink: "},
		{name: "sink without read-ahead", read: ms, write: 10 * ms, o: weir.Options{ReadAhead: weir.NoReadAhead}, stage: "sink", text: "p50 10"},
		{name: "concurrent sink", read: ms, write: 40 * ms, fp: weir.Footprint{MaxInFlight: 4}, stage: "sink", text: "sink opaque sink: "},
		{name: "source before a concurrent sink", read: 10 * ms, write: 15 * ms, fp: weir.Footprint{MaxInFlight: 4}, stage: "source", text: "faster"},
		{name: "transform", read: ms, write: ms, process: 30 * ms, workers: 3, stage: "transform", text: "transform: its workers are busy"},
		{name: "transform by the reader", read: ms, write: ms, process: 30 * ms, workers: 1, stage: "transform", text: "transform: its workers are busy"},
		{name: "budget", read: ms, write: 40 * ms, fp: weir.Footprint{MaxInFlight: 16}, o: weir.Options{ReadAhead: 16, Guarantee: 8192}, stage: "budget", text: "memory: "},
		{name: "rate", read: ms, write: ms, o: weir.Options{Rate: 100_000}, stage: "rate", text: "rate limit: "},
		{name: "upstream", read: 11 * ms, up: 10 * ms, write: ms, stage: "upstream", text: "waiting for data from its origin"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := 300
				src := &opaqueSource{read: func(_ context.Context, b *weir.Batch) bool {
					time.Sleep(c.read)
					b.AddWait(c.up)
					b.Advance(4096)
					left--
					return left == 0
				}}
				dst := &opaqueSink{fp: c.fp, write: func(context.Context, *weir.Batch) error { time.Sleep(c.write); return nil }}
				var control weir.Control
				o := c.o
				o.Batch, o.Control, o.Budget = 4096, &control, poisoned(1<<20)
				if c.name == "budget" { // another pipeline has the rest
					o.Budget = poisoned(8192)
				}
				if c.workers > 0 {
					o.Workers = c.workers
					o.Steps = []weir.Step{{Do: func(_ context.Context, in, out *weir.Batch) error {
						time.Sleep(c.process)
						out.Advance(copy(out.Space(), in.Bytes()))
						return nil
					}}}
				}
				lanes := time.Duration(max(1, c.fp.MaxInFlight))
				check := func(s weir.Stats, before weir.Stats) {
					if got := s.Source.Total(); got != s.Elapsed {
						t.Errorf("source: %v in %v: %+v", got, s.Elapsed, s.Source)
					}
					if got := s.Sink.Total(); got != s.Elapsed*lanes {
						t.Errorf("sink: %v in %v x %d: %+v", got, s.Elapsed, lanes, s.Sink)
					}
					if got := s.Transform.Total(); got != s.Elapsed*time.Duration(c.workers) {
						t.Errorf("transform: %v in %v x %d: %+v", got, s.Elapsed, c.workers, s.Transform)
					}
					for _, p := range [][2]weir.Stage{{before.Source, s.Source}, {before.Sink, s.Sink}, {before.Transform, s.Transform}} {
						a, b := p[0], p[1]
						// A running Read counts as work until it says that it waited.
						if b.Work < a.Work && c.up == 0 || b.WaitInput < a.WaitInput || b.WaitDownstream < a.WaitDownstream || b.WaitBudget < a.WaitBudget || b.WaitRate < a.WaitRate {
							t.Errorf("a clock went back: %+v, then %+v", a, b)
						}
					}
					if s.Read.Bytes < before.Read.Bytes || s.Written.Bytes < before.Written.Bytes || s.Written.Bytes > s.Read.Bytes || s.Acknowledged.Bytes > s.Written.Bytes {
						t.Errorf("counts: read %v, written %v, acknowledged %v", s.Read, s.Written, s.Acknowledged)
					}
				}
				stop := make(chan struct{})
				go func() {
					var before weir.Stats
					for {
						select {
						case <-stop:
							return
						case <-time.After(7*ms + 123*time.Microsecond):
							s := control.Stats()
							check(s, before)
							before = s
						}
					}
				}()
				res, err := weir.Ingest(t.Context(), src, dst, o)
				close(stop)
				if err != nil {
					t.Fatal(err)
				}
				check(res.Stats, weir.Stats{})
				if b := res.Bottleneck; b.Stage != c.stage || !strings.Contains(b.Text, c.text) {
					t.Errorf("bottleneck %q, %q; want %q, %q: %+v", b.Stage, b.Text, c.stage, c.text, res.Stats)
				}
				synctest.Wait()
				checkHome(t, o.Budget)
			})
		})
	}
}

// With many streams the states add up to the lives of the streams and the time
// without any.
func TestClocksOfManyStreamsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{streams: 7, records: 40, perRead: 1, readTime: time.Millisecond}
		src.next = func(ctx context.Context) error { pause(ctx, 30*time.Millisecond); return nil }
		dst := &fakeSink{writeTime: 3 * time.Millisecond, fp: weir.Footprint{MaxInFlight: 2}}
		var lives time.Duration
		type span struct{ from, to time.Duration }
		var spans []span
		began := time.Now()
		o := weir.Options{Streams: 2, OnStream: func(s weir.StreamResult) {
			lives += s.Duration
			at := time.Since(began)
			spans = append(spans, span{at - s.Duration, at})
		}}
		res, err := ingest(t, t.Context(), src, dst, o)
		if err != nil {
			t.Fatal(err)
		}
		idle := res.Elapsed
		for at := time.Duration(0); at < res.Elapsed; at += 100 * time.Microsecond {
			for _, s := range spans {
				if s.from <= at && at < s.to {
					idle -= 100 * time.Microsecond
					break
				}
			}
		}
		if got, want := res.Source.Total(), lives+idle; got != want {
			t.Errorf("source: %v, want %v of streams + %v without", got, lives, idle)
		}
		if got, want := res.Sink.Total(), 2*(lives+idle); got != want {
			t.Errorf("sink: %v, want %v", got, want)
		}
	})
}
