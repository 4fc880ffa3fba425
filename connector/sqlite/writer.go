package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir"
)

// Of the time that a transaction held the lock, turn is the share that the lock is
// left to other writers after it, at most maxTurn. It is longer than they wait
// between two looks at the lock.
const (
	turn    = 50
	maxTurn = 3 * lastWait
)

// writer is a Writer. Until Flush or Commit, what it has written is in a transaction
// that is open.
type writer struct {
	sink   *Sink
	stream weir.StreamInfo

	mu    sync.Mutex  // held by each call
	left  atomic.Bool // it was ended; a call that is still running does the rest
	c     *conn       // does not change
	ended bool        // c is not this Writer's any more
	rows  *rows       // nil: the table is to be made
	err   error       // what a Write has failed with: nothing may follow it
	tx    bool        // a transaction is open
	since time.Time   // when it was begun
	next  time.Time   // when the next one may begin

	resumed bool // Resume was called
	epoch   int64
	at      weir.Position
}

var _ weir.Resumer = (*writer)(nil)

var errEnded = errors.New("the Writer has ended")

// look makes w.rows if there is a table.
func (w *writer) look() error {
	t, err := loadTable(w.c, w.sink.o.Table)
	if err != nil || t == nil {
		return err
	}
	w.rows, err = newRows(w.c, t, &w.sink.o, w.stream)
	return err
}

// Resume takes the stream over and returns the position that was stored with its
// rows, whatever the checkpoint says of it.
func (w *writer) Resume(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	if err := w.lock(ctx); err != nil {
		return nil, err
	}
	defer w.unlock()
	got, err := w.sink.claimStream(ctx, w.c, w.stream)
	if err != nil {
		return nil, classify(ctx, err)
	}
	w.resumed, w.epoch, w.at = true, got.epoch, got.position
	if w.rows == nil {
		made, err := w.sink.noted(w.c, noteMade)
		if err == nil && made {
			err = gone(w.sink.o.Table)
		}
		if err != nil {
			return nil, classify(ctx, err)
		}
	}
	switch {
	case got.whole && !w.stream.Endless: // an endless one was drained, and goes on
		return got.position, weir.ErrCommitted
	case len(got.position) == 0 && len(last.Position) > 0 && w.sink.o.Fresh == "":
		return w.unknown(ctx, last)
	}
	return got.position, nil
}

// unknown decides about a stream that the checkpoint knows and the database does not.
func (w *writer) unknown(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	if last.Whole {
		purged, err := w.sink.noted(w.c, notePurged)
		if err != nil {
			return nil, classify(ctx, err)
		}
		if purged {
			if err := w.store(ctx, last.Position, true); err != nil {
				return nil, err
			}
			return last.Position, weir.ErrCommitted
		}
	}
	return nil, invalid("an earlier run has come to %s, and %s in this database does not know of the stream: it is another database, or the row was removed; start over with --fresh to write all of it again",
		last.Position, positionTable)
}

// Write adds the records of b as rows of the transaction.
func (w *writer) Write(ctx context.Context, b *weir.Batch) error {
	if err := w.lock(ctx); err != nil {
		return err
	}
	defer w.unlock()
	if w.err != nil {
		return w.err
	}
	err := w.write(ctx, b)
	if err == nil && !w.resumed && w.stream.Endless {
		err = w.commit(ctx) // nobody will ask for a Flush, and a Commit may never come
	}
	if err != nil {
		w.err = classify(ctx, err)
	}
	return w.err
}

func (w *writer) write(ctx context.Context, b *weir.Batch) error {
	if b.Records() == 0 {
		return invalid("the batch has no records; a table takes JSON objects, one a record (NDJSON)")
	}
	defer w.c.watch(ctx)()
	if err := w.begin(ctx); err != nil {
		return err
	}
	if w.rows == nil {
		if err := w.create(b); err != nil {
			return err
		}
	}
	return w.rows.write(ctx, b)
}

