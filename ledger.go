package weir

import "fmt"

// countReadLocked adds the batch that was read to the ledger: what is in it, and
// what the source says it gave up on. st.mu must be held.
func (st *stream) countReadLocked(b *Batch) {
	read := Count{}
	read.add(b)
	for fate, n := range b.notes {
		if Fate(fate) != Added {
			read.plus(n)
		}
		st.mu.notes[fate].plus(n)
	}
	st.mu.read.plus(read)
	b.after = st.mu.read
	if b.first > 0 {
		st.next = b.first + read.Records
	}
}

// countWrittenLocked adds the batch that was written to the ledger, less what the
// sink says it gave up on. st.mu must be held.
func (st *stream) countWrittenLocked(b *Batch) {
	var n Count
	n.add(b)
	for fate, gone := range b.notes {
		st.mu.notes[fate].plus(gone)
		if Fate(fate) != Added {
			n.plus(Count{-gone.Bytes, -gone.Records})
		}
	}
	st.mu.written.plus(n)
	if st.r.fp.Durable {
		st.mu.acked.plus(n)
	}
}

// accountStep adds to notes what a step made of in. A step that says nothing
// itself has the difference between its records, or the bytes of opaque batches,
// counted for it.
func accountStep(notes *[fates]Count, in, out *Batch) {
	if out.noted() {
		for fate, n := range out.notes {
			notes[fate].plus(n)
		}
		return
	}
	before, after := in.Records()+in.Packed(), out.Records()+out.Packed()
	switch less := int64(before - after); {
	case less > 0, before == 0 && after == 0:
		notes[Filtered].plus(Count{Records: less, Bytes: int64(max(0, in.Len()-out.Len()))})
	case less < 0:
		notes[Added].plus(Count{Records: -less, Bytes: int64(max(0, out.Len()-in.Len()))})
	}
}

// missingLocked returns the records that were read and are neither written nor
// accounted for. st.mu must be held.
func (st *stream) missingLocked() int64 {
	n := &st.mu.notes
	return st.mu.read.Records + n[Added].Records -
		st.mu.written.Records - n[Filtered].Records - n[Skipped].Records - n[DeadLettered].Records
}

// balanceLocked checks the ledger of a stream that was written whole. A
// difference is a bug, in a step or in weir, and must not be committed. st.mu must
// be held.
func (st *stream) balanceLocked() error {
	missing := st.missingLocked()
	if missing == 0 {
		return nil
	}
	n := &st.mu.notes
	e := st.place("ledger", st.r.name())
	e.Err = fmt.Errorf("%d records read + %d added are not %d written + %d filtered + %d skipped + %d dead-lettered; a step miscounts what it leaves out (Batch.Note)",
		st.mu.read.Records, n[Added].Records, st.mu.written.Records, n[Filtered].Records, n[Skipped].Records, n[DeadLettered].Records)
	return &e
}
