package command

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/job"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/cmd/weir/internal/receipt"
	"github.com/weirflow/weir/cmd/weir/internal/records"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/state"
	"github.com/weirflow/weir/connector/file"
)

// transfer moves what sources name into what destination names.
type transfer struct {
	sys         System
	registry    *registry.Registry
	flags       *transferFlags
	batch       int64
	options     weir.Options
	records     records.Ask
	state       stateFlags
	receipt     string // path; "": none
	table       registry.Table
	follow      registry.Follow
	exclude     []string // local paths
	roll        file.Roll
	sources     []string
	destination string

	// Filled in by run:
	began    time.Time
	pipeline *records.Pipeline
	machine  memory.Machine // as it was at the start
	plan     memory.Plan
	progress *state.Job // nil: none is kept

	resumable bool   // progress is kept
	runName   string // differs from that of every other run
	reporter  atomic.Pointer[finishing]
	recorder  *receipt.Recorder
}

// stdout is the address of standard output.
const stdout = "-"

// run opens both ends, runs the job and returns nil or an *exitError.
func (t *transfer) run(ctx context.Context) error {
	t.began, t.runName = time.Now(), rand.Text()
	if err := t.prepare(); err != nil {
		return usageOr(err)
	}
	steps, err := t.makePlan()
	if err != nil {
		return usage(err)
	}
	t.plan.Apply()
	if err := t.openState(); err != nil {
		return usageOr(err)
	}
	ends, err := t.open(steps)
	if err != nil {
		return usageOr(errors.Join(err, t.close()))
	}
	return t.move(ctx, ends)
}

// prepare finds out what is to be done.
func (t *transfer) prepare() error {
	// Opening would tell the same later, and then something is open.
	if _, err := t.registry.Parse(t.destination); err != nil {
		return err
	}
	if !t.follow.On && (t.follow.FromEnd || t.follow.Poll > 0) {
		return usage(errors.New("--from-end and --poll say how files are followed; add --follow"))
	}
	var origins []records.Source
	for _, o := range t.registry.Origins(t.sources) {
		origins = append(origins, records.Source(o))
	}
	if t.registry.IsURL(t.records.DeadLetters) {
		t.records.LettersSink = func() (weir.Sink, error) {
			return t.registry.OpenLetters(t.records.DeadLetters, t.destination)
		}
	}
	target := t.registry.Target(t.destination, t.sources, t.roll)
	p, err := records.New(t.records, origins, records.Destination{Name: target.Name, Takes: target.Takes, Joins: target.Joins, Divided: target.Rolls})
	if err != nil {
		return usage(err)
	}
	if t.follow.On && p.From == records.Parquet {
		return usage(errors.New("--follow: Parquet has its index at its end, so a file that grows cannot be read; leave out --follow"))
	}
	t.pipeline = p
	if !t.follow.On && !t.registry.Many(t.sources) {
		t.options.Streams = min(t.options.Streams, t.places())
	}
	if t.receipt != "" {
		t.recorder, err = receipt.Create(t.receipt)
	}
	return err
}

// places is the number of streams that memory is set aside for where there is one. The
// second place is for asking the source whether that was all, without which there is
// no ETA; where the content changes there is none anyway.
func (t *transfer) places() int {
	if t.pipeline.Changes {
		return 1
	}
	return 2
}

// makePlan divides the memory, for the batches as the steps need them.
func (t *transfer) makePlan() (steps []weir.Step, err error) {
	t.machine = memory.ThisMachine()
	t.plan, steps, t.options.Workers, err = t.planFor(t.memoryAsk(), t.machine)
	return steps, err
}

