package weir

import (
	"context"
	"fmt"
	"sync"

	"github.com/weirflow/weir/internal/fairsem"
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
	jumbo   chan struct{} // holds one token: the stream that has it has a large batch
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
	r.held.Add(n) // who asks for a large batch must not count on it from here on
	if r.account.Acquire(st.readCtx, n) != nil {
		r.held.Add(-n)
		r.holds.account.Release(r.holds.share(n))
		return false
	}
	r.budget.held.Add(n)
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
