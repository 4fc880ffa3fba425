package receipt

import (
	"context"
	"fmt"
	"hash"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/weirflow/weir"
)

// Source returns src with the checksums of its streams recorded.
func (r *Recorder) Source(src weir.Source) weir.Source { return &source{src, r} }

type source struct {
	weir.Source
	r *Recorder
}

func (s *source) String() string { return nameOf(s.Source) }

func nameOf(v any) string {
	if n, ok := v.(fmt.Stringer); ok {
		return n.String()
	}
	return fmt.Sprintf("%T", v)
}

func (s *source) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &stream{Stream: st, r: s.r, sum: newSummer()}, nil
}

// stream sums up what is read. It passes on what a file can do beside that.
type stream struct {
	weir.Stream
	r   *Recorder
	sum *summer
}

func (s *stream) Seek(ctx context.Context, p weir.Position) error {
	s.sum.resumed = true
	return s.Stream.Seek(ctx, p)
}

func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	before := b.Len()
	err := s.Stream.Read(ctx, b)
	if err == nil || err == io.EOF {
		s.sum.add(b.Bytes()[before:])
	}
	return err
}

// ReadAt reads anywhere, which is not summed up.
func (s *stream) ReadAt(p []byte, off int64) (int, error) {
	if at, ok := s.Stream.(io.ReaderAt); ok {
		return at.ReadAt(p, off)
	}
	return 0, fmt.Errorf("the stream cannot be read at any place: %w", weir.ErrNotResumable)
}

func (s *stream) Reserve(ctx context.Context) (int64, error) {
	if inner, ok := s.Stream.(weir.Reserver); ok {
		return inner.Reserve(ctx)
	}
	return 0, nil
}

func (s *stream) Committed(ctx context.Context, upTo weir.Position) error {
	if inner, ok := s.Stream.(weir.Committer); ok {
		return inner.Committed(ctx, upTo)
	}
	return nil
}

func (s *stream) Close() error {
	info := s.Info()
	part := s.r.take(info.ID)
	part.Name, part.ID, part.Read = info.Name, info.ID, s.sum.take()
	s.r.add(part)
	return s.Stream.Close()
}

// summer sums up bytes.
type summer struct {
	hash    hash.Hash64
	bytes   int64
	resumed bool
}

func newSummer() *summer { return &summer{hash: xxh3.New()} }

func (s *summer) add(p []byte) {
	_, _ = s.hash.Write(p) // a Hash's Write never fails
	s.bytes += int64(len(p))
}

func (s *summer) take() *Sum {
	return &Sum{Bytes: s.bytes, XXH3: fmt.Sprintf("%016x", s.hash.Sum64()), Resumed: s.resumed}
}
