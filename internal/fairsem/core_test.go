package fairsem

import (
	"errors"
	"fmt"
)

// check verifies every invariant of c. The accounts are all that were ever
// opened, closed ones included.
func (c *core) check(accounts []*account) error {
	return errors.Join(c.checkSums(accounts), c.checkQueues(accounts), c.checkSettled(accounts))
}

func (c *core) checkSums(accounts []*account) error {
	var used, guaranteed, shared, quarantined int64
	open := 0
	for _, a := range accounts {
		if a.guarantee < 0 || a.used < 0 {
			return fmt.Errorf("negative account: %+v", a)
		}
		used += a.used
		if !a.open {
			quarantined += a.used
			continue
		}
		open++
		guaranteed += a.guarantee
		shared += a.over(a.used)
	}
	if used != c.used || guaranteed != c.guaranteed || shared != c.sharedUsed ||
		quarantined != c.quarantined || open != c.accounts {
		return fmt.Errorf("sums: used %d guaranteed %d shared %d quarantined %d open %d, core has %d %d %d %d %d",
			used, guaranteed, shared, quarantined, open,
			c.used, c.guaranteed, c.sharedUsed, c.quarantined, c.accounts)
	}
	if c.sharedFree() < 0 || c.used > c.limit || c.peak < c.used || c.peak > c.limit {
		return fmt.Errorf("over the limit %d: used %d, peak %d, shared free %d", c.limit, c.used, c.peak, c.sharedFree())
	}
	return nil
}

func (c *core) checkQueues(accounts []*account) error {
	waiting, inRing := 0, 0
	for r := c.openers.head; r != nil; r = r.next {
		waiting++
	}
	for _, a := range accounts {
		for r := a.queue.head; r != nil; r = r.next {
			waiting++
			if r.state != queued || r.acct != a || r.kind != acquire {
				return fmt.Errorf("stray request in a queue: %+v", r)
			}
		}
		if (a.queue.head != nil) != (a.ringNext != nil) {
			return fmt.Errorf("account with queue %v and ring %v", a.queue.head != nil, a.ringNext != nil)
		}
		if a.queue.head != nil {
			inRing++
		}
	}
	if waiting != c.waiting || inRing != c.ringLen {
		return fmt.Errorf("%d waiting, %d accounts in the ring; core has %d, %d",
			waiting, inRing, c.waiting, c.ringLen)
	}
	return nil
}

// checkSettled verifies that nobody waits who could be granted.
func (c *core) checkSettled(accounts []*account) error {
	if r := c.openers.head; r != nil && r.size <= c.sharedFree() {
		return fmt.Errorf("an opener waits for %d bytes and %d are free", r.size, c.sharedFree())
	}
	for _, a := range accounts {
		r := a.queue.head
		if r == nil {
			continue
		}
		if c.fits(a, r.size) {
			return fmt.Errorf("an acquisition of %d waits and fits: %+v", r.size, a)
		}
		if !c.possible(acquire, a, r.size) {
			return fmt.Errorf("an acquisition of %d waits and can never be granted: %+v", r.size, a)
		}
		if c.leastNeed > c.need(a, r.size) {
			return fmt.Errorf("leastNeed %d is above the need %d of a head", c.leastNeed, c.need(a, r.size))
		}
	}
	return nil
}
