package fairsem

import "time"

// alpha is the Choudhury-Hahne factor: an account may hold shared bytes up to
// alpha times the shared bytes still free. 2 lets one busy account among idle
// ones have two thirds of the shared pool and leaves a newcomer room at once.
const alpha = 2

// core is the semaphore as a pure state machine: it decides who is granted
// what and when, and knows nothing of locks, goroutines or clocks. Every
// method leaves it settled: nobody waits who could be granted. Requests that a
// method granted or refused besides its own are left in settled, in order, for
// the caller to wake.
//
// Sem drives it under a mutex, the model checker drives it step by step.
type core struct {
	limit int64

	used        int64 // charged by anyone, closed accounts included
	peak        int64 // highest used
	guaranteed  int64 // sum over open accounts of guarantee
	sharedUsed  int64 // sum over open accounts of over
	quarantined int64 // still held by closed accounts
	accounts    int   // open ones
	waiting     int   // requests queued, of every kind

	// openers are the requests of Open, FIFO. They take from the shared pool
	// for good.
	openers queue

	// ring holds the accounts with queued acquisitions; it points to the one
	// whose turn it is, ring.ringPrev is served last.
	ring    *account
	ringLen int
	// leastNeed is a lower bound of need over the heads of the ring. While
	// sharedFree is below it no head can fit and the ring need not be looked
	// at, which keeps a release O(1) however many accounts wait.
	leastNeed int64

	settled queue
}

// account is the part of an Account that decisions depend on.
type account struct {
	open      bool
	guarantee int64 // what acquisitions can count on; 0 unless open
	used      int64 // acquired bytes
	peak      int64 // highest used

	queue   queue // acquisitions, FIFO
	waiting int   // queued requests of every kind

	ringPrev, ringNext *account // nil while queue is empty
}

type kind uint8

const (
	acquire kind = iota
	open
)

type state uint8

const (
	queued state = iota
	granted
	refused // the account was closed
)

// request is one call that may have to wait.
type request struct {
	acct  *account
	size  int64
	kind  kind
	state state

	prev, next *request

	// Owned by Sem; core never looks at them.
	signal chan struct{}
	since  time.Time
}

// over is how much of used acquired bytes lies in the shared pool.
func (a *account) over(used int64) int64 {
	return max(0, used-a.guarantee)
}

// sharedFree is what the shared pool can still give. It is never negative.
func (c *core) sharedFree() int64 {
	return c.limit - c.guaranteed - c.sharedUsed - c.quarantined
}

// need is how many shared bytes must be free for a to be granted size more.
// It depends on a and on the number of accounts only, not on what is free.
func (c *core) need(a *account, size int64) int64 {
	after := a.over(a.used + size)
	taken := after - a.over(a.used)
	if taken == 0 {
		return 0 // inside the guarantee
	}
	if c.accounts <= 1 {
		return taken
	}
	// after <= alpha * (sharedFree - taken), solved for sharedFree.
	return taken + (after+alpha-1)/alpha
}

// opening reports whether the shared pool is being kept for the first opener.
// It is not kept for one that could not be served even if every shared byte
// came home: that one waits for another account's Close, and starving the
// others meanwhile would not bring it nearer.
func (c *core) opening() bool {
	r := c.openers.head
	return r != nil && r.size <= c.sharedFree()+c.sharedUsed
}

// fits reports whether a may be granted size more now, earlier waiters aside.
func (c *core) fits(a *account, size int64) bool {
	need := c.need(a, size)
	return need == 0 || need <= c.sharedFree() && !c.opening()
}

// possible reports whether a request can be granted once everything that can
// come home has come home. One that is not is refused instead of queued.
func (c *core) possible(kind kind, a *account, size int64) bool {
	if kind == open {
		return size <= c.limit
	}
	return size <= a.guarantee
}

// try charges an acquisition if it can be granted at once.
func (c *core) try(a *account, size int64) bool {
	if !a.open || a.queue.head != nil || size > a.guarantee || !c.fits(a, size) {
		return false
	}
	c.charge(a, size)
	return true
}

// submit grants r at once and reports true, or queues it. The request must be
// possible, and its account open unless r opens it.
func (c *core) submit(r *request) bool {
	if r.kind == acquire {
		if c.try(r.acct, r.size) {
			r.state = granted
			return true
		}
		c.enqueue(r)
		return false
	}
	if c.openers.head == nil && r.size <= c.sharedFree() {
		c.open(r)
		r.state = granted
		return true
	}
	c.openers.push(r)
	r.acct.waiting++
	c.waiting++
	return false
}

// cancel withdraws r, which its owner no longer wants: a queued request leaves
// its queue, and a grant that came first is given back.
func (c *core) cancel(r *request) {
	a := r.acct
	switch {
	case r.state == refused:
	case r.state == granted && r.kind == acquire:
		c.release(a, r.size)
	case r.state == granted:
		c.close(a)
	case r.kind == acquire:
		c.dequeue(r)
		c.serveAccount(a)
	default:
		c.dequeue(r)
		c.serve()
	}
}

