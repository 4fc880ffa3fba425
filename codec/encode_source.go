package codec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/weirflow/weir"
)

// Source returns inner with its streams watched for what Sink cannot tell from
// their batches: the header of a stream that has no records, and, with
// EncodeOptions.Join, which stream is the last one. It owns inner, and holds no
// memory beside the header that the stream shares with its batches.
func (e *Encoder) Source(inner weir.Source) weir.Source {
	if !e.to.hasHeader() && e.joint == nil {
		return inner
	}
	return &encodedSource{inner: inner, e: e, turn: make(chan struct{}, 1)}
}

// An encodedSource watches the streams of another source.
type encodedSource struct {
	inner weir.Source
	e     *Encoder

	turn  chan struct{} // holds a token while somebody asks inner for a stream
	ahead weir.Stream   // that was asked for ahead of its time; nil: none was
	err   error         // what came instead of one; nil: not asked
}

// String names the inner source.
func (s *encodedSource) String() string {
	if named, ok := s.inner.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", s.inner)
}

// Next returns the inner source's next stream.
func (s *encodedSource) Next(ctx context.Context) (weir.Stream, error) {
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.turn }()
	st, err := s.ahead, s.err
	if s.ahead, s.err = nil, nil; err != nil {
		return nil, err
	}
	key := watchKey(st.Info())
	return &encodedStream{Stream: st, src: s, key: key, watched: s.e.watch.open(key)}, nil
}

// isLast reports whether inner has no further stream.
func (s *encodedSource) isLast(ctx context.Context) (bool, error) {
	if err := s.look(ctx); err != nil {
		return false, err
	}
	defer func() { <-s.turn }()
	return s.err == io.EOF, nil
}

// look asks inner for a stream if none is waiting. If it returns no error, the
// caller has the turn.
func (s *encodedSource) look(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.ahead != nil || s.err != nil {
		return nil
	}
	st, err := s.inner.Next(ctx)
	if err != nil && ctx.Err() != nil {
		<-s.turn
		return err
	}
	s.ahead, s.err = st, err
	return nil
}

// Close closes the inner source.
func (s *encodedSource) Close() error {
	if s.ahead != nil {
		return errors.Join(s.ahead.Close(), s.inner.Close())
	}
	return s.inner.Close()
}

// An encodedStream tells what its batches do not.
type encodedStream struct {
	weir.Stream
	src     *encodedSource
	key     string
	watched *watched
	told    bool // the header is known
}

var (
	_ weir.Reserver  = (*encodedStream)(nil)
	_ weir.Committer = (*encodedStream)(nil)
)

// Read reads the inner stream.
func (s *encodedStream) Read(ctx context.Context, b *weir.Batch) error {
	err := s.Stream.Read(ctx, b)
	if err != nil && err != io.EOF {
		return err
	}
	if header := b.Header(); !s.told && len(header) > 0 {
		s.told = true
		s.watched.set(func(w *watched) { w.header, w.format = header, b.Format() })
	}
	if err != io.EOF || s.src.e.joint == nil || len(s.src.e.pieces.end) == 0 {
		return err
	}
	last, failed := s.src.isLast(ctx)
	if failed != nil {
		return failed
	}
	s.watched.set(func(w *watched) { w.followed = !last })
	return io.EOF
}

// Reserve returns what the inner stream holds.
func (s *encodedStream) Reserve(ctx context.Context) (int64, error) {
	inner, ok := s.Stream.(weir.Reserver)
	if !ok {
		return 0, nil
	}
	n, err := inner.Reserve(ctx)
	if err != nil {
		s.src.e.joint.fail() // no Writer will be told
	}
	return n, err
}

// Committed tells the inner stream.
func (s *encodedStream) Committed(ctx context.Context, upTo weir.Position) error {
	if inner, ok := s.Stream.(weir.Committer); ok {
		return inner.Committed(ctx, upTo)
	}
	return nil
}

// Close closes the inner stream.
func (s *encodedStream) Close() error {
	s.src.e.watch.close(s.key)
	return s.Stream.Close()
}

// A watch is what is known of the streams that are open. Its methods are safe for
// concurrent use.
type watch struct {
	mu      sync.Mutex
	streams map[string]*watched
}

// A watched is what is known of one stream.
type watched struct {
	mu       sync.Mutex
	header   []byte // as it was read; nil: none, or not yet
	format   string // of it
	followed bool   // another stream comes behind this one
}

func watchKey(info weir.StreamInfo) string { return info.ID + "\x00" + info.Name }

func (w *watch) open(key string) *watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streams == nil {
		w.streams = map[string]*watched{}
	}
	w.streams[key] = new(watched)
	return w.streams[key]
}

func (w *watch) close(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.streams, key)
}

// of returns what is known of a stream; nil if it is not watched.
func (w *watch) of(key string) *watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.streams[key]
}

func (w *watched) set(f func(*watched)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

// headerAndFormat returns the header of a stream, which may be nil.
func (w *watched) headerAndFormat() (header []byte, format string) {
	if w == nil {
		return nil, ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.header, w.format
}

// isFollowed reports whether another stream comes behind this one.
func (w *watched) isFollowed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.followed
}
