package weir_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

var errStop = errors.New("the operator said stop")

// A gate holds every call that enters it until it is opened, whatever the
// call's context says.
type gate struct {
	open    chan struct{}
	mu      sync.Mutex
	entered int
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) hang() {
	g.mu.Lock()
	g.entered++
	g.mu.Unlock()
	<-g.open
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entered
}

// closeHook is a source or a sink whose Close does something first.
type sourceCloseHook struct {
	*fakeSource
	hook func()
}

func (s sourceCloseHook) Close() error { s.hook(); return s.fakeSource.Close() }

type sinkCloseHook struct {
	*fakeSink
	hook func()
}

func (s sinkCloseHook) Close() error { s.hook(); return s.fakeSink.Close() }

// streamCloseHook is a source whose streams' Close does something first.
type streamCloseHook struct {
	*fakeSource
	hook func()
}

func (s streamCloseHook) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.fakeSource.Next(ctx)
	if err != nil {
		return nil, err
	}
	return closeHookStream{st.(*fakeStream), s.hook}, nil
}

type closeHookStream struct {
	*fakeStream
	hook func()
}

func (s closeHookStream) Close() error { s.hook(); return s.fakeStream.Close() }

const (
	hangBatch = 4096 // one page, so that the charge of a batch is known
	hangGrace = 3 * time.Second
)

// hangSetup is one pipeline with a call that ignores its context.
type hangSetup struct {
	src  weir.Source
	dst  weir.Sink
	fsrc *fakeSource
	fdst *fakeSink
	o    weir.Options
	g    *gate
}

func newHangSetup() *hangSetup {
	h := &hangSetup{g: newGate()}
	h.fsrc = &fakeSource{records: 10_000, perRead: 1}
	h.fdst = &fakeSink{}
	h.src, h.dst = h.fsrc, h.fdst
	h.o = weir.Options{Name: "p", Batch: hangBatch, Grace: hangGrace, Streams: 1}
	return h
}

