package arena

import "fmt"

// Grow makes a leased arena at least size bytes large and keeps its content. The
// memory moves: slices of Mem taken before are invalid after. Mappings are never
// resident twice, but for a small step; blocks of the heap are until the
// collector has found the old one. Errors are those of Get; the arena is then as
// it was.
func (p *Pool) Grow(a *Arena, size int) error {
	rounded := int64((max(size, 1) + p.page - 1) &^ (p.page - 1))
	p.mu.Lock()
	st := &p.mu.stats
	more := rounded - a.class.size
	switch {
	case !a.leased:
		p.mu.Unlock()
		panic("arena: Grow of a free arena")
	case rounded >= 0 && more <= 0:
		p.mu.Unlock()
		return nil
	case rounded < 0 || more > p.limit-st.Leased:
		err := &TooLargeError{Size: int64(size), Leased: st.Leased, Limit: p.limit}
		p.mu.Unlock()
		return err
	}
	// As in Get, the room is counted first and used after.
	evicted := p.evictLocked(p.limit - st.Leased - more)
	p.reclassLocked(a, rounded)
	p.mu.Unlock()
	p.unmapAll(evicted)
	if int(rounded) <= len(a.mem) { // it was made smaller before
		a.Mem = a.mem[:rounded:rounded]
		return nil
	}
	mem, err := p.resize(a.mem, int(rounded))
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reclassLocked(a, int64(len(a.mem)))
		return fmt.Errorf("arena of %d bytes: %w", rounded, err)
	}
	a.mem, a.Mem = mem, mem
	return nil
}

// reclassLocked makes a leased arena one of another size.
func (p *Pool) reclassLocked(a *Arena, size int64) {
	st := &p.mu.stats
	st.Leased += size - a.class.size
	st.Peak = max(st.Peak, st.Leased)
	p.forgetLocked(a)
	a.class = p.classLocked(size)
	a.class.arenas++
}

// resize returns the content of mem in a larger block.
func (p *Pool) resize(mem []byte, size int) ([]byte, error) {
	larger, err := p.alloc(size)
	switch {
	case err != nil:
		return nil, err
	case p.mapped:
		mustDo("move", moveMemory(larger, mem))
	default:
		copy(larger, mem)
	}
	return larger, nil
}
