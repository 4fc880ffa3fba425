package weir

import (
	"time"

	"github.com/weirflow/weir/internal/arena"
	"github.com/weirflow/weir/internal/lifecycle"
)

// lease gives b memory for an ordinary batch: this is the valve, the one place
// where a pipeline waits for memory. It reports false when the stream must read no
// more.
func (st *stream) lease(b *Batch) bool {
	r := st.r
	if k := st.kept; k != nil {
		st.kept = nil
		a := k.lease
		k.lease, k.mem, k.charge = nil, nil, 0
		st.fillIn(b, a, r.batch, r.charge)
		return true
	}
	first, _ := r.sizes(r.batch)
	return st.leaseBytes(b, r.batch, first, r.charge)
}

// leaseBytes gives b memory of size bytes, n of them to read into.
func (st *stream) leaseBytes(b *Batch, n, size int, charge int64) bool {
	r := st.r
	if r.limiter != nil {
		if d := r.limiter.reserve(n); d > 0 && !st.pause(d) {
			r.limiter.refund(n)
			return false
		}
	}
	if !r.account.TryAcquire(charge) && !st.waitBudget(charge) {
		return false
	}
	a, err := r.budget.pool.Get(size)
	if err != nil {
		r.account.Release(charge)
		st.fail(wrapError(err, st.place("lease", r.name())))
		return false
	}
	st.fillIn(b, a, n, charge)
	r.batches.add(1)
	return true
}

// fillIn makes b an empty batch of the memory a, n bytes of it to read into.
func (st *stream) fillIn(b *Batch, a *arena.Arena, n int, charge int64) {
	b.lease, b.mem, b.limit, b.charge = a, a.Mem, n, charge
	b.Reset()
	b.stream, b.first = st.info.Name, st.next
}

// keeps reports whether the lease of b, which the reader has just written, is for
// its next read: giving it back and taking it again is a fifth of what a batch
// costs. It does not where somebody waits for memory, where the memory or its price
// is not that of any batch, where steps hold some of it or a rate is to be waited
// for; nor where memory is poisoned, which happens when it is given back.
func (st *stream) keeps(b *Batch) bool {
	r := st.r
	return b.charge == r.charge && r.transforms == nil && r.limiter == nil && !r.budget.poisons && !r.account.Contended()
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
	r.takeBack(b)
	a, charge := b.lease, b.charge
	if a == nil {
		return
	}
	b.lease, b.mem, b.charge, b.owner, b.alone = nil, nil, 0, nil, nil
	r.budget.pool.PutAt(a, r.start.Add(now))
	r.account.Release(charge)
	r.batches.add(-1)
}
