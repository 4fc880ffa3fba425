package weir

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// handOver passes the batch that was read at index i on: to the transform, to a
// lane, or straight to the writer. last says that it is the stream's last.
func (st *stream) handOver(i uint64, b *Batch, last bool) {
	now := st.r.now()
	st.mu.Lock()
	st.mu.doing = ""
	st.mu.readEWMA += (now - st.mu.clock.since - st.mu.readEWMA) / 4
	st.mu.clock.to(waitingDownstream, now)
	st.mu.clock.shift(b.waited)
	st.countReadLocked(b)
	st.mu.whole = last
	if st.mu.abandoned || st.mu.err != nil {
		st.ackLocked(i)
		st.mu.Unlock()
		st.r.release(b)
		return
	}
	switch {
	case st.r.transforms != nil:
		st.mu.busy++
		st.mu.slots[st.mu.win.Slot(i)] = slotQueued
		st.mu.Unlock()
		st.transform(i, b)
	case st.inlineLocked(i, b.Len(), now):
		st.takeLocked(i, now)
		st.mu.Unlock()
		st.write(i, b, now, true)
		st.yielded = yield(st.yielded, now)
	default:
		st.mu.clock.to(working, now) // if there is no place to read into, that is noticed
		st.readyLocked(i)
		st.mu.Unlock()
	}
}

// yieldEvery is how long a goroutine makes one system call after another before it
// lets others go first. If it does not for 10 ms, the runtime's monitor takes its
// processor away in the middle of one, and looks at it every 20 µs for some time
// after: measured, that is 8 % of the processor time of a copy. Much less would have
// hundreds of short streams take turns that could end one after another.
const yieldEvery = 8 * time.Millisecond

// yield lets other goroutines go first if it is time to, and returns when it last
// did.
func yield(last, now time.Duration) time.Duration {
	if now-last < yieldEvery {
		return last
	}
	runtime.Gosched()
	return now
}

// skipLocked moves nextWrite past the places that were given back unused.
// st.mu must be held.
func (st *stream) skipLocked() {
	st.mu.nextWrite = max(st.mu.nextWrite, st.mu.win.Base())
	for st.mu.nextWrite < st.mu.win.Next() && st.mu.slots[st.mu.win.Slot(st.mu.nextWrite)] == slotFree {
		st.mu.nextWrite++
	}
}

// readyLocked makes batch i ready for the lanes. st.mu must be held.
func (st *stream) readyLocked(i uint64) {
	st.mu.slots[st.mu.win.Slot(i)] = slotReady
	st.wakeLaneLocked()
}

// wakeLaneLocked sees to it that a lane looks for a ready batch. st.mu must be
// held.
func (st *stream) wakeLaneLocked() {
	if st.mu.idleLanes == 0 && st.mu.lanes < st.r.opts.InFlight {
		st.mu.lanes++
		st.r.group.Go(st.lane)
		return
	}
	st.mu.lane.Signal()
}

// takeLocked takes batch i for a write. st.mu must be held.
func (st *stream) takeLocked(i uint64, now time.Duration) {
	st.mu.nextWrite = i + 1
	st.mu.busy++
	st.mu.cp.writes++
	st.mu.slots[st.mu.win.Slot(i)] = slotWriting
	st.mu.sink.add(1, now)
}

// lane writes ready batches, in order of their index, until there will be no
// more.
func (st *stream) lane() {
	yielded := st.r.now()
	for {
		i, b, now := st.nextReady()
		if b == nil {
			return
		}
		st.write(i, b, now, false)
		yielded = yield(yielded, now)
	}
}

