package weir

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir/internal/ackwindow"
)

// slotState is what happens to a batch in its place of the window.
type slotState uint8

const (
	slotFree         slotState = iota
	slotReading                // held by the reader
	slotQueued                 // waits for a transform worker
	slotTransforming           // held by a transform worker
	slotReady                  // waits for a lane
	slotWriting                // held by a lane, or by the reader writing inline
)

// maxEmptyReads is how often in a row Read may return nothing without an error.
const maxEmptyReads = 100

// stream is one stream on its way through the engine. Its reader is the worker
// that accepted it; its lanes write, one a write in flight.
//
//	reader:  place in the window -> lease -> Read -> [transform] -> hand over
//	lane:    next batch in order -> Write -> release the lease -> ack
//
// A batch's place in the window is also its place in the rings batches, outs
// and slots. The lease returns when the write has ended; the place becomes free
// when every batch before it was acknowledged too, which bounds what is in
// flight and keeps the low watermark.
type stream struct {
	r      *run
	src    Stream
	info   StreamInfo
	writer Writer

	ctx     context.Context // done: the stream has failed or was cancelled
	cancel  context.CancelCauseFunc
	readCtx context.Context // done: read no more
	endRead context.CancelCauseFunc
	unhook  func() bool // takes back the hook on ctx

	retired chan struct{} // closed when the stream is off the run

	batches []Batch // ring, as read
	outs    []Batch // ring, for the output of the first, third … step; empty without steps
	hold    hold    // of the stream's whole life

	// Of the reader alone:
	turn    uint64        // how many batches went to the steps
	next    int64         // number of the next record to be read, from 1
	jumbo   bool          // it has the token for a large batch
	yielded time.Duration // when it last let others go first
	kept    *Batch        // was written and has its lease still, for the next read

	readSince atomic.Int64 // when the running Read was called; kept for Options.IdleTimeout

	mu struct {
		sync.Mutex
		reader sync.Cond // a place became free, or a call ended
		lane   sync.Cond // a batch became ready, or there will be none
		lead   sync.Cond // a batch has passed a step with Lead, or none will

		leads []leadGate // of the steps

		win       ackwindow.Window
		slots     []slotState
		nextWrite uint64 // index of the batch the next free lane takes
		lanes     int    // goroutines
		idleLanes int    // of them, those that wait
		readEnd   bool   // the reader hands over no more
		whole     bool   // read to its end
		err       error  // the first cause
		broken    error  // why the source gives no more, if that is not its end
		busy      int    // batches in a transform or a write
		doing     string // what the reader is calling: "open", "read", "commit", "abort", "close"
		ending    bool   // Commit or Abort is called or about to be
		retiring  bool   // its worker is about to take it off the run
		abandoned bool   // it was taken off the run in its worker's place
		overdue   *time.Timer

		clock   readerClock
		sink    poolClock
		read    Count
		written Count
		notes   [fates]Count

		undelivered int64 // records, when the stream has ended without success

		cp        resumption
		acked     Count
		began     time.Duration
		writeEWMA time.Duration // of a Write
		readEWMA  time.Duration // of a Read
		way       way           // how to write, where that is to be found out
		settle    bool          // read no more before everything read is written
		watermark Position
	}
}

// newStream prepares for src. It calls Info.
func newStream(r *run, src Stream) *stream {
	st := &stream{r: r, src: src, info: src.Info(), retired: make(chan struct{}), next: 1}
	st.ctx, st.cancel = context.WithCancelCause(r.ctx)
	st.readCtx, st.endRead = context.WithCancelCause(r.readCtx)
	st.batches = make([]Batch, r.depth)
	if r.transforms != nil {
		st.outs = make([]Batch, r.depth)
		st.mu.leads = make([]leadGate, len(r.opts.Steps))
	}
	st.mu.win = ackwindow.New(r.depth)
	st.mu.slots = make([]slotState, r.depth)
	st.mu.reader.L, st.mu.lane.L, st.mu.lead.L = &st.mu.Mutex, &st.mu.Mutex, &st.mu.Mutex
	return st
}

// begin starts the clocks and listens for a cancellation.
func (st *stream) begin(now time.Duration) {
	st.unhook = context.AfterFunc(st.ctx, func() { st.fail(context.Cause(st.ctx)) })
	st.mu.began, st.yielded = now, now
	st.mu.clock = readerClock{state: waitingDownstream, since: now}
	st.mu.sink = poolClock{workers: st.r.opts.InFlight, since: now}
}

// stop takes the stream's contexts down.
func (st *stream) stop() {
	if st.unhook != nil {
		st.unhook()
	}
	st.endRead(nil)
	st.cancel(nil)
}

// serve brings the stream to its end.
//
// It reports false if the stream was abandoned meanwhile: then the worker has
// been written off and must not go on.
func (st *stream) serve() bool {
	if st.reserve() && st.open() && st.resume() {
		st.pump()
	}
	ended := st.end()
	st.releaseHold()
	return ended
}

