// Package arena leases page-aligned blocks of memory outside the Go heap.
//
// A Pool keeps the arenas that come back, by size and last in first out, so
// that the same few warm blocks are leased again and again and the cold ones
// can be given back to the system. Memory that is leased or kept counts as
// resident, in full, from Get until it is unmapped.
//
// Invariants, true whenever the lock is free:
//   - an arena is either leased or free, never both, and is given back once;
//   - leased + free bytes never exceed the limit: a Get that needs a new block
//     first unmaps the coldest free ones of other sizes;
//   - two leased arenas never share a byte.
//
// The pool does not wait for memory. Whoever calls Get has been granted the
// bytes before; a Get beyond the limit is a bug of the caller and an error.
//
// On Linux an arena is an anonymous private mapping of its own. Elsewhere, and
// at random under the race detector, which does not watch mappings, it is a
// block of the Go heap, and what is unmapped is resident until the collector
// has found it.
package arena

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ErrClosed is returned by Get and Close after Close.
var ErrClosed = errors.New("arena pool closed")

// A TooLargeError refuses a Get that would lease more than the limit. All
// sizes are bytes.
type TooLargeError struct {
	Size   int64 // asked for, before rounding up
	Leased int64 // already
	Limit  int64 // of the pool
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("arena of %d bytes: %d of %d are leased already", e.Size, e.Leased, e.Limit)
}

// poisonByte fills the arenas of a poisoning pool while they are free.
const poisonByte = 0xDB

// Arena is a leased block of memory. Between Get and Put it belongs to
// whoever called Get; the pool never looks at it then.
type Arena struct {
	// Mem is the memory, a whole number of pages, cap == len. Its content is
	// undefined after Get. It is nil while the arena is not leased, so that a
	// holder who comes back for it fails at once.
	Mem []byte

	mem    []byte // what Mem was when it was leased
	class  *class
	leased bool
	freed  time.Duration // when it was given back, as time since pool.start

	// While free: neighbours in the class's stack and in the pool's list.
	above, below   *Arena
	warmer, colder *Arena
}

// class holds the free arenas of one size.
type class struct {
	size   int64
	top    *Arena // of a stack; the last one given back
	arenas int    // leased or free; the class goes with the last one
}

// Pool leases arenas. Its methods may be called from any goroutine.
type Pool struct {
	limit  int64
	page   int
	poison bool
	mapped bool      // mappings, not heap blocks
	start  time.Time // origin of Arena.freed

	mu struct {
		sync.Mutex
		closed  bool
		classes map[int64]*class
		last    *class // of the last Get, which the next one mostly wants too

		warmest, coldest *Arena // free arenas in the order they were given back

		stats Stats
	}
}

// New returns a pool that never has more than limit bytes resident.
//
// With poison, an arena that is given back is overwritten with 0xDB and cannot
// be read or written until it is leased again: who uses it all the same gets a
// fault (a block of the heap can only be checked, by the next Get, which
// panics if it was written). It costs about a page fault per page and is meant
// for tests.
func New(limit int64, poison bool) *Pool {
	if limit < 0 {
		panic("arena: negative limit")
	}
	p := &Pool{
		limit:  limit,
		page:   os.Getpagesize(),
		poison: poison,
		mapped: useMappings(),
		start:  time.Now(),
	}
	p.mu.classes = make(map[int64]*class)
	return p
}

// Get leases an arena of at least size bytes, rounded up to whole pages and to
// at least one. It returns a *TooLargeError if more than the limit would be
// leased, ErrClosed after Close, or the system's error if that has no memory.
func (p *Pool) Get(size int) (*Arena, error) {
	if size < 0 {
		panic("arena: negative size")
	}
	// A size that overflows becomes negative, and is refused below.
	rounded := int64((max(size, 1) + p.page - 1) &^ (p.page - 1))
	p.mu.Lock()
	st := &p.mu.stats
	if p.mu.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if rounded < 0 || rounded > p.limit-st.Leased {
		err := &TooLargeError{Size: int64(size), Leased: st.Leased, Limit: p.limit}
		p.mu.Unlock()
		return nil, err
	}
	c := p.classLocked(rounded)
	a := c.top
	if a == nil {
		return p.getNewLocked(c)
	}
	p.unlinkLocked(a)
	p.leaseLocked(a)
	p.mu.Unlock()
	if p.poison {
		p.unpoison(a)
	}
	return a, nil
}

// getNewLocked leases a new block, for which it makes room first. It unlocks.
func (p *Pool) getNewLocked(c *class) (*Arena, error) {
	// The room is counted as leased before anything is unmapped, and used only
	// after: whatever others do meanwhile, the sum holds. So the system calls
	// need no lock.
	evicted := p.evictLocked(p.limit - p.mu.stats.Leased - c.size)
	a := &Arena{class: c}
	c.arenas++
	p.mu.stats.Maps++
	p.leaseLocked(a)
	p.mu.Unlock()

	p.unmapAll(evicted)
	mem, err := p.alloc(int(c.size))
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.unleaseLocked(a)
		p.mu.stats.Maps--
		p.forgetLocked(a)
		return nil, fmt.Errorf("arena of %d bytes: %w", c.size, err)
	}
	a.mem = mem
	a.Mem = mem
	return a, nil
}

// Put gives an arena back. It panics if the arena is not leased.
func (p *Pool) Put(a *Arena) { p.PutAt(a, time.Now()) }

// PutAt is Put for who knows the time.
func (p *Pool) PutAt(a *Arena, now time.Time) {
	freed := now.Sub(p.start)
	p.mu.Lock()
	if !a.leased {
		p.mu.Unlock()
		panic("arena: given back twice")
	}
	p.unleaseLocked(a)
	if p.mu.closed {
		p.forgetLocked(a)
		p.mu.stats.Unmaps++
		p.mu.Unlock()
		p.unmap(a)
		return
	}
	if p.poison {
		p.poisonLocked(a)
	}
	a.freed = freed
	p.linkLocked(a)
	p.mu.Unlock()
}

// Trim gives every arena back to the system that has been free for at least
// idle, the coldest first, and returns how many bytes that were.
func (p *Pool) Trim(idle time.Duration) int64 {
	var trimmed int64
	now := time.Since(p.start)
	for {
		// One at a time: unmapping a large one takes long, and until it is
		// done nobody else may have the room.
		p.mu.Lock()
		a := p.mu.coldest
		if a == nil || now-a.freed < idle {
			p.mu.Unlock()
			return trimmed
		}
		p.discardLocked(a)
		p.unmap(a)
		trimmed += a.class.size
		p.mu.Unlock()
	}
}

// Stats is a snapshot of a pool. Sizes are bytes.
type Stats struct {
	Limit        int64
	Leased       int64 // now
	Free         int64 // given back and still resident
	Peak         int64 // highest Leased so far
	LeasedArenas int
	FreeArenas   int
	Maps         int64 // blocks asked of the system, so far
	Unmaps       int64 // blocks given back to the system, so far
}

// Stats returns a snapshot.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.mu.stats
	st.Limit = p.limit
	return st
}

// Close gives the free arenas back to the system, and each leased one as soon
// as it is Put. The second Close returns ErrClosed.
func (p *Pool) Close() error {
	p.mu.Lock()
	closed := p.mu.closed
	p.mu.closed = true
	p.mu.Unlock()
	if closed {
		return ErrClosed
	}
	p.Trim(0)
	return nil
}