// create makes the table from the records of b, unless somebody else has meanwhile.
func (w *writer) create(b *weir.Batch) error {
	if err := w.look(); err != nil || w.rows != nil {
		return err
	}
	sql, err := createSQL(&w.sink.o, b)
	if err != nil {
		return err
	}
	if err := w.c.exec(sql); err != nil {
		return err
	}
	if w.resumed {
		if err := w.sink.noteMade(w.c); err != nil {
			return err
		}
	}
	return w.look()
}

// begin begins a transaction, unless one is open.
func (w *writer) begin(ctx context.Context) error {
	if w.tx {
		return nil
	}
	if d := time.Until(w.next); d > 0 && !sleep(ctx, d) {
		return context.Cause(ctx)
	}
	if err := w.sink.begin(ctx, w.c); err != nil {
		return err
	}
	w.tx, w.since = true, time.Now()
	return nil
}

// commit commits the transaction, if one is open.
func (w *writer) commit(ctx context.Context) error {
	if !w.tx {
		return nil
	}
	if !w.c.inTransaction() {
		return &weir.Error{Kind: weir.Transient, Err: errors.New("SQLite has rolled the transaction back")}
	}
	if err := w.sink.commit(ctx, w.c); err != nil {
		return err
	}
	w.tx = false
	now := time.Now()
	w.next = now.Add(min(now.Sub(w.since)/turn, maxTurn))
	return nil
}

// Flush commits the transaction, and in it the position.
func (w *writer) Flush(ctx context.Context, upTo weir.Position) ([]byte, error) {
	if err := w.lock(ctx); err != nil {
		return nil, err
	}
	defer w.unlock()
	return nil, w.store(ctx, upTo, false)
}

// store commits what was written and how far that is.
func (w *writer) store(ctx context.Context, upTo weir.Position, whole bool) error {
	if w.err != nil {
		return w.err
	}
	var err error
	if w.sink.o.SyncBad != nil {
		err = w.sink.o.SyncBad()
	}
	if err == nil && w.resumed {
		if err = w.begin(ctx); err == nil {
			err = w.sink.move(w.c, w.stream, w.epoch, upTo, whole)
		}
	}
	if err == nil {
		err = w.commit(ctx)
	}
	if err != nil {
		w.err = classify(ctx, err)
		return w.err
	}
	w.at = append(w.at[:0], upTo...)
	return nil
}

// Commit commits the transaction, and in it that the stream is whole. An endless one
// never is: it was told to stop, and a later run goes on.
func (w *writer) Commit(ctx context.Context) error {
	err := w.lock(ctx)
	if err == nil {
		err = w.store(ctx, w.at, !w.stream.Endless)
		w.unlock()
	}
	w.end()
	return err
}

// Abort rolls the transaction back. What was flushed stays.
func (w *writer) Abort(context.Context, error) error {
	w.end()
	return nil
}

// Suspend rolls the transaction back. What was flushed stays, for a later run.
func (w *writer) Suspend(ctx context.Context, cause error) error { return w.Abort(ctx, cause) }

// lock begins a call.
func (w *writer) lock(ctx context.Context) error {
	w.mu.Lock()
	switch {
	case ctx.Err() != nil:
		w.unlock()
		return context.Cause(ctx)
	case w.ended || w.left.Load():
		w.unlock()
		return &weir.Error{Kind: weir.Closed, Err: errEnded}
	}
	return nil
}

// unlock ends a call, and the Writer if that was to end meanwhile.
func (w *writer) unlock() {
	w.mu.Unlock()
	if w.left.Load() && w.mu.TryLock() {
		w.release(w.sink.discard)
		w.mu.Unlock()
	}
}

// end ends the Writer. A call that is still running, because it was abandoned, is
// interrupted, and does it when it returns.
func (w *writer) end() {
	w.left.Store(true)
	if w.mu.TryLock() {
		w.release(w.sink.giveBack)
		w.mu.Unlock()
		return
	}
	w.c.interrupt()
}

// release rolls back what was not committed and passes the connection on. The lock
// must be held.
func (w *writer) release(pass func(*conn)) {
	if w.ended {
		return
	}
	w.ended = true
	if w.rows != nil {
		w.rows.close()
	}
	_ = rollback(w.c) // a connection that is still in a transaction is closed
	pass(w.c)
}
