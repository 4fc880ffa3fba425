package weir

import "time"

// The reader writes by itself, instead of handing the batch to a lane, where
// overlapping the write with the next read gains less than waking another goroutine
// costs, for which inlineShort stands: if writes take less, or if reads do and writes
// stay within the machine (inlineLocal).
const (
	inlineShort = 50 * time.Microsecond
	inlineLocal = time.Millisecond
)

// inlineLocked decides whether the reader writes batch i, of n bytes, itself: nothing
// else is in flight, so order holds, and overlapping the write with the next read is
// not possible or not worth a hand-over. Where only the first is missing it sees to
// it that nothing is read until everything is written. st.mu must be held.
func (st *stream) inlineLocked(i uint64, n int, now time.Duration) bool {
	if st.r.opts.InFlight > 1 {
		return false
	}
	inline := st.r.opts.ReadAhead == 0 || st.mu.writeEWMA < inlineShort
	switch {
	case inline:
	case st.mu.writeEWMA >= inlineLocal || st.mu.readEWMA >= inlineLocal: // somebody waits
		st.mu.way = way{}
	default:
		inline = st.mu.readEWMA < inlineShort || !st.mu.way.overlaps(n, now)
	}
	st.skipLocked()
	possible := st.mu.nextWrite == i && !st.mu.cp.due && !st.mu.cp.flushing && st.mu.win.InFlight() == 1
	st.mu.settle = inline && !possible
	return inline && possible
}

// A way finds out by trying whether to overlap where both reads and writes only move
// bytes within the machine. On another core the write has to fetch the batch from
// this one's cache, and the next read to take the memory back from that one's:
// between cores that share no cache a copy then took twice as long as on one core,
// between those that do a third less, and a virtual machine is moved from one to the
// other while it runs. The zero value is ready for use.
type way struct {
	overlap bool
	trial   bool          // this is the other way than what was better the last time
	wait    int           // batches until the next trial
	left    int           // batches until what is measured has been measured; 0: not begun
	since   time.Duration // when that began
	bytes   int64         // handed over since
	took    float64       // ns a byte of the way that a trial is measured against
}

const (
	wayMeasured = 16   // batches that a way is measured for
	wayKept     = 1024 // batches until the other way is tried again
	// wayGain is what the time of the reader alone is multiplied by before overlapping
	// is preferred: it takes a second processor, which others may have a use for.
	wayGain = 0.85
)

// overlaps is told of a batch of n bytes that was read at the time now, and reports
// whether its write is to overlap the next read.
func (w *way) overlaps(n int, now time.Duration) bool {
	switch {
	case w.wait > 0:
		w.wait--
	case w.left == 0: // also behind a change, which is not measured
		w.left, w.since, w.bytes = wayMeasured, now, 0
	default:
		w.bytes += int64(n)
		if w.left--; w.left == 0 {
			w.measured(float64(now-w.since) / float64(max(w.bytes, 1)))
		}
	}
	return w.overlap
}

// measured is told what a byte has taken in the present way.
func (w *way) measured(each float64) {
	if !w.trial {
		w.took, w.trial, w.overlap = each, true, !w.overlap
		return
	}
	alone, overlapping := w.took, each
	if !w.overlap {
		alone, overlapping = each, w.took
	}
	w.overlap = overlapping < wayGain*alone
	w.trial, w.wait = false, wayKept
}
