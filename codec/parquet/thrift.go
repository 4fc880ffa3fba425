package parquet

import (
	"context"
	"io"
)

// The types of Thrift's compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI8     = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// maxThriftDepth bounds structs and lists inside one another. The format needs
// nine.
const maxThriftDepth = 32

// A compact reads Thrift's compact protocol from part of a file, through a window
// that is all the memory it takes. It is not generated code that fills structs:
// those hold what the file says they do, such as a list of two thousand million
// row groups in twenty bytes.
//
// After the first error every method returns zero, so that callers look at err
// once, behind a struct or a list.
type compact struct {
	ctx    context.Context // of the call that walks
	src    io.ReaderAt
	end    int64  // nothing is read from here on
	window []byte // holds buf[lo:hi] unread
	lo, hi int
	at     int64 // file offset of window[hi]
	depth  int
	err    error
}

// seek continues at offset off.
func (r *compact) seek(off int64) {
	start := r.at - int64(r.hi)
	if off >= start && off <= r.at {
		r.lo = int(off - start)
		return
	}
	r.lo, r.hi, r.at = 0, 0, off
}

// offset is where the next byte comes from.
func (r *compact) offset() int64 { return r.at - int64(r.hi-r.lo) }

func (r *compact) fill() bool {
	if r.err != nil {
		return false
	}
	n := min(int64(len(r.window)), r.end-r.at)
	if n <= 0 {
		r.err = corrupt("its metadata at offset %d does not end where it must", r.at)
		return false
	}
	if r.err = readFull(r.ctx, r.src, r.window[:n], r.at); r.err != nil {
		r.lo, r.hi = 0, 0
		return false
	}
	r.lo, r.hi = 0, int(n)
	r.at += n
	return true
}

func (r *compact) byte() byte {
	if r.err != nil || r.lo == r.hi && !r.fill() {
		return 0
	}
	c := r.window[r.lo]
	r.lo++
	return c
}

func (r *compact) uvarint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail("a number at offset %d is longer than 64 bits", r.offset())
	return 0
}

func (r *compact) fail(format string, args ...any) {
	if r.err == nil {
		r.err = corrupt(format, args...)
	}
}

// integer reads the value of a field of an integer type.
func (r *compact) integer(kind byte) int64 {
	switch kind {
	case thriftI8:
		return int64(int8(r.byte()))
	case thriftI16, thriftI32, thriftI64:
		v := r.uvarint()
		return int64(v>>1) ^ -int64(v&1)
	}
	r.fail("its metadata before offset %d has a field of the wrong type", r.offset())
	return 0
}

// small reads an integer that must lie in [0, limit].
func (r *compact) small(kind byte, limit int64) int {
	v := r.integer(kind)
	if v < 0 || v > limit {
		r.fail("its metadata before offset %d has %d where at most %d is possible", r.offset(), v, limit)
		return 0
	}
	return int(v)
}

// bool returns the value of a field of the boolean type, which is its type.
func (r *compact) bool(kind byte) bool {
	if kind != thriftTrue && kind != thriftFalse {
		r.fail("its metadata before offset %d has a field of the wrong type", r.offset())
	}
	return kind == thriftTrue
}

// binary reads a string of at most limit bytes.
func (r *compact) binary(kind byte, limit int) []byte {
	if kind != thriftBinary {
		r.fail("its metadata before offset %d has a field of the wrong type", r.offset())
		return nil
	}
	n := r.uvarint()
	if n > uint64(limit) {
		r.fail("a name at offset %d has %d bytes; at most %d are read", r.offset(), n, limit)
	}
	if r.err != nil {
		return nil
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = r.byte()
	}
	return b
}

// fields calls f for each field of a struct, and skips those that f does not
// take.
func (r *compact) fields(f func(id int, kind byte) bool) {
	if r.depth++; r.depth > maxThriftDepth {
		r.fail("its metadata at offset %d is nested too deeply", r.offset())
	}
	id := int64(0)
	for r.err == nil {
		head := r.byte()
		kind := head & 0xf
		if kind == 0 {
			break
		}
		if head>>4 != 0 {
			id += int64(head >> 4)
		} else {
			id = r.integer(thriftI16)
		}
		if r.err == nil && !f(int(id), kind) {
			r.skip(kind)
		}
	}
	r.depth--
}

// list reads the head of a list of structs, or of whatever else kind says, and
// returns the number of its elements. Each takes a byte or more of what follows.
func (r *compact) list(kind, element byte) int {
	if kind != thriftList {
		r.fail("its metadata before offset %d has a field of the wrong type", r.offset())
		return 0
	}
	n, found := r.listHead()
	if n > 0 && found != element {
		r.fail("its metadata before offset %d has a list of the wrong type", r.offset())
		return 0
	}
	return n
}

func (r *compact) listHead() (n int, element byte) {
	head := r.byte()
	size := uint64(head >> 4)
	if size == 0xf {
		size = r.uvarint()
	}
	if size > uint64(max(0, r.end-r.offset())) {
		r.fail("a list at offset %d has %d elements, more than there are bytes", r.offset(), size)
		return 0, 0
	}
	return int(size), head & 0xf
}

// skip passes over the value of a field.
func (r *compact) skip(kind byte) {
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftI8:
		r.byte()
	case thriftI16, thriftI32, thriftI64:
		r.uvarint()
	case thriftDouble:
		r.pass(8)
	case thriftBinary:
		r.pass(r.uvarint())
	case thriftList, thriftSet:
		n, element := r.listHead()
		r.skipAll(n, element)
	case thriftMap:
		r.skipMap()
	case thriftStruct:
		r.fields(func(int, byte) bool { return false })
	default:
		r.fail("its metadata before offset %d has a field of an unknown type", r.offset())
	}
}

// skipAll passes over n values that stand for themselves, without a field's head:
// there a boolean takes a byte.
func (r *compact) skipAll(n int, kind byte) {
	if r.depth++; r.depth > maxThriftDepth {
		r.fail("its metadata at offset %d is nested too deeply", r.offset())
	}
	for i := 0; i < n && r.err == nil; i++ {
		if kind == thriftTrue || kind == thriftFalse {
			r.byte()
			continue
		}
		r.skip(kind)
	}
	r.depth--
}

func (r *compact) skipMap() {
	n := r.uvarint()
	if n == 0 {
		return
	}
	kinds := r.byte()
	for ; n > 0 && r.err == nil; n-- {
		r.skipAll(1, kinds>>4)
		r.skipAll(1, kinds&0xf)
	}
}

// pass skips n bytes.
func (r *compact) pass(n uint64) {
	at := r.offset()
	if r.err == nil && n > uint64(max(0, r.end-at)) {
		r.fail("a value at offset %d has %d bytes and does not end where it must", at, n)
	}
	if r.err == nil {
		r.seek(at + int64(n))
	}
}
