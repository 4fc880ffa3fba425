package parquet

import (
	"context"
	"fmt"

	"github.com/weirflow/weir"
)

// sink turns records into Parquet files in another sink.
type sink struct {
	inner  weir.Sink
	o      Options
	fields []field // nil: those of the first records
	err    error   // of the options
}

// NewSink returns a sink that writes each stream of records, JSON objects all, as a
// Parquet file into a stream of inner, which it owns. Options that are not possible
// are the error of every Open.
func NewSink(inner weir.Sink, o Options) weir.Sink {
	s := &sink{inner: inner, o: o.withDefaults()}
	s.err = s.o.validate()
	if s.err == nil && s.o.Schema != "" {
		s.fields, s.err = parseSchema(s.o.Schema)
	}
	if s.err == nil && len(s.fields) > s.o.MaxColumns {
		s.err = fmt.Errorf("the schema has %d columns; MaxColumns is %d", len(s.fields), s.o.MaxColumns)
	}
	return s
}

// String names the sink as the one it writes to.
func (s *sink) String() string {
	if n, ok := s.inner.(fmt.Stringer); ok {
		return n.String()
	}
	return fmt.Sprintf("%T", s.inner)
}

// Footprint is that of the sink underneath, and what a Writer holds.
func (s *sink) Footprint() weir.Footprint {
	fp := s.inner.Footprint()
	if s.err != nil {
		return fp
	}
	return weir.Footprint{
		Static:      fp.Static,
		PerWriter:   fp.PerWriter + fp.PerWrite + writerHolds(s.o),
		MaxWrite:    s.o.RowGroupBytes / recordShare,
		MaxInFlight: 1,
		MaxWriters:  fp.MaxWriters,
		Whole:       fp.Whole,
	}
}

// Open opens a stream of the sink underneath.
func (s *sink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	name := info.Name
	if s.err != nil {
		return nil, newError("open", name, invalid("%w", s.err))
	}
	size := outputBytes
	if m := s.inner.Footprint().MaxWrite; m > 0 {
		size = min(size, m)
	}
	info.Name, info.Size = s.o.name(name), weir.UnknownSize
	inner, err := s.inner.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(inner, name, s.o, size)
	if err != nil {
		return nil, newError("open", name, joinAbort(ctx, inner, err))
	}
	if s.fields != nil {
		w.setFields(s.fields)
	}
	return w, nil
}

// Close closes the sink underneath.
func (s *sink) Close() error { return s.inner.Close() }
