package transform

// keepOp takes out all fields but some.
type keepOp struct {
	all   []path
	below []keepBelow
	kept  []bool // by slot; made when all slots are known
}

// keepBelow is a member of which a part stays.
type keepBelow struct {
	slot int
	tree keepTree
}

// A keepTree says what stays of an object, by the names of its members; nil: all
// of it.
type keepTree map[string]keepTree

func parseKeep(s *scanner) (Statement, error) {
	all, err := s.paths()
	return Statement{short("keep", all), func(b *builder) (op, error) {
		root := keepTree{}
		for _, p := range all {
			root.add(p)
		}
		o := &keepOp{all: all}
		for _, r := range b.refs(all) {
			for len(o.kept) <= r.slot {
				o.kept = append(o.kept, false)
			}
			if tree := root[r.path[0].name]; tree != nil && !o.kept[r.slot] {
				o.below = append(o.below, keepBelow{r.slot, tree})
			}
			o.kept[r.slot] = true
		}
		return o, nil
	}}, err
}

// add makes p stay, with all that is below it.
func (t keepTree) add(p path) {
	sub, known := t[p[0].name]
	switch {
	case known && sub == nil: // all of it stays already
	case len(p) == 1:
		t[p[0].name] = nil
	default:
		if sub == nil {
			sub = keepTree{}
			t[p[0].name] = sub
		}
		sub.add(p[1:])
	}
}

func (o *keepOp) apply(w *worker) (verdict, error) {
	w.rec.keep(w.p, o.kept)
	for _, k := range o.below {
		val := w.rec.slots[k.slot].val
		if kindOf(val) != object {
			w.rec.remove(w.p, k.slot)
			continue
		}
		if err := w.room(len(val)); err != nil {
			return next, err
		}
		n := len(w.scratch)
		dst, some := k.tree.appendKept(w.scratch, val)
		if !some {
			w.rec.remove(w.p, k.slot)
			continue
		}
		w.scratch = dst
		w.rec.set(w.p, k.slot, dst[n:len(dst):len(dst)])
	}
	return next, nil
}

// appendKept appends what stays of obj; some is false if that is nothing.
func (t keepTree) appendKept(dst, obj []byte) (out []byte, some bool) {
	n := len(dst)
	dst = append(dst, '{')
	for c := walk(obj); c.next(); {
		name, sub, known := t.find(c.key)
		if !known || c.hasTwin(name) {
			continue
		}
		before := len(dst)
		dst = append(appendComma(dst, n), obj[c.start:c.valStart]...)
		kept := true
		switch {
		case sub == nil:
			dst = append(dst, c.val...)
		case kindOf(c.val) == object:
			dst, kept = sub.appendKept(dst, c.val)
		default:
			kept = false
		}
		if !kept {
			dst = dst[:before]
		}
	}
	if len(dst) == n+1 {
		return dst[:n], false
	}
	return append(dst, '}'), true
}

func (t keepTree) find(key []byte) (name string, sub keepTree, known bool) {
	for name, sub = range t {
		if keyIs(key, name) {
			return name, sub, true
		}
	}
	return "", nil, false
}

// hasTwin reports whether a member called name follows.
func (c cursor) hasTwin(name string) bool {
	for c.next() {
		if keyIs(c.key, name) {
			return true
		}
	}
	return false
}
