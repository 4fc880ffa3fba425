package memory

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/observe"
)

const (
	watchEvery = 250 * time.Millisecond
	freeEvery  = 10 * time.Second // freeing stops the program for milliseconds
)

// Watchdog compares the resident memory with the cap and brakes before it. Its
// figures may be read at any time.
type Watchdog struct {
	cap   int64
	plan  Plan
	held  func() int64 // of the budget, what is on Go's heap
	trim  func(idle time.Duration) int64
	free  func()
	limit func(int64)

	lastFree time.Time // by the goroutine of Run alone
	lastHeld int64     // likewise

	rss, peak, brakes atomic.Int64
}

// NewWatchdog returns a watchdog over the plan's cap that trims budget.
func NewWatchdog(p Plan, budget *weir.Budget) *Watchdog {
	return &Watchdog{
		cap: p.Cap, plan: p, trim: budget.Trim, free: debug.FreeOSMemory,
		held:  func() int64 { return budget.Stats().Held },
		limit: func(n int64) { debug.SetMemoryLimit(n) },
	}
}

// Run samples until ctx is done. Without a way to sample it does nothing.
func (w *Watchdog) Run(ctx context.Context) {
	m, err := observe.OpenMemory()
	if err != nil {
		return // this system does not tell; RSS stays 0, which is shown as unknown
	}
	defer func() { _ = m.Close() }() // it was only read
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for now := time.Now(); ; {
		w.follow(w.held())
		if rss, err := m.RSS(); err == nil {
			w.see(now, rss)
		}
		select {
		case now = <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// follow lets Go's heap have what connectors and decompressors hold there and
// the arenas do not get. The collector would let the heap grow by half of that
// beyond it, so the limit is close.
func (w *Watchdog) follow(held int64) {
	if held == w.lastHeld {
		return
	}
	w.lastHeld = held
	w.limit(w.plan.goLimit(held))
}

// see takes one sample. Above 95 % of the cap it gives free arenas back to the
// system, and from time to time what Go's heap does not need.
func (w *Watchdog) see(now time.Time, rss int64) {
	w.rss.Store(rss)
	w.peak.Store(max(w.peak.Load(), rss))
	if rss <= w.cap/20*19 {
		return
	}
	w.brakes.Add(1)
	w.trim(0)
	if w.lastFree.IsZero() || now.Sub(w.lastFree) >= freeEvery {
		w.free()
		w.lastFree = now
	}
}

// RSS returns the latest sample, in bytes; 0 when it is not known.
func (w *Watchdog) RSS() int64 { return w.rss.Load() }

// Peak returns the highest resident memory so far, in bytes: the kernel's mark
// where it keeps one, otherwise the highest sample.
func (w *Watchdog) Peak() int64 {
	if peak, err := observe.PeakRSS(); err == nil {
		return peak
	}
	return w.peak.Load()
}

// Brakes returns how many samples were above 95 % of the cap.
func (w *Watchdog) Brakes() int64 { return w.brakes.Load() }
