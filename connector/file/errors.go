package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/weirflow/weir"
)

// newError returns err as a *weir.Error of the operation op on a stream. It
// keeps the Kind of one that is classified already.
func newError(op, stream string, err error) *weir.Error {
	kind := weir.KindOf(err)
	var classified *weir.Error
	switch {
	case errors.As(err, &classified):
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrExist),
		errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP):
		kind = weir.Invalid
	case errors.Is(err, fs.ErrClosed):
		kind = weir.Closed
	}
	if e, ok := err.(*weir.Error); ok {
		err = e.Err
	}
	return &weir.Error{Op: op, Stream: stream, Kind: kind, Err: err}
}

// invalid returns an error that only a changed call can avoid.
func invalid(format string, args ...any) *weir.Error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf(format, args...)}
}

// corrupt returns an error about a file that is not what it was.
func corrupt(format string, args ...any) *weir.Error {
	return &weir.Error{Kind: weir.Corrupt, Err: fmt.Errorf(format, args...)}
}

// pathError says what happened to path, and what to do where that is known. It
// takes the path out of the errors of package os, which name the temporary file
// or say it twice.
func pathError(path string, err error) error {
	if e, ok := err.(*weir.Error); ok {
		return &weir.Error{Kind: e.Kind, Err: fmt.Errorf("%s: %w", show(path), e.Err)}
	}
	err = cause(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w; check the path", show(path), err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w; grant this user access to it", show(path), err)
	case errors.Is(err, syscall.ENOTDIR):
		if f := fileOnTheWay(path); f != "" {
			return fmt.Errorf("%s: %s is a file, %w", show(path), show(f), err)
		}
	}
	return fmt.Errorf("%s: %w", show(path), err)
}

// fileOnTheWay returns what is not a directory though path needs it to be one,
// or nothing if that has changed meanwhile.
func fileOnTheWay(path string) string {
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		switch {
		case err == nil && !st.IsDir():
			return dir
		case err == nil, dir == filepath.Dir(dir):
			return ""
		}
	}
}

// cause returns the operating system's error in one of package os.
func cause(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

// show returns path for an error message: quoted if it would break the line.
func show(path string) string {
	if strings.ContainsFunc(path, unicode.IsControl) {
		return strconv.Quote(path)
	}
	return path
}

// interrupt ends a call that is waiting when ctx is done, until release is
// called. setDeadline is a method of the file. Files that the runtime cannot
// poll, such as some devices, are not interrupted.
func interrupt(ctx context.Context, setDeadline func(time.Time) error) (release func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		_ = setDeadline(time.Unix(1, 0)) // cannot be polled: the engine abandons the call
	})
	return func() {
		if stop() {
			return
		}
		<-fired
		_ = setDeadline(time.Time{}) // as above; a later call starts without a deadline
	}
}
