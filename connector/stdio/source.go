package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/weirflow/weir"
)

const (
	// linger is the most that a read goes on filling a batch after it had
	// something.
	linger = 5 * time.Millisecond

	// bulk is the size of a read behind which there is probably more: the
	// writer writes more at a time than lines. It gets a moment to go on, now
	// that its pipe has room.
	bulk   = 4 << 10
	moment = time.Millisecond
)

// Source is a source of one stream, what an open file has from where it
// stands.
type Source struct {
	f     *os.File
	name  string
	given bool
}

var _ weir.Source = (*Source)(nil)

// NewSource returns a source that reads f, such as os.Stdin. It does not close
// f.
func NewSource(f *os.File) *Source { return &Source{f: f, name: fileName(f)} }

func fileName(f *os.File) string {
	switch f {
	case nil:
		return "nil"
	case os.Stdin:
		return "stdin"
	case os.Stdout:
		return "stdout"
	case os.Stderr:
		return "stderr"
	}
	return f.Name()
}

func (s *Source) String() string { return s.name }

// Next returns the stream at once, and then io.EOF.
func (s *Source) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	st, err := newStream(s.f, s.name)
	if err != nil {
		return nil, &weir.Error{Op: "open", Node: s.name, Err: err}
	}
	s.given = true
	return st, nil
}

// Close does nothing: the file is not ours.
func (s *Source) Close() error { return nil }

type stream struct {
	f    *os.File
	conn *conn
	info weir.StreamInfo

	// Of a regular file, in bytes from its beginning.
	off, size int64
}

var _ weir.Stream = (*stream)(nil)

func newStream(f *os.File, name string) (*stream, error) {
	c, stat, err := newConn(f)
	if err != nil {
		return nil, err
	}
	s := &stream{f: f, conn: c}
	s.info = weir.StreamInfo{ID: "stdio:" + name, Name: strings.Trim(name, "/"), Size: weir.UnknownSize}
	if !c.plain {
		return s, nil
	}
	if s.off, err = f.Seek(0, io.SeekCurrent); err != nil {
		return nil, err
	}
	s.size = stat.Size()
	s.info.Size = max(s.size-s.off, 0)
	if id, ok := identity(stat); ok {
		s.info.ID = id
	}
	return s, nil
}

func (s *stream) Info() weir.StreamInfo { return s.info }

// Seek moves the descriptor, also for others who share it.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	if !s.conn.plain {
		return weir.ErrNotResumable
	}
	off, err := p.Offset()
	if err != nil {
		return s.err("seek", weir.Invalid, err)
	}
	if off > s.size {
		return s.err("seek", weir.Corrupt, fmt.Errorf("the position %q is after the end of the file, %d", p.String(), s.size))
	}
	if _, err := s.f.Seek(off, io.SeekStart); err != nil {
		return s.err("seek", weir.Other, err)
	}
	s.off = off
	return nil
}

func (s *stream) err(op string, kind weir.Kind, err error) error {
	return &weir.Error{Op: op, Node: s.info.Name, Kind: kind, Err: err}
}

func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	s.conn.waited = 0
	defer func() { b.AddWait(s.conn.waited) }()
	n, err := s.conn.read(ctx, b.Space())
	switch {
	case errors.Is(err, io.EOF):
		return s.end()
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		return s.err("read", weir.Other, err)
	}
	b.Advance(n)
	if s.conn.plain {
		s.off += int64(n)
		b.SetOffset(s.off)
		return nil
	}
	s.fill(b, n)
	return nil
}

// end tells the end of the stream from the end of a file that was cut off.
func (s *stream) end() error {
	if s.off < s.size {
		return s.err("read", weir.Corrupt, fmt.Errorf("the file ends at %d, its size was %d: %w", s.off, s.size, io.ErrUnexpectedEOF))
	}
	return io.EOF
}

// fill adds to b, which has n bytes, what comes at once: a pipe holds less than
// a batch, and its writer goes on as soon as there is room. What ends it is a
// full batch, an empty pipe, or linger.
func (s *stream) fill(b *weir.Batch, n int) {
	if len(b.Space()) == 0 {
		return
	}
	for began := time.Now(); len(b.Space()) > 0 && time.Since(began) < linger; b.Advance(n) {
		wait := time.Duration(0)
		if n >= bulk {
			wait = moment
		}
		if n = s.conn.more(b.Space(), wait); n == 0 {
			return
		}
	}
}

// Close does nothing: the file is not ours.
func (s *stream) Close() error { return nil }
