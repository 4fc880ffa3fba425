package transform

import "github.com/weirflow/weir"

// A writer appends to memory that does not grow, and counts what does not fit.
type writer struct {
	dst    []byte
	beyond int // bytes that did not fit; none fit behind the first of them
}

func (w *writer) put(b []byte) {
	if w.beyond > 0 || len(b) > cap(w.dst)-len(w.dst) {
		w.beyond += len(b)
		return
	}
	w.dst = append(w.dst, b...)
}

func (w *writer) putString(s string) {
	if w.beyond > 0 || len(s) > cap(w.dst)-len(w.dst) {
		w.beyond += len(s)
		return
	}
	w.dst = append(w.dst, s...)
}

// writeTo appends the record to out. lineEnd is added if the record has none.
func (r *record) writeTo(out *weir.Batch, lineEnd string) error {
	if !r.edited {
		if !out.Append(r.raw) {
			return weir.ErrBatchFull
		}
		return nil
	}
	for {
		space := out.Space()
		room := max(len(space)-weir.RecordSize(0), 0)
		w := writer{dst: space[:0:room]}
		r.write(&w, lineEnd)
		if w.beyond == 0 && len(space) >= weir.RecordSize(0) {
			out.Advance(len(w.dst))
			out.EndRecord()
			return nil
		}
		if !out.Grow(len(w.dst) + w.beyond) {
			return weir.ErrBatchFull
		}
	}
}

// write writes the record.
func (r *record) write(w *writer, lineEnd string) {
	w.put(r.raw[:r.obj.Start+1])
	first := true
	r.writeMembers(w, &first)
	for _, c := range r.added {
		r.writeCell(w, &first, &r.cells[c], nil)
	}
	w.put(r.raw[r.obj.End-1:])
	if lineEnd != "" && r.raw[len(r.raw)-1] != '\n' {
		w.putString(lineEnd)
	}
}

// writeMembers writes the members and what stands in their place, runs of
// untouched ones in one piece.
func (r *record) writeMembers(w *writer, first *bool) {
	members := r.obj.Members
	for i := 0; i < len(members); {
		switch a := r.act[i]; a {
		case asIs:
			start := members[i].KeyStart - 1
			for i++; i < len(members) && r.act[i] == asIs; i++ {
			}
			separate(w, first)
			w.put(r.raw[start:members[i-1].ValEnd])
			continue
		case gone:
		default:
			m := &members[i]
			r.writeCell(w, first, &r.cells[a-1], r.raw[m.KeyStart-1:m.ValStart])
		}
		i++
	}
}

func (r *record) writeCell(w *writer, first *bool, c *cell, key []byte) {
	if c.gone {
		return
	}
	separate(w, first)
	if c.key != "" {
		w.putString(c.key)
	} else {
		w.put(key)
	}
	w.put(c.val)
}

// separate writes a comma before every member but the first.
func separate(w *writer, first *bool) {
	if !*first {
		w.putString(",")
	}
	*first = false
}
