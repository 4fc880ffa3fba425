// Package ackwindow turns acknowledgements that arrive in any order into one
// commit point that only moves forward.
//
// Invariants, true between calls:
//   - every index below base is acknowledged, and base itself is not;
//   - base <= next;
//   - next-base <= limit, so the window is also the in-flight limit.
package ackwindow

import "fmt"

// A Window tracks the indexes one stream has in flight. It is not safe for
// concurrent use: the lock of its owner, which also guards what the indexes
// stand for, guards it.
type Window struct {
	base, next uint64
	done       []bool // ring; done[i%len(done)] is set once i is acknowledged
}

// New returns a Window that admits at most limit unacknowledged indexes.
func New(limit int) Window { return Window{done: make([]bool, limit)} }

// Admit returns the next index. It reports false when the window is full,
// which is backpressure and not an error.
func (w *Window) Admit() (index uint64, ok bool) {
	if w.Full() {
		return 0, false
	}
	w.next++
	return w.next - 1, true
}

// Full reports whether Admit would refuse.
func (w *Window) Full() bool { return w.next-w.base == uint64(len(w.done)) }

// Base returns the commit point: every index below it is acknowledged.
func (w *Window) Base() uint64 { return w.base }

// Next returns the index that Admit gives next.
func (w *Window) Next() uint64 { return w.next }

// Holds reports whether index was admitted and still holds a place.
func (w *Window) Holds(index uint64) bool { return w.base <= index && index < w.next }

// InFlight returns the number of admitted indexes that still hold a place:
// those not acknowledged and those acknowledged behind one that is not.
func (w *Window) InFlight() int { return int(w.next - w.base) }

// Slot returns the place of index in a ring of the window's limit.
func (w *Window) Slot(index uint64) int { return int(index % uint64(len(w.done))) }

// Ack marks index as acknowledged and returns the commit point: every index
// below it is acknowledged. Acknowledging an index twice, or one that is not in
// flight, is a bug in the caller and returns an error.
func (w *Window) Ack(index uint64) (commit uint64, err error) {
	if index < w.base || index >= w.next || w.done[w.Slot(index)] {
		return w.base, fmt.Errorf("ackwindow: ack of %d, in flight is [%d,%d)", index, w.base, w.next)
	}
	w.done[w.Slot(index)] = true
	for w.base < w.next && w.done[w.Slot(w.base)] {
		w.done[w.Slot(w.base)] = false
		w.base++
	}
	return w.base, nil
}
