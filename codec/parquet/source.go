package parquet

import (
	"context"
	"fmt"

	"github.com/weirflow/weir"
)

// source turns the files of another source into records.
type source struct {
	inner weir.Source
	o     Options
}

// NewSource returns a source whose streams are the rows of the Parquet files that
// are the streams of inner, as JSON objects. It owns inner.
//
// A stream of inner must know its size and be an io.ReaderAt, as those of package
// connector/file are: what a Parquet file holds is written at its end. One that is
// not fails alone.
//
// Options that are not possible are the error of every stream.
func NewSource(inner weir.Source, o Options) weir.Source {
	return &source{inner: inner, o: o.withDefaults()}
}

// String names the source as the one it reads from.
func (s *source) String() string {
	if n, ok := s.inner.(fmt.Stringer); ok {
		return n.String()
	}
	return fmt.Sprintf("%T", s.inner)
}

// Next returns the next file.
func (s *source) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.inner.Next(ctx)
	if err != nil {
		return nil, err
	}
	return newStream(st, s.o), nil
}

// Close closes the source that the files come from.
func (s *source) Close() error { return s.inner.Close() }
