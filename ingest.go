package weir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir/internal/fairsem"
	"github.com/weirflow/weir/internal/lifecycle"
)

// Ingest moves every stream of src into dst and returns when src has ended and
// every stream was committed, aborted or given up on. It owns both: it closes
// them, also when it returns an error at once.
//
// Cancelling ctx aborts what is not yet committed and makes Ingest return, with
// context.Cause(ctx), as soon as the calls in flight have noticed, at the latest
// after Options.Grace; Control.Drain ends it gracefully. The error is the first
// cause; what followed from it is joined behind.
//
// Everything Ingest started and leased is gone when it returns, except for calls
// into a connector that ignored their cancellation, which Result.Abandoned
// names. Any number of Ingest may run at once and share a Budget.
func Ingest(ctx context.Context, src Source, dst Sink, o Options) (Result, error) {
	r, err := newRun(ctx, src, dst, o)
	if err == nil {
		if o.Control != nil {
			o.Control.attach(r)
		}
		if err = r.admit(); err == nil {
			r.mu.workers = 1
			r.group.Go(r.work)
			r.supervise()
		}
		r.noteError(err)
	}
	return r.finish()
}

// run is the state of one Ingest.
type run struct {
	opts             Options // with defaults
	src              Source
	dst              Sink
	srcName, dstName string
	fp               Footprint
	start            time.Time

	budget    *Budget
	ownBudget bool
	account   *fairsem.Account
	static    int64 // bytes of the account that are held for the whole run
	steps     int64 // of them, what the steps hold
	holds     holds
	held      atomic.Int64 // bytes that streams hold for their whole life
	batch     int          // bytes of a batch
	charge    int64        // bytes charged for a batch
	largest   int64        // bytes that a batch may be charged at most
	depth     int          // batches of one stream from read to ack
	depthCut  bool         // the budget has no room for more

	ctx         context.Context // done: stop at once
	cancel      context.CancelCauseFunc
	readCtx     context.Context // done: read no more
	stopReading context.CancelCauseFunc

	group       lifecycle.Group // workers and lanes
	done        chan struct{}   // closed when the last worker is gone
	accepting   chan struct{}   // holds one token: whoever has it calls Source.Next
	transforms  *transformPool  // nil: none
	limiter     *rateLimiter    // nil: none
	latency     latencyHist
	checkpoints atomic.Int64 // stored
	batches     gauge
	onStreamMu  sync.Mutex // serialises Options.OnStream

	mu struct {
		sync.Mutex
		streams   map[*stream]struct{} // live
		workers   int
		ended     bool          // Source.Next has returned an error or io.EOF
		nexting   bool          // Source.Next is running
		nextSince time.Duration // since when
		nextLost  bool          // it was abandoned
		draining  chan struct{} // closed by drain
		isDrain   bool
		cut       bool // told to stop with something left undone
		finite    bool // a stream that has an end of its own was taken
		gone      bool // the run is over; elapsed is final
		elapsed   time.Duration

		done        Stats // of streams that have ended
		idleSince   time.Duration
		unknown     bool // a stream's size is not known
		failedFirst bool // something failed before the run was told to stop
		errs        []error
		errCount    int
		abandoned   []string
	}
}

// maxErrors is the number of failed streams whose errors are kept.
const maxErrors = 10

