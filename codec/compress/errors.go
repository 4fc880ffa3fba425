package compress

import (
	"errors"
	"fmt"
	"io"
)

// Error is a stream that cannot be decompressed any further, and where.
type Error struct {
	Method Method
	In     int64 // compressed bytes that had been decoded or looked at
	Out    int64 // decompressed bytes delivered
	Err    error // the cause; io.ErrUnexpectedEOF of a truncated stream; never nil
}

// Error gives the method, both offsets and the cause.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: at compressed offset %d, decompressed offset %d: %v", e.Method, e.In, e.Out, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func newError(m Method, in, out int64, err error) *Error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the stream is truncated: %w", io.ErrUnexpectedEOF)
	}
	return &Error{Method: m, In: in, Out: out, Err: err}
}

// ErrRatio is the cause of a stream that makes more bytes than
// ReadOptions.MaxRatio allows.
var ErrRatio = errors.New("decompressed bytes exceed the allowed ratio")

// WindowError is the cause of a stream whose decoder would need more memory
// than ReadOptions.MaxWindow allows. See Reader.Allow for how to go on.
type WindowError struct {
	What   string // what is too large: "window", "block", "dictionary"
	Window int64  // bytes needed
	Max    int64  // bytes allowed
	Memory int64  // bytes that a Reader would hold if Window were allowed
}

// Error gives both sizes.
func (e *WindowError) Error() string {
	return fmt.Sprintf("it needs a %s of %s; %s allowed", e.What, sizeText(e.Window), sizeText(e.Max))
}

// sizeText gives n in the largest unit that has no remainder.
func sizeText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// errMagic is the cause of a section that does not begin as its format does.
func errMagic(section string, got []byte) error {
	return fmt.Errorf("%x is not the beginning of a %s", got, section)
}
