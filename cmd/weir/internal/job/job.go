// Package job runs one transfer: under a memory cap, watched by a reporter, and
// ended by signals and time limits as well as by itself.
package job

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/connector/stdio"
)

// Grace is how long a call into a connector may ignore its cancellation. It
// keeps the time from a second interrupt to the end of the process below two
// seconds.
const Grace = 800 * time.Millisecond

var (
	// ErrTimedOut is the cause of a transfer that took longer than it may.
	ErrTimedOut = errors.New("it took longer than --timeout allows")
	// ErrInterrupted is the cause of a transfer that was stopped by a signal.
	ErrInterrupted = errors.New("interrupted")
)

// Ending is how a transfer ended.
type Ending uint8

// The endings.
const (
	Done Ending = iota
	Failed
	TimedOut
	Interrupted
	ReaderGone // whoever read standard output has closed it
)

// String returns the ending in lower case.
func (e Ending) String() string {
	return [...]string{"done", "failed", "timed out", "interrupted", "reader gone"}[e]
}

// ExitCode returns the exit code of the process.
func (e Ending) ExitCode() int { return [...]int{0, 1, 124, 130, 0}[e] }

// Ends are what a transfer is between, and what is done in the middle.
type Ends struct {
	Source weir.Source
	Sink   weir.Sink
	Steps  []weir.Step
}

// Job is a transfer to run.
type Job struct {
	Ends
	// Options are the engine's. Budget, Guarantee, Batch, InFlight, ReadAhead,
	// Steps, Grace, Control and OnStream are filled in by Run.
	Options  weir.Options
	Plan     memory.Plan
	Total    int64         // bytes to read, if known before the source ends; 0: not known
	Timeout  time.Duration // 0: none
	Reporter progress.Reporter
	// Reopen opens both ends again, to go on after an error that may pass. Nil: it
	// cannot go on, because no checkpoints are kept.
	Reopen func() (Ends, error)
	// Retries is how often in a row that is tried without progress.
	Retries int
	// Signals asks for the end: the first drains, the second cancels.
	Signals <-chan os.Signal
	// Reset makes further signals kill the process. It is called after the
	// second one.
	Reset func()
}

// Run runs the transfer and returns how it ended; the error says why it did not
// succeed. It closes the source and the sink.
func (j Job) Run(ctx context.Context) (Ending, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if j.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, j.Timeout, ErrTimedOut)
		defer stop()
	}
	budget := weir.NewBudget(j.Plan.Arenas, weir.BudgetOptions{})
	w := &watch{job: j, watchdog: memory.NewWatchdog(j.Plan, budget), cancel: cancel, draining: make(chan struct{})}
	w.control.Store(&weir.Control{})

	side, endSide := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { w.watchdog.Run(side) })
	if j.Reporter != (progress.Silent{}) {
		group.Go(func() { w.report(side) })
	}
	group.Go(func() { w.listen(side) })
	result, err := w.attempts(ctx, budget)
	endSide()
	group.Wait()

	ending := w.ending(err)
	if ending == Done || ending == ReaderGone {
		err = nil
	}
	j.Reporter.End(progress.End{
		Snapshot: w.snapshot(result.Stats), Status: ending.String(), ExitCode: ending.ExitCode(),
		Err: err, Abandoned: result.Abandoned, Quiet: ending == ReaderGone,
	})
	_ = budget.Close() // what abandoned calls hold goes with the process
	return ending, err
}

// watch is what happens beside a running transfer.
type watch struct {
	job      Job
	control  atomic.Pointer[weir.Control] // of the attempt that runs
	draining chan struct{}                // closed when the end is asked for
	reached  int64                        // by the attempts; see progressed
	watchdog *memory.Watchdog
	cancel   context.CancelCauseFunc
	meter    progress.Meter // of the goroutine of report alone

	readRate, writeRate float64
	interrupted         atomic.Bool
	readerGone, failed  atomic.Bool // why streams failed
}

// options are the engine's, for a run of steps.
func (j Job) options(budget *weir.Budget, steps []weir.Step) weir.Options {
	o := j.Options
	o.Steps = steps
	o.Budget, o.Guarantee = budget, budget.Limit()
	o.Batch, o.InFlight = int(j.Plan.Batch), j.Plan.InFlight
	if !j.Plan.ReadAhead {
		o.ReadAhead = weir.NoReadAhead
	}
	o.Grace = Grace
	return o
}

// Admit reports whether Run would begin: whether what the sink and the steps need
// fits the plan. It moves nothing, leaves the source alone and closes the sink.
func (j Job) Admit(ctx context.Context) error {
	budget := weir.NewBudget(j.Plan.Arenas, weir.BudgetOptions{})
	o := j.options(budget, j.Steps)
	o.Name = "plan"
	_, err := weir.Ingest(ctx, weir.Concat(), j.Sink, o)
	return errors.Join(err, budget.Close())
}

func (w *watch) options(budget *weir.Budget, steps []weir.Step) weir.Options {
	o := w.job.options(budget, steps)
	control := &weir.Control{}
	w.control.Store(control)
	if w.interrupted.Load() {
		control.Drain()
	}
	o.Control = control
	o.OnStream = w.onStream
	return o
}

// onStream ends the transfer when nobody reads its output any more.
func (w *watch) onStream(r weir.StreamResult) {
	switch {
	case errors.Is(r.Err, stdio.ErrClosedPipe):
		w.readerGone.Store(true)
		w.cancel(r.Err)
	case r.Status == weir.Failed:
		w.failed.Store(true)
	}
	w.job.Reporter.Stream(r)
}

// report shows the progress until ctx is done.
func (w *watch) report(ctx context.Context) {
	tick := time.NewTicker(progress.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		stats := w.control.Load().Stats()
		w.readRate, w.writeRate = w.meter.Rates(stats)
		w.job.Reporter.Progress(w.snapshot(stats))
	}
}

func (w *watch) snapshot(stats weir.Stats) progress.Snapshot {
	return progress.Snapshot{
		Stats: stats, Foreseen: w.job.Total, RSS: w.watchdog.RSS(), Peak: w.watchdog.Peak(), Cap: w.job.Plan.Cap,
		Brakes: w.watchdog.Brakes(), ReadRate: w.readRate, WriteRate: w.writeRate,
		Draining: w.interrupted.Load(),
	}
}

// samePress is how long after the first signal another one is taken for the
// same: timeout(1) and others signal both the process and its group.
const samePress = 50 * time.Millisecond

// listen acts on signals until ctx is done.
func (w *watch) listen(ctx context.Context) {
	select {
	case s := <-w.job.Signals:
		w.interrupted.Store(true)
		w.job.Reporter.Notice("draining after " + s.String() + ": reading no more, delivering what is in flight; press Ctrl-C again to abort")
		close(w.draining)
		w.control.Load().Drain()
	case <-ctx.Done():
		return
	}
	first := time.Now()
	for {
		select {
		case <-w.job.Signals:
		case <-ctx.Done():
			return
		}
		if time.Since(first) >= samePress {
			w.job.Reporter.Notice("aborting")
			w.cancel(ErrInterrupted)
			w.job.Reset()
			return
		}
	}
}

// ending tells why the transfer ended.
func (w *watch) ending(err error) Ending {
	switch {
	case err == nil:
		return Done
	case w.interrupted.Load():
		return Interrupted
	case errors.Is(err, ErrTimedOut):
		return TimedOut
	case w.readerGone.Load() && !w.failed.Load():
		return ReaderGone
	}
	return Failed
}
