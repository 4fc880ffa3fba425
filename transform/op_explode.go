package transform

import (
	"context"
)

// explodeOp makes a record for each element of an array. What is no array stays
// as it is; an empty one becomes null, so that no record is lost.
type explodeOp struct{ at ref }

func parseExplode(s *scanner) (Statement, error) {
	p, err := s.path()
	if err != nil {
		return Statement{}, err
	}
	return Statement{short("explode", []path{p}), func(b *builder) (op, error) {
		b.p.cost.explodes++
		return &explodeOp{b.ref(p)}, nil
	}}, nil
}

func (o *explodeOp) apply(w *worker) (verdict, error) {
	val := w.at(&o.at)
	if kindOf(val) != array {
		return next, nil
	}
	if c := walk(val); !c.next() {
		return next, w.setAt(o.at, []byte("null"))
	}
	return spread, nil
}

// A save is a record as it was before explode changed it.
type save struct {
	slots []slot
	act   []int32
	cells []cell
	added []int32
}

// explode takes a record for each element through the statements behind number
// k, which is an explode.
func (w *worker) explode(ctx context.Context, k int) error {
	at := w.p.ops[k].(*explodeOp).at
	w.rec.edit()
	if w.depth == len(w.saves) {
		w.saves = append(w.saves, save{})
	}
	sv := &w.saves[w.depth]
	sv.from(&w.rec)
	w.depth++
	before, first := w.scratch, true
	for c := walk(w.at(&at)); c.next(); first = false {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.saves[w.depth-1].to(&w.rec)
		if w.scratch = w.scratch[:0]; cap(w.scratch) < len(before) { // it was borrowed
			w.scratch = before
		}
		w.scratch = w.scratch[:len(before)]
		w.ordinal++
		if !first {
			w.added.Records++
			w.added.Bytes += int64(len(c.val))
		}
		if err := w.setAt(at, c.val); err != nil {
			return err
		}
		if err := w.run(ctx, k+1); err != nil {
			return err
		}
	}
	w.depth--
	return nil
}

func (s *save) from(r *record) {
	s.slots = append(s.slots[:0], r.slots...)
	s.act = append(s.act[:0], r.act...)
	s.cells = append(s.cells[:0], r.cells...)
	s.added = append(s.added[:0], r.added...)
}

func (s *save) to(r *record) {
	copy(r.slots, s.slots)
	r.act = append(r.act[:0], s.act...)
	r.cells = append(r.cells[:0], s.cells...)
	r.added = append(r.added[:0], s.added...)
}
