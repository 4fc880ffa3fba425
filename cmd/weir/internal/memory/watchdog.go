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
	cap  int64
	trim func(idle time.Duration) int64
	free func()

	lastFree time.Time // by the goroutine of Run alone

	rss, peak, brakes atomic.Int64
}

// NewWatchdog returns a watchdog over the cap that trims budget.
func NewWatchdog(capBytes int64, budget *weir.Budget) *Watchdog {
	return &Watchdog{cap: capBytes, trim: budget.Trim, free: debug.FreeOSMemory}
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
