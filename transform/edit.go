package transform

// A leafEdit changes the value at the end of a path.
type leafEdit interface {
	// edit appends the new value of val to dst, when it changes.
	edit(w *worker, dst, val []byte) ([]byte, change, error)
}

// A change is what becomes of a value.
type change uint8

const (
	unchanged change = iota
	changed
	removed
)

// editAt applies e to the value that at leads to; a value that is missing stays
// missing. Earlier members of the same name, which a reader of the record might
// take for it, go.
func (w *worker) editAt(at ref, e leafEdit) error {
	sl := &w.rec.slots[at.slot]
	if sl.val == nil {
		return nil
	}
	if len(at.rest) > 0 {
		if err := w.room(len(sl.val) + len(sl.val)/8); err != nil {
			return err
		}
	}
	n := len(w.scratch)
	dst, what, err := w.editBelow(w.scratch, sl.val, at.rest, e)
	if err != nil {
		return err
	}
	switch what {
	case unchanged:
		w.rec.dropTwins(w.p, at.slot)
	case removed:
		w.rec.remove(w.p, at.slot)
	case changed:
		w.scratch = dst
		w.rec.set(w.p, at.slot, dst[n:len(dst):len(dst)])
	}
	return nil
}

// editBelow applies e to the value at the end of rest, beginning at val, and
// appends what val becomes.
func (w *worker) editBelow(dst, val []byte, rest path, e leafEdit) ([]byte, change, error) {
	if len(rest) == 0 {
		return e.edit(w, dst, val)
	}
	if kindOf(val) != object {
		return dst, unchanged, nil
	}
	last, twins := -1, false
	for c := walk(val); c.next(); {
		if keyIs(c.key, rest[0].name) {
			twins = last >= 0
			last = c.start
		}
	}
	if last < 0 {
		return dst, unchanged, nil
	}
	n := len(dst)
	dst = append(dst, '{')
	for c := walk(val); c.next(); {
		if c.start != last && twins && keyIs(c.key, rest[0].name) {
			continue
		}
		before := len(dst)
		dst = appendComma(dst, n)
		if c.start != last {
			dst = append(dst, val[c.start:c.i]...)
			continue
		}
		out, what, err := w.editBelow(append(dst, val[c.start:c.valStart]...), c.val, rest[1:], e)
		if err != nil {
			return dst[:n], unchanged, err
		}
		dst = out
		switch {
		case what == removed:
			dst = dst[:before]
		case what == unchanged && !twins:
			return dst[:n], unchanged, nil
		case what == unchanged:
			dst = append(dst, c.val...)
		}
	}
	return append(dst, '}'), changed, nil
}

// appendComma appends a comma if the object that begins at dst[n] has members.
func appendComma(dst []byte, n int) []byte {
	if len(dst) > n+1 {
		return append(dst, ',')
	}
	return dst
}

// setAt gives what at leads to the value val, making objects on the way.
func (w *worker) setAt(at ref, val []byte) error {
	if len(at.rest) == 0 {
		w.rec.set(w.p, at.slot, val)
		return nil
	}
	obj := w.rec.slots[at.slot].val
	if err := w.room(len(obj) + len(val) + len(obj)/8); err != nil {
		return err
	}
	n := len(w.scratch)
	dst, err := setBelow(w.scratch, obj, at.rest, val)
	if err != nil {
		return err
	}
	w.scratch = dst
	w.rec.set(w.p, at.slot, dst[n:len(dst):len(dst)])
	return nil
}

// setBelow appends obj with val at the end of rest.
func setBelow(dst, obj []byte, rest path, val []byte) ([]byte, error) {
	if len(rest) == 0 {
		return append(dst, val...), nil
	}
	var err error
	n, last := len(dst), -1
	dst = append(dst, '{')
	switch k := kindOf(obj); k {
	case missing, null:
	case object:
		for c := walk(obj); c.next(); {
			if keyIs(c.key, rest[0].name) {
				last = c.start
			}
		}
		for c := walk(obj); c.next(); {
			switch {
			case c.start == last:
				dst = append(appendComma(dst, n), obj[c.start:c.valStart]...)
				if dst, err = setBelow(dst, c.val, rest[1:], val); err != nil {
					return dst, err
				}
			case last < 0 || !keyIs(c.key, rest[0].name):
				dst = append(appendComma(dst, n), obj[c.start:c.i]...)
			}
		}
	default:
		return dst, &cannot{do: "set a field of it", kind: k}
	}
	if last < 0 {
		dst = append(appendComma(dst, n), rest[0].key...)
		if dst, err = setBelow(dst, nil, rest[1:], val); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
