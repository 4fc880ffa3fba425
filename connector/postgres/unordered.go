package postgres

import (
	"context"
	"errors"
	"sync"

	"github.com/weirflow/weir"
)

// unordered is a Writer on several connections. Each Write is a transaction on one
// of them, so that none waits for the rows of another with a lock that is held until
// the next Flush. These transactions need not be durable at once; Flush sees to it.
type unordered struct {
	sink   *Sink
	stream weir.StreamInfo
	free   chan *lane // one entry for each connection; nil: not made yet
	mu     sync.Mutex
	lanes  []*lane
}

var _ weir.Flusher = (*unordered)(nil)

func newUnordered(ctx context.Context, s *Sink, stream weir.StreamInfo) (*unordered, error) {
	first, err := s.open(ctx, stream)
	if err != nil {
		return nil, err
	}
	w := &unordered{sink: s, stream: stream, free: make(chan *lane, s.o.Connections), lanes: []*lane{first}}
	w.free <- first
	for range s.o.Connections - 1 {
		w.free <- nil
	}
	return w, nil
}

// Write writes b on a connection that is free. There is one for each Write that may
// be in flight.
func (w *unordered) Write(ctx context.Context, b *weir.Batch) error {
	var l *lane
	select {
	case l = <-w.free:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { w.free <- l }()
	if l == nil {
		made, err := w.sink.open(ctx, w.stream)
		if err != nil {
			return err
		}
		l = made
		w.mu.Lock()
		w.lanes = append(w.lanes, l)
		w.mu.Unlock()
	}
	return l.write(ctx, b)
}

// Flush makes the transactions of all connections durable. Each is asked on the
// connection that has made them: if the server has lost some, it has lost that too.
func (w *unordered) Flush(ctx context.Context, _ weir.Position) ([]byte, error) {
	for _, l := range w.all() {
		l.mu.Lock()
		err := l.c.during(ctx, func() error { return l.settle(ctx) })
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (w *unordered) all() []*lane {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*lane(nil), w.lanes...)
}

// settle makes durable what was committed without waiting for it: a transaction that
// is durable comes after all that the server has logged before.
func (l *lane) settle(ctx context.Context) error {
	if !l.dirty {
		return nil
	}
	if l.c.broken.Load() {
		return &weir.Error{Kind: weir.Transient, Err: errors.New("the connection is lost, and what was written on it may be, too")}
	}
	if _, err := l.c.exec(ctx, "SELECT pg_logical_emit_message(true, 'weir', '')"); err != nil {
		return err
	}
	l.dirty = false
	return nil
}

// Commit makes all of it durable.
func (w *unordered) Commit(ctx context.Context) error {
	_, err := w.Flush(ctx, nil)
	w.end(ctx)
	return err
}

// Abort ends the connections. What was written stays: each Write was committed.
func (w *unordered) Abort(ctx context.Context, _ error) error {
	w.end(ctx)
	return nil
}

func (w *unordered) end(ctx context.Context) {
	for _, l := range w.all() {
		l.end(ctx)
	}
}
