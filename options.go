package weir

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Defaults of Options and of the Budget a run makes for itself.
const (
	DefaultBudget       = 64 << 20
	DefaultStreams      = 8
	DefaultReadAhead    = 1
	DefaultDrainTimeout = 25 * time.Second
	DefaultGrace        = 5 * time.Second

	// MinBatch and MaxBatch bound the batch size that is derived from a budget.
	MinBatch = 64 << 10
	MaxBatch = 1 << 20

	// NoReadAhead as Options.ReadAhead: a stream is not read while a write of
	// it is in flight. One batch a stream is then enough.
	NoReadAhead = -1
)

// A Transform turns the batch in into the batch out, which is empty: it changes
// records, leaves some out, or adds some. It must not keep either or change
// in. It may run on several goroutines at once, for different batches; the
// engine keeps their order. Check ctx between records when a record takes
// long. When out has no room left, return ErrBatchFull.
type Transform func(ctx context.Context, in, out *Batch) error

// A Step is a Transform and what it needs. What it holds is charged before the
// first byte is read.
type Step struct {
	// Name is what the step is called in errors and statistics. Default:
	// "transform".
	Name string
	// Do is called for every batch that is not empty.
	Do Transform
	// Lead is for a step that learns something from the beginning of a stream:
	// the batches of a stream are passed to Do one at a time and in order until
	// it has left something in the output.
	Lead bool
	// Expand is the largest output, in bytes per byte of input batch memory. For a
	// batch that is larger than the others (see NeedError) it may be less, if there
	// is no more. Default: 1.
	Expand float64
	// PerWorker is the memory, in bytes, that each call of Do holds beside its
	// batches.
	PerWorker int64
	// Borrows says that Do may need more than PerWorker for a batch that is larger
	// than Options.Batch, and borrows it then (see Batch.Borrow). Such a batch waits
	// until what others hold has come back.
	Borrows bool
	// Static is the memory, in bytes, that the step holds however many calls
	// there are.
	Static int64
}

// Options are the policies of one Ingest. The zero value works.
type Options struct {
	// Name of the pipeline, in errors and statistics. Default: none.
	Name string

	// Budget is what all pipelines that share it may hold together, in bytes.
	// Default: a budget of DefaultBudget bytes for this run alone.
	Budget *Budget

	// Guarantee is what this pipeline can always get of the budget, in bytes,
	// whatever the others do. A record that takes more is refused. Default:
	// two batches (one with NoReadAhead) and what the sink's Footprint says; all
	// of the budget when it was made for this run.
	Guarantee int64

	// Batch is the size of a batch, in bytes. Default: a sixteenth of the
	// budget, at least MinBatch, at most MaxBatch, and never more than
	// Footprint.MaxWrite.
	Batch int

	// Streams is the number of streams of the source that are open side by
	// side. Default: DefaultStreams, and never more than Footprint.MaxWriters.
	Streams int

	// InFlight is the number of writes of one stream that may be in flight at
	// once. Default, and at most: Footprint.MaxInFlight.
	InFlight int

	// ReadAhead is the number of batches of one stream that are read, and
	// transformed, while its writes are in flight. Default: DefaultReadAhead.
	// NoReadAhead: none.
	ReadAhead int

	// Steps are applied to every batch, one after another, before it is
	// written. Default: none.
	Steps []Step

	// Workers is the number of batches that are in the Steps at once.
	// Default: GOMAXPROCS.
	Workers int

	// Rate limits what is read, in bytes a second, by waiting. Default: no
	// limit.
	Rate int64

	// IdleTimeout fails a stream whose source delivers nothing for so long
	// while the engine is waiting for it. Default: never.
	IdleTimeout time.Duration

	// DrainTimeout is how long a drain (Control.Drain) may take before the run
	// is cancelled. Default: DefaultDrainTimeout.
	DrainTimeout time.Duration

	// Grace is how long a call into a source or sink may ignore its
	// cancellation before it is abandoned: the run ends without it, its memory
	// stays charged until it returns, and the error names it.
	// Default: DefaultGrace.
	Grace time.Duration

	// Checkpoints, if not nil, is where it is stored how far each stream has
	// come, and a later run with the same streams continues there, if the sink
	// can say what is durable (Flusher, Resumer, Footprint.Durable). The order is
	// always: durable in the sink, stored, source told. Default: none.
	Checkpoints Checkpoints

	// CheckpointEvery is the time between two checkpoints of a stream.
	// Default: DefaultCheckpointEvery.
	CheckpointEvery time.Duration

	// FailFast cancels the whole run when one stream fails. Default: a failed
	// stream ends alone, and the run fails when the others are done.
	FailFast bool

	// Control, if not nil, watches and steers this run from outside.
	Control *Control

	// OnStream, if not nil, is called when a stream has ended, before its slot
	// is taken by the next one; from several goroutines, one call at a time.
	OnStream func(StreamResult)
}

