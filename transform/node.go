package transform

// A node is a compiled expression.
type node interface {
	// eval sets v, which no part of the expression uses.
	eval(w *worker, v *value) error
	kinds() kinds
}

// at returns the value that r leads to; nil: it is missing.
func (w *worker) at(r *ref) []byte {
	val := w.rec.slots[r.slot].val
	if len(r.rest) > 0 {
		return r.rest.find(val)
	}
	return val
}

type constant struct{ v value }

func (n *constant) eval(_ *worker, v *value) error {
	*v = n.v
	return nil
}

func (n *constant) kinds() kinds { return 1 << max(n.v.kind, null) }

type field struct{ at ref }

func (n *field) eval(w *worker, v *value) error {
	return w.read(v, w.at(&n.at))
}

func (n *field) kinds() kinds { return ofAny }

// arithmetic is an operator of arith; ra and rb are registers.
type arithmetic struct {
	op     string
	a, b   node
	ra, rb int
	makes  kinds
}

func (n *arithmetic) eval(w *worker, v *value) error {
	if err := n.a.eval(w, &w.regs[n.ra]); err != nil {
		return err
	}
	if err := n.b.eval(w, &w.regs[n.rb]); err != nil {
		return err
	}
	if err := w.room(len(w.regs[n.ra].raw) + len(w.regs[n.rb].raw)); err != nil {
		return err
	}
	dst, err := arith(n.op, &w.regs[n.ra], &w.regs[n.rb], v, w.scratch)
	w.scratch = dst
	return err
}

func (n *arithmetic) kinds() kinds { return n.makes }

type negation struct {
	a  node
	ra int
}

func (n *negation) eval(w *worker, v *value) error {
	if err := n.a.eval(w, &w.regs[n.ra]); err != nil {
		return err
	}
	return negate(&w.regs[n.ra], v)
}

func (n *negation) kinds() kinds { return ofNumber | ofNull }

// choice is cond ? a : b.
type choice struct {
	cond test
	a, b node
}

func (n *choice) eval(w *worker, v *value) error {
	yes, err := n.cond.test(w)
	switch {
	case err != nil:
		return err
	case yes:
		return n.a.eval(w, v)
	}
	return n.b.eval(w, v)
}

func (n *choice) kinds() kinds { return n.a.kinds() | n.b.kinds() }

// otherwise is a ?? b.
type otherwise struct{ a, b node }

func (n *otherwise) eval(w *worker, v *value) error {
	if err := n.a.eval(w, v); err != nil || !v.isNull() {
		return err
	}
	return n.b.eval(w, v)
}

func (n *otherwise) kinds() kinds { return n.a.kinds()&^ofNull | n.b.kinds() }

// call is a call of a function of this package; its arguments are in registers
// from base on.
type call struct {
	f    *function
	args []node
	base int
}

func (n *call) eval(w *worker, v *value) error {
	for i, a := range n.args {
		if err := a.eval(w, &w.regs[n.base+i]); err != nil {
			return err
		}
	}
	if w.large {
		if err := w.room(n.f.copies(w.regs[n.base : n.base+len(n.args)])); err != nil {
			return err
		}
	}
	dst, err := n.f.run(w.scratch, w.regs[n.base:n.base+len(n.args)], v)
	w.scratch = dst
	return err
}

func (n *call) kinds() kinds {
	if n.f.passNull {
		return n.f.makes | ofNull
	}
	return n.f.makes
}

// answer is a condition as a value.
type answer struct{ t test }

func (n *answer) eval(w *worker, v *value) error {
	yes, err := n.t.test(w)
	v.setBool(yes)
	return err
}

func (n *answer) kinds() kinds { return ofBool }
