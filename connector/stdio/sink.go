package stdio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/weirflow/weir"
)

// ErrClosedPipe is wrapped by the error of a Write whose reader has gone, as
// when the output is piped into head. It is not a failure of this side.
var ErrClosedPipe = errors.New("nobody reads the output any more")

// Sink writes streams, one after another, to an open file.
type Sink struct {
	f    *os.File
	name string
	conn *conn
	own  *os.File // the same pipe, non-blocking; nil: none
}

var _ weir.Sink = (*Sink)(nil)

// NewSink returns a sink that writes to f, such as os.Stdout. It does not close
// f.
func NewSink(f *os.File) *Sink { return &Sink{f: f, name: fileName(f)} }

func (s *Sink) String() string { return s.name }

// Footprint says: no memory, one stream at a time, in order, nothing
// acknowledged before Commit.
func (s *Sink) Footprint() weir.Footprint { return weir.Footprint{MaxInFlight: 1, MaxWriters: 1} }

// Open prepares the file for the first stream, and does nothing for the next
// ones.
func (s *Sink) Open(_ context.Context, info weir.StreamInfo) (weir.Writer, error) {
	if s.conn == nil {
		if err := s.prepare(); err != nil {
			return nil, s.err("open", info.Name, err)
		}
	}
	return &writer{s: s, stream: info.Name}, nil
}

func (s *Sink) prepare() error {
	c, stat, err := newConn(s.f)
	if err != nil {
		return err
	}
	if !c.plain {
		c.chunk = pipeBuf
	}
	if stat.Mode()&os.ModeNamedPipe != 0 { // so is an unnamed one
		if own, err := reopen(s.f); err == nil {
			if c, _, err = newConn(own); err != nil {
				return errors.Join(err, own.Close())
			}
			s.own = own
		}
	}
	s.conn = c
	return nil
}

func (s *Sink) err(op, stream string, err error) error {
	e := &weir.Error{Op: op, Node: s.name, Stream: stream, Err: err}
	if errors.Is(err, syscall.EPIPE) {
		e.Kind, e.Err = weir.Closed, fmt.Errorf("%w: %w", ErrClosedPipe, err)
	}
	return e
}

// Close closes nothing of the caller's.
func (s *Sink) Close() error {
	if s.own == nil {
		return nil
	}
	return s.own.Close()
}

type writer struct {
	s      *Sink
	stream string
}

// Write returns when the kernel has taken everything.
func (w *writer) Write(ctx context.Context, b *weir.Batch) error {
	err := w.s.conn.writeAll(ctx, b.Bytes())
	if err == nil || ctx.Err() != nil {
		return err
	}
	return w.s.err("write", w.stream, err)
}

// Commit syncs a regular file. What else there is to sync is the reader's.
func (w *writer) Commit(context.Context) error {
	if !w.s.conn.plain {
		return nil
	}
	if err := w.s.f.Sync(); err != nil {
		return w.s.err("commit", w.stream, err)
	}
	return nil
}

// Abort leaves what was written where it is: a pipe's reader has it, and a file
// may be somebody else's too.
func (w *writer) Abort(context.Context, error) error { return nil }
