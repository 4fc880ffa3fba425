package fairsem

import (
	"context"
	"fmt"
	"time"
)

// Account is one party's part of a Sem: a guarantee, what it holds, and its
// queue of waiters. Its methods may be called from any goroutine.
type Account struct {
	sem  *Sem
	name string

	locked struct { // guarded by sem.mu
		account
		spare  *request // settled requests to use again, linked by next
		waits  int64
		waited time.Duration // of waits that have ended
	}
}

// Acquire charges n bytes to the account, all or nothing. It waits behind
// earlier calls on the account, and for bytes of the shared pool if n does not
// fit into what is left of the guarantee.
//
// If n is more than the guarantee, waiting could be for ever: that is a
// *TooLargeError at once. When ctx is done, before the call
// or before the grant, Acquire charges nothing and returns context.Cause(ctx).
// After Close, or when Close comes while waiting, it returns ErrClosed.
func (a *Account) Acquire(ctx context.Context, n int64) error {
	if ctx.Err() == nil && a.TryAcquire(n) {
		return nil
	}
	return a.submit(ctx, acquire, n)
}

// TryAcquire charges n bytes if Acquire would do so without waiting, and
// reports whether it did.
func (a *Account) TryAcquire(n int64) bool {
	mustBeSize(n)
	s := a.sem
	s.mu.Lock()
	ok := s.mu.core.try(&a.locked.account, n)
	s.mu.Unlock()
	return ok
}

// Release gives back n acquired bytes, in whatever portions they were
// acquired. It may be called after Close, for bytes that were still held. It
// panics if n is more than the account holds.
func (a *Account) Release(n int64) {
	s := a.sem
	s.mu.Lock()
	if held := a.locked.used; uint64(n) > uint64(held) {
		s.mu.Unlock()
		panic(fmt.Sprintf("fairsem: account %q releases %d bytes of %d acquired", a.name, n, held))
	}
	s.mu.core.release(&a.locked.account, n)
	if s.mu.core.settled.head != nil {
		s.wakeLocked()
	}
	s.mu.Unlock()
}

// Contended reports whether any call waits on the semaphore now, of whatever
// account: then what would be released and acquired again should be released. It
// takes no lock.
func (a *Account) Contended() bool { return a.sem.contended.Load() }

// Close returns the guarantee to the shared pool; calls waiting on the account
// return ErrClosed. Bytes that are still held (a write was abandoned, a
// connection hangs) stay charged as quarantined until Release gives them back.
// Closing again does nothing.
func (a *Account) Close() {
	s := a.sem
	s.mu.Lock()
	if a.locked.open {
		s.mu.core.close(&a.locked.account)
		s.wakeLocked()
	}
	s.mu.Unlock()
}

// AccountStats is a snapshot of an account. Sizes are bytes.
type AccountStats struct {
	Name      string
	Guarantee int64         // 0 after Close
	Used      int64         // charged now
	Peak      int64         // highest Used so far
	Waiters   int           // calls waiting now: if any, whoever accumulates should flush
	Waits     int64         // calls that had to wait, so far
	Waited    time.Duration // spent waiting by all calls, those still waiting included
}

// Stats returns a snapshot. It costs time in proportion to the waiters.
func (a *Account) Stats() AccountStats {
	s := a.sem
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &a.locked
	return AccountStats{
		Name:      a.name,
		Guarantee: l.guarantee,
		Used:      l.used,
		Peak:      l.peak,
		Waiters:   l.waiting,
		Waits:     l.waits,
		Waited:    l.waited + waitedSoFar(l.queue),
	}
}

// submit refuses, grants or queues a request, and in the last case waits.
func (a *Account) submit(ctx context.Context, kind kind, n int64) error {
	// Looked at also where nothing is to be waited for: a loop that never has
	// to wait must end when it is cancelled.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s := a.sem
	s.mu.Lock()
	if kind != open && !a.locked.open {
		s.mu.Unlock()
		return ErrClosed
	}
	if !s.mu.core.possible(kind, &a.locked.account, n) {
		err := a.tooLargeLocked(kind, n)
		s.mu.Unlock()
		return err
	}
	r := a.requestLocked(kind, n)
	if s.mu.core.submit(r) {
		a.recycleLocked(r)
		s.mu.Unlock()
		return nil
	}
	if r.signal == nil {
		// One token per wait, sent by wakeLocked. Made by the goroutine that
		// waits: a channel belongs to the synctest bubble it is made in.
		r.signal = make(chan struct{}, 1)
	}
	r.since = time.Now()
	s.contended.Store(true)
	s.mu.waits++
	a.locked.waits++
	s.mu.Unlock()
	return a.wait(ctx, r)
}

// wait blocks until r is settled or ctx is done.
func (a *Account) wait(ctx context.Context, r *request) error {
	var err error
	select {
	case <-r.signal:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	waited := time.Since(r.since)

	s := a.sem
	s.mu.Lock()
	if err != nil {
		if r.state != queued {
			<-r.signal // sent under the lock, together with the state
		}
		s.mu.core.cancel(r)
		s.wakeLocked()
	} else if r.state == refused {
		err = ErrClosed
	}
	s.mu.waited += waited
	a.locked.waited += waited
	a.recycleLocked(r)
	s.mu.Unlock()
	return err
}

func (a *Account) tooLargeLocked(kind kind, n int64) error {
	return &TooLargeError{
		Op:        [...]Op{acquire: OpAcquire, open: OpOpen}[kind],
		Account:   a.name,
		Size:      n,
		Guarantee: a.locked.guarantee,
		Limit:     a.sem.mu.core.limit,
	}
}

func (a *Account) requestLocked(kind kind, n int64) *request {
	r := a.locked.spare
	if r == nil {
		r = &request{acct: &a.locked.account}
	} else {
		a.locked.spare = r.next
		r.next = nil
	}
	r.kind, r.size, r.state = kind, n, queued
	return r
}

// recycleLocked keeps r, with its empty channel, for the account's next wait.
// An account keeps as many as it ever had waiters at once.
func (a *Account) recycleLocked(r *request) {
	r.next = a.locked.spare
	a.locked.spare = r
}
