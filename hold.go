package weir

import (
	"context"
	"fmt"
	"sync"

	"github.com/weirflow/weir/internal/fairsem"
	"github.com/weirflow/weir/internal/lifecycle"
)

// holds is the part of a pipeline's guarantee that its streams may hold for
// their whole life (Reserver): half of it together, or less where that leaves no
// room for a batch; one that needs more has it while no other holds anything. It always
// leaves room for one batch, so that a stream that has its hold can be read to its
// end, and one that waits for its hold has nothing that others need.
type holds struct {
	limit   int64 // of one stream
	half    int64 // of all of them
	account *fairsem.Account
	jumbo   chan struct{} // holds one token: the stream that has it makes its batch larger
}

func newHolds(largest, charge int64) (holds, error) {
	limit := max(largest-charge, 0)
	h := holds{limit: limit, half: max(min(largest/2, limit), 0), jumbo: make(chan struct{}, 1)}
	var err error
	h.account, err = fairsem.New(h.half).Open(context.Background(), "holds", h.half)
	return h, err
}

// share is what a stream that holds n bytes takes of the part for all.
func (h *holds) share(n int64) int64 { return min(n, h.half) }

// hold is what one stream holds.
type hold struct {
	mu    sync.Mutex
	bytes int64
}

// reserve charges what the stream says it will hold. It reports false when the
// stream must not be read.
func (st *stream) reserve() bool {
	src, ok := st.src.(Reserver)
	if !ok {
		return true
	}
	r := st.r
	var n int64
	st.enter("read", working, 0)
	err := r.guard("open", r.srcName, func() (err error) {
		n, err = src.Reserve(st.readCtx)
		return err
	})
	if st.leave(working, 0) {
		return false
	}
	switch {
	case err != nil && st.readCtx.Err() != nil:
		return false
	case err != nil:
		st.fail(wrapError(err, st.place("open", r.srcName)))
		return false
	case n <= 0:
		return true
	}
	n = pages(int(n))
	if n > r.holds.limit {
		e := st.place("open", r.srcName)
		e.Kind = Rejected
		e.Err = fmt.Errorf("it needs %d bytes beside its batches (a decompressor's window); this pipeline can spare at most %d (guarantee %d - sink and steps %d - one batch %d): raise the memory or Options.Guarantee",
			n, r.holds.limit, r.largest+r.static, r.static, r.charge)
		st.fail(&e)
		return false
	}
	return st.waitHold(n)
}

// waitHold waits until the stream is granted n bytes for its whole life.
func (st *stream) waitHold(n int64) bool {
	r := st.r
	st.clockTo(waitingBudget)
	defer st.clockTo(working)
	if r.holds.account.Acquire(st.readCtx, r.holds.share(n)) != nil {
		return false
	}
	if r.account.Acquire(st.readCtx, n) != nil {
		r.holds.account.Release(r.holds.share(n))
		return false
	}
	r.budget.held.Add(n)
	r.held.Add(n)
	st.hold.mu.Lock()
	defer st.hold.mu.Unlock()
	st.hold.bytes = n
	return true
}

// releaseHold gives back what reserve charged. Calling it again does nothing.
func (st *stream) releaseHold() {
	st.hold.mu.Lock()
	n := st.hold.bytes
	st.hold.bytes = 0
	st.hold.mu.Unlock()
	if n == 0 {
		return
	}
	r := st.r
	r.held.Add(-n)
	r.budget.held.Add(-n)
	r.holds.account.Release(r.holds.share(n))
	r.account.Release(n)
}

// grow makes b, which holds the beginning of a record, large enough for n bytes.
// It waits for memory while it holds some, which is safe for two reasons. Only the
// stream that has the token does it. And what it asks for lies inside the
// guarantee less what others can keep for ever, a hold and a batch a stream that
// waits for its origin or for the token: everything else is in flight and comes
// home without new memory.
func (st *stream) grow(b *Batch, n int) bool {
	r := st.r
	charge := r.chargeOf(n)
	others := int64(r.opts.Streams-1) * r.charge
	if most := r.largest - r.held.Load() - others; charge > most {
		e := st.place("lease", r.name())
		e.Kind, e.Position = Rejected, st.lastRead()
		e.Err = fmt.Errorf("a record of more than %d bytes needs a batch of %d, which is charged %d; this pipeline can give it at most %d (guarantee %d - sink and steps %d - windows %d - a batch for each other stream %d): raise the memory, or lower the number of streams or the record limit",
			b.Len(), n, charge, most, r.largest+r.static, r.static, r.held.Load(), others)
		st.fail(&e)
		return false
	}
	if !st.jumbo {
		st.clockTo(waitingBudget)
		select {
		case r.holds.jumbo <- struct{}{}:
			st.jumbo = true
		case <-st.readCtx.Done():
		}
		st.clockTo(working)
		if !st.jumbo {
			return false
		}
	}
	if r.limiter != nil {
		if d := r.limiter.reserve(n - b.limit); d > 0 && !lifecycle.Sleep(st.readCtx, d) {
			return false
		}
	}
	more := charge - b.charge
	if !r.account.TryAcquire(more) && !st.waitBudget(more) {
		return false
	}
	b.charge = charge
	first, _ := r.sizes(n)
	if err := r.budget.pool.Grow(b.lease, first); err != nil {
		st.fail(wrapError(err, st.place("lease", r.name())))
		return false
	}
	b.grown(b.lease.Mem, n)
	return true
}

// endJumbo passes the token on.
func (st *stream) endJumbo() {
	if st.jumbo {
		st.jumbo = false
		<-st.r.holds.jumbo
	}
}
