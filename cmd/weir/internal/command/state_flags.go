package command

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
	"github.com/weirflow/weir/cmd/weir/internal/registry"
	"github.com/weirflow/weir/cmd/weir/internal/state"
	"github.com/weirflow/weir/connector/file"
)

// defaultRetries is how often in a row an error that may pass is tried again
// without progress.
const defaultRetries = 8

// stateFlags are the flags about what is kept for a later run.
type stateFlags struct {
	fresh   bool
	dir     string
	retries retriesFlag
	every   durationFlag
	off     bool // no state is kept
}

func (f *stateFlags) add(set *pflag.FlagSet) {
	set.BoolVar(&f.fresh, "fresh", false, "start over: forget how far an earlier run of the same command came")
	set.StringVar(&f.dir, "state", "", "directory `DIR` to keep how far it came in, or none (default $WEIR_STATE, or ~/.local/state/weir)")
	f.every = durationFlag(weir.DefaultCheckpointEvery)
	set.Var(&f.every, "checkpoint-every", "time between two checkpoints of a stream")
	f.retries = defaultRetries
	set.Var(&f.retries, "retries", "try again so often in a row without progress after an error that may pass")
}

// retriesFlag is a number that may be 0.
type retriesFlag int

func (f *retriesFlag) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("it must be a whole number, 0 to try nothing again")
	}
	*f = retriesFlag(n)
	return nil
}

func (f *retriesFlag) Type() string { return "number" }

func (f *retriesFlag) String() string { return strconv.Itoa(int(*f)) }

// openState opens what earlier runs of the same command have stored. There is none
// where a destination is not worth it or no place is known.
func (t *transfer) openState() error {
	dir := state.Dir(t.state.dir, t.sys.Getenv)
	if t.state.off || dir == "" || !t.keeps() {
		return nil
	}
	if t.state.fresh {
		if err := t.forget(dir); err != nil {
			return err
		}
	}
	j, err := state.Open(dir, t.id(), t.description(), t.state.fresh)
	if err != nil {
		return err
	}
	// Who overwrites what a finished run made wants it made again.
	if t.flags.force && j.Finished() {
		if err := j.Close(); err != nil {
			return err
		}
		if j, err = state.Open(dir, t.id(), t.description(), true); err != nil {
			return err
		}
	}
	t.progress, t.resumable = j, true
	return nil
}

// forget removes what files of earlier runs have left beside their targets, as long
// as there is a state that knows of it.
func (t *transfer) forget(dir string) error {
	to, err := t.registry.Parse(t.destination)
	if err != nil || len(to.Paths) != 1 {
		return err
	}
	j, err := state.Open(dir, t.id(), t.description(), false)
	if weir.KindOf(err) == weir.Corrupt {
		return nil // it says nothing any more
	}
	if err != nil {
		return err
	}
	var failed error
	err = file.Forget(to.Paths[0], t.id(), func(yield func(weir.StreamInfo) bool) {
		failed = j.Streams(func(e checkpoint.Entry) bool { return yield(weir.StreamInfo{ID: e.ID, Name: e.Name}) })
	})
	return errors.Join(err, failed, j.Close())
}

// keeps reports whether the job can be continued.
func (t *transfer) keeps() bool {
	return t.pipeline.Resumes && t.registry.Target(t.destination, t.sources, t.roll).Keeps
}

// id names the job: the same sources, destination and treatment.
func (t *transfer) id() string {
	parts := []string{"1"}
	for _, s := range t.sources {
		parts = append(parts, "source", t.absolute(s))
	}
	parts = append(parts, "destination", t.absolute(t.destination))
	if t.registry.Target(t.destination, t.sources, t.roll).Rolls {
		parts = append(parts, "rolled") // how often may change between two runs
	}
	return state.ID(append(parts, t.records.Parts()...)...)
}

// absolute makes a local path independent of the working directory, and an address
// independent of its secrets, which change.
func (t *transfer) absolute(arg string) string {
	a, err := t.registry.Parse(arg)
	if err != nil || len(a.Paths) != 1 {
		return t.registry.Redact(arg)
	}
	path, err := filepath.Abs(a.Paths[0])
	if err != nil {
		return arg
	}
	return path
}

func (t *transfer) description() string {
	var names []string
	for _, s := range t.sources {
		names = append(names, t.registry.Redact(s))
	}
	return registry.Shorten(strings.Join(names, " "), 1000) + " -> " + registry.Shorten(t.registry.Redact(t.destination), 1000)
}
