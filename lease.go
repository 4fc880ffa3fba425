package weir

import (
	"fmt"
	"time"

	"github.com/weirflow/weir/internal/lifecycle"
)

// lease gives b memory for n bytes: this is the valve, the one place where a
// pipeline waits for memory. It reports false when the stream must read no more.
func (st *stream) lease(b *Batch, n int) bool {
	r := st.r
	if r.limiter != nil {
		if d := r.limiter.reserve(n); d > 0 && !st.pause(d) {
			r.limiter.refund(n)
			return false
		}
	}
	charge := r.charge
	if n != r.batch {
		charge = r.chargeOf(n)
	}
	if charge > r.largest {
		st.tooLarge(n, charge)
		return false
	}
	if !r.account.TryAcquire(charge) && !st.waitBudget(charge) {
		return false
	}
	first, _ := r.sizes(n)
	a, err := r.budget.pool.Get(first)
	if err != nil {
		r.account.Release(charge)
		st.fail(wrapError(err, st.place("lease", r.name())))
		return false
	}
	b.lease, b.mem, b.limit, b.charge = a, a.Mem, n, charge
	b.Reset()
	b.stream, b.first = st.info.Name, st.next
	r.batches.add(1)
	return true
}

// pause waits for the rate limit.
func (st *stream) pause(d time.Duration) bool {
	st.clockTo(waitingRate)
	defer st.clockTo(working)
	return lifecycle.Sleep(st.readCtx, d)
}

// waitBudget waits until the account is granted charge bytes.
func (st *stream) waitBudget(charge int64) bool {
	st.clockTo(waitingBudget)
	defer st.clockTo(working)
	return st.r.account.Acquire(st.readCtx, charge) == nil // the only failure is a stop, whose cause is known
}

// tooLarge fails the stream: the batch it needs could never be granted.
func (st *stream) tooLarge(n int, charge int64) {
	r := st.r
	e := st.place("lease", r.name())
	e.Kind, e.Position = Rejected, st.lastRead()
	e.Err = fmt.Errorf("a batch of %d bytes is charged %d; this pipeline can be granted at most %d (guarantee %d - sink %d): raise Options.Guarantee",
		n, charge, r.largest, r.largest+r.static, r.static)
	st.fail(&e)
}

func (st *stream) clockTo(s waitState) {
	st.mu.Lock()
	st.mu.clock.to(s, st.r.now())
	st.mu.Unlock()
}

// release returns the lease of b. Its counts and position stay readable.
func (r *run) release(b *Batch) { r.releaseAt(b, r.now()) }

// releaseAt is release at the time now, since the start of the run: reading the
// clock is most of what a batch costs.
func (r *run) releaseAt(b *Batch, now time.Duration) {
	a, charge := b.lease, b.charge
	if a == nil {
		return
	}
	b.lease, b.mem, b.charge, b.owner = nil, nil, 0, nil
	r.budget.pool.PutAt(a, r.start.Add(now))
	r.account.Release(charge)
	r.batches.add(-1)
}
