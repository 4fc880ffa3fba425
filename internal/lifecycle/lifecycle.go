// Package lifecycle starts goroutines and says when all of them are gone. It
// holds the engine's only go statement.
package lifecycle

import (
	"context"
	"sync"
	"time"
)

// A Group is a set of goroutines that end on their own. A goroutine of the
// group may start more.
type Group struct {
	mu struct {
		sync.Mutex
		n    int
		idle chan struct{} // made by Idle, closed when n falls to 0
	}
}

// Go runs f on a goroutine of the group.
func (g *Group) Go(f func()) {
	g.mu.Lock()
	g.mu.n++
	g.mu.Unlock()
	go func() {
		defer g.done()
		f()
	}()
}

func (g *Group) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.n--
	if g.mu.n == 0 && g.mu.idle != nil {
		close(g.mu.idle)
		g.mu.idle = nil
	}
}

// Idle returns a channel that is closed when no goroutine of the group is
// alive.
func (g *Group) Idle() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.n == 0 {
		c := make(chan struct{})
		close(c)
		return c
	}
	if g.mu.idle == nil {
		g.mu.idle = make(chan struct{})
	}
	return g.mu.idle
}

// Within reports whether the group became idle within d.
func (g *Group) Within(d time.Duration) bool {
	idle := g.Idle()
	select {
	case <-idle: // checked first: done is done, however small d is
		return true
	default:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-idle:
		return true
	case <-t.C:
		return false
	}
}

// Sleep waits for d or until ctx is done, and reports whether d has passed.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
