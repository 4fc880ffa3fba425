package transform

import (
	"bytes"
	"cmp"
	"time"
)

// order is a comparison operator.
type order uint8

const (
	eq order = iota
	ne
	lt
	le
	gt
	ge
)

var orders = map[string]order{"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}

var orderNames = [...]string{"==", "!=", "<", "<=", ">", ">="}

// String returns the operator.
func (o order) String() string { return orderNames[o] }

// holds reports whether the order of two things, -1, 0 or 1, satisfies o.
func (o order) holds(c int) bool {
	switch o {
	case eq:
		return c == 0
	case ne:
		return c != 0
	case lt:
		return c < 0
	case le:
		return c <= 0
	case gt:
		return c > 0
	}
	return c >= 0
}

// flip is the operator for the operands the other way round.
func (o order) flip() order {
	switch o {
	case lt:
		return gt
	case le:
		return ge
	case gt:
		return lt
	case ge:
		return le
	}
	return o
}

// compare applies o to a and b.
//
// Values of different kinds are not equal; that is no error. Before and after are
// defined between two numbers, two strings (by their bytes, which is by code
// points), two times and two durations. With null they are false; between other
// kinds they are an error, because a silent false loses records.
func compare(o order, a, b *value) (bool, error) {
	if o == eq || o == ne {
		return equal(a, b) == (o == eq), nil
	}
	if a.isNull() || b.isNull() {
		return false, nil
	}
	c, ok := comparable3(a, b)
	if !ok {
		hint := ""
		if a.kind == text && b.kind == number || a.kind == number && b.kind == text {
			hint = "number(x) makes a number of a string"
		}
		return false, &cannot{do: "put in order with " + o.String(), kind: a.kind, other: b.kind, hint: hint}
	}
	return o.holds(c), nil
}

// comparable3 orders a and b, if they are of a kind that has an order.
func comparable3(a, b *value) (c int, ok bool) {
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case number:
		return compareNumbers(a, b), true
	case text:
		return bytes.Compare(a.raw, b.raw), true
	case moment:
		return a.any.(time.Time).Compare(b.any.(time.Time)), true
	case span:
		return cmp.Compare(a.any.(time.Duration), b.any.(time.Duration)), true
	}
	return 0, false
}

// equal reports whether a and b are the same value: numbers by their value,
// arrays by their elements, objects by their members in any order. Arrays and
// objects of a record that are longer than maxTree are equal if their text is.
func equal(a, b *value) bool {
	if a.isNull() || b.isNull() {
		return a.isNull() && b.isNull()
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case boolean:
		return a.n == b.n
	case array, object:
		if len(a.raw) > maxTree || len(b.raw) > maxTree {
			return bytes.Equal(a.raw, b.raw)
		}
		return equalTrees(a.tree(), b.tree())
	}
	c, _ := comparable3(a, b)
	return c == 0
}

// equalTrees compares what tree returns.
func equalTrees(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalTrees(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			other, ok := b[k]
			if !ok || !equalTrees(a[k], other) {
				return false
			}
		}
		return true
	}
	var va, vb value
	if va.fromAny(a) != nil || vb.fromAny(b) != nil || va.kind == array || va.kind == object {
		return false
	}
	return equal(&va, &vb)
}

// isIn reports whether a is an element of the array b, or the name of a member
// of the object b. Null has no elements.
func isIn(a, b *value) (bool, error) {
	switch b.kind {
	case missing, null:
		return false, nil
	case array:
		if b.any == nil {
			return inArray(a, b.raw), nil
		}
		for _, e := range b.tree().([]any) {
			var v value
			if v.fromAny(e) == nil && equal(a, &v) {
				return true, nil
			}
		}
		return false, nil
	case object:
		if a.kind != text {
			return false, nil
		}
		if b.any == nil {
			return step{name: string(a.raw)}.findMember(b.raw) != nil, nil
		}
		_, found := b.any.(map[string]any)[string(a.raw)]
		return found, nil
	}
	return false, &cannot{do: "look into it with in", kind: b.kind, hint: "the right side is an array or an object"}
}

// inArray reports whether a is an element of the JSON array val.
func inArray(a *value, val []byte) bool {
	var buf [64]byte
	for c := walk(val); c.next(); {
		var v value
		v.read(buf[:0], c.val)
		if equal(a, &v) {
			return true
		}
	}
	return false
}