func newRun(parent context.Context, src Source, dst Sink, o Options) (*run, error) {
	r := &run{src: src, dst: dst, opts: o, start: time.Now(), accepting: make(chan struct{}, 1), done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancelCause(parent)
	r.readCtx, r.stopReading = context.WithCancelCause(r.ctx)
	r.mu.streams = map[*stream]struct{}{}
	r.mu.draining = make(chan struct{})
	err := errors.Join(r.describe(), o.validate())
	r.opts = o.withDefaults(r.fp)
	r.noteError(err)
	return r, err
}

// describe asks both ends for their names and the sink for its footprint.
func (r *run) describe() error {
	return r.guard("open", "", func() error {
		if r.src == nil || r.dst == nil {
			return &Error{Op: "ingest", Kind: Invalid, Err: errors.New("the source or the sink is nil")}
		}
		r.srcName, r.dstName = nodeName(r.src), nodeName(r.dst)
		r.fp = r.dst.Footprint()
		return nil
	})
}

// admit works out what the pipeline needs and waits for its guarantee.
func (r *run) admit() error {
	o := &r.opts
	r.budget = o.Budget
	if r.budget == nil {
		r.budget, r.ownBudget = NewBudget(DefaultBudget, BudgetOptions{}), true
	}
	r.batch = r.budget.batchSize(o.Batch, r.fp.MaxWrite)
	if o.Rate > 0 {
		r.limiter = &rateLimiter{perSecond: float64(o.Rate), now: r.now}
		r.batch = r.limiter.batchLimit(r.batch)
	}
	r.charge = r.chargeOf(r.batch)
	guarantee, err := r.guarantee()
	if err != nil {
		return err
	}
	r.depth = o.InFlight + o.ReadAhead
	if len(o.Steps) > 0 {
		r.transforms = newTransformPool(r)
		r.depth += r.transforms.extraDepth()
	}
	// More places than the budget has batches would never be filled.
	if room := max(1, r.budget.Limit()/r.charge); room < int64(r.depth) {
		r.depth, r.depthCut = int(room), true
	}
	if r.account, err = r.budget.open(r.ctx, r.name(), guarantee); err != nil {
		return r.budgetError(err)
	}
	r.largest = guarantee - r.static
	// The static part lies inside the guarantee, so this never waits. Opening
	// with less and asking for it later could deadlock two pipelines that fit
	// alone and not side by side.
	if r.static > 0 {
		if err := r.account.Acquire(r.ctx, r.static); err != nil {
			return r.budgetError(err)
		}
		r.budget.held.Add(r.static)
	}
	r.holds, err = newHolds(r.largest, r.charge)
	return err
}

// chargeOf is what a batch of n bytes costs for its whole life: its own memory,
// the steps' output and the sink's copy.
func (r *run) chargeOf(n int) int64 {
	first, second := r.sizes(n)
	return pages(first) + pages(second) + r.fp.PerWrite
}

// sizes returns the sizes of the two pieces of memory between which a batch of n
// bytes goes to and fro on its way through the steps. The first is the one it is
// read into; without steps there is no second.
func (r *run) sizes(n int) (first, second int) {
	first = n
	for i, step := range r.opts.Steps {
		n = step.outputSize(n)
		if i%2 == 0 {
			second = max(second, n)
		} else {
			first = max(first, n)
		}
	}
	return first, second
}

// outputSize is the batch memory for the output of a batch of n bytes.
func (s Step) outputSize(n int) int { return int(math.Ceil(float64(n) * s.Expand)) }

// pages rounds n bytes up to what the system lends: what is charged is
// capacity.
func pages(n int) int64 {
	page := int64(os.Getpagesize())
	return (int64(n) + page - 1) / page * page
}

// guarantee returns the bytes to open the account with and sets the number of
// streams that fit in it.
func (r *run) guarantee() (int64, error) {
	o := &r.opts
	batches := int64(2)
	if o.ReadAhead == 0 {
		batches = 1
	}
	for _, step := range o.Steps {
		r.steps += step.Static + step.PerWorker*int64(o.Workers)
	}
	static := r.fp.Static + r.steps
	least := static + r.fp.PerWriter + r.charge
	g := o.Guarantee
	switch {
	case g > 0:
	case r.ownBudget:
		g = r.budget.Limit()
	default:
		g = min(static+int64(o.Streams)*r.fp.PerWriter+batches*r.charge, max(r.budget.Limit()/2, least))
	}
	if g < least || g > r.budget.Limit() {
		return 0, &Error{Op: "open", Node: r.name(), Kind: Invalid, Err: &GuaranteeError{
			Sink: r.fp.Static, Steps: r.steps, Writer: r.fp.PerWriter, Charge: r.charge, Batch: r.batch,
			Guarantee: g, Limit: r.budget.Limit(),
		}}
	}
	if r.fp.PerWriter > 0 {
		// Writers take half of it at most: batches, and what streams hold, need room.
		o.Streams = int(min(int64(o.Streams), max(1, (g-static-batches*r.charge)/(2*r.fp.PerWriter))))
	}
	r.static = static + int64(o.Streams)*r.fp.PerWriter
	return g, nil
}

// A GuaranteeError refuses a pipeline whose guarantee has no room for the least that
// it needs. Sizes are bytes.
type GuaranteeError struct {
	Sink   int64 // what the sink holds
	Steps  int64 // what the steps hold
	Writer int64 // what one Writer holds
	Charge int64 // for one batch, and what is made of it
	Batch  int   // size of the batch

	Guarantee int64
	Limit     int64 // of the budget
}

// Error shows the sum.
func (e *GuaranteeError) Error() string {
	return fmt.Sprintf("the pipeline needs at least %d bytes: sink %d + steps %d + one writer %d + one batch %d (of %d bytes); its guarantee is %d of a budget of %d",
		e.Sink+e.Steps+e.Writer+e.Charge, e.Sink, e.Steps, e.Writer, e.Charge, e.Batch, e.Guarantee, e.Limit)
}

func (r *run) budgetError(err error) error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return &Error{Op: "open", Node: r.name(), Kind: Rejected, Err: err}
}

