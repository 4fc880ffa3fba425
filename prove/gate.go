package prove

import (
	"context"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

// afterwards is how fast a gate takes data when it was opened, in bytes a second:
// slowly enough that its origin is seen to move.
const afterwards = 128 << 20

// gate is a sink that takes some bytes, stops, and goes on when it is opened.
type gate struct {
	after  int64
	opened chan struct{} // closed by open
	once   sync.Once

	mu struct {
		sync.Mutex
		taken   int64
		stopped bool
		stop    func() // called once, when the gate stops
	}
}

var _ weir.Sink = (*gate)(nil)

func newGate(after int64, stop func()) *gate {
	g := &gate{after: after, opened: make(chan struct{})}
	g.mu.stop = stop
	return g
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

func (*gate) String() string { return "gate" }

func (*gate) Footprint() weir.Footprint { return weir.Footprint{MaxInFlight: 1, Durable: true} }

func (g *gate) Open(context.Context, weir.StreamInfo) (weir.Writer, error) {
	return (*gateWriter)(g), nil
}

func (*gate) Close() error { return nil }

type gateWriter gate

func (w *gateWriter) Write(ctx context.Context, b *weir.Batch) error {
	if (*gate)(w).take(b.Len()) {
		return nil
	}
	select {
	case <-w.opened:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	pause := time.NewTimer(time.Duration(b.Len()) * time.Second / afterwards)
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take counts n bytes and reports whether they may pass at once.
func (g *gate) take(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.taken += int64(n)
	if g.mu.taken <= g.after {
		return true
	}
	if !g.mu.stopped {
		g.mu.stopped = true
		g.mu.stop()
	}
	return false
}

func (*gateWriter) Commit(context.Context) error       { return nil }
func (*gateWriter) Abort(context.Context, error) error { return nil }
