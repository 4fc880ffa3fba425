package transform

// setOp gives a field the value of an expression.
type setOp struct {
	at     ref
	from   node
	e      expression
	reg    int
	before []byte // the value, if it is written out
}

// parseSet parses PATH = EXPRESSION {, PATH = EXPRESSION}.
func parseSet(s *scanner) (Statement, error) {
	var to []path
	var from []expression
	for {
		p, err := s.path()
		if err != nil {
			return Statement{}, err
		}
		if !s.accept('=') {
			return Statement{}, s.unexpected("= and an expression")
		}
		e, err := s.expression(true)
		if err != nil {
			return Statement{}, err
		}
		to, from = append(to, p), append(from, e)
		if !s.accept(',') {
			break
		}
		s.skipLines()
	}
	return Statement{short("set", to), func(b *builder) (op, error) {
		all := make(sequence, 0, len(to))
		for i := range to {
			o, err := newSet(b, to[i], from[i])
			if err != nil {
				return nil, err
			}
			all = append(all, o)
		}
		return all.op(), nil
	}}, nil
}

func newSet(b *builder, to path, from expression) (*setOp, error) {
	n, err := b.value(from)
	if err != nil {
		return nil, err
	}
	o := &setOp{at: b.ref(to), from: n, e: from, reg: b.reg()}
	if k, ok := n.(*constant); ok {
		o.before, err = k.v.appendJSON(nil)
	}
	b.p.cost.set(o)
	return o, err
}

func (o *setOp) apply(w *worker) (verdict, error) {
	if o.before != nil {
		return next, w.setAt(o.at, o.before)
	}
	v := &w.regs[o.reg]
	if err := o.from.eval(w, v); err != nil {
		return next, o.e.failed(err)
	}
	if v.src != nil {
		return next, w.setAt(o.at, v.src)
	}
	if err := w.room(len(v.raw) + len(v.raw)/8); err != nil {
		return next, o.e.failed(err)
	}
	n := len(w.scratch)
	dst, err := v.appendJSON(w.scratch)
	if err != nil {
		return next, o.e.failed(err)
	}
	w.scratch = dst
	return next, w.setAt(o.at, dst[n:len(dst):len(dst)])
}

// A sequence is several operations as one statement.
type sequence []op

// op returns the sequence as one operation.
func (s sequence) op() op {
	if len(s) == 1 {
		return s[0]
	}
	return s
}

func (s sequence) apply(w *worker) (verdict, error) {
	for _, o := range s {
		if v, err := o.apply(w); err != nil || v != next {
			return v, err
		}
	}
	return next, nil
}