// hangOnWrite makes the n-th Write of a stream hang, and those before it slow
// enough for lanes.
func (h *hangSetup) hangOnWrite(first, last int) {
	h.fdst.write = func(ctx context.Context, stream string, n int) error {
		if n < first {
			pause(ctx, time.Millisecond)
			return context.Cause(ctx)
		}
		if n <= last {
			h.g.hang()
			return nil
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
}

func TestTrap11CallsThatIgnoreTheirContextAreAbandoned(t *testing.T) {
	const inStream = " of stream s0"
	cases := []struct {
		name   string
		setup  func(h *hangSetup)
		named  []string // in Result.Abandoned, exactly
		graces int      // Ingest returns after so many
		held   int64    // bytes, until the call returns
		commit bool     // it was committed before the hang
		failed bool     // not Aborted but Failed or Succeeded with an error
	}{
		{name: "next", setup: func(h *hangSetup) {
			h.fsrc.next = func(context.Context) error { h.g.hang(); return nil }
		}, named: []string{"source fake source: next"}, graces: 1},
		{name: "read", setup: func(h *hangSetup) {
			h.fsrc.read = func(_ context.Context, _, record int) error {
				if record == 3 {
					h.g.hang()
				}
				return nil
			}
		}, named: []string{"source fake source: read" + inStream}, graces: 1, held: hangBatch},
		{name: "open", setup: func(h *hangSetup) {
			h.fdst.opening = func(context.Context, string) error { h.g.hang(); return nil }
		}, named: []string{"sink fake sink: open" + inStream}, graces: 1},
		{name: "open that fails late", setup: func(h *hangSetup) {
			h.fdst.opening = func(context.Context, string) error { h.g.hang(); return errors.New("late") }
		}, named: []string{"sink fake sink: open" + inStream}, graces: 1},
		{name: "write inline", setup: func(h *hangSetup) {
			h.o.ReadAhead = weir.NoReadAhead
			h.hangOnWrite(2, 2)
		}, named: []string{"sink fake sink: write" + inStream}, graces: 1, held: hangBatch},
		{name: "first write, by the reader", setup: func(h *hangSetup) {
			h.hangOnWrite(1, 1)
		}, named: []string{"sink fake sink: write" + inStream}, graces: 1, held: hangBatch},
		{name: "write on a lane", setup: func(h *hangSetup) {
			h.hangOnWrite(5, 5)
		}, named: []string{"sink fake sink: write" + inStream}, graces: 1, held: hangBatch},
		{name: "one concurrent write of four", setup: func(h *hangSetup) {
			h.fdst.fp.MaxInFlight = 4
			h.hangOnWrite(1, 1)
		}, named: []string{"sink fake sink: write" + inStream}, graces: 1, held: hangBatch},
		{name: "four concurrent writes", setup: func(h *hangSetup) {
			h.fdst.fp = weir.Footprint{MaxInFlight: 4, PerWrite: 1000, PerWriter: 5000, Static: 7000}
			h.hangOnWrite(1, 4)
		}, named: slices.Repeat([]string{"sink fake sink: write" + inStream}, 4), graces: 1, held: 4 * (hangBatch + 1000)},
		{name: "commit", setup: func(h *hangSetup) {
			h.fsrc.records = 5
			h.fdst.commit = func(context.Context) error { h.g.hang(); return nil }
		}, named: []string{"sink fake sink: commit" + inStream}, graces: 2, commit: true},
		{name: "abort", setup: func(h *hangSetup) {
			h.fdst.writeTime = time.Millisecond
			h.fdst.abort = func(context.Context, error) error { h.g.hang(); return nil }
		}, named: []string{"sink fake sink: abort" + inStream}, graces: 2},
		{name: "write and then abort", setup: func(h *hangSetup) {
			h.hangOnWrite(2, 2)
			h.fdst.abort = func(context.Context, error) error { h.g.hang(); return nil }
		}, named: []string{"sink fake sink: abort" + inStream, "sink fake sink: write" + inStream}, graces: 3, held: hangBatch},
		{name: "transform by the reader", setup: func(h *hangSetup) {
			h.o.Workers = 1
			h.o.Steps = []weir.Step{{Do: func(ctx context.Context, in, out *weir.Batch) error { h.g.hang(); return nil }}}
		}, named: []string{"transform of p: call" + inStream}, graces: 1, held: 2 * hangBatch},
		{name: "one transform of three", setup: func(h *hangSetup) {
			h.o.Workers = 3
			var hung atomic.Bool
			h.o.Steps = []weir.Step{{Do: func(ctx context.Context, in, out *weir.Batch) error {
				if hung.CompareAndSwap(false, true) { // not a sync.Once: the others must not wait
					h.g.hang()
				}
				return copyRecords(in, out)
			}}}
		}, named: []string{"transform of p: call" + inStream}, graces: 1, held: 2 * hangBatch},
		{name: "close of the stream", setup: func(h *hangSetup) {
			h.fsrc.records = 5
			h.src = streamCloseHook{h.fsrc, h.g.hang}
		}, named: []string{"source fake source: close" + inStream}, graces: 2, commit: true},
		{name: "close of the source", setup: func(h *hangSetup) {
			h.src = sourceCloseHook{h.fsrc, h.g.hang}
			h.fdst.writeTime = time.Millisecond
		}, named: []string{"close source fake source"}, graces: 1},
		{name: "close of the sink", setup: func(h *hangSetup) {
			h.dst = sinkCloseHook{h.fdst, h.g.hang}
			h.fdst.writeTime = time.Millisecond
		}, named: []string{"close sink fake sink"}, graces: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHangSetup()
				b := poisoned(1 << 20)
				h.o.Budget = b
				c.setup(h)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				var began time.Time
				time.AfterFunc(time.Second, func() { began = time.Now(); cancel(errStop) })
				res, err := weir.Ingest(ctx, h.src, h.dst, h.o)
				took := time.Since(began)

				if limit := time.Duration(c.graces)*hangGrace + time.Second; took > limit {
					t.Errorf("returned %v after the cancellation, want at most %v", took, limit)
				}
				if h.g.count() == 0 {
					t.Fatal("nothing hung")
				}
				got := slices.Sorted(slices.Values(res.Abandoned))
				if !slices.Equal(got, c.named) {
					t.Errorf("Abandoned = %q, want %q", got, c.named)
				}
				wantCauseFirst(t, err, errStop)
				if !errors.Is(err, weir.ErrAbandoned) || res.Status != weir.Aborted {
					t.Errorf("status %v, error %v", res.Status, err)
				}
				if n := res.Streams; n.Active != 0 || n.Opened != n.Committed+n.Aborted+n.Failed {
					t.Errorf("streams do not add up: %+v", n)
				}
				s := b.Stats()
				if s.Quarantined != c.held || s.Used != c.held || s.Pipelines != 0 || s.Guaranteed != 0 {
					t.Errorf("while the call hangs: quarantined %d, used %d, want %d: %+v", s.Quarantined, s.Used, c.held, s)
				}
				if s.Used > s.Limit {
					t.Errorf("used %d of %d", s.Used, s.Limit)
				}
				close(h.g.open)
				synctest.Wait()
				time.Sleep(hangGrace) // contexts that were bounded by it
				synctest.Wait()
				checkEnds(t, h.fsrc, h.fdst, b)
				for name, w := range h.fdst.writers {
					if (w.commits == 1) != c.commit {
						t.Errorf("writer of %s: %d commits, %d aborts", name, w.commits, w.aborts)
					}
				}
			})
		})
	}
}

