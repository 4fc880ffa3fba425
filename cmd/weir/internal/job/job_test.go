package job

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/connector/stdio"
)

// recorder is a Reporter that remembers.
type recorder struct {
	mu      sync.Mutex
	looks   int
	streams []weir.StreamResult
	notices []string
	ends    []progress.End
}

func (r *recorder) Start(progress.Start) {}

func (r *recorder) Progress(progress.Snapshot) { r.do(func() { r.looks++ }) }

func (r *recorder) Stream(s weir.StreamResult) { r.do(func() { r.streams = append(r.streams, s) }) }

func (r *recorder) Notice(s string) { r.do(func() { r.notices = append(r.notices, s) }) }

func (r *recorder) End(e progress.End) { r.do(func() { r.ends = append(r.ends, e) }) }

func (r *recorder) do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// trial is a job with everything that a test may want to touch.
type trial struct {
	Job
	recorder
	signals chan os.Signal
	resets  int
}

// newTrial returns a job from a generator with o into sink.
func newTrial(t *testing.T, o sim.GeneratorOptions, sink weir.Sink) *trial {
	t.Helper()
	source, err := sim.NewGenerator(o)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{signals: make(chan os.Signal, 2)}
	tr.Job = Job{
		Ends: Ends{Source: source, Sink: sink}, Reporter: &tr.recorder,
		Plan:    memory.Plan{Cap: 64 << 20, Arenas: 16 << 20, Batch: 64 << 10, ReadAhead: true},
		Signals: tr.signals, Reset: func() { tr.resets++ },
	}
	return tr
}

// run runs the job and checks what holds for every one.
func (tr *trial) run(t *testing.T, want Ending) error {
	t.Helper()
	ending, err := tr.Run(t.Context())
	if ending != want {
		t.Errorf("it ended as %v (%v); want %v", ending, err, want)
	}
	if quiet := ending == Done || ending == ReaderGone; quiet != (err == nil) {
		t.Errorf("it ended as %v with the error %v", ending, err)
	}
	if len(tr.ends) != 1 || tr.ends[0].ExitCode != want.ExitCode() {
		t.Errorf("ends reported: %+v; want one with code %d", tr.ends, want.ExitCode())
	}
	return err
}

func slow(t *testing.T, o sim.SlowOptions) *sim.Slow {
	t.Helper()
	s, err := sim.NewSlow(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func chaos(t *testing.T, o sim.ChaosOptions) *sim.Chaos {
	t.Helper()
	s, err := sim.NewChaos(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 20, Streams: 3}, slow(t, sim.SlowOptions{Delay: 100 * time.Millisecond}))
		if err := tr.run(t, Done); err != nil {
			t.Error(err)
		}
		if len(tr.streams) != 3 || tr.looks < 5 || tr.ends[0].Stats.Acknowledged.Bytes != 1<<20 {
			t.Errorf("%d streams, %d looks, end %+v", len(tr.streams), tr.looks, tr.ends[0])
		}
	})
}

func TestFirstSignalDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := slow(t, sim.SlowOptions{Delay: 100 * time.Millisecond})
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 30}, sink)
		time.AfterFunc(time.Second+time.Millisecond, func() { tr.signals <- os.Interrupt })
		err := tr.run(t, Interrupted)
		if !errors.Is(err, weir.ErrDrained) {
			t.Errorf("error = %v; want the drain as its cause", err)
		}
		if s := tr.ends[0].Stats; s.Written != s.Read || s.Written.Bytes == 0 || !tr.ends[0].Draining {
			t.Errorf("read %v, written %v; want everything that was read delivered", s.Read, s.Written)
		}
		if len(tr.notices) != 1 || tr.resets != 0 {
			t.Errorf("notices %q, resets %d", tr.notices, tr.resets)
		}
	})
}

func TestEndlessSourceIsDoneWhenDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, sim.GeneratorOptions{}, slow(t, sim.SlowOptions{Delay: 100 * time.Millisecond}))
		time.AfterFunc(time.Second, func() { tr.signals <- syscall.SIGTERM })
		if err := tr.run(t, Done); err != nil {
			t.Error(err)
		}
	})
}

func TestSecondSignalAbortsAHangingWriteInTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := chaos(t, sim.ChaosOptions{Hang: sim.Fault{On: sim.OnWrite, After: 3}, IgnoreContext: true})
		defer sink.Release()
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 30}, sink)
		var second time.Time
		time.AfterFunc(time.Second, func() { tr.signals <- os.Interrupt })
		time.AfterFunc(5*time.Second, func() { second = time.Now(); tr.signals <- os.Interrupt })
		err := tr.run(t, Interrupted)
		if took := time.Since(second); took >= 2*time.Second {
			t.Errorf("it took %v after the second signal", took)
		}
		if !errors.Is(err, ErrInterrupted) || !errors.Is(err, weir.ErrAbandoned) || len(tr.ends[0].Abandoned) == 0 {
			t.Errorf("error = %v, abandoned %q; want the interrupt and the call that was left behind", err, tr.ends[0].Abandoned)
		}
		if tr.resets != 1 {
			t.Errorf("signals were reset %d times; want once, so that a third kills", tr.resets)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 30}, slow(t, sim.SlowOptions{Delay: time.Minute}))
		tr.Timeout = 10 * time.Second
		began := time.Now()
		if err := tr.run(t, TimedOut); !errors.Is(err, ErrTimedOut) {
			t.Errorf("error = %v; want the time-out", err)
		}
		if took := time.Since(began); took < tr.Timeout || took > tr.Timeout+2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 20}, chaos(t, sim.ChaosOptions{Fail: sim.Fault{After: 2}}))
		if err := tr.run(t, Failed); !errors.Is(err, sim.ErrChaos) {
			t.Errorf("error = %v; want the sink's", err)
		}
	})
}

func TestReaderGoneEndsQuietly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := weir.SinkFunc(func(context.Context, *weir.Batch) error { return stdio.ErrClosedPipe })
		tr := newTrial(t, sim.GeneratorOptions{Size: 10 << 20, Streams: 20}, gone)
		if err := tr.run(t, ReaderGone); err != nil || !tr.ends[0].Quiet {
			t.Errorf("error = %v, quiet %v", err, tr.ends[0].Quiet)
		}
		if n := len(tr.streams); n == 20 {
			t.Errorf("all %d streams were tried after the reader had gone", n)
		}
	})
}

func TestReaderGoneHidesNoOtherFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		sink := weir.SinkFunc(func(context.Context, *weir.Batch) error {
			if calls++; calls == 1 {
				return errors.New("broken")
			}
			return stdio.ErrClosedPipe
		})
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 20, Streams: 4}, sink)
		tr.Options.Streams = 1
		_ = tr.run(t, Failed) // checked there
	})
}

func TestSignalSentTwiceAtOnceIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrial(t, sim.GeneratorOptions{Size: 1 << 30}, slow(t, sim.SlowOptions{Delay: 100 * time.Millisecond}))
		time.AfterFunc(time.Second, func() { tr.signals <- os.Interrupt; tr.signals <- os.Interrupt })
		if err := tr.run(t, Interrupted); !errors.Is(err, weir.ErrDrained) || tr.resets != 0 {
			t.Errorf("error = %v, resets %d; want a drain", err, tr.resets)
		}
	})
}