// release gives back acquired bytes; size must not exceed a.used.
func (c *core) release(a *account, size int64) {
	freed := size
	if a.open {
		freed = a.over(a.used) - a.over(a.used-size)
		c.sharedUsed -= freed
	} else {
		c.quarantined -= size
	}
	a.used -= size
	c.used -= size
	if c.waiting == 0 {
		return
	}
	if freed == 0 {
		c.serveAccount(a) // nothing changed for anybody else
		return
	}
	for r := a.queue.head; r != nil && c.need(a, r.size) == 0; r = a.queue.head {
		c.grant(r)
	}
	c.noteNeed(a)
	c.serve()
}

// close returns the guarantee of an open account, refuses its waiters and
// moves what it still holds into quarantine.
func (c *core) close(a *account) {
	c.accounts--
	c.guaranteed -= a.guarantee
	c.sharedUsed -= a.over(a.used)
	c.quarantined += a.used
	a.open = false
	a.guarantee = 0
	for a.queue.head != nil {
		c.settle(a.queue.head, refused)
	}
	c.leastNeed = 0 // a lone account needs less than it did: look at it afresh
	c.serve()
}

// serve grants what fits after shared bytes came home: first to the openers,
// then round the ring, one grant per account and turn.
func (c *core) serve() {
	for r := c.openers.head; r != nil && r.size <= c.sharedFree(); r = c.openers.head {
		c.grant(r)
	}
	if c.opening() {
		return
	}
	passed, least := 0, c.limit
	for c.ring != nil && c.sharedFree() >= c.leastNeed {
		a := c.ring
		c.ring = a.ringNext
		head := a.queue.head
		need := c.need(a, head.size)
		if need <= c.sharedFree() {
			c.grant(head)
			passed, least = 0, c.limit
			continue
		}
		least = min(least, need)
		if passed++; passed == c.ringLen {
			c.leastNeed = least
			return
		}
	}
}

// serveAccount grants what fits to a alone. It is enough where a changed and
// the shared pool did not.
func (c *core) serveAccount(a *account) {
	for r := a.queue.head; r != nil && c.fits(a, r.size); r = a.queue.head {
		c.grant(r)
	}
	c.noteNeed(a)
}

// noteNeed keeps leastNeed a lower bound after a or its head changed.
func (c *core) noteNeed(a *account) {
	if r := a.queue.head; r != nil {
		c.leastNeed = min(c.leastNeed, c.need(a, r.size))
	}
}

// grant charges a queued request and settles it.
func (c *core) grant(r *request) {
	if r.kind == acquire {
		c.charge(r.acct, r.size)
	} else {
		c.open(r)
	}
	c.settle(r, granted)
	c.noteNeed(r.acct)
}

func (c *core) charge(a *account, size int64) {
	before := a.over(a.used)
	a.used += size
	c.sharedUsed += a.over(a.used) - before
	c.used += size
	c.peak = max(c.peak, c.used)
	a.peak = max(a.peak, a.used)
}

// open moves the guarantee of an account out of the shared pool.
func (c *core) open(r *request) {
	a := r.acct
	c.guaranteed += r.size
	a.open = true
	a.guarantee = r.size
	c.accounts++
}

// settle ends the wait of a queued request.
func (c *core) settle(r *request, s state) {
	c.dequeue(r)
	r.state = s
	c.settled.push(r)
}

// enqueue appends an acquisition to its account's queue. An account that had
// none waiting joins the ring behind all others.
func (c *core) enqueue(r *request) {
	a := r.acct
	a.queue.push(r)
	a.waiting++
	c.waiting++
	if a.queue.head != r {
		return
	}
	if c.ring == nil {
		a.ringPrev, a.ringNext = a, a
		c.ring = a
		c.leastNeed = c.limit
	} else {
		a.ringPrev, a.ringNext = c.ring.ringPrev, c.ring
		a.ringPrev.ringNext, a.ringNext.ringPrev = a, a
	}
	c.ringLen++
	c.noteNeed(a)
}

// dequeue takes a waiting request out of its queue, and its account out of the
// ring if that was the last.
func (c *core) dequeue(r *request) {
	a := r.acct
	a.waiting--
	c.waiting--
	if r.kind != acquire {
		c.openers.remove(r)
		return
	}
	a.queue.remove(r)
	if a.queue.head != nil {
		return
	}
	if c.ringLen--; c.ringLen == 0 {
		c.ring = nil
	} else {
		a.ringPrev.ringNext, a.ringNext.ringPrev = a.ringNext, a.ringPrev
		if c.ring == a {
			c.ring = a.ringNext
		}
	}
	a.ringPrev, a.ringNext = nil, nil
}

// queue is a FIFO of requests linked through themselves. A request is in at
// most one queue.
type queue struct {
	head, tail *request
}

func (q *queue) push(r *request) {
	r.prev, r.next = q.tail, nil
	if q.tail == nil {
		q.head = r
	} else {
		q.tail.next = r
	}
	q.tail = r
}

func (q *queue) pop() *request {
	r := q.head
	if r != nil {
		q.remove(r)
	}
	return r
}

func (q *queue) remove(r *request) {
	if r.prev == nil {
		q.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		q.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}
