package transform

import "slices"

// renameOp gives fields other names, or moves them to another object.
type renameOp struct{ moves []move }

type move struct{ from, to ref }

// parseRename parses OLD to NEW {, OLD to NEW}.
func parseRename(s *scanner) (Statement, error) {
	var from, to []path
	for {
		old, err := s.path()
		if err != nil {
			return Statement{}, err
		}
		if !s.acceptWord("to") && !s.acceptWord("as") && !s.accept('=') {
			return Statement{}, s.unexpected("to and the new name")
		}
		at := s.i
		renamed, err := s.path()
		if err != nil {
			return Statement{}, err
		}
		if n := min(len(old), len(renamed)); slices.Equal(old[:n], renamed[:n]) && len(old) != len(renamed) {
			return Statement{}, s.errorf(at, "%v cannot become %v: one is inside of the other", old, renamed)
		}
		from, to = append(from, old), append(to, renamed)
		if !s.accept(',') {
			break
		}
		s.skipLines()
	}
	return Statement{short("rename", from), func(b *builder) (op, error) {
		o := &renameOp{}
		for i := range from {
			o.moves = append(o.moves, move{b.ref(from[i]), b.ref(to[i])})
			b.p.cost.rename(from[i], to[i])
		}
		return o, nil
	}}, nil
}

func (o *renameOp) apply(w *worker) (verdict, error) {
	for i := range o.moves {
		if err := w.move(&o.moves[i]); err != nil {
			return next, err
		}
	}
	return next, nil
}

// move applies m. What is missing is not moved.
func (w *worker) move(m *move) error {
	val := w.at(&m.from)
	switch {
	case val == nil || slices.Equal(m.from.path, m.to.path):
		return nil
	case len(m.from.rest) == 0 && len(m.to.rest) == 0:
		w.rec.rename(w.p, m.from.slot, m.to.slot, w.p.keys[m.to.slot])
		return nil
	}
	if err := w.editAt(m.from, dropLeaf{}); err != nil {
		return err
	}
	return w.setAt(m.to, val)
}
