package transform

import "github.com/weirflow/weir/codec/jsonscan"

// maxMembers is the largest number of members of a record. It bounds the table
// of their places.
const maxMembers = 16 << 10

// A record is one JSON object while statements edit it.
//
// Nothing is copied until it is written: an edit says, for the place of a
// member, that it is gone or that a cell stands there instead, or adds a cell at
// the end. Values are slices of the input, of the worker's scratch memory, or of
// the program.
//
// Invariants: act has an entry for each member if edited, and is not looked at
// if not; a slot with a value has a place (a member, a cell, or both); what act
// refers to is what the slot of that name holds.
type record struct {
	raw    []byte // as it came in, with its line end
	obj    jsonscan.Object
	slots  []slot
	edited bool
	act    []int32 // by member: asIs, gone, or a cell's index from 1
	cells  []cell
	added  []int32 // cells behind the last member
}

const (
	asIs int32 = 0
	gone int32 = -1
	none int32 = -1
)

// A slot is a member that a statement names: its value now, and where it is.
type slot struct {
	val    []byte // nil: missing
	kind   kind
	plain  bool  // a string without escapes
	twins  bool  // the record has the name more than once; the last one counts
	member int32 // whose place it has, or none
	cell   int32 // that stands there, or none: as it came in
}

// A cell is what is written in the place of a member, or at the end.
type cell struct {
	key  string // with quotes and colon; empty: as it came in
	val  []byte
	gone bool
}

// scan checks raw and finds the members that the program names.
func (r *record) scan(p *Program, raw []byte) error {
	r.raw, r.edited = raw, false
	if err := r.obj.Scan(raw); err != nil {
		return err
	}
	for s := range r.slots {
		r.slots[s] = slot{member: none, cell: none}
	}
	for i := range r.obj.Members {
		m := &r.obj.Members[i]
		bit := sieveBit(int(m.KeyEnd-m.KeyStart), raw[m.KeyStart])
		if p.sieve>>bit&1 != 0 || m.KeyEscaped {
			r.match(p, i, m)
		}
	}
	return nil
}

// sieveBit returns the bit of Program.sieve for a name of n bytes that begins
// with first; for an empty one, that is the quote behind it.
func sieveBit(n int, first byte) uint { return (uint(n)*11 + uint(first)) & 63 }

// match makes member i the value of the slot of its name, if there is one.
func (r *record) match(p *Program, i int, m *jsonscan.Member) {
	for s, name := range p.slots {
		if m.Named(r.raw, name) {
			val := m.Val(r.raw)
			sl := &r.slots[s]
			sl.twins = sl.val != nil
			sl.val, sl.kind, sl.plain, sl.member = val, kindOf(val), !m.ValEscaped, int32(i)
			return
		}
	}
}

// edit prepares the record for its first edit.
func (r *record) edit() {
	if r.edited {
		return
	}
	r.edited = true
	n := len(r.obj.Members)
	if cap(r.act) < n {
		r.act = make([]int32, n, max(n, 2*cap(r.act)))
	}
	r.act = r.act[:n]
	clear(r.act)
	r.cells, r.added = r.cells[:0], r.added[:0]
}

// newCell adds a cell and returns its index.
func (r *record) newCell(c cell) int32 {
	r.cells = append(r.cells, c)
	return int32(len(r.cells) - 1)
}

// set gives slot s a value: a JSON text that stays as it is until the record is
// written.
func (r *record) set(p *Program, s int, val []byte) {
	r.edit()
	sl := &r.slots[s]
	r.dropTwins(p, s)
	switch {
	case sl.cell != none:
		r.cells[sl.cell].val = val
	case sl.member != none:
		sl.cell = r.newCell(cell{val: val})
		r.act[sl.member] = sl.cell + 1
	default:
		sl.cell = r.newCell(cell{key: p.keys[s], val: val})
		r.added = append(r.added, sl.cell)
	}
	sl.hold(val)
}

// hold sets the value of a slot that has a place.
func (sl *slot) hold(val []byte) {
	sl.val, sl.kind = val, kindOf(val)
	sl.plain = sl.kind != text || plainText(val)
}

// remove takes the member of slot s out of the record.
func (r *record) remove(p *Program, s int) {
	sl := &r.slots[s]
	if sl.val == nil {
		return
	}
	r.edit()
	r.dropTwins(p, s)
	if sl.cell != none {
		r.cells[sl.cell].gone = true
	} else {
		r.act[sl.member] = gone
	}
	*sl = slot{member: none, cell: none}
}

// rename gives the member of slot from the name of slot to, in its place. A
// member that had the name goes.
func (r *record) rename(p *Program, from, to int, key string) {
	if from == to || r.slots[from].val == nil {
		return
	}
	r.remove(p, to)
	r.edit()
	r.dropTwins(p, from)
	sl := r.slots[from]
	if sl.cell == none {
		sl.cell = r.newCell(cell{val: sl.val})
		r.act[sl.member] = sl.cell + 1
	}
	r.cells[sl.cell].key = key
	r.slots[to], r.slots[from] = sl, slot{member: none, cell: none}
}

// dropTwins takes out the earlier members with the name of slot s.
func (r *record) dropTwins(p *Program, s int) {
	if !r.slots[s].twins {
		return
	}
	r.edit()
	for i := range r.obj.Members {
		m := &r.obj.Members[i]
		if int32(i) != r.slots[s].member && keyIs(r.raw[m.KeyStart:m.KeyEnd], p.slots[s]) {
			r.act[i] = gone
		}
	}
	r.slots[s].twins = false
}

// valueAt returns the value at place i; nil: it is gone.
func (r *record) valueAt(i int) []byte {
	if r.edited {
		switch a := r.act[i]; {
		case a == gone || a > 0 && r.cells[a-1].gone:
			return nil
		case a > 0:
			return r.cells[a-1].val
		}
	}
	m := &r.obj.Members[i]
	return r.raw[m.ValStart:m.ValEnd]
}

// replace gives the member at place i, or the added cell c if i is none, another
// value, whether it has a slot or not.
func (r *record) replace(i, c int32, val []byte) {
	r.edit()
	if i != none {
		if r.act[i] == asIs {
			r.act[i] = r.newCell(cell{}) + 1
		}
		c = r.act[i] - 1
	}
	r.cells[c].val = val
	for s := range r.slots {
		if sl := &r.slots[s]; sl.val != nil && (sl.cell == c || i != none && sl.member == i) {
			sl.cell = c
			sl.hold(val)
		}
	}
}

// keep takes out every member whose slot is not kept. kept is by slot; those
// behind its end are not kept.
func (r *record) keep(p *Program, kept []bool) {
	r.edit()
	for i, a := range r.act {
		if a == asIs {
			r.act[i] = gone
		}
	}
	for c := range r.cells {
		r.cells[c].gone = true
	}
	for s := range r.slots {
		switch sl := &r.slots[s]; {
		case sl.val == nil:
		case s >= len(kept) || !kept[s]:
			*sl = slot{member: none, cell: none}
		case sl.cell != none:
			r.cells[sl.cell].gone = false
		default:
			r.act[sl.member] = asIs
			sl.twins = false
		}
	}
}
