package sim

import (
	"context"
	"sync"
	"time"
)

// pauses waits for contexts and clocks without allocating: it keeps timers for
// reuse, at most as many as there were waits at once. The zero value is ready.
type pauses struct {
	mu struct {
		sync.Mutex
		idle []*time.Timer
	}
}

// until waits for due or ctx, whose cause it returns.
func (p *pauses) until(ctx context.Context, due time.Time) error {
	d := time.Until(due)
	if d <= 0 || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := p.timer(d)
	defer p.put(t)
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pauses) timer(d time.Duration) *time.Timer {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.mu.idle) - 1
	if last < 0 {
		return time.NewTimer(d)
	}
	t := p.mu.idle[last]
	p.mu.idle = p.mu.idle[:last]
	t.Reset(d)
	return t
}

func (p *pauses) put(t *time.Timer) {
	t.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.idle = append(p.mu.idle, t)
}

// pacer spreads bytes over time. It is shared by everyone who is paced
// together.
type pacer struct {
	rate int64 // bytes a second; 0: no limit

	mu struct {
		sync.Mutex
		next time.Time // when all that was reserved has passed
	}
}

// lag is how far a pacer may fall behind and catch up: more than timers are
// late, too little to be a burst.
const lag = 50 * time.Millisecond

// reserve takes the next n bytes and returns when they have passed.
func (p *pacer) reserve(n int) time.Time {
	now := time.Now()
	if p.rate == 0 {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.next.IsZero() {
		p.mu.next = now
	}
	if behind := now.Add(-lag); p.mu.next.Before(behind) {
		p.mu.next = behind
	}
	p.mu.next = p.mu.next.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	return p.mu.next
}

// portion returns how many bytes are delivered together, so that a slow pace
// is a trickle and not a lump now and then.
func (p *pacer) portion() int64 { return max(p.rate/50, 1) }
