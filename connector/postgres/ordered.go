package postgres

import (
	"context"
	"errors"

	"github.com/weirflow/weir"
)

// ordered is a Writer on one connection. Until Flush or Commit, what it has written is
// in a transaction that is open.
type ordered struct {
	l     *lane
	epoch string // empty: Resume was not called
	at    weir.Position
}

var _ weir.Resumer = (*ordered)(nil)

// Resume takes the stream over and returns the position that was stored with its
// rows, whatever the checkpoint says of it.
func (w *ordered) Resume(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	l := w.l
	l.mu.Lock()
	defer l.mu.Unlock()
	got, err := l.sink.claimStream(ctx, l.c, l.stream)
	if err != nil {
		return nil, err
	}
	w.epoch, w.at, l.noted = got.epoch, got.position, true
	if l.e == nil {
		made, err := l.sink.noted(ctx, l.c, noteMade)
		if err == nil && made {
			err = gone(l.sink.relation)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case got.whole && !l.stream.Endless: // an endless one was drained, and goes on
		return got.position, weir.ErrCommitted
	case len(got.position) == 0 && len(last.Position) > 0 && l.sink.o.Fresh == "":
		return w.unknown(ctx, last)
	}
	return got.position, nil
}

// unknown decides about a stream that the checkpoint knows and the database does not.
func (w *ordered) unknown(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	l := w.l
	if last.Whole {
		purged, err := l.sink.noted(ctx, l.c, notePurged)
		if purged {
			err = l.sink.move(ctx, l.c, l.stream, w.epoch, last.Position, true)
		}
		if err != nil {
			return nil, err
		}
		if purged {
			return last.Position, weir.ErrCommitted
		}
	}
	return nil, invalid("an earlier run has come to %s, and %s in this database does not know of the stream: it is another database, or the row was removed; start over with --fresh to write all of it again",
		last.Position, positionTable)
}

// Write adds the records of b as rows of the transaction.
func (w *ordered) Write(ctx context.Context, b *weir.Batch) error {
	if w.epoch == "" && w.l.stream.Endless {
		w.l.each = true // nobody will ask for a Flush, and a Commit may never come
	}
	return w.l.write(ctx, b)
}

// Flush commits the transaction, and in it the position.
func (w *ordered) Flush(ctx context.Context, upTo weir.Position) ([]byte, error) {
	return nil, w.store(ctx, upTo, false)
}

// store commits what was written and how far that is.
func (w *ordered) store(ctx context.Context, upTo weir.Position, whole bool) error {
	l := w.l
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.c.during(ctx, func() error {
		err := l.endCopy(ctx, nil)
		if err == nil && l.sink.o.SyncBad != nil {
			err = l.sink.o.SyncBad()
		}
		if err == nil && w.epoch != "" {
			err = l.sink.move(ctx, l.c, l.stream, w.epoch, upTo, whole)
		}
		if err == nil {
			w.at = append(w.at[:0], upTo...)
			err = l.commit(ctx)
		}
		if err == nil {
			err = l.settle(ctx)
		}
		return bare(err)
	})
}

// Commit commits the transaction, and in it that the stream is whole. An endless one
// never is: it was told to stop, and a later run goes on.
func (w *ordered) Commit(ctx context.Context) error {
	err := w.store(ctx, w.at, !w.l.stream.Endless)
	w.l.end(ctx)
	return err
}

// Abort rolls the transaction back. What was flushed stays.
func (w *ordered) Abort(ctx context.Context, _ error) error {
	w.l.end(ctx)
	return nil
}

// Suspend rolls the transaction back. What was flushed stays, for a later run.
func (w *ordered) Suspend(ctx context.Context, cause error) error { return w.Abort(ctx, cause) }

// bare returns err without the place that nobody can look for any more.
func bare(err error) error {
	var at *placeError
	if errors.As(err, &at) {
		return at.err
	}
	return err
}
