package weir

import (
	"context"
	"fmt"

	"github.com/weirflow/weir/internal/lifecycle"
)

// This file is about batches that are larger than the others, because a record
// does not fit these. While one is read, its own memory is charged and not yet that
// of the steps' output. When it has been read, the whole of it is charged if that
// is at hand, and it goes the way of the others. If not, it goes alone: it keeps the
// token, its stream reads no more until it has passed the steps, and each step gets
// as much for its output as it asks for, or as there is.
//
// A large batch waits for memory while it holds some, which is safe for two
// reasons. Only the stream that has the token does it. And what it asks for lies
// inside the guarantee less what others can keep for ever, a hold and a batch a
// stream that waits for its origin or for the token: everything else is in flight
// and comes home without new memory.

// stepSlack is what the output of a step gets beyond its Expand in a large batch, in
// bytes: a step may look for a little room behind what it writes.
const stepSlack = 64 << 10

// A RoomError refuses a batch for a large record, or what steps make of one, because
// the pipeline can never give that much memory. Sizes are bytes.
type RoomError struct {
	Size  int   // of the batch that holds the record, or as much of it as is known
	Whole bool  // the record is known to its end
	Steps int64 // memory that the steps would need for it beside the batch

	Most      int64 // what the pipeline can give: Guarantee less the others
	Guarantee int64 // of the pipeline
	Static    int64 // what the sink and the steps hold
	Windows   int64 // what streams hold for their whole life
	Others    int64 // a batch for each of the other streams
	PerWrite  int64 // what the sink needs to write the batch
}

// Error shows the sum.
func (e *RoomError) Error() string {
	what := "a record that needs"
	if !e.Whole {
		what = "a record that needs more than"
	}
	steps := ""
	if e.Steps > 0 {
		steps = fmt.Sprintf(" and for what the steps make of it %d", e.Steps)
	}
	return fmt.Sprintf("%s a batch of %d bytes%s; this pipeline can give it at most %d (guarantee %d - sink and steps %d - windows %d - a batch for each other stream %d - the write %d): raise the memory, or lower the number of streams or the record limit",
		what, e.Size, steps, e.Most, e.Guarantee, e.Static, e.Windows, e.Others, e.PerWrite)
}

// room is what the pipeline can give a large batch; see RoomError.
func (r *run) room() RoomError {
	e := RoomError{
		Guarantee: r.largest + r.static, Static: r.static, Windows: r.held.Load(),
		Others: int64(r.opts.Streams-1) * r.charge, PerWrite: r.fp.PerWrite,
	}
	e.Most = e.Guarantee - e.Static - e.Windows - e.Others - e.PerWrite
	return e
}

// fit returns the size of the batch that need gets, which had so many bytes before.
// It fails the stream if the pipeline can never give it enough to go on. alone says
// that one request is all there will be, while the stream holds nothing that others
// wait for.
func (st *stream) fit(need *NeedError, had int, alone bool) (n int, ok bool) {
	room := st.r.room()
	if alone {
		room.Most, room.Others = room.Most+room.Others, 0
	}
	n = need.Size
	if pages(n) > room.Most {
		n = int(max(room.Most, 0) / pages(1) * pages(1))
	}
	least := need.Size
	if need.Least > 0 {
		least = min(need.Least, need.Size)
	}
	if n >= least && n > had {
		return n, true
	}
	room.Size, room.Whole = least, need.Least == 0
	st.noRoom(&room)
	return 0, false
}

// noRoom fails the stream.
func (st *stream) noRoom(room *RoomError) {
	e := st.place("lease", st.r.name())
	e.Kind, e.Position, e.Err = Rejected, st.lastRead(), room
	st.fail(&e)
}

// takeToken waits until the stream is the one that may have a large batch. It
// reports false when it must read no more.
func (st *stream) takeToken() bool {
	if st.jumbo {
		return true
	}
	st.clockTo(waitingBudget)
	defer st.clockTo(working)
	select {
	case st.r.holds.jumbo <- struct{}{}:
		st.jumbo = true
	case <-st.readCtx.Done():
	}
	return st.jumbo
}

// endJumbo passes the token on.
func (st *stream) endJumbo() {
	if st.jumbo {
		st.jumbo = false
		<-st.r.holds.jumbo
	}
}

// leaseLarge gives b, which is not leased, memory for a record that no other batch
// has room for. Without steps one request is all there will be, and no token is
// needed.
func (st *stream) leaseLarge(b *Batch, need *NeedError, had int) bool {
	steps := len(st.r.opts.Steps) > 0
	if steps && !st.takeToken() {
		return false
	}
	n, ok := st.fit(need, had, !steps)
	return ok && st.leaseBytes(b, n, n, pages(n)+st.r.fp.PerWrite)
}

