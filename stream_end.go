package weir

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// end waits until nothing of the stream is in flight, and commits or aborts it.
// It reports false if the stream was abandoned.
func (st *stream) end() bool {
	if !st.quiesce() {
		return false
	}
	st.failBroken()
	status := Failed
	switch cause := st.store(st.verdict()); {
	case st.writer == nil:
		status = st.statusOf(cause)
	case cause != nil:
		st.abort(cause)
		status = st.statusOf(cause)
	case st.isAlready():
		st.abort(ErrCommitted)
		status = Succeeded
	case st.commit():
		status = Succeeded
	}
	st.closeSource()
	st.mu.Lock()
	st.mu.retiring = !st.mu.abandoned
	retiring := st.mu.retiring
	st.mu.Unlock()
	if retiring {
		st.retire(status)
	}
	return retiring
}

// quiesce waits until every batch is acknowledged, or, when the stream has
// failed, until no call is running; what is still waiting for a lane is dropped.
// It reports false if the stream was abandoned.
func (st *stream) quiesce() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mu.clock.state != waitingDownstream {
		st.mu.clock.to(waitingDownstream, st.r.now())
	}
	for !st.mu.abandoned && (st.mu.busy > 0 || st.mu.err == nil && st.mu.win.InFlight() > 0) {
		st.mu.reader.Wait()
	}
	if st.mu.abandoned {
		return false
	}
	st.dropWaitingLocked()
	return true
}

// failBroken fails a stream whose source has failed, now that what it gave before is
// delivered. A failure of the steps or the sink that came meanwhile is of an earlier
// record, and counts.
func (st *stream) failBroken() {
	st.mu.Lock()
	var err error
	if st.mu.broken != nil {
		err = st.brokenLocked()
	}
	st.mu.Unlock()
	if err != nil {
		st.fail(err)
	}
}

// dropWaitingLocked releases the batches that wait for a lane or for a transform
// worker. st.mu must be held.
func (st *stream) dropWaitingLocked() {
	for slot, s := range st.mu.slots {
		switch s {
		case slotReady:
			st.r.release(st.outgoing(slot))
		case slotQueued:
			st.r.release(&st.batches[slot])
			st.mu.busy--
		default:
			continue
		}
		st.mu.slots[slot] = slotFree
	}
}

// verdict claims the ending and returns why the stream must be aborted; nil if
// it may be committed.
func (st *stream) verdict() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.ending = true
	if st.mu.err == nil && st.ctx.Err() != nil {
		st.mu.err = context.Cause(st.ctx)
	}
	switch {
	case st.mu.err != nil:
		return st.mu.err
	case st.mu.whole, st.info.Endless && st.r.ctx.Err() == nil:
		st.mu.err = st.balanceLocked()
		return st.mu.err
	}
	st.mu.err = st.r.stopCause()
	return st.mu.err
}

// finish lets a Finisher write what belongs behind the last batch, so that the last
// checkpoint covers it.
func (st *stream) finish() error {
	w, ok := st.writer.(Finisher)
	if !ok {
		return nil
	}
	st.enter("finish", waitingDownstream, 1)
	err := st.r.guard("finish", st.r.dstName, func() error { return w.Finish(st.ctx) })
	st.leave(waitingDownstream, -1)
	if err != nil && st.ctx.Err() != nil {
		return context.Cause(st.ctx)
	}
	return wrapError(err, st.place("finish", st.r.dstName))
}

