package weir

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir/internal/lifecycle"
)

// transformPool runs Options.Steps on a fixed number of workers, shared by the
// streams of a run. Each takes a whole batch through all steps; the streams keep
// the order.
type transformPool struct {
	r     *run
	tasks chan transformTask // room for every batch of every stream: a send never blocks
	quit  chan struct{}
	start sync.Once
	group lifecycle.Group
	spent []atomic.Int64 // nanoseconds in each step
	mu    struct {
		sync.Mutex
		clock poolClock
	}
}

type transformTask struct {
	st   *stream
	i    uint64
	turn uint64 // how many batches of the stream came before

	alone bool // a large batch that has the token; see large.go
}

func newTransformPool(r *run) *transformPool {
	p := &transformPool{r: r, quit: make(chan struct{}), spent: make([]atomic.Int64, len(r.opts.Steps))}
	p.mu.clock = poolClock{workers: r.opts.Workers}
	return p
}

// extraDepth is how many more batches of a stream must be in flight to keep the
// workers busy.
func (p *transformPool) extraDepth() int {
	if p.inline() {
		return 0
	}
	return p.r.opts.Workers
}

// inline reports whether the reader transforms by itself.
func (p *transformPool) inline() bool { return p.r.opts.Workers == 1 }

// transform passes b, which was read at index i, to the steps.
func (st *stream) transform(i uint64, b *Batch) {
	t := transformTask{st: st, i: i, turn: st.turn, alone: st.jumbo && st.settleLarge(b)}
	st.turn++
	if !t.alone {
		st.endJumbo() // the next stream need not wait
	}
	st.r.transforms.submit(t)
	if t.alone {
		st.awaitSteps(i)
	}
}

// submit does the task, now or soon.
func (p *transformPool) submit(t transformTask) {
	if p.inline() {
		p.apply(t)
		return
	}
	p.start.Do(func() {
		p.tasks = make(chan transformTask, p.r.opts.Streams*p.r.depth)
		for range p.r.opts.Workers {
			p.group.Go(p.work)
		}
	})
	p.tasks <- t
}

func (p *transformPool) work() {
	for {
		select {
		case t := <-p.tasks:
			p.apply(t)
		case <-p.quit:
			return
		}
	}
}

// close ends the workers, all but those whose transform was abandoned. It is
// called when every stream has ended.
func (p *transformPool) close() {
	if p == nil {
		return
	}
	close(p.quit)
	p.group.Within(0)
}

// apply takes a batch through the steps and makes it ready.
func (p *transformPool) apply(t transformTask) {
	st, i := t.st, t.i
	slot, ok := st.beginTransform(i)
	if !ok {
		return
	}
	in, out := &st.batches[slot], &st.outs[slot]
	p.busy(1)
	var err error
	if !t.alone {
		err = st.lendOutput(in, out)
	}
	var notes [fates]Count
	if err == nil {
		notes, err = p.run(t, in, out)
	}
	p.busy(-1)
	if err != nil && st.ctx.Err() != nil {
		err = context.Cause(st.ctx)
	}
	if err != nil {
		st.fail(err)
	}
	if len(p.r.opts.Steps)%2 == 0 {
		in, out = out, in
	}
	if t.alone && err == nil {
		p.r.trim(out)
	}
	st.transformed(i, in, out, &notes)
}

// run calls the steps one after another. The batch goes to and fro between the
// memory of in and that of out.
func (p *transformPool) run(t transformTask, in, out *Batch) (notes [fates]Count, err error) {
	st := t.st
	for k, step := range p.r.opts.Steps {
		if err := p.ready(t, in, out, k); err != nil {
			return notes, err
		}
		out.owner = p.r
		out.inherit(in)
		if step.Lead {
			if err := st.enterLead(k, t.turn); err != nil {
				return notes, err
			}
		}
		if in.Len() > 0 {
			began := p.r.now()
			err = p.call(st.ctx, step.Do, in, out)
			p.spent[k].Add(int64(p.r.now() - began))
			if err == nil && st.ctx.Err() != nil {
				err = context.Cause(st.ctx)
			}
			if err != nil {
				return notes, p.failed(t, step, in, out, err)
			}
			p.r.takeBack(out)
			accountStep(&notes, in, out)
		}
		if step.Lead {
			st.leaveLead(k, out.Len() > 0)
		}
		in, out = out, in
	}
	return notes, nil
}