// name is what the pipeline is called.
func (r *run) name() string {
	if r.opts.Name != "" {
		return r.opts.Name
	}
	return r.srcName + " -> " + r.dstName
}

// now is the time since the start of the run, on the monotonic clock.
func (r *run) now() time.Duration { return time.Since(r.start) }

// supervise waits until the workers are gone, and sees to it that they are:
// after a cancellation, a drain or an idle time-out.
func (r *run) supervise() {
	draining := r.mu.draining
	var drainTimer, graceTimer, idleTick <-chan time.Time
	checkpointTick, stop := r.tickCheckpoints()
	defer stop()
	if d := r.opts.IdleTimeout; d > 0 {
		t := time.NewTicker(max(d/8, time.Millisecond))
		defer t.Stop()
		idleTick = t.C
	}
	cancelled := r.ctx.Done()
	for {
		select {
		case <-r.done:
			r.awaitGroup()
			return
		case <-draining:
			draining = nil
			r.stopReading(ErrDrained)
			t := time.NewTimer(r.opts.DrainTimeout)
			defer t.Stop()
			drainTimer = t.C
		case <-drainTimer:
			r.cancel(ErrDrainTimeout)
		case <-cancelled:
			cancelled = nil
			t := time.NewTimer(r.opts.Grace)
			defer t.Stop()
			graceTimer = t.C
		case <-idleTick:
			r.checkIdle()
		case <-checkpointTick:
			for _, st := range r.live() {
				st.askFlush()
			}
		case <-graceTimer:
			r.abandonNext()
		}
	}
}

// drain asks for a graceful end.
func (r *run) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.mu.isDrain {
		r.mu.isDrain = true
		close(r.mu.draining)
	}
}

// checkIdle fails the streams whose source has been silent for too long, and
// the run when there is no stream and the source does not give one.
func (r *run) checkIdle() {
	now, limit := r.now(), r.opts.IdleTimeout
	r.mu.Lock()
	silent := len(r.mu.streams) == 0 && r.mu.nexting && now-r.mu.nextSince >= limit
	r.mu.Unlock()
	if silent {
		r.noteError(&Error{Op: "next", Node: r.srcName, Kind: Transient, Err: fmt.Errorf("%w (%v)", ErrIdle, limit)})
		r.cancel(ErrIdle)
	}
	for _, st := range r.live() {
		st.checkIdle(now, limit)
	}
}

// live returns the streams that have not ended.
func (r *run) live() []*stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*stream, 0, len(r.mu.streams))
	for st := range r.mu.streams {
		all = append(all, st)
	}
	return all
}

// awaitGroup waits for the lanes, which end with their streams. When something
// was abandoned, its goroutines stay behind.
func (r *run) awaitGroup() {
	r.mu.Lock()
	abandoned := len(r.mu.abandoned) > 0
	r.mu.Unlock()
	if !abandoned {
		<-r.group.Idle()
	}
}

// abandonNext gives up on a Source.Next that ignored its cancellation. (Each
// stream sees to its own calls: see stream.abandon.)
func (r *run) abandonNext() {
	r.mu.Lock()
	stuck := r.mu.nexting && !r.mu.ended
	if stuck {
		r.mu.ended, r.mu.cut, r.mu.nextLost = true, true, true
	}
	r.mu.Unlock()
	if stuck {
		r.noteAbandoned("source " + r.srcName + ": next")
		r.workerGone()
	}
}

// noteFailing notes that a stream has begun to fail, before or after the run was
// told to stop.
func (r *run) noteFailing() {
	if r.stopped() {
		return
	}
	r.mu.Lock()
	r.mu.failedFirst = true
	r.mu.Unlock()
}

// noteAbandoned records the calls that were left behind.
func (r *run) noteAbandoned(calls ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.cut = true
	for _, call := range calls {
		r.mu.abandoned = append(r.mu.abandoned, call)
		r.noteErrorLocked(fmt.Errorf("%s: %w after %v", call, ErrAbandoned, r.opts.Grace))
	}
}

// noteError records err, if it is not nil, as a cause of failure.
func (r *run) noteError(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteErrorLocked(err)
}

func (r *run) noteErrorLocked(err error) {
	for _, known := range r.mu.errs {
		if errors.Is(known, err) {
			return
		}
	}
	if !r.stopped() {
		r.mu.failedFirst = true
	}
	r.mu.errCount++
	if len(r.mu.errs) < maxErrors {
		r.mu.errs = append(r.mu.errs, err)
	}
}