// grow makes b, which holds the beginning of a record, as large as need says.
func (st *stream) grow(b *Batch, need *NeedError) bool {
	r := st.r
	n, ok := st.fit(need, b.limit, false)
	if !ok || !st.takeToken() {
		return false
	}
	if r.limiter != nil {
		if d := r.limiter.reserve(n - b.limit); d > 0 && !lifecycle.Sleep(st.readCtx, d) {
			return false
		}
	}
	charge := max(pages(n), int64(len(b.lease.Mem))) + r.fp.PerWrite
	if more := charge - b.charge; more > 0 && !r.account.TryAcquire(more) && !st.waitBudget(more) {
		return false
	}
	over := max(b.charge-charge, 0) // what the steps would have had
	b.charge += max(charge-b.charge, 0)
	if err := r.budget.pool.Grow(b.lease, n); err != nil {
		st.fail(wrapError(err, st.place("lease", r.name())))
		return false
	}
	b.grown(b.lease.Mem, n)
	r.discharge(b, over)
	return true
}

// discharge returns n bytes of what b is charged.
func (r *run) discharge(b *Batch, n int64) {
	if n > 0 {
		b.charge -= n
		r.account.Release(n)
	}
}

// trim gives back the memory of a batch behind its content.
func (r *run) trim(b *Batch) {
	b.cut()
	was := len(b.lease.Mem)
	r.budget.pool.Shrink(b.lease, b.limit)
	b.mem = b.lease.Mem
	r.discharge(b, int64(was-len(b.mem)))
}

// settleLarge sees to the memory that the steps need for b, which has been read and
// is large. It reports whether b must go alone.
func (st *stream) settleLarge(b *Batch) (alone bool) {
	r := st.r
	b.cut()
	for _, step := range r.opts.Steps {
		if step.Borrows {
			return true
		}
	}
	first, second := r.sizes(b.limit)
	grown := max(pages(first)-int64(len(b.lease.Mem)), 0)
	more := pages(second) + grown
	if !r.account.TryAcquire(more) {
		return true
	}
	b.charge += more
	if grown > 0 {
		if r.budget.pool.Grow(b.lease, first) != nil {
			r.discharge(b, more)
			return true
		}
		b.mem = b.lease.Mem
	}
	return false
}

// stepRoom gives the output of a step that works on a batch that goes alone its
// memory. What out held before is forgotten.
func (st *stream) stepRoom(in, out *Batch, step Step) error {
	r := st.r
	r.trim(in)
	most := (r.room().Most - int64(len(in.mem))) / pages(1) * pages(1)
	size := min(pages(step.outputSize(in.limit)+stepSlack), most)
	if size <= 0 {
		return ErrBatchFull
	}
	had := int64(0)
	if out.lease != nil {
		had = int64(len(out.lease.Mem))
	}
	if size > had && r.account.Acquire(st.ctx, size-had) != nil {
		return context.Cause(st.ctx)
	}
	out.charge += max(size-had, 0)
	if out.lease != nil {
		r.budget.pool.Put(out.lease)
	}
	a, err := r.budget.pool.Get(int(size))
	if err != nil { // in returns what out is charged
		in.charge, out.charge, out.lease = in.charge+out.charge, 0, nil
		return wrapError(err, st.place("lease", r.name()))
	}
	if out.lease == nil {
		r.batches.add(1)
	}
	out.lease, out.mem, out.limit, out.alone, out.most = a, a.Mem, int(size), st, most
	r.discharge(out, max(had-size, 0))
	return nil
}

// lend lends the step that makes b memory of its own.
func (r *run) lend(b *Batch, n int) []byte {
	size := pages(n)
	b.refused = size
	if b.alone == nil {
		if !r.account.TryAcquire(size) {
			return nil
		}
	} else {
		if int64(len(b.lease.Mem))+b.lent+size > b.most {
			r.trim(b) // it can become larger again
		}
		if int64(len(b.lease.Mem))+b.lent+size > b.most || r.account.Acquire(b.alone.ctx, size) != nil {
			return nil
		}
	}
	a, err := r.budget.pool.Get(n)
	if err != nil {
		r.account.Release(size)
		return nil
	}
	b.charge += size
	b.lent += size
	b.refused = 0
	b.borrowed = append(b.borrowed, a)
	return a.Mem[:n:n]
}

// takeBack ends what lend lent.
func (r *run) takeBack(b *Batch) {
	for i, a := range b.borrowed {
		r.budget.pool.Put(a)
		b.borrowed[i] = nil
	}
	b.borrowed = b.borrowed[:0]
	r.discharge(b, b.lent)
	b.lent = 0
}

// awaitSteps waits until batch i, which goes alone, has passed the steps, or the
// stream has failed.
func (st *stream) awaitSteps(i uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	slot := st.mu.win.Slot(i)
	for st.mu.win.Holds(i) && !st.mu.abandoned && (st.mu.slots[slot] == slotQueued || st.mu.slots[slot] == slotTransforming) {
		st.mu.reader.Wait()
	}
}

// errLarge is what to tell about a step whose output of in, which goes alone, found
// no room in out.
func (r *run) errLarge(in, out *Batch, step Step) error {
	room := r.room()
	room.Size, room.Whole = in.Cap(), true
	size := max(out.asked, out.Cap())
	if out.asked == 0 { // something else was
		size = max(size, step.outputSize(in.Cap()))
	}
	room.Steps = pages(size) + out.lent + out.refused
	return fmt.Errorf("%w: %w", ErrBatchFull, &room)
}
