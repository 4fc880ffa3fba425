package sqlite

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"

	"github.com/weirflow/weir"
)

// SourceOptions say what is read. Path, and one of Table and Query, are required.
type SourceOptions struct {
	// Path is the database's file. It is not written to.
	Path string

	// Table is a table or view whose rows are read, all columns.
	Table string

	// Query is one SELECT whose rows are read.
	Query string

	// Key is a column whose value is not NULL and different in each row. Rows come in
	// its order, and a stream can be continued after a row. Default: the rowid, or the
	// only column of the primary key, if it is a table; none for views and queries,
	// which can then be read from their beginning only.
	Key string

	// WaitFor is how long a lock that another connection holds is waited for.
	// Default: DefaultWaitFor.
	WaitFor time.Duration

	// Cache is the size of SQLite's cache of pages, in bytes; it takes twice that of
	// memory. Default: DefaultCache.
	Cache int64

	// MaxRecord is the longest row and value, in bytes, before it is written as JSON.
	// A longer one is an error. Default: DefaultMaxRecord.
	MaxRecord int
}

func (o SourceOptions) withDefaults() SourceOptions {
	o.WaitFor, o.Cache, o.MaxRecord = commonDefaults(o.WaitFor, o.Cache, o.MaxRecord)
	return o
}

func (o SourceOptions) validate() error {
	errs := []error{checkCommon(o.Path, o.WaitFor, o.Cache, o.MaxRecord)}
	if (o.Table == "") == (o.Query == "") {
		errs = append(errs, errors.New("give one of Table and Query"))
	}
	return errors.Join(errs...)
}

// Source reads the rows of a table or query as one stream.
type Source struct {
	o     SourceOptions
	given bool
}

var _ weir.Source = (*Source)(nil)

// NewSource returns a source. Nothing is opened before the first Next.
func NewSource(o SourceOptions) (*Source, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, &weir.Error{Op: "options", Node: "sqlite", Kind: weir.Invalid, Err: err}
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, &weir.Error{Op: "options", Node: "sqlite", Kind: weir.Invalid, Err: err}
	}
	o.Path = path
	return &Source{o: o}, nil
}

// String returns the path and what is read.
func (s *Source) String() string {
	if s.o.Table != "" {
		return "sqlite:" + s.o.Path + "?table=" + s.o.Table
	}
	return "sqlite:" + s.o.Path + "?query"
}

// Next opens the database and returns the one stream.
func (s *Source) Next(ctx context.Context) (weir.Stream, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if s.given {
		return nil, io.EOF
	}
	c, err := dial{path: s.o.Path, cache: s.o.Cache, maxValue: s.o.MaxRecord, wait: s.o.WaitFor}.open(ctx)
	if err != nil {
		return nil, classify(ctx, err)
	}
	st := &stream{o: &s.o, c: c}
	defer c.watch(ctx)()
	if err := c.wait(ctx, s.o.WaitFor, st.plan); err != nil {
		c.close()
		return nil, classify(ctx, err)
	}
	s.given = true
	return st, nil
}

// Close releases nothing: a stream holds its connection itself.
func (s *Source) Close() error { return nil }
