package arena

import (
	"bytes"
	"fmt"
)

// This file is the bookkeeping of the pool: which arenas are free, in which
// order, and what is counted.

func (p *Pool) classLocked(size int64) *class {
	if p.mu.last != nil && p.mu.last.size == size {
		return p.mu.last
	}
	c := p.mu.classes[size]
	if c == nil {
		c = &class{size: size}
		p.mu.classes[size] = c
	}
	p.mu.last = c
	return c
}

func (p *Pool) leaseLocked(a *Arena) {
	st := &p.mu.stats
	a.leased = true
	a.Mem = a.mem
	st.Leased += a.class.size
	st.LeasedArenas++
	st.Peak = max(st.Peak, st.Leased)
}

func (p *Pool) unleaseLocked(a *Arena) {
	st := &p.mu.stats
	a.leased = false
	a.Mem = nil
	st.Leased -= a.class.size
	st.LeasedArenas--
}

// linkLocked makes a the top of its class and the warmest of all.
func (p *Pool) linkLocked(a *Arena) {
	c := a.class
	a.below = c.top
	if c.top != nil {
		c.top.above = a
	}
	c.top = a
	a.colder = p.mu.warmest
	if a.colder != nil {
		a.colder.warmer = a
	} else {
		p.mu.coldest = a
	}
	p.mu.warmest = a
	p.mu.stats.Free += c.size
	p.mu.stats.FreeArenas++
}

// unlinkLocked takes a free arena out of both lists.
func (p *Pool) unlinkLocked(a *Arena) {
	c := a.class
	if a.above != nil {
		a.above.below = a.below
	} else {
		c.top = a.below
	}
	if a.below != nil {
		a.below.above = a.above
	}
	if a.warmer != nil {
		a.warmer.colder = a.colder
	} else {
		p.mu.warmest = a.colder
	}
	if a.colder != nil {
		a.colder.warmer = a.warmer
	} else {
		p.mu.coldest = a.warmer
	}
	a.above, a.below, a.warmer, a.colder = nil, nil, nil, nil
	p.mu.stats.Free -= c.size
	p.mu.stats.FreeArenas--
}

// discardLocked takes a free arena out of the pool; its memory is the caller's
// to unmap.
func (p *Pool) discardLocked(a *Arena) {
	p.unlinkLocked(a)
	p.forgetLocked(a)
	p.mu.stats.Unmaps++
}

// forgetLocked drops a, which is in no list, from its class.
func (p *Pool) forgetLocked(a *Arena) {
	c := a.class
	c.arenas--
	if c.arenas > 0 {
		return
	}
	// Sizes of rare large records must not pile up.
	delete(p.mu.classes, c.size)
	if p.mu.last == c {
		p.mu.last = nil
	}
}

// evictLocked discards the coldest arenas until at most room bytes are free.
// It returns them linked by colder.
func (p *Pool) evictLocked(room int64) *Arena {
	var evicted *Arena
	for p.mu.stats.Free > room {
		a := p.mu.coldest
		p.discardLocked(a)
		a.colder = evicted
		evicted = a
	}
	return evicted
}

// poisonLocked makes a free arena unusable. It holds the lock: until a is out
// of reach nobody may lease it.
func (p *Pool) poisonLocked(a *Arena) {
	a.mem[0] = poisonByte
	for n := 1; n < len(a.mem); n *= 2 {
		copy(a.mem[n:], a.mem[:n])
	}
	if p.mapped {
		mustDo("protect", setAccess(a.mem, false))
	}
}

// unpoison makes a leased arena usable again.
func (p *Pool) unpoison(a *Arena) {
	if p.mapped {
		mustDo("unprotect", setAccess(a.mem, true))
		return
	}
	// Every byte equals the one before it: a whole arena in one comparison.
	if a.mem[0] != poisonByte || !bytes.Equal(a.mem[1:], a.mem[:len(a.mem)-1]) {
		panic("arena: written after Put")
	}
}

func (p *Pool) alloc(size int) ([]byte, error) {
	if !p.mapped {
		return make([]byte, size), nil
	}
	return mapMemory(size)
}

// unmap gives the memory of an arena back to the system, or to the garbage
// collector.
func (p *Pool) unmap(a *Arena) {
	mem := a.mem
	a.mem = nil
	if p.mapped {
		mustDo("unmap", unmapMemory(mem))
	}
}

// unmapAll unmaps what evictLocked returned.
func (p *Pool) unmapAll(evicted *Arena) {
	for evicted != nil {
		next := evicted.colder
		evicted.colder = nil
		p.unmap(evicted)
		evicted = next
	}
}

// mustDo panics on an error of a system call that cannot fail on memory of
// ours.
func mustDo(what string, err error) {
	if err != nil {
		panic(fmt.Sprintf("arena: %s: %v", what, err))
	}
}
