package weir

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weirflow/weir/internal/lifecycle"
)

// transformPool runs Options.Transform on a fixed number of workers, shared by
// the streams of a run. Each takes a whole batch; the streams keep the order.
type transformPool struct {
	r     *run
	f     Transform
	tasks chan transformTask // room for every batch of every stream: a send never blocks
	quit  chan struct{}
	start sync.Once
	group lifecycle.Group
	mu    struct {
		sync.Mutex
		clock poolClock
	}
}

type transformTask struct {
	st *stream
	i  uint64
}

func newTransformPool(r *run) *transformPool {
	p := &transformPool{r: r, f: r.opts.Transform, quit: make(chan struct{})}
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

// submit transforms batch i of st, now or soon.
func (p *transformPool) submit(st *stream, i uint64) {
	if p.inline() {
		p.apply(st, i)
		return
	}
	p.start.Do(func() {
		p.tasks = make(chan transformTask, p.r.opts.Streams*p.r.depth)
		for range p.r.opts.Workers {
			p.group.Go(p.work)
		}
	})
	p.tasks <- transformTask{st, i}
}

func (p *transformPool) work() {
	for {
		select {
		case t := <-p.tasks:
			p.apply(t.st, t.i)
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

// apply transforms batch i of st and makes it ready.
func (p *transformPool) apply(st *stream, i uint64) {
	slot, ok := st.beginTransform(i)
	if !ok {
		return
	}
	in, out := &st.batches[slot], &st.outs[slot]
	p.busy(1)
	err := st.lendOutput(in, out)
	if err == nil && st.ctx.Err() == nil {
		err = p.call(st.ctx, in, out)
	}
	p.busy(-1)
	switch {
	case err == nil:
	case st.ctx.Err() != nil:
		st.fail(context.Cause(st.ctx))
	default:
		e := st.place("transform", p.r.name())
		e.Position = append(Position(nil), in.pos...)
		if errors.Is(err, ErrBatchFull) {
			e.Kind = Rejected
			err = fmt.Errorf("%w: the output of %d bytes of input exceeds %d bytes; raise Options.Expand (%g)",
				err, in.Len(), out.Cap(), p.r.opts.Expand)
		}
		st.fail(wrapError(err, e))
	}
	st.transformed(i, in, out)
}

// call calls the transform and turns a panic into an error.
func (p *transformPool) call(ctx context.Context, in, out *Batch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return p.f(ctx, in, out)
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

// lendOutput gives out its share of the memory that was leased with in.
func (st *stream) lendOutput(in, out *Batch) error {
	r := st.r
	size := r.outputSize(in.Cap())
	a, err := r.budget.pool.Get(size)
	if err != nil {
		return err
	}
	share := int64(size) + r.fp.PerWrite
	in.charge -= share
	out.lease, out.mem, out.limit, out.charge = a, a.Mem, size, share
	out.Reset()
	out.SetPosition(in.pos)
	r.batches.add(1)
	return nil
}

// transformed returns the lease of in and makes out ready for the lanes.
func (st *stream) transformed(i uint64, in, out *Batch) {
	inLen, inRecords := in.Len(), in.Records()
	st.r.release(in)
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
	st.mu.filtered.Bytes += max(0, int64(inLen-out.Len()))
	st.mu.filtered.Records += max(0, int64(inRecords-out.Records()))
	st.readyLocked(i)
}
