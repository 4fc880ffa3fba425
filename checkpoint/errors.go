package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/weirflow/weir"
)

var (
	// ErrLocked is in the chain of the error of Open when another process, or
	// another Store of this one, has the state directory.
	ErrLocked = errors.New("the state directory is in use")

	// ErrNoStore is in the chain of the error of Open with Options.ReadOnly when
	// there is no store in the directory.
	ErrNoStore = errors.New("there are no checkpoints here")

	// ErrNoJob is in the chain of an error about a job that the store does not
	// have.
	ErrNoJob = errors.New("no such job")
)

// damage is what is wrong with a file, and where.
type damage struct {
	off  int64
	what string
}

// everywhere is the place of what is wrong with the file as a whole.
const everywhere = -1

func (d *damage) Error() string {
	if d.off == everywhere {
		return d.what
	}
	return fmt.Sprintf("%s at byte %d", d.what, d.off)
}

func damaged(off int64, format string, args ...any) error {
	return &damage{off: off, what: fmt.Sprintf(format, args...)}
}

// invalid returns an error that only a changed call can avoid.
func invalid(format string, args ...any) error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf(format, args...)}
}

// show returns an ID or a path as text.
func show(id string) string { return weir.Position(id).String() }

// newError returns err, which is not nil, as the error of the operation op on
// the file at path, with the way out where there is one.
func newError(op, path string, err error) error {
	e := &weir.Error{Op: op, Node: "checkpoints", Kind: weir.KindOf(err)}
	var d *damage
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // it has the path too, or that of a temporary file
	}
	own, classified := err.(*weir.Error)
	switch {
	case classified:
		err = own.Err
	case errors.As(err, &d), errors.Is(err, errValue):
		e.Kind = weir.Corrupt
		err = fmt.Errorf("%w; restore the file from a backup, or remove it to start over: everything will be read again", err)
	case errors.Is(err, syscall.ENOSPC):
		err = fmt.Errorf("%w; free some space there, nothing that was saved is lost", err)
	case errors.Is(err, fs.ErrPermission):
		e.Kind = weir.Invalid
		err = fmt.Errorf("%w; grant this user access to it", err)
	case errors.Is(err, os.ErrClosed):
		e.Kind = weir.Closed
	}
	e.Err = fmt.Errorf("%s: %w", show(path), err)
	return e
}
