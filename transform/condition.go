package transform

import (
	"bytes"
	"cmp"
	"math"
	"regexp"
)

// A test is a compiled condition.
type test interface {
	test(w *worker) (bool, error)
}

// intTest compares a field with a whole number.
type intTest struct {
	at ref
	o  order
	n  int64
	v  value // n
}

func (t *intTest) test(w *worker) (bool, error) {
	val := w.at(&t.at)
	if kindOf(val) == number {
		if n, ok := smallInt(val); ok {
			return t.o.holds(cmp.Compare(n, t.n)), nil
		}
	}
	v := value{}
	if err := w.read(&v, val); err != nil {
		return false, err
	}
	return compare(t.o, &v, &t.v)
}

// textTest compares a field with a string.
type textTest struct {
	at ref
	o  order
	v  value
}

func (t *textTest) test(w *worker) (bool, error) {
	val := w.at(&t.at)
	if kindOf(val) == text && plainText(val) {
		return t.o.holds(bytes.Compare(val[1:len(val)-1], t.v.raw)), nil
	}
	v := value{}
	if err := w.read(&v, val); err != nil {
		return false, err
	}
	return compare(t.o, &v, &t.v)
}

// comparison compares two expressions; ra and rb are registers.
type comparison struct {
	o      order
	a, b   node
	ra, rb int
}

func (t *comparison) test(w *worker) (bool, error) {
	if err := t.a.eval(w, &w.regs[t.ra]); err != nil {
		return false, err
	}
	if err := t.b.eval(w, &w.regs[t.rb]); err != nil {
		return false, err
	}
	return compare(t.o, &w.regs[t.ra], &w.regs[t.rb])
}

type both struct{ a, b test }

func (t *both) test(w *worker) (bool, error) {
	if yes, err := t.a.test(w); err != nil || !yes {
		return false, err
	}
	return t.b.test(w)
}

type either struct{ a, b test }

func (t *either) test(w *worker) (bool, error) {
	if yes, err := t.a.test(w); err != nil || yes {
		return yes, err
	}
	return t.b.test(w)
}

type opposite struct{ a test }

func (t *opposite) test(w *worker) (bool, error) {
	yes, err := t.a.test(w)
	return !yes && err == nil, err
}

// truth is an expression as a condition.
type truth struct {
	a  node
	ra int
}

func (t *truth) test(w *worker) (bool, error) {
	if err := t.a.eval(w, &w.regs[t.ra]); err != nil {
		return false, err
	}
	return w.regs[t.ra].truth()
}

// present is exists(field).
type present struct{ at ref }

func (t *present) test(w *worker) (bool, error) { return w.at(&t.at) != nil, nil }

// membership is a in b.
type membership struct {
	a, b   node
	ra, rb int
}

func (t *membership) test(w *worker) (bool, error) {
	if err := t.a.eval(w, &w.regs[t.ra]); err != nil {
		return false, err
	}
	if err := t.b.eval(w, &w.regs[t.rb]); err != nil {
		return false, err
	}
	return isIn(&w.regs[t.ra], &w.regs[t.rb])
}

// listed is a in [constants].
type listed struct {
	a      node
	ra     int
	ints   map[int64]struct{}
	texts  map[string]struct{}
	others []value
}

func newListed(a node, ra int, all []value) *listed {
	t := &listed{a: a, ra: ra, ints: map[int64]struct{}{}, texts: map[string]struct{}{}}
	for _, v := range all {
		switch {
		case v.kind == text:
			t.texts[string(v.raw)] = struct{}{}
		case v.kind == number && v.form == whole:
			t.ints[v.n] = struct{}{}
		default:
			t.others = append(t.others, v)
		}
	}
	return t
}

func (t *listed) test(w *worker) (bool, error) {
	v := &w.regs[t.ra]
	if err := t.a.eval(w, v); err != nil {
		return false, err
	}
	found := false
	switch {
	case v.kind == text:
		_, found = t.texts[string(v.raw)]
	case v.kind == number && v.form == whole:
		_, found = t.ints[v.n]
	case v.kind == number && v.form == fraction && v.f == math.Trunc(v.f) && math.Abs(v.f) < 1<<63:
		_, found = t.ints[int64(v.f)]
	}
	for i := range t.others {
		found = found || equal(v, &t.others[i])
	}
	return found, nil
}

// textOp is an operator between two strings.
type textOp uint8

const (
	contains textOp = iota
	startsWith
	endsWith
)

var textOps = map[string]textOp{"contains": contains, "startsWith": startsWith, "endsWith": endsWith}

var textOpNames = [...]string{"contains", "startsWith", "endsWith"}

// String returns the operator.
func (o textOp) String() string { return textOpNames[o] }

// holds applies o; null contains nothing.
func (o textOp) holds(a, b *value) (bool, error) {
	switch {
	case a.isNull() || b.isNull():
		return false, nil
	case a.kind != text || b.kind != text:
		return false, &cannot{do: "use " + o.String() + " with", kind: a.kind, other: b.kind, hint: "it takes two strings"}
	case o == contains:
		return bytes.Contains(a.raw, b.raw), nil
	case o == startsWith:
		return bytes.HasPrefix(a.raw, b.raw), nil
	}
	return bytes.HasSuffix(a.raw, b.raw), nil
}

type textTests struct {
	o      textOp
	a, b   node
	ra, rb int
}

func (t *textTests) test(w *worker) (bool, error) {
	if err := t.a.eval(w, &w.regs[t.ra]); err != nil {
		return false, err
	}
	if err := t.b.eval(w, &w.regs[t.rb]); err != nil {
		return false, err
	}
	return t.o.holds(&w.regs[t.ra], &w.regs[t.rb])
}

// matching is a matches pattern.
type matching struct {
	a  node
	ra int
	re *regexp.Regexp
}

func (t *matching) test(w *worker) (bool, error) {
	if err := t.a.eval(w, &w.regs[t.ra]); err != nil {
		return false, err
	}
	return matches(&w.regs[t.ra], t.re)
}

// matches reports whether a pattern is found in a; null has none.
func matches(a *value, re *regexp.Regexp) (bool, error) {
	switch {
	case a.isNull():
		return false, nil
	case a.kind != text:
		return false, &cannot{do: "match it", kind: a.kind, hint: "matches takes a string"}
	}
	return re.Match(a.raw), nil
}