// planFor divides the memory that is asked for, between steps on so many workers and
// the rest.
func (t *transfer) planFor(ask memory.Ask, m memory.Machine) (plan memory.Plan, steps []weir.Step, workers int, err error) {
	workers = t.workers(m)
	if plan, err = memory.NewPlan(ask, m); err != nil {
		return plan, nil, 0, err
	}
	if steps, err = t.pipeline.Steps(int(plan.Batch)); err != nil || len(steps) == 0 {
		return plan, nil, workers, err
	}
	ask.Record = t.records.MaxRecord
	m = ask.On(m)
	workers = t.workers(m)
	batch := plan.Batch
	ask.Weight, ask.Static = records.Weight(steps, workers)
	if plan, err = memory.NewPlan(ask, m); err != nil || plan.Batch >= batch {
		return plan, steps, workers, err
	}
	// Smaller batches get steps of their own, which hold less.
	if steps, err = t.pipeline.Steps(int(plan.Batch)); err != nil {
		return plan, nil, 0, err
	}
	ask.Batch, ask.InFlight = plan.Batch, plan.InFlight
	ask.Weight, ask.Static = records.Weight(steps, workers)
	plan, err = memory.NewPlan(ask, m)
	return plan, steps, workers, err
}

func (t *transfer) memoryAsk() memory.Ask {
	return memory.Ask{Cap: int64(t.flags.memory), Streams: t.options.Streams, InFlight: t.options.InFlight, Batch: t.batch, Letters: t.pipeline.LettersMemory(), Plain: t.pipeline != nil && !t.pipeline.Changes}
}

// workers is the number of batches that are transformed at once.
func (t *transfer) workers(m memory.Machine) int {
	if t.records.Workers > 0 {
		return t.records.Workers
	}
	return min(m.Procs, runtime.GOMAXPROCS(0))
}

// move runs the job between open ends.
func (t *transfer) move(ctx context.Context, ends job.Ends) error {
	signals, reset := job.NotifySignals()
	toStdout := t.destination == stdout
	reporter := &finishing{Reporter: t.flags.reporter(t.sys, toStdout), t: t}
	t.reporter.Store(reporter)
	t.pipeline.OnNotice(t.notice)
	reporter.Start(t.start(t.plan))
	if t.pipeline.Blind {
		t.notice("what is read has no records that are known, and is divided at any byte; if it is lines of text, say --from lines")
	}
	total, _ := t.registry.Total(t.sources)
	if t.pipeline.Changes || t.follow.On {
		total = 0 // what is read is not what lies in the files
	}
	j := job.Job{
		Ends: ends, Options: t.options, Plan: t.plan, Total: total,
		Timeout:  time.Duration(t.flags.timeout),
		Reporter: reporter, Signals: signals, Reset: reset,
	}
	if t.progress != nil {
		j.Options.Checkpoints = checkpoints{t.progress, t.pipeline}
		j.Options.CheckpointEvery = time.Duration(t.state.every)
		j.Retries = int(t.state.retries)
		j.Reopen = func() (job.Ends, error) {
			if err := t.pipeline.Renew(); err != nil {
				return job.Ends{}, err
			}
			steps, err := t.pipeline.Steps(int(t.plan.Batch))
			if err != nil {
				return job.Ends{}, err
			}
			return t.open(steps)
		}
	}
	ending, err := j.Run(ctx)
	if closed := t.close(); closed != nil && err == nil {
		return &exitError{exitFailed, closed}
	}
	switch {
	case ending.ExitCode() == exitDone:
		return nil
	case t.flags.json && toStdout:
		err = nil // the event on standard error holds it
	case isOptions(err):
		return usage(err)
	}
	return &exitError{ending.ExitCode(), t.explain(err)}
}