// nextReady waits for the next batch in order and takes it; nil ends the lane.
func (st *stream) nextReady() (uint64, *Batch, time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for {
		st.skipLocked()
		i := st.mu.nextWrite
		slot := st.mu.win.Slot(i)
		done := st.mu.err != nil || st.mu.abandoned || st.mu.readEnd && st.mu.win.InFlight() == 0
		switch {
		case done:
			st.mu.lanes--
			return 0, nil, 0
		case st.readyAtLocked(i):
			now := st.r.now()
			st.takeLocked(i, now)
			if st.readyAtLocked(i + 1) {
				st.wakeLaneLocked()
			}
			return i, st.outgoing(slot), now
		}
		st.mu.idleLanes++
		st.mu.lane.Wait()
		st.mu.idleLanes--
	}
}

// readyAtLocked reports whether batch i is ready for a lane, and may be written
// now. st.mu must be held.
func (st *stream) readyAtLocked(i uint64) bool {
	return !st.mu.cp.due && !st.mu.cp.flushing && st.mu.win.Holds(i) && st.mu.slots[st.mu.win.Slot(i)] == slotReady
}

// outgoing is the batch at slot as the sink gets it.
func (st *stream) outgoing(slot int) *Batch {
	if len(st.r.opts.Steps)%2 == 1 {
		return &st.outs[slot]
	}
	return &st.batches[slot]
}

// write writes b, releases its lease and acknowledges index i. A batch that the
// transform left empty is not written. inline says that the reader is the caller.
func (st *stream) write(i uint64, b *Batch, began time.Duration, inline bool) {
	var err error
	b.notes, b.flush = [fates]Count{}, false // what the reader and the steps noted is counted
	if b.Len() > 0 {
		err = st.callWrite(b)
	}
	now := st.r.now()
	if inline && err == nil && st.keeps(b) {
		st.kept = b
	} else {
		st.r.releaseAt(b, now)
	}
	if err != nil {
		st.writeFailed(b, err)
	} else if b.Len() > 0 {
		st.r.latency.record(now - began)
	}
	st.mu.Lock()
	st.mu.busy--
	st.mu.cp.writes--
	st.mu.sink.add(-1, now)
	st.mu.writeEWMA += (now - began - st.mu.writeEWMA) / 4
	if err == nil {
		st.countWrittenLocked(b)
	}
	st.ackLocked(i)
	if b.flush {
		st.wantFlushLocked()
	}
	flush := st.beginFlushLocked()
	if inline && !flush {
		st.mu.clock.to(working, now)
	}
	st.mu.Unlock()
	if flush {
		st.flush()
	}
}

// callWrite calls Write and turns a panic into an error.
func (st *stream) callWrite(b *Batch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return st.writer.Write(st.ctx, b)
}

// writeFailed records why a Write failed. After a cancellation that is the
// cancellation, whatever the sink made of it: the first cause decides.
func (st *stream) writeFailed(b *Batch, err error) {
	if st.ctx.Err() != nil {
		st.fail(context.Cause(st.ctx))
		return
	}
	e := st.place("write", st.r.dstName)
	e.Position = append(Position(nil), b.pos...)
	st.fail(wrapError(err, e))
}

// ackLocked frees the place of index i, moves the low watermark, and wakes the
// reader and the lanes if that may concern them. st.mu must be held.
func (st *stream) ackLocked(i uint64) {
	failed := st.mu.err != nil
	st.mu.slots[st.mu.win.Slot(i)] = slotFree
	before := st.mu.win.Base()
	base, err := st.mu.win.Ack(i)
	if err != nil {
		panic(err) // a bug in weir: every index is acknowledged once
	}
	if base == before {
		return
	}
	for k := base; k > before && !failed; k-- {
		if pos := st.batches[st.mu.win.Slot(k-1)].pos; len(pos) > 0 {
			st.mu.watermark = append(st.mu.watermark[:0], pos...)
			st.mu.cp.after = st.batches[st.mu.win.Slot(k-1)].after
			break
		}
	}
	st.mu.reader.Signal()
	if st.mu.readEnd {
		st.mu.lane.Broadcast()
	}
}

// newPanicError is called by a deferred function that recovered v.
func newPanicError(v any) error { return &PanicError{Value: v, Stack: debug.Stack()} }
