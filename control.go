package weir

import "sync"

// A Control watches and steers one Ingest from outside: give it as
// Options.Control. Its zero value is ready, its methods are safe for concurrent
// use and never block for long. It belongs to one run.
type Control struct {
	mu struct {
		sync.Mutex
		run     *run
		drained bool
	}
}

// Stats returns where the run stands. Before it has begun, everything is zero;
// after its end, it is what the Result holds.
func (c *Control) Stats() Stats {
	c.mu.Lock()
	r := c.mu.run
	c.mu.Unlock()
	if r == nil {
		return Stats{}
	}
	return r.stats()
}

// Drain asks the run to read no more, to deliver what is in flight, and to end.
// Endless streams are committed, others that had not reached their end are
// aborted with ErrDrained. It returns at once; Ingest returns when it is done
// or Options.DrainTimeout has passed.
func (c *Control) Drain() {
	c.mu.Lock()
	r := c.mu.run
	c.mu.drained = true
	c.mu.Unlock()
	if r != nil {
		r.drain()
	}
}

// attach connects c to the run r.
func (c *Control) attach(r *run) {
	c.mu.Lock()
	c.mu.run = r
	drained := c.mu.drained
	c.mu.Unlock()
	if drained {
		r.drain()
	}
}
