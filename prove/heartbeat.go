package prove

import (
	"context"
	"slices"
	"time"
)

const (
	// HeartbeatEvery is how often the heartbeat of a process should come.
	HeartbeatEvery = 100 * time.Millisecond
	// heartbeats is how many are remembered; after that the oldest are
	// replaced.
	heartbeats = 16 << 10
)

// Lateness says how much later than it should a heartbeat came.
type Lateness struct {
	Beats int     `json:"beats"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// heartbeat measures how late a timer is. It belongs to the goroutine that runs
// it until that has ended.
type heartbeat struct {
	late []float64 // milliseconds
	n    int
}

func newHeartbeat() *heartbeat { return &heartbeat{late: make([]float64, 0, heartbeats)} }

// run beats until ctx is done. After a beat that was late the next one is due a
// whole interval later.
func (h *heartbeat) run(ctx context.Context) {
	timer := time.NewTimer(HeartbeatEvery)
	defer timer.Stop()
	due := time.Now().Add(HeartbeatEvery)
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		h.note(now.Sub(due))
		due = now.Add(HeartbeatEvery)
		timer.Reset(HeartbeatEvery)
	}
}

func (h *heartbeat) note(late time.Duration) {
	ms := float64(late) / float64(time.Millisecond)
	if len(h.late) < heartbeats {
		h.late = append(h.late, ms)
	} else {
		h.late[h.n%heartbeats] = ms
	}
	h.n++
}

func (h *heartbeat) lateness() Lateness {
	slices.Sort(h.late)
	return Lateness{
		Beats: h.n, P50: quantile(h.late, 0.50), P99: quantile(h.late, 0.99), Max: quantile(h.late, 1),
	}
}