// open opens both ends, or neither.
func (t *transfer) open(steps []weir.Step) (job.Ends, error) {
	env := registry.Env{
		Stdin: t.sys.Stdin, Stdout: t.sys.Stdout, Force: t.flags.force, NoSync: t.flags.noSync,
		Bad: t.pipeline.Bad(), SyncBad: t.pipeline.Sync, Table: t.table, Follow: t.follow, Streams: t.options.Streams, MaxRecord: t.records.MaxRecord, Notice: t.notice,
	}
	if t.state.fresh {
		env.Fresh = t.runName
	}
	if t.resumable {
		env.Job = t.id()
		env.Known, env.OnCopy = knownFiles(t.progress), keepCopy(t.progress)
	}
	to, err := t.registry.Parse(t.destination)
	if err != nil {
		return job.Ends{}, err
	}
	env.Exclude, env.Many, env.Roll = append(to.Paths, t.exclude...), t.registry.Many(t.sources), to.Roll(t.roll)
	source, err := t.registry.OpenSource(t.sources, env)
	if err != nil {
		return job.Ends{}, err
	}
	sink, err := t.registry.OpenSink(t.destination, env)
	if err != nil {
		return job.Ends{}, errors.Join(err, source.Close())
	}
	if t.recorder != nil {
		source, sink = t.recorder.Source(source), t.recorder.Sink(sink)
	}
	outer, err := t.pipeline.Source(source, int(t.plan.Batch))
	if err != nil {
		return job.Ends{}, errors.Join(err, source.Close(), sink.Close())
	}
	into, err := t.pipeline.Sink(sink)
	if err != nil {
		return job.Ends{}, errors.Join(err, outer.Close(), sink.Close())
	}
	return job.Ends{Source: outer, Sink: into, Steps: steps}, nil
}

// notice tells people something while the transfer runs.
func (t *transfer) notice(text string) {
	if r := t.reporter.Load(); r != nil {
		r.Notice(text)
	}
}

// close ends what was begun beside the ends.
func (t *transfer) close() error {
	var err error
	if t.recorder != nil {
		err = t.recorder.Discard()
	}
	err = errors.Join(err, t.pipeline.Close())
	if t.progress != nil {
		err = errors.Join(err, t.progress.Close())
	}
	return err
}

func (t *transfer) start(plan memory.Plan) progress.Start {
	s := progress.Start{Version: version(), Destination: t.registry.Redact(t.destination), Plan: plan}
	for _, source := range t.sources {
		s.Sources = append(s.Sources, t.registry.Redact(source))
	}
	return s
}

// finishing is a Reporter that ends the receipt and the state with the transfer.
type finishing struct {
	progress.Reporter
	t *transfer
}

func (f *finishing) End(e progress.End) {
	if err := f.t.finish(e); err != nil {
		f.Notice(err.Error())
	}
	f.Reporter.End(e)
}

// finish writes the receipt, and notes that the job is done.
func (t *transfer) finish(e progress.End) error {
	var err error
	switch {
	case t.progress == nil:
	case t.follow.On: // it is never done, only told to stop
	case e.Err == nil && e.ExitCode == exitDone:
		err = t.progress.Done()
	case e.ExitCode == exitInterrupted && t.progress.Continues():
		t.notice("run the same command again to go on where it was")
	}
	if t.recorder == nil {
		return err
	}
	s := receipt.Summary{
		Version: version(), Destination: t.registry.Redact(t.destination), Began: t.began, Ended: time.Now(),
		Status: e.Status, Guarantee: e.Stats.Guarantee, Ledger: receipt.LedgerOf(e.Stats), MemoryCap: e.Cap, MemoryPeak: e.Peak,
	}
	if e.Err != nil {
		s.Error = e.Err.Error()
	}
	for _, source := range t.sources {
		s.Sources = append(s.Sources, t.registry.Redact(source))
	}
	err = errors.Join(err, t.recorder.Finish(s))
	t.recorder = nil
	return err
}

// checkpoints stores what the engine says, behind the dead letters of what comes
// before it.
type checkpoints struct {
	*state.Job
	pipeline *records.Pipeline
}

// Load leaves out the copies that no sink knows.
func (c checkpoints) Load(ctx context.Context, s weir.StreamInfo) (weir.Checkpoint, bool, error) {
	p, ok, err := c.Job.Load(ctx, s)
	if string(p.Mark) == copyMark {
		return weir.Checkpoint{}, false, err
	}
	return p, ok, err
}

func (c checkpoints) Save(ctx context.Context, s weir.StreamInfo, p weir.Checkpoint) error {
	if err := c.pipeline.Sync(); err != nil {
		return err
	}
	return c.Job.Save(ctx, s, p)
}
