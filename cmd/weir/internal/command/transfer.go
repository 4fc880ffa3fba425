package command

import (
	"context"
	"errors"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/job"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
	"github.com/weirflow/weir/cmd/weir/internal/progress"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
)

// transfer moves what sources name into what destination names.
type transfer struct {
	sys         System
	registry    *registry.Registry
	flags       *transferFlags
	batch       int64
	options     weir.Options
	sources     []string
	destination string
}

// run opens both ends, runs the job and returns nil or an *exitError.
func (t transfer) run(ctx context.Context) error {
	plan, err := memory.NewPlan(memory.Ask{
		Cap: int64(t.flags.memory), Streams: t.options.Streams, InFlight: t.options.InFlight, Batch: t.batch,
	}, memory.ThisMachine())
	if err != nil {
		return usage(err)
	}
	source, sink, err := t.open()
	if err != nil {
		return usageOr(err)
	}
	plan.Apply()
	signals, reset := job.NotifySignals()
	toStdout := t.destination == stdout
	reporter := t.flags.reporter(t.sys, toStdout)
	reporter.Start(t.start(plan))
	total, _ := t.registry.Total(t.sources)
	ending, err := job.Job{
		Source: source, Sink: sink, Options: t.options, Plan: plan, Total: total,
		Timeout:  time.Duration(t.flags.timeout),
		Reporter: reporter, Signals: signals, Reset: reset,
	}.Run(ctx)
	switch {
	case ending.ExitCode() == exitDone:
		return nil
	case t.flags.json && toStdout:
		err = nil // the event on standard error holds it
	case isOptions(err):
		return usage(err)
	}
	return &exitError{ending.ExitCode(), err}
}

// stdout is the address of standard output.
const stdout = "-"

// open opens both ends, or neither.
func (t transfer) open() (weir.Source, weir.Sink, error) {
	env := registry.Env{
		Stdin: t.sys.Stdin, Stdout: t.sys.Stdout, Force: t.flags.force, NoSync: t.flags.noSync,
	}
	to, err := t.registry.Parse(t.destination)
	if err != nil {
		return nil, nil, err
	}
	env.Exclude, env.Many = to.Paths, t.registry.Many(t.sources)
	source, err := t.registry.OpenSource(t.sources, env)
	if err != nil {
		return nil, nil, err
	}
	sink, err := t.registry.OpenSink(t.destination, env)
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	return source, sink, nil
}

func (t transfer) start(plan memory.Plan) progress.Start {
	s := progress.Start{Version: version(), Destination: t.registry.Redact(t.destination), Plan: plan}
	for _, source := range t.sources {
		s.Sources = append(s.Sources, t.registry.Redact(source))
	}
	return s
}