// wantCauseFirst fails the test unless cause is the first error of err.
func wantCauseFirst(t *testing.T, err, cause error) {
	t.Helper()
	first := err
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		first = all.Unwrap()[0]
	}
	if !errors.Is(first, cause) {
		t.Errorf("the first cause is %v, want %v; all: %v", first, cause, err)
	}
}

// All workers hang, and more batches wait for one. What waits is held by no
// call: it must come home at once, and all of it when the calls return.
func TestHungTransformsGiveBackWhatWaitsForThem(t *testing.T) {
	for seed := range 8 { // whether it leaks is up to a select
		synctest.Test(t, func(t *testing.T) {
			h := newHangSetup()
			b := poisoned(1 << 20)
			h.o.Budget, h.o.Workers, h.o.ReadAhead = b, 2, 4
			h.o.Steps = []weir.Step{{Do: func(context.Context, *weir.Batch, *weir.Batch) error { h.g.hang(); return nil }}}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errStop)
			defer cancel()
			res, err := weir.Ingest(ctx, h.src, h.dst, h.o)
			wantCauseFirst(t, err, errStop)
			if want := slices.Repeat([]string{"transform of p: call of stream s0"}, 2); !slices.Equal(res.Abandoned, want) {
				t.Errorf("Abandoned = %q, want %q", res.Abandoned, want)
			}
			if q, want := b.Stats().Quarantined, int64(2*2*hangBatch); q != want {
				t.Errorf("quarantined %d, want the two calls' %d", q, want)
			}
			close(h.g.open)
			synctest.Wait()
			checkEnds(t, h.fsrc, h.fdst, b)
		})
		if t.Failed() {
			t.Logf("round %d", seed)
			return
		}
	}
}

// A Write that fails its stream cancels the context of the other Writes. One
// that ignores it must not hold the run for ever (Writer.Write: "one that does
// not is abandoned after Options.Grace").
func TestStreamThatFailsIsNotHeldByACallThatIgnoresIt(t *testing.T) {
	failure := errors.New("no more")
	cases := []struct {
		name  string
		named string
		cause error
		setup func(h *hangSetup)
	}{
		{"write", "sink fake sink: write of stream s0", failure, func(h *hangSetup) {
			h.fdst.fp.MaxInFlight = 2
			h.fdst.write = func(_ context.Context, _ string, n int) error {
				if n == 1 {
					h.g.hang()
				}
				return failure
			}
		}},
		{"read", "source fake source: read of stream s0", weir.ErrIdle, func(h *hangSetup) {
			h.o.IdleTimeout = time.Minute
			h.fsrc.read = func(_ context.Context, _, record int) error {
				if record == 2 {
					h.g.hang()
				}
				return nil
			}
		}},
		{"abort", "sink fake sink: abort of stream s0", failure, func(h *hangSetup) {
			h.fdst.write = func(context.Context, string, int) error { return failure }
			h.fdst.abort = func(context.Context, error) error { h.g.hang(); return nil }
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHangSetup()
				b := poisoned(1 << 20)
				h.o.Budget = b
				c.setup(h)
				var released atomic.Bool
				time.AfterFunc(time.Hour, func() { // so that the bubble ends
					if released.Store(true); h.g.count() > 0 {
						close(h.g.open)
					}
				})
				began := time.Now()
				res, err := weir.Ingest(t.Context(), h.src, h.dst, h.o)
				if released.Load() {
					t.Fatalf("held by the hanging call; %v after the start it was released by hand", time.Since(began))
				}
				if !slices.Equal(res.Abandoned, []string{c.named}) {
					t.Errorf("Abandoned = %q, want %q", res.Abandoned, c.named)
				}
				wantCauseFirst(t, err, c.cause)
				if res.Status != weir.Failed {
					t.Errorf("status %v", res.Status)
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				checkEnds(t, h.fsrc, h.fdst, b)
			})
		})
	}
}

