package weir

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// resumption is what a stream knows of its checkpoints. The stream's lock guards
// it.
type resumption struct {
	kept     bool  // there are to be any
	resumed  bool  // the sink knows where the stream begins in this run
	due      bool  // flush as soon as no write is running
	flushing bool  // Flush or Save is running; no write begins meanwhile
	writes   int   // running
	after    Count // read up to the watermark, in this run
	saved    Count // the same at the last checkpoint of this run
	exists   bool  // there is, or may be, a checkpoint of this run or an earlier one
	base     Checkpoint
	already  bool // whole at the sink before this run
}

// keepsCheckpoints reports whether the stream's progress is stored: there is a
// store, the source can continue, and the sink can say what is durable.
func (st *stream) keepsCheckpoints() bool {
	if st.r.opts.Checkpoints == nil || st.writer == nil || !st.info.Resumable {
		return false
	}
	_, flushes := st.writer.(Flusher)
	return flushes || st.r.fp.Durable
}

// resume continues where an earlier run stopped. It reports false when the stream
// must not be read.
func (st *stream) resume() bool {
	if !st.keepsCheckpoints() {
		return true
	}
	st.mu.Lock()
	st.mu.cp.kept, st.mu.cp.exists = true, true // until it is known
	st.mu.Unlock()
	st.enter("resume", waitingDownstream, 1)
	last, known, from, err := st.lookUp()
	if st.leave(working, -1) {
		return false
	}
	switch {
	case errors.Is(err, ErrCommitted) && last.Size != st.info.Size:
		e := st.place("resume", st.r.srcName)
		e.Kind = Invalid
		e.Err = fmt.Errorf("it has %d bytes and had %d when it was committed; start over to have it as it is now", st.info.Size, last.Size)
		st.fail(&e)
		return false
	case errors.Is(err, ErrCommitted):
		if len(from) > 0 && !st.seek(last, known, from) { // what was committed is what is there now
			return false
		}
		st.mu.Lock()
		st.mu.cp.already, st.mu.whole = true, true
		st.mu.Unlock()
		return false
	case err != nil && st.ctx.Err() != nil:
		st.fail(context.Cause(st.ctx))
		return false
	case err != nil:
		st.fail(err)
		return false
	case len(from) == 0:
		st.mu.Lock()
		st.mu.cp.exists, st.mu.cp.resumed = known, true
		st.mu.Unlock()
		return true
	case !st.seek(last, known, from):
		return false
	}
	st.mu.Lock()
	st.mu.cp.resumed = true
	st.mu.Unlock()
	return true
}

// lookUp asks the store and the sink how far the stream has come.
func (st *stream) lookUp() (last Checkpoint, known bool, from Position, err error) {
	err = st.r.guard("checkpoint", st.r.name(), func() (err error) {
		last, known, err = st.r.opts.Checkpoints.Load(st.ctx, st.info)
		return err
	})
	if err != nil {
		return last, known, nil, wrapError(err, st.place("checkpoint", st.r.name()))
	}
	from = last.Position
	if w, ok := st.writer.(Resumer); ok {
		err = st.r.guard("resume", st.r.dstName, func() (err error) {
			from, err = w.Resume(st.ctx, last)
			return err
		})
		if err != nil && !errors.Is(err, ErrCommitted) {
			err = wrapError(err, st.place("resume", st.r.dstName))
		}
	}
	return last, known, from, err
}

