package sim

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/weirflow/weir"
)

// stream is one stream of a Generator. Its state is an offset.
type stream struct {
	g    *Generator
	info weir.StreamInfo
	end  int64 // MaxInt64: endless
	off  int64
	key  uint64
	line line
}

var _ weir.Stream = (*stream)(nil)

func newStream(g *Generator, i int) *stream {
	o := g.o
	s := &stream{g: g, end: math.MaxInt64, key: g.content.key(i)}
	s.line = line{c: g.content, key: s.key, stream: i}
	s.info = weir.StreamInfo{
		Resumable: true,
		ID:        fmt.Sprintf("gen/%d/random/%d", o.Seed, i),
		Name:      fmt.Sprintf("gen-%03d.bin", i),
		Size:      weir.UnknownSize,
		Endless:   o.Size == 0,
	}
	switch o.Format {
	case NDJSON: // here the content depends on the record size
		s.info.ID = fmt.Sprintf("gen/%d/ndjson/%d/%d", o.Seed, o.Record, i)
		s.info.Name = fmt.Sprintf("gen-%03d.ndjson", i)
	case Zeros:
		s.info.ID = fmt.Sprintf("gen/zeros/%d", i)
	}
	if o.Size > 0 {
		n := int64(o.Streams)
		s.end = o.Size / n
		if int64(i) < o.Size%n {
			s.end++
		}
		s.info.Size = s.end
	}
	return s
}

func (s *stream) Info() weir.StreamInfo { return s.info }

// Seek goes to a position in one step.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	off, err := p.Offset()
	if err == nil && off > s.end {
		err = fmt.Errorf("the position %q is after the end of the stream, %d", p.String(), s.end)
	}
	if err == nil && s.whole() && off != s.end && off%int64(s.g.o.Record) != 0 {
		err = fmt.Errorf("the position %q is inside a record", p.String())
	}
	if err != nil {
		return &weir.Error{Op: "seek", Node: generatorName, Stream: s.info.Name, Kind: weir.Invalid, Err: err}
	}
	s.off = off
	return nil
}

// whole says that a batch ends where a record ends. Lines do even without
// boundaries: whoever splits opaque NDJSON finds them at the batch's end.
func (s *stream) whole() bool { return !s.g.o.Opaque || s.g.o.Format == NDJSON }

func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.off == s.end {
		return io.EOF
	}
	space := b.Space()
	n := s.portion(len(space))
	if n == 0 {
		return &weir.NeedError{Size: weir.RecordSize(int(min(int64(s.g.o.Record), s.end-s.off)))}
	}
	if err := s.wait(ctx, b, n); err != nil {
		return err
	}
	s.fill(space[:n])
	s.mark(b, n)
	s.off += int64(n)
	b.SetOffset(s.off)
	if s.off == s.end {
		return io.EOF
	}
	return nil
}

// portion returns how many bytes the next batch takes: whole records as far as
// they fit space and the pace; 0 if not one fits.
func (s *stream) portion(space int) int {
	left := s.end - s.off
	limit := int64(math.MaxInt64)
	if s.g.o.Rate > 0 {
		limit = s.g.pace.portion()
	}
	if !s.whole() {
		return int(min(int64(space), left, limit))
	}
	size := s.g.o.Record
	entry := weir.RecordSize(0)
	if s.g.o.Opaque {
		entry = 0
	}
	if left <= int64(size) { // the last record, perhaps a short one
		size = int(left)
	}
	count := int64(space / (size + entry))
	if limit < math.MaxInt64 {
		count = min(count, max(limit/int64(size), 1))
	}
	// The short record at the end rides along when it has room.
	if n := count * int64(size); n < left {
		rest := int64(space) - n - count*int64(entry)
		if last := left - n; count > 0 && last < int64(size) && last+int64(entry) <= rest && left <= limit {
			return int(left)
		}
		return int(n)
	}
	return int(left)
}

// wait keeps the pace for n bytes and tells b how long that took.
func (s *stream) wait(ctx context.Context, b *weir.Batch, n int) error {
	if s.g.o.Rate == 0 {
		return nil
	}
	began := time.Now()
	err := s.g.pauses.until(ctx, s.g.pace.reserve(n))
	b.AddWait(time.Since(began))
	return err
}

// fill makes the content at the stream's offset into dst.
func (s *stream) fill(dst []byte) {
	switch s.g.o.Format {
	case Random:
		s.g.content.random(dst, s.key, s.off)
		return
	case Zeros:
		clear(dst)
		return
	}
	size := s.g.o.Record
	for n := s.off / int64(size); len(dst) > 0; n++ {
		one := dst[:min(size, len(dst))]
		s.line.render(one, n)
		dst = dst[len(one):]
	}
}

// mark adds the n bytes that were made in b's space to its data.
func (s *stream) mark(b *weir.Batch, n int) {
	if s.g.o.Opaque {
		b.Advance(n)
		return
	}
	size := s.g.o.Record
	for ; n > size; n -= size {
		b.Advance(size)
		b.EndRecord()
	}
	b.Advance(n)
	b.EndRecord()
}

// Close releases nothing.
func (s *stream) Close() error { return nil }