// ready gives the output of step k its memory.
func (p *transformPool) ready(t transformTask, in, out *Batch, k int) error {
	step := p.r.opts.Steps[k]
	if !t.alone {
		out.limit = min(step.outputSize(in.Cap()), len(out.lease.Mem))
		return nil
	}
	err := t.st.stepRoom(in, out, step)
	switch {
	case errors.Is(err, ErrBatchFull):
		return p.failed(t, step, in, out, err)
	case err == nil && k == 0 && len(p.r.opts.Steps)%2 == 1: // out will be written
		in.charge -= p.r.fp.PerWrite
		out.charge += p.r.fp.PerWrite
	}
	return err
}

// failed says where a step failed.
func (p *transformPool) failed(t transformTask, step Step, in, out *Batch, err error) error {
	e := t.st.place(step.Name, p.r.name())
	var bad *BadRecord
	if !errors.As(err, &bad) { // which knows its place better
		e.Position = append(Position(nil), in.pos...)
	}
	if !errors.Is(err, ErrBatchFull) {
		return wrapError(err, e)
	}
	e.Kind, e.Err = Rejected, p.r.errLarge(in, out, step)
	if !t.alone {
		e.Err = fmt.Errorf("%w: the output of %d bytes of input exceeds %d bytes, and the budget has no more at hand; raise the step's Expand (%g) or the memory, or make batches smaller",
			err, in.Len(), out.Cap(), step.Expand)
	}
	return &e
}

// slowest names the step that took most of the time.
func (p *transformPool) slowest() string {
	name, most := "", int64(-1)
	for k := range p.spent {
		if spent := p.spent[k].Load(); spent > most {
			name, most = p.r.opts.Steps[k].Name, spent
		}
	}
	return name
}

// call calls a step and turns a panic into an error.
func (p *transformPool) call(ctx context.Context, f Transform, in, out *Batch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return f(ctx, in, out)
}

func (p *transformPool) busy(n int) {
	now := p.r.now()
	p.mu.Lock()
	p.mu.clock.add(n, now)
	p.mu.Unlock()
}

func (p *transformPool) addTo(s *Stage, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.clock.addTo(s, now)
}

// beginTransform takes batch i out of the queue. It reports false if the batch
// is not wanted any more.
func (st *stream) beginTransform(i uint64) (slot int, ok bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	slot = st.mu.win.Slot(i)
	switch {
	case st.mu.slots[slot] != slotQueued: // dropped when the stream was abandoned
		return slot, false
	case st.mu.err != nil:
		st.r.release(&st.batches[slot])
		st.mu.busy--
		st.ackLocked(i)
		st.mu.reader.Signal()
		return slot, false
	}
	st.mu.slots[slot] = slotTransforming
	return slot, true
}

// lendOutput gives out its share of the memory that was leased with in. What the
// sink needs for the write stays with the one that will be written.
func (st *stream) lendOutput(in, out *Batch) error {
	r := st.r
	_, size := r.sizes(in.Cap())
	a, err := r.budget.pool.Get(size)
	if err != nil {
		return wrapError(err, st.place("lease", r.name()))
	}
	share := pages(size)
	if len(r.opts.Steps)%2 == 1 {
		share += r.fp.PerWrite
	}
	in.charge -= share
	out.lease, out.mem, out.limit, out.charge = a, a.Mem, size, share
	out.Reset()
	r.batches.add(1)
	return nil
}

// growOutput makes the output of a step as large as size bytes, or at least as
// least, if the budget has the memory at hand: after a batch was read nothing waits
// for memory, but for a large batch that goes alone.
func (r *run) growOutput(b *Batch, least, size int) bool {
	if b.alone != nil {
		size = min(size, int(b.most-b.lent))
	}
	if size < least {
		return false
	}
	more := pages(size) - int64(len(b.lease.Mem))
	switch {
	case more <= 0:
	case b.alone != nil:
		if r.account.Acquire(b.alone.ctx, more) != nil {
			return false
		}
	case !r.account.TryAcquire(more):
		return size > least && r.growOutput(b, least, least)
	}
	if more > 0 {
		if r.budget.pool.Grow(b.lease, size) != nil {
			r.account.Release(more)
			return false
		}
		b.charge += more
	}
	b.grown(b.lease.Mem, size)
	return true
}

// transformed returns the lease of spent, which the steps do not need any more,
// and makes out ready for the lanes.
func (st *stream) transformed(i uint64, spent, out *Batch, notes *[fates]Count) {
	st.r.release(spent)
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mu.err != nil || st.mu.abandoned {
		st.r.release(out) // before busy falls: then the run may end
		st.mu.busy--
		st.ackLocked(i)
		st.mu.reader.Signal()
		return
	}
	st.mu.busy--
	for fate, n := range notes {
		st.mu.notes[fate].plus(n)
	}
	st.readyLocked(i)
	if out.alone != nil {
		st.mu.reader.Signal()
	}
}