// seek makes the source continue at from.
func (st *stream) seek(last Checkpoint, known bool, from Position) bool {
	st.enter("read", working, 0)
	err := st.r.guard("seek", st.r.srcName, func() error { return st.src.Seek(st.readCtx, from) })
	if st.leave(working, 0) {
		return false
	}
	if err != nil && st.readCtx.Err() != nil {
		return false
	}
	if err != nil {
		e := st.place("seek", st.r.srcName)
		e.Position = from
		if errors.Is(err, ErrNotResumable) {
			err = fmt.Errorf("%w: the sink has what came before, and reading it again would double it", err)
		}
		st.fail(wrapError(err, e))
		return false
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.watermark = append(st.mu.watermark[:0], from...)
	if known && string(from) == string(last.Position) {
		st.mu.cp.base = last
		st.next = last.Read.Records + 1
	} else {
		st.next = 0 // the sink is ahead of the store: how many records that is nobody knows
	}
	return true
}

// askFlush asks for a checkpoint, if there is something to store.
func (st *stream) askFlush() {
	st.mu.Lock()
	now := st.wantFlushLocked() && st.beginFlushLocked()
	st.mu.Unlock()
	if now {
		st.r.group.Go(st.flush)
	}
}

// wantFlushLocked makes a flush due. It reports false if one is already, or there is
// nothing to store. st.mu must be held.
func (st *stream) wantFlushLocked() bool {
	cp := &st.mu.cp
	if !cp.kept || cp.due || cp.flushing || st.mu.ending || st.mu.abandoned || st.mu.err != nil || cp.after == cp.saved && !st.overdueLocked() {
		return false
	}
	cp.due = true
	return true
}

// overdueLocked reports whether the Writer must be flushed though nothing was
// written. st.mu must be held, which keeps a Write from beginning meanwhile.
func (st *stream) overdueLocked() bool {
	w, ok := st.writer.(Timely)
	return ok && st.mu.cp.resumed && st.mu.cp.writes == 0 && w.Overdue()
}

// beginFlushLocked reports whether the caller must flush now: a checkpoint is due
// and no write is running. st.mu must be held.
func (st *stream) beginFlushLocked() bool {
	cp := &st.mu.cp
	if !cp.due || cp.flushing || cp.writes > 0 || st.mu.ending || st.mu.abandoned || st.mu.err != nil {
		return false
	}
	cp.due, cp.flushing = false, true
	st.mu.busy++
	st.mu.sink.add(1, st.r.now())
	return true
}

// flush makes what was written durable and stores how far it goes.
func (st *stream) flush() {
	err := st.checkpoint(st.ctx, false)
	if err != nil && st.ctx.Err() != nil {
		err = context.Cause(st.ctx)
	}
	if err != nil {
		st.fail(err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.cp.flushing = false
	st.mu.busy--
	st.mu.sink.add(-1, st.r.now())
	st.mu.reader.Signal()
	st.mu.lane.Broadcast()
	if st.skipLocked(); st.readyAtLocked(st.mu.nextWrite) {
		st.wakeLaneLocked()
	}
}

// checkpoint calls Flush, Save and Committed, of the sink and of the source, in the
// only right order. No write is
// running.
func (st *stream) checkpoint(ctx context.Context, whole bool) error {
	st.mu.Lock()
	c := st.mu.cp.base
	after := st.mu.cp.after
	c.Position = append(Position(nil), st.mu.watermark...)
	c.Read.plus(after)
	c.Written.plus(st.mu.written)
	c.Size, c.Whole = st.info.Size, whole
	st.mu.Unlock()
	if w, ok := st.writer.(Flusher); ok {
		err := st.r.guard("flush", st.r.dstName, func() (err error) {
			c.Mark, err = w.Flush(ctx, c.Position)
			return err
		})
		if err != nil {
			e := st.place("flush", st.r.dstName)
			e.Position = c.Position
			return wrapError(err, e)
		}
	}
	err := st.r.guard("checkpoint", st.r.name(), func() error { return st.r.opts.Checkpoints.Save(ctx, st.info, c) })
	if err != nil {
		return wrapError(err, st.place("checkpoint", st.r.name()))
	}
	st.mu.Lock()
	st.mu.cp.saved, st.mu.cp.exists = after, true
	st.mu.acked = st.mu.written
	st.mu.Unlock()
	st.r.checkpoints.Add(1)
	if w, ok := st.writer.(Committer); ok {
		err := st.r.guard("committed", st.r.dstName, func() error { return w.Committed(ctx, c.Position) })
		if err != nil {
			return wrapError(err, st.place("committed", st.r.dstName))
		}
	}
	if src, ok := st.src.(Committer); ok {
		err := st.r.guard("committed", st.r.srcName, func() error { return src.Committed(ctx, c.Position) })
		return wrapError(err, st.place("committed", st.r.srcName))
	}
	return nil
}

// lastCheckpoint stores where the stream ends, before its Writer is ended: at a
// commit, so that a crash from here on finds a stream that is whole; after a
// drain, so that nothing delivered is read again.
func (st *stream) lastCheckpoint(whole bool) error {
	st.enter("flush", waitingDownstream, 1)
	err := st.checkpoint(st.ctx, whole)
	st.leave(waitingDownstream, -1)
	return err
}

// suspends reports whether the Writer keeps what it has for a later run, in place
// of an Abort.
func (st *stream) suspends(w Writer) (Resumer, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.mu.cp.exists {
		return nil, false
	}
	resumer, ok := w.(Resumer)
	return resumer, ok
}

// tickCheckpoints returns the ticks at which checkpoints are due, or nil.
func (r *run) tickCheckpoints() (ticks <-chan time.Time, stop func()) {
	if r.opts.Checkpoints == nil {
		return nil, func() {}
	}
	t := time.NewTicker(r.opts.CheckpointEvery)
	return t.C, t.Stop
}