// withDefaults fills what was left zero. fp is the sink's footprint.
func (o Options) withDefaults(fp Footprint) Options {
	if o.Streams == 0 {
		o.Streams = DefaultStreams
	}
	if fp.MaxWriters > 0 {
		o.Streams = min(o.Streams, fp.MaxWriters)
	}
	sinkMax := max(fp.MaxInFlight, 1)
	if o.InFlight == 0 {
		o.InFlight = sinkMax
	}
	o.InFlight = min(o.InFlight, sinkMax)
	switch o.ReadAhead {
	case 0:
		o.ReadAhead = DefaultReadAhead
	case NoReadAhead:
		o.ReadAhead = 0
	}
	o.Steps = slices.Clone(o.Steps)
	for i := range o.Steps {
		if o.Steps[i].Expand == 0 {
			o.Steps[i].Expand = 1
		}
		if o.Steps[i].Name == "" {
			o.Steps[i].Name = "transform"
		}
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = DefaultDrainTimeout
	}
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = DefaultCheckpointEvery
	}
	return o
}

// validate reports every option that is out of bounds, with its name, value and
// bound. It is called before withDefaults.
func (o Options) validate() error {
	var errs []error
	bad := func(name string, value any, bound string) {
		errs = append(errs, fmt.Errorf("option %s is %v; it must be %s", name, value, bound))
	}
	if o.Guarantee < 0 {
		bad("Guarantee", o.Guarantee, "0 (default) or more, in bytes")
	}
	if o.Batch < 0 || o.Batch > 0 && o.Batch < 4<<10 || o.Batch > 1<<30 {
		bad("Batch", o.Batch, "0 (default) or from 4 KiB to 1 GiB, in bytes")
	}
	if o.Streams < 0 {
		bad("Streams", o.Streams, "0 (default) or more")
	}
	if o.InFlight < 0 {
		bad("InFlight", o.InFlight, "0 (default) or more")
	}
	if o.ReadAhead < NoReadAhead {
		bad("ReadAhead", o.ReadAhead, "NoReadAhead, 0 (default) or more")
	}
	for i, step := range o.Steps {
		name := fmt.Sprintf("Steps[%d]", i)
		if step.Do == nil {
			bad(name+".Do", "nil", "a function")
		}
		if step.Expand < 0 || step.Expand > 1024 || step.Expand != step.Expand {
			bad(name+".Expand", step.Expand, "0 (default) or up to 1024")
		}
		if step.PerWorker < 0 || step.Static < 0 {
			bad(name+".PerWorker and Static", fmt.Sprint(step.PerWorker, " and ", step.Static), "0 or more, in bytes")
		}
	}
	if o.Workers < 0 {
		bad("Workers", o.Workers, "0 (default) or more")
	}
	if o.Rate < 0 {
		bad("Rate", o.Rate, "0 (no limit) or more, in bytes a second")
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"IdleTimeout", o.IdleTimeout}, {"DrainTimeout", o.DrainTimeout}, {"Grace", o.Grace}, {"CheckpointEvery", o.CheckpointEvery}} {
		if d.value < 0 {
			bad(d.name, d.value, "0 (default) or more")
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return &Error{Op: "options", Node: o.Name, Kind: Invalid, Err: errors.Join(errs...)}
}
