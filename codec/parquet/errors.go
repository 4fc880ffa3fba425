package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// corrupt returns an error about bytes that cannot be a Parquet file, or not the
// one that was there before.
func corrupt(format string, args ...any) error {
	return &weir.Error{Kind: weir.Corrupt, Err: fmt.Errorf(format, args...)}
}

// invalid returns an error that only another call, or another file, can avoid.
func invalid(format string, args ...any) error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf(format, args...)}
}

// fault is a panic's value turned into an error: what a decoder stumbled over was
// in the file.
func fault(v any) error { return corrupt("its bytes made a decoder fail: %v", v) }

// newError returns err as a *weir.Error of the operation op on a stream. It keeps
// the Kind of one that is classified already.
func newError(op, stream string, err error) error {
	var read *readError
	if errors.As(err, &read) {
		err = read.err
	}
	kind := weir.KindOf(err)
	if e, ok := err.(*weir.Error); ok {
		if e.Op != "" {
			return err // of the stream or sink underneath, which says more
		}
		err = e.Err
	}
	return &weir.Error{Op: op, Stream: stream, Kind: kind, Err: err}
}

// readFull fills p from offset off of src.
func readFull(ctx context.Context, src io.ReaderAt, p []byte, off int64) error {
	if ctx.Err() != nil {
		return &readError{context.Cause(ctx)}
	}
	n, err := src.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return corrupt("truncated: of %d bytes at offset %d there are %d", len(p), off, n)
	}
	return &readError{err}
}

// A readError is an error of the file underneath, or the cause of a context: it
// says nothing about the content of the file.
type readError struct{ err error }

// Error is what happened.
func (e *readError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *readError) Unwrap() error { return e.err }