// open opens the stream's Writer.
func (st *stream) open() bool {
	st.enter("open", waitingDownstream, 1)
	var w Writer
	err := st.r.guard("open", st.r.dstName, func() (err error) {
		w, err = st.r.dst.Open(st.ctx, st.info)
		if err == nil && w == nil {
			err = fmt.Errorf("Open returned neither a writer nor an error")
		}
		return err
	})
	now := st.r.now()
	st.mu.Lock()
	st.mu.doing = ""
	st.mu.clock.to(working, now)
	st.mu.sink.add(-1, now)
	abandoned := st.mu.abandoned
	if err == nil && !abandoned {
		st.writer = w
	}
	st.mu.Unlock()
	switch {
	case err == nil && abandoned: // nobody else knows this writer
		st.r.noteError(st.callAbort(w, context.Cause(st.ctx)))
		return false
	case err != nil && st.ctx.Err() != nil:
		st.fail(context.Cause(st.ctx))
		return false
	case err != nil:
		st.fail(wrapError(err, st.place("open", st.r.dstName)))
		return false
	}
	return true
}

// place is what an Error of this stream knows.
func (st *stream) place(op, node string) Error {
	return Error{Op: op, Node: node, Stream: st.info.Name}
}

// enter notes that the reader calls into a connector, with the sink at work on
// n more places.
func (st *stream) enter(doing string, state waitState, n int) {
	now := st.r.now()
	st.mu.Lock()
	st.mu.doing = doing
	st.mu.clock.to(state, now)
	st.mu.sink.add(n, now)
	st.mu.Unlock()
}

// leave notes that the call is over and reports whether the stream was
// abandoned meanwhile.
func (st *stream) leave(state waitState, n int) (abandoned bool) {
	now := st.r.now()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.doing = ""
	st.mu.clock.to(state, now)
	st.mu.sink.add(n, now)
	return st.mu.abandoned
}

// fail records the first cause and wakes whoever waits. A stream that has
// failed reads, transforms and writes nothing more, and calls that ignore that
// for the grace period are abandoned.
func (st *stream) fail(err error) {
	st.mu.Lock()
	first := st.mu.err == nil && !st.mu.ending
	if first {
		if st.mu.broken != nil && err == context.Cause(st.r.ctx) {
			err = st.brokenLocked() // which came before the run was told to stop
		}
		st.mu.err = err
	}
	if st.mu.overdue == nil {
		st.mu.overdue = time.AfterFunc(st.r.opts.Grace, st.abandon)
	}
	st.mu.reader.Broadcast()
	st.mu.lane.Broadcast()
	st.mu.lead.Broadcast()
	st.mu.Unlock()
	if first {
		st.r.noteFailing()
	}
	st.endRead(err)
	st.cancel(err)
}

// pump reads the stream to its end, or to where it must stop, and hands every
// batch over.
func (st *stream) pump() {
	empty := 0
	for {
		i, ok := st.claim()
		if !ok {
			break
		}
		b := &st.batches[st.mu.win.Slot(i)]
		if !st.lease(b) {
			st.giveBack(i)
			break
		}
		err := st.fill(b)
		if st.r.limiter != nil {
			st.r.limiter.refund(b.Cap() - b.Len())
		}
		if err != nil && err != io.EOF {
			st.readFailed(b, err)
			st.endJumbo()
			st.giveBack(i)
			break
		}
		if b.Len() == 0 && !b.noted() {
			st.r.release(b)
			st.endJumbo()
			st.giveBack(i)
			if empty++; err == nil && empty < maxEmptyReads {
				continue
			}
			st.readEmpty(b, err)
			break
		}
		empty = 0
		st.handOver(i, b, err == io.EOF)
		st.endJumbo()
		if err == io.EOF {
			break
		}
	}
	if st.kept != nil {
		st.r.release(st.kept)
	}
	st.mu.Lock()
	st.mu.readEnd = true
	st.mu.lane.Broadcast()
	st.mu.Unlock()
}

// claim waits for a place in the window. It reports false when the stream must
// read no more.
func (st *stream) claim() (uint64, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for (st.mu.win.Full() || st.mu.settle && st.mu.win.InFlight() > 0) && st.mu.err == nil && !st.mu.abandoned {
		st.waitPlaceLocked()
	}
	st.mu.settle = false
	if st.mu.err != nil || st.mu.abandoned || st.readCtx.Err() != nil {
		return 0, false
	}
	if st.mu.clock.state != working {
		st.mu.clock.to(working, st.r.now())
	}
	i, _ := st.mu.win.Admit()
	st.mu.doing = "read"
	st.readSince.Store(math.MaxInt64)
	st.mu.slots[st.mu.win.Slot(i)] = slotReading
	return i, true
}

// waitPlaceLocked waits until a place may have become free. If there would be
// more places had the budget room for them, and the sink could use them, that is
// waiting for budget. st.mu must be held.
func (st *stream) waitPlaceLocked() {
	state := waitingDownstream
	if st.r.depthCut && st.mu.sink.busy < st.r.opts.InFlight {
		state = waitingBudget
	}
	if st.mu.clock.state != state {
		st.mu.clock.to(state, st.r.now())
	}
	st.mu.reader.Wait()
}

