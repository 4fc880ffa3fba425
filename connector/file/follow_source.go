package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weirflow/weir"
)

// followed is what a source needs to follow its arguments. A nil one follows
// nothing.
type followed struct {
	o    FollowOptions
	roll *roll
	args []argument    // directories and patterns, to be scanned again and again
	busy time.Duration // of this scan, up to from
	from time.Time     // when the source was called
}

func newFollowed(o FollowOptions) *followed {
	o = o.withDefaults()
	return &followed{o: o, roll: newRoll(o)}
}

// awaited returns an argument for a path that does not exist yet, if that is what
// err says.
func awaited(text string, err error) (argument, error) {
	if text == "" || isPattern(text) || !errors.Is(err, fs.ErrNotExist) {
		return argument{}, err
	}
	return argument{text: text, root: text, single: true}, nil
}

// open returns a stream that follows the name path. What is not a regular file is
// read as it always is.
func (f *followed) open(path string) weir.Stream {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return openStream(path, filepath.Base(path))
	}
	return followName(path, f.o)
}

// enter notes that the source is working.
func (f *followed) enter() {
	if f != nil {
		f.from = time.Now()
	}
}

// begin notes that arg is being scanned.
func (f *followed) begin(arg argument) {
	if f != nil && !slices.ContainsFunc(f.args, func(a argument) bool { return a.text == arg.text }) {
		f.args = append(f.args, arg)
	}
}

// admit returns a stream of what a scan found, or nil if it is not to be read.
func (f *followed) admit(h hit) weir.Stream {
	st := f.roll.admit(h)
	if st != nil {
		f.busy += time.Since(f.from)
	}
	return st
}

// again reports whether the arguments are to be scanned again.
func (f *followed) again() bool { return f != nil && len(f.args) > 0 }

// wait ends a scan and waits until the next is due: Poll, or as much longer as keeps
// scanning from taking more than a tenth of the time.
func (f *followed) wait(ctx context.Context) error {
	f.roll.endRound()
	f.busy += time.Since(f.from)
	t := time.NewTimer(max(f.o.Poll, 10*f.busy))
	defer t.Stop()
	select {
	case <-t.C:
		f.busy, f.from = 0, time.Now()
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
