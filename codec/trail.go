package codec

// A trail is places in a stream, in order: the last one that is needed, and some
// of those that came after it. What is wanted of it is the last place before a
// point, which never moves back.
type trail[T any] struct {
	n   int
	all [5]T
}

// start makes the trail begin at p.
func (t *trail[T]) start(p T) { t.n, t.all[0] = 1, p }

// push adds a place behind the others. Where the trail is full the second one
// goes: the first may be the only one that is before the point.
func (t *trail[T]) push(p *T) {
	if t.n == len(t.all) {
		copy(t.all[1:], t.all[2:])
		t.n--
	}
	t.all[t.n] = *p
	t.n++
}

// last returns the last place that is before the point, and forgets those before
// it. The first place always is.
func (t *trail[T]) last(before func(*T) bool) *T {
	i := t.n - 1
	for i > 0 && !before(&t.all[i]) {
		i--
	}
	if i > 0 {
		t.n = copy(t.all[:], t.all[i:t.n])
	}
	return &t.all[0]
}
