package transform

import "github.com/weirflow/weir"

// unasked is how many bytes of values may be made for a record of a large batch
// without asking for memory.
const unasked = baseScratch

// extend returns dst with room for n bytes more. In a batch that is larger than the
// footprint counts on, the memory is borrowed; the error is weir.ErrBatchFull if
// there is none. Elsewhere append finds what it needs.
func (w *worker) extend(dst []byte, n int) ([]byte, error) {
	if w.has(dst, n) {
		return dst, nil
	}
	mem, err := w.borrow(len(dst) + max(n, len(dst)/2))
	if err != nil {
		return dst, err
	}
	return append(mem, dst...), nil
}

// room makes room for n bytes more in the scratch memory. What is in it stays where
// it is; it may go on elsewhere.
func (w *worker) room(n int) error {
	if w.has(w.scratch, n) {
		return nil
	}
	mem, err := w.borrow(max(n, unasked))
	if err == nil {
		w.scratch = mem
	}
	return err
}

// has reports whether n bytes may be appended to dst without asking for memory.
func (w *worker) has(dst []byte, n int) bool {
	return !w.large || n <= cap(dst)-len(dst) || len(dst)+n <= unasked
}

// borrow returns an empty slice with room for n bytes.
func (w *worker) borrow(n int) ([]byte, error) {
	if mem := w.out.Borrow(n); mem != nil {
		return mem[:0], nil
	}
	// A value that is made is mostly written again, and then into the output: the
	// refusal is to tell what all of that takes.
	_ = w.out.Borrow(3 * n)
	return nil, weir.ErrBatchFull
}

// read reads val into v, with memory from the scratch.
func (w *worker) read(v *value, val []byte) error {
	if w.large && kindOf(val) == text && !plainText(val) {
		if err := w.room(len(val)); err != nil {
			return err
		}
	}
	w.scratch = v.read(w.scratch, val)
	return nil
}
