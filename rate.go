package weir

import (
	"sync"
	"time"
)

// rateLimiter spaces reads so that together they stay at a number of bytes a
// second. It makes readers wait; it never drops. The whole of a read is
// reserved before it begins and what was not used is given back, so many
// streams side by side do not overshoot.
type rateLimiter struct {
	perSecond float64
	now       func() time.Duration
	mu        struct {
		sync.Mutex
		next time.Duration // when the next read may begin
	}
}

// reserve books n bytes and returns how long to wait before reading them.
func (l *rateLimiter) reserve(n int) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	at := max(l.mu.next, now)
	l.mu.next = at + l.time(n)
	return at - now
}

// refund gives back n bytes that were reserved and not read.
func (l *rateLimiter) refund(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.next -= l.time(n)
}

func (l *rateLimiter) time(n int) time.Duration {
	return time.Duration(float64(n) / l.perSecond * float64(time.Second))
}

// batchLimit is the largest read that keeps the pace smooth: an eighth of a
// second's worth.
func (l *rateLimiter) batchLimit(batch int) int {
	const least = 4 << 10
	return max(min(batch, int(min(l.perSecond/8, 1<<30))), min(batch, least))
}
