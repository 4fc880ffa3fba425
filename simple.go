package weir

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// FromReader returns a source of one stream of opaque bytes, read from r. It
// does not close r.
//
// A Read that is waiting ends when the run is cancelled if r has a
// SetReadDeadline method that works, as network connections and pipes do;
// otherwise it is abandoned after Options.Grace.
func FromReader(r io.Reader) Source { return &readerSource{r: r} }

type readerSource struct {
	r     io.Reader
	given bool
}

func (s *readerSource) String() string { return fmt.Sprintf("reader(%T)", s.r) }

func (s *readerSource) Next(context.Context) (Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	return &readerStream{r: s.r}, nil
}

func (s *readerSource) Close() error { return nil }

type readerStream struct{ r io.Reader }

func (s *readerStream) Info() StreamInfo {
	return StreamInfo{ID: "reader", Name: "reader", Size: UnknownSize}
}

func (s *readerStream) Seek(context.Context, Position) error { return ErrNotResumable }

func (s *readerStream) Read(ctx context.Context, b *Batch) error {
	if d, ok := s.r.(interface{ SetReadDeadline(time.Time) error }); ok {
		stop := context.AfterFunc(ctx, func() {
			_ = d.SetReadDeadline(time.Unix(1, 0)) // best effort: a reader that cannot is abandoned
		})
		defer stop()
	}
	n, err := s.r.Read(b.Space())
	b.Advance(n)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *readerStream) Close() error { return nil }

// ToWriter returns a sink that writes one stream after another to w. It does
// not close w. A write that w has returned from counts as accepted; w knows
// no other commit.
func ToWriter(w io.Writer) Sink {
	return &funcSink{name: fmt.Sprintf("writer(%T)", w), write: func(_ context.Context, b *Batch) error {
		_, err := w.Write(b.Bytes())
		return err
	}}
}

// SinkFunc returns a sink that calls f for every batch, one at a time and in
// order, one stream after another. f must not keep the batch.
func SinkFunc(f func(ctx context.Context, b *Batch) error) Sink {
	return &funcSink{name: "func", write: f}
}

type funcSink struct {
	name  string
	write func(context.Context, *Batch) error
}

func (s *funcSink) String() string { return s.name }

func (s *funcSink) Footprint() Footprint { return Footprint{MaxInFlight: 1, MaxWriters: 1} }

func (s *funcSink) Open(context.Context, StreamInfo) (Writer, error) { return funcWriter{s}, nil }

func (s *funcSink) Close() error { return nil }

type funcWriter struct{ s *funcSink }

func (w funcWriter) Write(ctx context.Context, b *Batch) error { return w.s.write(ctx, b) }
func (w funcWriter) Commit(context.Context) error              { return nil }
func (w funcWriter) Abort(context.Context, error) error        { return nil }

// Concat returns a source that yields the streams of each of sources in turn.
// It closes them all.
func Concat(sources ...Source) Source { return &concat{sources: sources} }

type concat struct {
	sources []Source
	at      atomic.Int32
}

func (c *concat) String() string {
	i := int(c.at.Load())
	if i >= len(c.sources) {
		i = len(c.sources) - 1
	}
	if i < 0 {
		return "nothing"
	}
	return nodeName(c.sources[i])
}

func (c *concat) Next(ctx context.Context) (Stream, error) {
	for {
		i := int(c.at.Load())
		if i >= len(c.sources) {
			return nil, io.EOF
		}
		s, err := c.sources[i].Next(ctx)
		if err != io.EOF {
			return s, err
		}
		c.at.Add(1)
	}
}

func (c *concat) Close() error {
	var first error
	for _, s := range c.sources {
		if err := s.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// nodeName returns what a source or sink calls itself, or its type.
func nodeName(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", v)
}
