package transform

// dropOp takes fields out.
type dropOp struct{ at []ref }

func parseDrop(s *scanner) (Statement, error) {
	all, err := s.paths()
	return Statement{short("drop", all), func(b *builder) (op, error) {
		return &dropOp{b.refs(all)}, nil
	}}, err
}

func (o *dropOp) apply(w *worker) (verdict, error) {
	for i := range o.at {
		at := &o.at[i]
		if len(at.rest) == 0 {
			w.rec.remove(w.p, at.slot)
			continue
		}
		if err := w.editAt(*at, dropLeaf{}); err != nil {
			return next, err
		}
	}
	return next, nil
}

type dropLeaf struct{}

func (dropLeaf) edit(_ *worker, dst, _ []byte) ([]byte, change, error) { return dst, removed, nil }
