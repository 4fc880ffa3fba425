package transform

import "github.com/weirflow/weir"

// unasked is how many bytes of values may be made for a record of a large batch
// without asking for memory.
const unasked = baseScratch

// extend returns dst with room for n bytes more. In a batch that is larger than the
// footprint counts on, the memory is borrowed; the error is weir.ErrBatchFull if
// there is none. Elsewhere append finds what it needs.
func (w *worker) extend(dst []byte, n int) ([]byte, error) {
	if !w.large || n <= cap(dst)-len(dst) || len(dst)+n <= unasked {
		return dst, nil
	}
	mem := w.out.Borrow(len(dst) + max(n, len(dst)/2))
	if mem == nil {
		return dst, weir.ErrBatchFull
	}
	return append(mem[:0], dst...), nil
}

// room makes room for n bytes more in the scratch memory.
func (w *worker) room(n int) (err error) {
	w.scratch, err = w.extend(w.scratch, n)
	return err
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
