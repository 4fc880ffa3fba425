package arena

// Shrink makes a leased arena as small as it can be with size bytes, which stay
// where they are, and counts no more than that. What is behind them goes back to
// the system where arenas are mappings, and stays resident until Put where they are
// blocks of the heap. An arena that was made smaller is not kept when it is given
// back. Shrink does nothing if the arena is no larger than size.
func (p *Pool) Shrink(a *Arena, size int) {
	rounded := (max(size, 1) + p.page - 1) &^ (p.page - 1)
	p.mu.Lock()
	leased, was := a.leased, int(a.class.size)
	p.mu.Unlock()
	switch {
	case !leased:
		panic("arena: Shrink of a free arena")
	case rounded >= was:
		return
	case p.mapped:
		mustDo("drop", dropMemory(a.mem[rounded:was]))
	}
	a.Mem = a.mem[:rounded:rounded]
	p.mu.Lock()
	p.reclassLocked(a, int64(rounded))
	p.mu.Unlock()
}

// putShrunk gives back an arena that was made smaller: the rest of it is of no use
// to others.
func (p *Pool) putShrunk(a *Arena) {
	a.Mem = nil
	p.unmap(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unleaseLocked(a)
	p.forgetLocked(a)
	p.mu.stats.Unmaps++
}
