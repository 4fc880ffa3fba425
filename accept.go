package weir

import (
	"context"
	"errors"
	"io"
	"time"
)

// work is a worker: it takes a stream from the source, brings it to its end,
// and takes the next. Workers follow one another: the one that got a stream
// starts the next worker, up to Options.Streams, before it serves it. A worker
// whose stream was abandoned has been written off: when the call it is held by
// returns, it ends.
func (r *run) work() {
	for {
		st := r.accept()
		if st == nil {
			r.retireWorker()
			return
		}
		if !st.serve() {
			return
		}
	}
}

// workerGone counts a worker that has ended, or was written off; the last one
// ends the run.
func (r *run) workerGone() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.workers--; r.mu.workers == 0 {
		close(r.done)
	}
}

// retireWorker ends a worker that got no stream, unless it was written off in
// its call of Next.
func (r *run) retireWorker() {
	r.mu.Lock()
	lost := r.mu.nextLost
	r.mu.nextLost = false
	r.mu.Unlock()
	if !lost {
		r.workerGone()
	}
}

// replaceWorker writes off the worker of an abandoned stream and puts another in
// its place.
func (r *run) replaceWorker() { r.group.Go(r.work) }

// accept returns the next stream, or nil when there will be none.
func (r *run) accept() *stream {
	select {
	case r.accepting <- struct{}{}:
		defer func() { <-r.accepting }()
	case <-r.readCtx.Done():
		r.noteCut()
		return nil
	}
	if !r.beginNext() {
		return nil
	}
	var src Stream
	err := r.guard("next", r.srcName, func() (err error) {
		src, err = r.src.Next(r.readCtx)
		return err
	})
	if err == nil && src == nil {
		err = errors.New("Next returned neither a stream nor an error")
	}
	st := r.endNext(src, err)
	if st == nil && src != nil {
		r.noteError(r.guard("close", r.srcName, src.Close))
	}
	return st
}

// beginNext says whether the source may be asked for a stream.
func (r *run) beginNext() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.ended {
		return false
	}
	if r.readCtx.Err() != nil {
		r.cutLocked()
		return false
	}
	r.mu.nexting, r.mu.nextSince = true, r.now()
	return true
}

// endNext registers the stream that Next returned, or notes why there is none.
func (r *run) endNext(src Stream, err error) *stream {
	var st *stream
	if err == nil {
		err = r.guard("info", r.srcName, func() error {
			st = newStream(r, src)
			return nil
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.nexting = false
	switch {
	case r.mu.ended: // written off meanwhile
		if st != nil {
			st.stop()
		}
		return nil
	case err == io.EOF:
		r.mu.ended = true
		return nil
	case err != nil:
		if r.readCtx.Err() != nil {
			r.cutLocked()
		} else {
			r.mu.ended = true
			r.noteErrorLocked(wrapError(err, Error{Op: "next", Node: r.srcName}))
		}
		return nil
	}
	r.registerLocked(st)
	if r.mu.workers < r.opts.Streams {
		r.mu.workers++
		r.group.Go(r.work)
	}
	return st
}

// registerLocked adds st to the live streams. r.mu must be held.
func (r *run) registerLocked(st *stream) {
	now := r.now()
	if len(r.mu.streams) == 0 {
		r.addIdleLocked(now)
	}
	st.begin(now)
	r.mu.streams[st] = struct{}{}
	r.mu.done.Streams.Opened++
	r.mu.done.Guarantee = r.mu.done.Guarantee.weaker(GuaranteeOf(st.info, r.fp, r.opts.Checkpoints != nil))
	r.mu.finite = r.mu.finite || !st.info.Endless
	if st.info.Size < 0 {
		r.mu.unknown = true
	} else {
		r.mu.done.ReadTotal += st.info.Size
	}
}

// addIdleLocked charges the time without a stream to the clocks: the source gave
// none and the sink had nothing to write. r.mu must be held.
func (r *run) addIdleLocked(now time.Duration) {
	d := now - r.mu.idleSince
	r.mu.done.Source.WaitInput += d
	r.mu.done.Sink.WaitInput += d * time.Duration(r.opts.InFlight)
	r.mu.idleSince = now
}

// noteCut notes that no more streams are taken because the run was told to stop.
func (r *run) noteCut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cutLocked()
}

// cutLocked ends the taking of streams. Unless the source had ended, that leaves
// something undone; it does not if the source gave nothing but endless streams,
// which a stop is the only way to end. r.mu must be held.
func (r *run) cutLocked() {
	if !r.mu.ended {
		r.mu.ended = true
		r.mu.cut = r.mu.cut || r.mu.finite || r.mu.done.Streams.Opened == 0
	}
}

// retire takes st out of the live streams and adds what it did to the totals.
func (r *run) retire(st *stream, res StreamResult) {
	now := r.now()
	r.mu.Lock()
	if _, live := r.mu.streams[st]; !live {
		r.mu.Unlock()
		return
	}
	delete(r.mu.streams, st)
	r.mu.idleSince = now
	st.addTo(&r.mu.done, now)
	switch res.Status {
	case Succeeded:
		r.mu.done.Streams.Committed++
		if res.Already {
			r.mu.done.Streams.Already++
		}
	case Aborted:
		r.mu.done.Streams.Aborted++
		r.mu.cut = true
	case Failed:
		r.mu.done.Streams.Failed++
		r.noteErrorLocked(res.Err)
	}
	r.mu.Unlock()
	if res.Status == Failed && r.opts.FailFast {
		r.cancel(res.Err)
	}
	if r.opts.OnStream != nil {
		r.onStreamMu.Lock()
		defer r.onStreamMu.Unlock()
		r.opts.OnStream(res)
	}
}

// stopped reports whether the run was told to stop. A cancellation reaches ctx
// before the contexts derived from it, which are told in any order.
func (r *run) stopped() bool { return r.ctx.Err() != nil || r.readCtx.Err() != nil }

// stopCause is why the run was told to stop; nil if it was not.
func (r *run) stopCause() error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return context.Cause(r.readCtx)
}