// finish closes both ends, brings the account home and makes the Result.
func (r *run) finish() (Result, error) {
	r.transforms.close()
	r.closing("close source "+r.srcName, func() error {
		if r.src == nil {
			return nil
		}
		return wrapError(r.src.Close(), Error{Op: "close", Node: r.srcName})
	})
	r.closing("close sink "+r.dstName, func() error {
		if r.dst == nil {
			return nil
		}
		return wrapError(r.dst.Close(), Error{Op: "close", Node: r.dstName})
	})
	res := Result{Status: r.status()}
	r.settle()
	res.Stats = r.stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	res.Abandoned = r.mu.abandoned
	return res, r.errorLocked()
}

// status tells a run that was stopped from one that failed; the first cause
// decides. It notes why the run was stopped, if that left something undone.
func (r *run) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	cause := r.stopCause()
	if r.mu.cut && cause != nil && !r.mu.failedFirst {
		others := slices.DeleteFunc(r.mu.errs, func(err error) bool { return err == cause })
		r.mu.errs = append([]error{cause}, others...)
		r.mu.errCount = max(r.mu.errCount, len(r.mu.errs))
	}
	switch {
	case len(r.mu.errs) == 0:
		return Succeeded
	case r.mu.cut && !r.mu.failedFirst:
		return Aborted
	}
	return Failed
}

// settle returns what the run holds of the budget and stops its clock.
func (r *run) settle() {
	r.cancel(nil)
	r.mu.Lock()
	r.mu.elapsed = r.now()
	if len(r.mu.streams) == 0 {
		r.addIdleLocked(r.mu.elapsed)
	}
	r.mu.gone = true
	r.mu.Unlock()
	if r.account != nil {
		if r.static > 0 && r.account.Stats().Used >= r.static {
			r.account.Release(r.static)
			r.budget.held.Add(-r.static)
		}
		r.account.Close()
	}
	if r.ownBudget {
		r.noteError(r.budget.Close())
	}
}

// errorLocked joins what went wrong, the first cause first.
func (r *run) errorLocked() error {
	switch n := len(r.mu.errs); {
	case n == 0:
		return nil
	case r.mu.errCount > n:
		return errors.Join(append(r.mu.errs[:n:n], fmt.Errorf("and %d more errors", r.mu.errCount-n))...)
	case n == 1:
		return r.mu.errs[0]
	}
	return errors.Join(r.mu.errs...)
}

// bounded calls f on a goroutine of its own and waits for it no longer than the
// grace period; what names the call.
func (r *run) bounded(what string, f func() error) {
	var g lifecycle.Group
	var err error
	g.Go(func() { err = r.guard(what, "", f) })
	r.heed(what, g.Within(r.opts.Grace), &err)
}

// closing is bounded for a call at the end of the run. Nobody has cancelled that, so it
// may take its time, such as for a database to tidy its file up: as long as a drain,
// and no longer than the grace period once the run is cancelled.
func (r *run) closing(what string, f func() error) {
	var g lifecycle.Group
	var err error
	g.Go(func() { err = r.guard(what, "", f) })
	patience := time.NewTimer(max(r.opts.DrainTimeout-r.opts.Grace, 0))
	defer patience.Stop()
	select {
	case <-g.Idle():
	case <-r.ctx.Done():
	case <-patience.C:
	}
	r.heed(what, g.Within(r.opts.Grace), &err)
}

// heed notes the error of a call that is over, or that it was left behind.
func (r *run) heed(what string, over bool, err *error) {
	if over {
		r.noteError(*err)
		return
	}
	r.noteAbandoned(what)
}

// guard calls f and turns a panic into an error.
func (r *run) guard(op, node string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Op: op, Node: node, Err: newPanicError(v)}
		}
	}()
	return f()
}

// wrapError adds what e knows to err, unless err already is an Error of weir's
// that says where it comes from, or nil, or io.EOF.
func wrapError(err error, e Error) error {
	if err == nil || err == io.EOF {
		return err
	}
	if known, ok := err.(*Error); ok && known.Node != "" {
		if known.Stream == "" && e.Stream != "" {
			filled := *known
			filled.Stream = e.Stream
			if len(filled.Position) == 0 {
				filled.Position = e.Position
			}
			return &filled
		}
		return err
	}
	e.Kind = KindOf(err)
	if known, ok := err.(*Error); ok {
		// An Error without a Node comes straight from the connector: its parts
		// are merged instead of being printed twice.
		e.Err = known.Err
		if known.Op != "" {
			e.Op = known.Op
		}
		if known.Stream != "" {
			e.Stream = known.Stream
		}
		if len(known.Position) > 0 {
			e.Position = known.Position
		}
		return &e
	}
	e.Err = err
	return &e
}

// gauge is a number with its peak.
type gauge struct{ now, peak atomic.Int64 }

func (g *gauge) add(n int64) {
	v := g.now.Add(n)
	for {
		p := g.peak.Load()
		if v <= p || g.peak.CompareAndSwap(p, v) {
			return
		}
	}
}
