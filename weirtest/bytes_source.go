package weirtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

// A BytesStream is one stream of a BytesSource.
type BytesStream struct {
	Name string
	Data []byte
	// Lines makes each line, with its newline, a record. Without it the bytes
	// are opaque.
	Lines bool
}

// BytesSource yields streams of given bytes. Their positions are offsets.
type BytesSource struct{ streams []BytesStream }

var _ weir.Source = (*BytesSource)(nil)

// NewBytesSource returns a source of these streams. Their names differ.
func NewBytesSource(streams ...BytesStream) *BytesSource { return &BytesSource{streams} }

func (*BytesSource) String() string { return "bytes" }

// Next returns the next stream at once.
func (s *BytesSource) Next(context.Context) (weir.Stream, error) {
	if len(s.streams) == 0 {
		return nil, io.EOF
	}
	st := &bytesStream{BytesStream: s.streams[0]}
	s.streams = s.streams[1:]
	return st, nil
}

// Close does nothing.
func (*BytesSource) Close() error { return nil }

type bytesStream struct {
	BytesStream
	off int
}

func (s *bytesStream) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "bytes/" + s.Name, Name: s.Name, Size: int64(len(s.Data)), Resumable: true}
}

func (s *bytesStream) Seek(_ context.Context, p weir.Position) error {
	off, err := strconv.Atoi(strings.TrimPrefix(string(p), "off="))
	if err != nil || off < 0 || off > len(s.Data) {
		return &weir.Error{Op: "seek", Node: "bytes", Stream: s.Name, Kind: weir.Invalid, Err: fmt.Errorf("the position is %q", p)}
	}
	s.off = off
	return nil
}

func (s *bytesStream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.off == len(s.Data) {
		return io.EOF
	}
	if err := s.fill(b); err != nil {
		return err
	}
	b.SetPosition(fmt.Appendf(nil, "off=%d", s.off))
	return nil
}

func (s *bytesStream) fill(b *weir.Batch) error {
	if !s.Lines {
		n := copy(b.Space(), s.Data[s.off:])
		b.Advance(n)
		s.off += n
		return nil
	}
	for s.off < len(s.Data) {
		line := s.Data[s.off:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		if !b.Append(line) {
			if b.Len() == 0 {
				return &weir.NeedError{Size: weir.RecordSize(len(line))}
			}
			return nil
		}
		s.off += len(line)
	}
	return nil
}

func (*bytesStream) Close() error { return nil }