// A failure that came before the cancellation decides, also when cleaning up
// after it hangs until then.
func TestTrap22FailureBeforeTheCancelIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("disk full")
		h := newHangSetup()
		b := poisoned(1 << 20)
		h.o.Budget, h.o.Grace = b, time.Minute
		h.fdst.write = func(_ context.Context, _ string, n int) error {
			if n == 3 {
				return failure
			}
			return nil
		}
		h.fdst.abort = func(ctx context.Context, cause error) error {
			if !errors.Is(cause, failure) {
				t.Errorf("Abort was given %v", cause)
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errStop)
		defer cancel()
		res, err := weir.Ingest(ctx, h.src, h.dst, h.o)
		wantCauseFirst(t, err, failure)
		if res.Status != weir.Failed {
			t.Errorf("status %v, want failed: %v", res.Status, err)
		}
		synctest.Wait()
		checkEnds(t, h.fsrc, h.fdst, b)
	})
}

// A failure that follows from the cancellation does not decide.
func TestTrap22FailureAfterTheCancelIsTheCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHangSetup()
		b := poisoned(1 << 20)
		h.o.Budget = b
		h.fdst.write = func(ctx context.Context, _ string, n int) error {
			if n < 4 {
				return nil
			}
			<-ctx.Done()
			return fmt.Errorf("connection torn down")
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errStop)
		defer cancel()
		res, err := weir.Ingest(ctx, h.src, h.dst, h.o)
		wantCauseFirst(t, err, errStop)
		if res.Status != weir.Aborted || strings.Contains(err.Error(), "torn down") || len(res.Abandoned) > 0 {
			t.Errorf("status %v, error %v, abandoned %q", res.Status, err, res.Abandoned)
		}
		synctest.Wait()
		checkEnds(t, h.fsrc, h.fdst, b)
		if w := h.fdst.writers["s0"]; !errors.Is(w.cause, errStop) {
			t.Errorf("Abort was given %v", w.cause)
		}
	})
}

// A Close that takes long is waited for while nobody has cancelled the run, as long as
// a drain may take.
func TestCloseMayTakeItsTime(t *testing.T) {
	for _, c := range []struct {
		name         string
		takes, stops time.Duration // after the beginning of Close; 0: never
		abandoned    []string
		within       time.Duration
	}{
		{"in time", 20 * hangGrace, 0, nil, 20 * hangGrace},
		{"too long", time.Hour, 0, []string{"close sink fake sink"}, 30 * hangGrace},
		{"cancelled meanwhile", time.Hour, 3 * hangGrace, []string{"close sink fake sink"}, 4 * hangGrace},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHangSetup()
				h.fsrc.records = 5
				h.o.DrainTimeout = 30 * hangGrace
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				var began atomic.Pointer[time.Time]
				h.dst = sinkCloseHook{h.fdst, func() {
					now := time.Now()
					began.Store(&now)
					if c.stops > 0 {
						time.AfterFunc(c.stops, func() { cancel(errStop) })
					}
					time.Sleep(c.takes)
				}}
				res, err := weir.Ingest(ctx, h.src, h.dst, h.o)
				if took := time.Since(*began.Load()); took > c.within {
					t.Errorf("returned after %v, want at most %v", took, c.within)
				}
				if !slices.Equal(res.Abandoned, c.abandoned) || (err != nil) != (c.abandoned != nil) {
					t.Errorf("abandoned %q, error %v", res.Abandoned, err)
				}
				time.Sleep(c.takes)
			})
		})
	}
}
