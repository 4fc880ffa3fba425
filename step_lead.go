package weir

// A leadGate lets the batches of a stream into a step with Lead one at a time, until
// one comes out with data.
//
// It cannot deadlock. Workers take the batches of a stream in the order in which
// they were read, so that whoever waits here has a batch before it that some worker
// is taking through the steps; the first of those is not held by this gate.
type leadGate struct {
	passed uint64 // batches that came out without data
	open   bool
}

// enterLead waits until the batch with this turn may enter step k. The error is
// that with which the stream has failed.
func (st *stream) enterLead(k int, turn uint64) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	g := &st.mu.leads[k]
	for !g.open && g.passed != turn && st.mu.err == nil {
		st.mu.lead.Wait()
	}
	return st.mu.err
}

// leaveLead lets the next one into step k, or all if the batch came out with data.
func (st *stream) leaveLead(k int, data bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if g := &st.mu.leads[k]; !g.open {
		g.passed++
		g.open = data
		st.mu.lead.Broadcast()
	}
}
