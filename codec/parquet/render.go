package parquet

import (
	"context"
	"errors"
)

var (
	errDisagree = errors.New("its columns do not agree on where a record ends")
	errNullKey  = errors.New("a map has a key that is null")
	errTooLong  = errors.New("it is longer than MaxRecord")
)

// A record puts the next record together from the entries of the columns and
// writes it as JSON.
type record struct {
	ctx     context.Context // of the call that writes
	out     text
	columns []*column
	lists   []*column // those in lists
	limit   int       // bytes that a record may have
	pages   *pages
	err     error
}

// write writes the record whose first entry every column is at. Columns in lists
// are behind it then.
func (r *record) write(s *shape) error {
	r.value(s)
	r.out.byte('\n')
	for _, c := range r.lists {
		if c.there && c.rep > 0 && r.err == nil {
			r.err = corrupt("column %q: %w", c.leaf.path, errDisagree)
		}
	}
	if r.err == nil && r.out.n > r.limit {
		r.err = errTooLong
	}
	err := r.err
	r.err = nil
	return err
}

// value writes the value of the shape. After an error it writes anything.
func (r *record) value(s *shape) {
	switch s.kind {
	case shapeLeaf:
		c := r.columns[s.first]
		if c.def < s.def {
			r.out.string("null")
		} else {
			r.out.scalar(c.leaf, &c.value)
		}
		r.pass(c)
	case shapeObject:
		if s.last > s.first && r.columns[s.first].def < s.def {
			r.null(s)
			return
		}
		r.out.byte('{')
		for i := range s.kids {
			if i > 0 {
				r.out.byte(',')
			}
			r.out.raw(s.kids[i].key)
			r.value(&s.kids[i])
		}
		r.out.byte('}')
	case shapeList, shapeMap:
		r.elements(s)
	}
}

// null writes that the value is null, and passes over its entries.
func (r *record) null(s *shape) {
	r.out.string("null")
	r.passAll(s)
}

func (r *record) passAll(s *shape) {
	for _, c := range r.columns[s.first:s.last] {
		r.pass(c)
	}
}

// pass goes to the next entry. A column outside of lists has one for each record,
// which stays until the next one begins.
func (r *record) pass(c *column) {
	if c.leaf.maxRep == 0 || r.err != nil {
		return
	}
	if !c.there {
		r.err = corrupt("column %q: %w", c.leaf.path, errDisagree)
		return
	}
	r.err = c.advance(r.ctx, r.pages)
}

// elements writes a list or a map.
func (r *record) elements(s *shape) {
	first := r.columns[s.first]
	if first.def < s.def {
		r.null(s)
		return
	}
	opening, closing := byte('['), byte(']')
	if s.kind == shapeMap {
		opening, closing = '{', '}'
	}
	r.out.byte(opening)
	if first.def < s.full {
		r.passAll(s)
		r.out.byte(closing)
		return
	}
	for {
		if s.kind == shapeMap {
			r.entry(s)
		} else {
			r.value(&s.kids[0])
		}
		if r.err != nil || !first.there || first.rep < s.rep {
			break
		}
		if first.rep > s.rep {
			r.err = corrupt("column %q: %w", first.leaf.path, errDisagree)
			break
		}
		if r.out.n > r.limit {
			r.err = errTooLong
			break
		}
		r.out.byte(',')
	}
	r.out.byte(closing)
}

// entry writes a key of a map, as a string, and its value.
func (r *record) entry(s *shape) {
	c := r.columns[s.kids[0].first]
	if c.def < s.kids[0].def && r.err == nil {
		r.err = corrupt("column %q: %w", c.leaf.path, errNullKey)
		return
	}
	r.out.key(c.leaf, &c.value)
	r.pass(c)
	r.out.byte(':')
	if len(s.kids) < 2 {
		r.out.string("null")
		return
	}
	r.value(&s.kids[1])
}
