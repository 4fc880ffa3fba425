package transform

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/weirflow/weir/codec/jsonscan"
)

// A value is what an expression works with.
//
// Null and a field that is missing are the same in an expression. A number is
// whole (it fits 64 bits, and is exact), a fraction (a float64), or long (a whole
// number beyond 64 bits, kept as text: it is compared exactly and not computed
// with). A value that comes from a record and is only passed on keeps its text.
type value struct {
	kind kind
	form form
	n    int64   // of a whole number; 1 for true
	f    float64 // of a fraction
	raw  []byte  // what a string says; the JSON text of a long number, array or object
	src  []byte  // the JSON text that the value stands for, if it is not computed
	any  any     // a time.Time, a time.Duration, or an array or object that a function made
}

// form is how a number is held.
type form uint8

const (
	whole form = iota
	fraction
	long
)

func (v *value) setNull()           { *v = value{kind: null} }
func (v *value) setInt(n int64)     { *v = value{kind: number, n: n} }
func (v *value) setFloat(f float64) { *v = value{kind: number, form: fraction, f: f} }
func (v *value) setText(s []byte)   { *v = value{kind: text, raw: s} }

func (v *value) setBool(b bool) {
	*v = value{kind: boolean}
	if b {
		v.n = 1
	}
}

// isNull reports whether v is null or missing.
func (v *value) isNull() bool { return v.kind <= null }

// read sets v to the JSON value val; nil is missing. A string with escapes is
// written into dst, which is returned.
func (v *value) read(dst, val []byte) []byte {
	*v = value{kind: kindOf(val), src: val}
	switch v.kind {
	case boolean:
		if val[0] == 't' {
			v.n = 1
		}
	case number:
		v.readNumber(val)
	case text:
		if plainText(val) {
			v.raw = val[1 : len(val)-1]
			break
		}
		n := len(dst)
		dst = appendText(dst, val)
		v.raw = dst[n:len(dst):len(dst)]
	case array, object:
		v.raw = val
	}
	return dst
}

// truth is v as a condition: null is false.
func (v *value) truth() (bool, error) {
	switch v.kind {
	case boolean:
		return v.n != 0, nil
	case missing, null:
		return false, nil
	}
	return false, &cannot{do: "take it as a condition", kind: v.kind, hint: "a condition is true, false or null"}
}

// appendJSON appends v as it is written into a record.
func (v *value) appendJSON(dst []byte) ([]byte, error) {
	if v.src != nil {
		return append(dst, v.src...), nil
	}
	switch v.kind {
	case boolean:
		if v.n != 0 {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	case number:
		return v.appendNumber(dst)
	case text:
		return jsonscan.Quote(dst, v.raw), nil
	case array, object:
		if v.any != nil {
			return appendTree(dst, v.any, len(dst)+maxText)
		}
		return append(dst, v.raw...), nil
	case moment, span:
		return jsonscan.Quote(dst, v.says(nil)), nil
	}
	return append(dst, "null"...), nil
}

// says appends the text of a scalar: what string() makes of it.
func (v *value) says(dst []byte) []byte {
	switch v.kind {
	case text:
		return append(dst, v.raw...)
	case moment:
		return v.any.(time.Time).AppendFormat(dst, time.RFC3339Nano)
	case span:
		return append(dst, v.any.(time.Duration).String()...)
	}
	dst, _ = v.appendJSON(dst) // an error is an array or object, which is no scalar
	return dst
}

// cannot is the reason why a value cannot be used as a statement wants to.
type cannot struct {
	do    string // "compare"
	kind  kind
	other kind   // of the other operand, if there is one
	hint  string // how it can be done
}

// Error says what cannot be done, with what, and how it can.
func (e *cannot) Error() string {
	s := fmt.Sprintf("cannot %s: the value is %v", e.do, e.kind)
	if e.other != missing {
		s = fmt.Sprintf("cannot %s %v and %v", e.do, e.kind, e.other)
	}
	if e.hint != "" {
		s += " (" + e.hint + ")"
	}
	return s
}

// bytesOf returns the bytes of s, which nobody may change.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