// giveBack frees the place of index i, the last one claimed, unused: it counts
// as acknowledged.
func (st *stream) giveBack(i uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := &st.batches[st.mu.win.Slot(i)]
	b.pos = b.pos[:0]
	st.ackLocked(i)
}

// fill reads into b, with a larger lease if the source asks for one.
func (st *stream) fill(b *Batch) error {
	for {
		if st.r.opts.IdleTimeout > 0 {
			st.readSince.Store(int64(st.r.now()))
		}
		err := st.callRead(b)
		need, ok := err.(*NeedError)
		if !ok {
			return err
		}
		had := b.Cap()
		if b.Len() > 0 && need.Size > had {
			if err := st.fitsSink(need); err != nil {
				return err
			}
			if !st.grow(b, need) {
				return context.Cause(st.readCtx)
			}
			continue
		}
		st.r.release(b)
		if st.r.limiter != nil {
			st.r.limiter.refund(had)
		}
		if need.Size <= had {
			return fmt.Errorf("the source asks for a batch of %d bytes and had one of %d", need.Size, had)
		}
		if err := st.fitsSink(need); err != nil {
			return err
		}
		b.limit, b.n = 0, 0
		if !st.leaseLarge(b, need, had) {
			return context.Cause(st.readCtx)
		}
	}
}

// fitsSink refuses a batch that is larger than what the sink takes.
func (st *stream) fitsSink(need *NeedError) error {
	m := st.r.fp.MaxWrite
	switch {
	case m == 0 || need.Size <= m:
		return nil
	case need.Least > 0 && need.Least <= m:
		need.Size = m
		return nil
	}
	return &Error{Kind: Rejected, Err: fmt.Errorf("%w; the sink takes at most %d bytes in a write", need, m)}
}

// callRead calls Read and turns a panic into an error.
func (st *stream) callRead(b *Batch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return st.src.Read(st.readCtx, b)
}

// readFailed ends the reading with err: a failure of the source, or what a
// Read returned because it was told to stop. A failure is kept until everything
// that was read before it is delivered.
func (st *stream) readFailed(b *Batch, err error) {
	st.r.release(b)
	st.noteRead(b.waited)
	if st.readCtx.Err() != nil {
		return // drained, failed or cancelled: the cause is known
	}
	st.breakOff(err)
}

// breakOff notes why the source gives no more.
func (st *stream) breakOff(err error) {
	st.mu.Lock()
	st.mu.broken = err
	st.mu.Unlock()
	st.r.noteFailing()
}

// brokenLocked is the error of a stream whose source gave no more. st.mu must be
// held.
func (st *stream) brokenLocked() error {
	e := st.place("read", st.r.srcName)
	e.Position = append(Position(nil), st.mu.watermark...)
	return wrapError(st.mu.broken, e)
}

// readEmpty ends the reading after a Read that gave nothing.
func (st *stream) readEmpty(b *Batch, err error) {
	st.noteRead(b.waited)
	if err == io.EOF {
		st.mu.Lock()
		st.mu.whole = true
		st.mu.Unlock()
		return
	}
	st.breakOff(io.ErrNoProgress)
}

// noteRead ends the time of a Read, of which waited was spent waiting for the
// origin.
func (st *stream) noteRead(waited time.Duration) {
	now := st.r.now()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.mu.doing = ""
	st.mu.clock.to(working, now)
	st.mu.clock.shift(waited)
}

// lastRead is the position up to which the sink has accepted everything.
func (st *stream) lastRead() Position {
	st.mu.Lock()
	defer st.mu.Unlock()
	return append(Position(nil), st.mu.watermark...)
}

// checkIdle fails the stream if its source has been silent for limit.
func (st *stream) checkIdle(now, limit time.Duration) {
	st.mu.Lock()
	silent := st.mu.doing == "read" && st.mu.clock.state == working && st.mu.err == nil &&
		now-time.Duration(st.readSince.Load()) >= limit
	st.mu.Unlock()
	if silent {
		e := st.place("read", st.r.srcName)
		e.Kind, e.Err = Transient, fmt.Errorf("%w (%v)", ErrIdle, limit)
		e.Position = st.lastRead()
		st.fail(&e)
	}
}

// addTo adds what the stream has done up to now to s.
func (st *stream) addTo(s *Stats, now time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s.Read.plus(st.mu.read)
	s.Written.plus(st.mu.written)
	s.Filtered.plus(st.mu.notes[Filtered])
	s.Skipped.plus(st.mu.notes[Skipped])
	s.DeadLettered.plus(st.mu.notes[DeadLettered])
	s.Added.plus(st.mu.notes[Added])
	s.Undelivered.Records += st.mu.undelivered
	s.Resumed.plus(st.mu.cp.base.Read)
	s.Acknowledged.plus(st.mu.acked)
	st.mu.clock.addTo(&s.Source, now)
	st.mu.sink.addTo(&s.Sink, now)
}
