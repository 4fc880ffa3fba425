package transform

// whereOp leaves out the records whose condition does not hold.
type whereOp struct {
	t test
	e expression
}

func parseWhere(s *scanner) (Statement, error) {
	e, err := s.expression(false)
	return Statement{"where", func(b *builder) (op, error) {
		t, err := b.condition(e, "the condition of where")
		return &whereOp{t, e}, err
	}}, err
}

func (o *whereOp) apply(w *worker) (verdict, error) {
	yes, err := o.t.test(w)
	switch {
	case err != nil:
		return next, o.e.failed(err)
	case yes:
		return next, nil
	}
	return leaveOut, nil
}