// store keeps the last checkpoint of a stream that ends with cause, nil if it is
// whole, and returns why it must be aborted after all.
func (st *stream) store(cause error) error {
	if !st.keepsCheckpoints() || st.isAlready() || cause != nil && !errors.Is(cause, ErrDrained) {
		return cause
	}
	st.mu.Lock()
	whole := st.mu.whole
	st.mu.Unlock()
	var err error
	if cause == nil && whole {
		err = st.finish()
	}
	if err == nil {
		err = st.lastCheckpoint(whole)
	}
	switch {
	case err == nil:
		return cause
	case cause != nil:
		return errors.Join(cause, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.err = err
	return err
}

// isAlready reports whether an earlier run has committed the stream.
func (st *stream) isAlready() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.mu.cp.already && st.mu.err == nil
}

// statusOf tells a stream that was told to stop from one that failed by itself.
func (st *stream) statusOf(cause error) Status {
	stopped := st.r.stopCause()
	if stopped != nil && errors.Is(cause, stopped) {
		return Aborted
	}
	return Failed
}

// commit calls Commit and reports whether the stream is now whole at the sink.
func (st *stream) commit() bool {
	st.enter("commit", waitingDownstream, 1)
	err := st.r.guard("commit", st.r.dstName, func() error { return st.writer.Commit(st.ctx) })
	if st.leave(waitingDownstream, -1) {
		return false
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if err == nil {
		st.mu.acked = st.mu.written
		return true
	}
	e := st.place("commit", st.r.dstName)
	e.Position = append(Position(nil), st.mu.watermark...)
	known := *wrapError(err, e).(*Error)
	if k := known.Kind; (k == Other || k == Transient || k == Throttled) && !errors.Is(err, ErrUnknown) {
		known.Err = fmt.Errorf("%w (%w)", known.Err, ErrUnknown)
	}
	st.mu.err = &known
	return false
}

// abort calls Abort, or Suspend; what goes wrong with it is joined behind the
// cause.
func (st *stream) abort(cause error) {
	st.enter("abort", waitingDownstream, 1)
	err := st.callAbort(st.writer, cause)
	st.leave(waitingDownstream, -1)
	if err == nil {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.err = errors.Join(cause, err)
}

// callAbort calls Abort, or Suspend if there is something to come back to, with a
// context that is bounded by the grace period and not cancelled by what caused it.
func (st *stream) callAbort(w Writer, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(st.ctx), st.r.opts.Grace)
	defer cancel()
	if s, ok := st.suspends(w); ok {
		err := st.r.guard("suspend", st.r.dstName, func() error { return s.Suspend(ctx, cause) })
		return wrapError(err, st.place("suspend", st.r.dstName))
	}
	err := st.r.guard("abort", st.r.dstName, func() error { return w.Abort(ctx, cause) })
	return wrapError(err, st.place("abort", st.r.dstName))
}

// closeSource closes the source's side of the stream. A stream that was read to
// its end and cannot be closed has still been read.
func (st *stream) closeSource() {
	st.enter("close", waitingDownstream, 0)
	err := st.r.guard("close", st.r.srcName, st.src.Close)
	st.leave(waitingDownstream, 0)
	if err != nil && !st.isAbandoned() {
		st.r.noteError(wrapError(err, st.place("close", st.r.srcName)))
	}
}

func (st *stream) isAbandoned() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.mu.abandoned
}

// retire takes the stream off the run.
func (st *stream) retire(status Status) {
	st.stop()
	st.stopOverdue()
	now := st.r.now()
	st.mu.Lock()
	if status != Succeeded {
		st.mu.undelivered = max(0, st.missingLocked())
	}
	res := StreamResult{
		Info: st.info, Name: st.info.Name, Status: status, Err: st.mu.err,
		Read: st.mu.read, Written: st.mu.written, Duration: now - st.mu.began,
		Position: append(Position(nil), st.mu.watermark...),
		Resumed:  st.mu.cp.base.Read, Already: st.mu.cp.already,
	}
	st.mu.Unlock()
	if status == Succeeded {
		res.Err = nil
	}
	st.r.retire(st, res)
	close(st.retired)
}

func (st *stream) stopOverdue() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mu.overdue != nil {
		st.mu.overdue.Stop()
	}
}

// abandon gives up on a stream whose calls ignored for the grace period that it
// has failed or was cancelled. If nobody has begun to end it, it ends it in the
// worker's place, while the calls still run: it drops what waits and has its
// Writer aborted. The memory the calls hold stays charged until they return.
func (st *stream) abandon() {
	st.mu.Lock()
	if st.mu.ending {
		st.mu.Unlock()
		st.abandonEnding()
		return
	}
	st.mu.abandoned, st.mu.ending = true, true
	st.dropWaitingLocked()
	stuck := st.stuckLocked()
	w, cause := st.writer, st.mu.err
	st.mu.reader.Broadcast()
	st.mu.lane.Broadcast()
	st.mu.Unlock()
	status := st.statusOf(cause)
	if status == Failed {
		st.r.noteError(cause)
	}
	st.r.noteAbandoned(stuck...)
	if w != nil {
		st.r.bounded("sink "+st.r.dstName+": abort of stream "+st.info.Name, func() error { return st.callAbort(w, cause) })
	}
	st.r.bounded("source "+st.r.srcName+": close of stream "+st.info.Name, st.src.Close)
	st.retire(status)
	st.r.replaceWorker()
}

// abandonEnding waits, no longer than another grace period, for the ending that
// is under way.
func (st *stream) abandonEnding() {
	t := time.NewTimer(st.r.opts.Grace)
	defer t.Stop()
	select {
	case <-st.retired:
		return
	case <-t.C:
	}
	st.mu.Lock()
	if st.mu.retiring {
		st.mu.Unlock()
		return
	}
	st.mu.abandoned = true
	stuck, doing, cause := st.stuckLocked(), st.mu.doing, st.mu.err
	st.mu.Unlock()
	status := Failed
	if cause != nil {
		if status = st.statusOf(cause); status == Failed {
			st.r.noteError(cause)
		}
	}
	st.r.noteAbandoned(stuck...)
	if doing == "commit" {
		st.r.noteError(&Error{Op: "commit", Node: st.r.dstName, Stream: st.info.Name, Err: ErrUnknown})
	}
	st.retire(status)
	st.r.replaceWorker()
}

// stuckLocked names the calls that are running. st.mu must be held.
func (st *stream) stuckLocked() []string {
	of := func(op string) string { return op + " of stream " + st.info.Name }
	var stuck []string
	switch st.mu.doing {
	case "read", "close":
		stuck = append(stuck, "source "+st.r.srcName+": "+of(st.mu.doing))
	case "":
	default:
		stuck = append(stuck, "sink "+st.r.dstName+": "+of(st.mu.doing))
	}
	if st.mu.cp.flushing {
		stuck = append(stuck, "sink "+st.r.dstName+": "+of("flush"))
	}
	for _, s := range st.mu.slots {
		switch s {
		case slotWriting:
			stuck = append(stuck, "sink "+st.r.dstName+": "+of("write"))
		case slotTransforming:
			stuck = append(stuck, "transform of "+st.r.name()+": "+of("call"))
		}
	}
	return stuck
}
