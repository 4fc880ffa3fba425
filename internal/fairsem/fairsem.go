// Package fairsem divides a fixed number of bytes between accounts that wait
// for them.
//
// Every account has a guarantee, which is its own whatever the others do. What
// is not guaranteed to anyone is the shared pool: an account may go beyond its
// guarantee while its share of the pool is at most twice what is still free
// (the dynamic threshold of Choudhury and Hahne), or without a threshold while
// it is the only account open. Waiters are served first come, first served
// inside an account and in turn between accounts.
//
// Invariants, true whenever the lock is free:
//   - the bytes charged to anybody, closed accounts included, never exceed the
//     limit;
//   - guarantees + shared bytes in use + quarantined bytes + shared bytes free
//     == limit, and none of the four is negative;
//   - a request inside the guarantee waits only for earlier ones of its own
//     account;
//   - nobody waits who could be granted.
//
// A request larger than what its account can count on is refused, not queued,
// so every waiter is granted once its own account has released what it holds.
// Hence no deadlock and no starvation as long as a holder never waits for what
// its own release would bring: take everything a piece of work needs in one
// Acquire. Static costs belong into the guarantee and are acquired before
// anything else, which never waits. Opening a second account for them would:
// two that each hold one guarantee and wait for another one may wait for each
// other's Close.
//
// Callers block on channels only, never on the lock, so a program that uses
// this package can be tested in a testing/synctest bubble.
package fairsem

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Sem is a byte semaphore shared by accounts. Its methods may be called from
// any goroutine.
type Sem struct {
	mu struct {
		sync.Mutex
		core   core
		waits  int64
		waited time.Duration // of waits that have ended
	}
	contended atomic.Bool // core.waiting > 0, for Contended; set under the lock
}

// New returns a semaphore of limit bytes, all of them in the shared pool.
func New(limit int64) *Sem {
	mustBeSize(limit)
	s := &Sem{}
	s.mu.core.limit = limit
	return s
}

// Open returns a new account with the given guarantee. While the shared pool
// cannot give that much, Open waits its turn among the other calls of Open,
// until bytes are released, another account is closed, or ctx is done (then it
// returns context.Cause(ctx)). Meanwhile nobody is granted shared
// bytes that would come home to it, so it cannot be overtaken for ever.
//
// A guarantee above the limit is a *TooLargeError at once. The name appears in
// errors and statistics and need not be unique.
func (s *Sem) Open(ctx context.Context, name string, guarantee int64) (*Account, error) {
	mustBeSize(guarantee)
	a := &Account{sem: s, name: name}
	if err := a.submit(ctx, open, guarantee); err != nil {
		return nil, err
	}
	return a, nil
}

// Stats is a snapshot of a semaphore. Sizes are bytes.
type Stats struct {
	Limit       int64
	Used        int64         // charged now, quarantined bytes included
	Peak        int64         // highest Used so far
	Guaranteed  int64         // sum of the guarantees of the open accounts
	SharedUsed  int64         // held beyond guarantees by open accounts
	Quarantined int64         // still held by closed accounts
	Accounts    int           // open now
	Waiters     int           // calls waiting now, of every kind
	Waits       int64         // calls that had to wait, so far
	Waited      time.Duration // spent waiting by all calls, those still waiting included
}

// Stats returns a snapshot. It costs time in proportion to the waiters.
func (s *Sem) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.mu.core
	waited := s.mu.waited + waitedSoFar(c.openers)
	for i, a := 0, c.ring; i < c.ringLen; i, a = i+1, a.ringNext {
		waited += waitedSoFar(a.queue)
	}
	return Stats{
		Limit:       c.limit,
		Used:        c.used,
		Peak:        c.peak,
		Guaranteed:  c.guaranteed,
		SharedUsed:  c.sharedUsed,
		Quarantined: c.quarantined,
		Accounts:    c.accounts,
		Waiters:     c.waiting,
		Waits:       s.mu.waits,
		Waited:      waited,
	}
}

// waitedSoFar adds up the waits in q.
func waitedSoFar(q queue) time.Duration {
	var sum time.Duration
	for r := q.head; r != nil; r = r.next {
		sum += time.Since(r.since)
	}
	return sum
}

// wakeLocked sends one token to every request that the core has settled. The
// channels have room for it, so this never blocks.
func (s *Sem) wakeLocked() {
	s.contended.Store(s.mu.core.waiting > 0)
	for r := s.mu.core.settled.pop(); r != nil; r = s.mu.core.settled.pop() {
		r.signal <- struct{}{}
	}
}

func mustBeSize(n int64) {
	if n < 0 {
		panic("fairsem: negative size")
	}
}
