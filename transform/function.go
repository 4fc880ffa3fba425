package transform

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A function is one of the functions of this package in expressions. They take
// the place of expr's functions of the same name.
type function struct {
	name     string
	min, max int    // number of arguments
	makes    kinds  // of its result
	leafOnly bool   // it runs in expr's machine only
	passNull bool   // null as the first argument makes null
	text     uint32 // bit i is set if argument i must be a string
	call     func(dst []byte, args []value, v *value) ([]byte, error)
}

// functions lists the functions of this package.
func functions() []function {
	return []function{
		{name: "number", min: 1, max: 1, makes: ofNumber, passNull: true, call: callNumber},
		{name: "string", min: 1, max: 1, makes: ofText, passNull: true, call: callString},
		{name: "type", min: 1, max: 1, makes: ofText, call: callType},
		{name: "len", min: 1, max: 1, makes: ofNumber, passNull: true, call: callLen},
		{name: "lower", min: 1, max: 1, makes: ofText, passNull: true, text: 1, call: callLower},
		{name: "upper", min: 1, max: 1, makes: ofText, passNull: true, text: 1, call: callUpper},
		{name: "trim", min: 1, max: 2, makes: ofText, passNull: true, text: 3, call: callTrim},
		{name: "replace", min: 3, max: 3, makes: ofText, passNull: true, text: 7, call: callReplace},
		{name: "repeat", min: 2, max: 2, makes: ofText, passNull: true, text: 1, call: callRepeat},
		{name: "join", min: 1, max: 2, makes: ofText, passNull: true, text: 2, leafOnly: true, call: callJoin},
		{name: "toJSON", min: 1, max: 1, makes: ofText, leafOnly: true, call: callToJSON},
	}
}

// run checks the arguments and calls the function.
func (f *function) run(dst []byte, args []value, v *value) ([]byte, error) {
	if f.passNull && args[0].isNull() {
		v.setNull()
		return dst, nil
	}
	for i := range args {
		if f.text>>i&1 != 0 && args[i].kind != text {
			return dst, &cannot{do: "call " + f.name + "() with it", kind: args[i].kind, hint: "string(x) makes a string of it"}
		}
	}
	return f.call(dst, args, v)
}

// copies is how many bytes the function makes of its arguments, or a bound on what
// is usual; what it makes of short ones does not matter.
func (f *function) copies(args []value) int {
	n := 0
	for i := range args {
		n += len(args[i].raw)
	}
	switch f.name {
	case "lower", "upper", "replace", "repeat":
		return n + n/8
	}
	return 0
}

var errNoNumber = errors.New("number() takes a number, or a string that is one as JSON writes it")

func callNumber(dst []byte, args []value, v *value) ([]byte, error) {
	a := &args[0]
	switch a.kind {
	case number:
		*v = *a
		return dst, nil
	case text:
		s := bytes.TrimSpace(a.raw)
		if !isNumber(s) {
			return dst, errNoNumber
		}
		*v = value{kind: number}
		v.readNumber(s)
		return dst, nil
	}
	return dst, errNoNumber
}

// isNumber reports whether s is a JSON number.
func isNumber(s []byte) bool {
	s = bytes.TrimPrefix(s, []byte{'-'})
	n := digits(s)
	if n == 0 || n > 1 && s[0] == '0' {
		return false
	}
	if s = s[n:]; len(s) > 0 && s[0] == '.' {
		if n = digits(s[1:]); n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if len(s) > 0 && s[0]|0x20 == 'e' {
		if s = s[1:]; len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if n = digits(s); n == 0 {
			return false
		}
		s = s[n:]
	}
	return len(s) == 0
}

// digits counts the digits that s begins with.
func digits(s []byte) int {
	for i, c := range s {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(s)
}

// callString makes a string of a scalar: a number as it is computed, so 1.50 is
// "1.5".
func callString(dst []byte, args []value, v *value) ([]byte, error) {
	a := args[0]
	if a.kind == text {
		*v = a
		return dst, nil
	}
	if a.kind == array || a.kind == object {
		return dst, &cannot{do: "call string() with it", kind: a.kind, hint: "toJSON(x) makes a string of it"}
	}
	a.src = nil
	n := len(dst)
	dst = a.says(dst)
	v.setText(dst[n:len(dst):len(dst)])
	return dst, nil
}

func callType(dst []byte, args []value, v *value) ([]byte, error) {
	names := [...]string{"null", "null", "bool", "number", "string", "array", "object", "time", "duration"}
	v.setText(bytesOf(names[args[0].kind]))
	return dst, nil
}

// callLen counts characters, elements or members.
func callLen(dst []byte, args []value, v *value) ([]byte, error) {
	a := &args[0]
	n := 0
	switch a.kind {
	case text:
		n = utf8.RuneCount(a.raw)
	case array, object:
		switch t := a.any.(type) {
		case []any:
			n = len(t)
		case map[string]any:
			n = len(t)
		default:
			for c := walk(a.raw); c.next(); {
				n++
			}
		}
	default:
		return dst, &cannot{do: "call len() with it", kind: a.kind}
	}
	v.setInt(int64(n))
	return dst, nil
}

func callLower(dst []byte, args []value, v *value) ([]byte, error) {
	return mapRunes(dst, args[0].raw, unicode.ToLower, v), nil
}

func callUpper(dst []byte, args []value, v *value) ([]byte, error) {
	return mapRunes(dst, args[0].raw, unicode.ToUpper, v), nil
}

// mapRunes appends s with every character replaced; bytes that are no UTF-8 stay.
func mapRunes(dst, s []byte, to func(rune) rune, v *value) []byte {
	n := len(dst)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[i])
		} else {
			dst = utf8.AppendRune(dst, to(r))
		}
		i += size
	}
	v.setText(dst[n:len(dst):len(dst)])
	return dst
}

func callTrim(dst []byte, args []value, v *value) ([]byte, error) {
	s := bytes.TrimSpace(args[0].raw)
	if len(args) == 2 {
		s = bytes.Trim(args[0].raw, string(args[1].raw))
	}
	v.setText(s)
	return dst, nil
}

func callReplace(dst []byte, args []value, v *value) ([]byte, error) {
	s, old, with := args[0].raw, args[1].raw, args[2].raw
	if len(old) == 0 {
		return dst, errors.New("replace() looks for a string that is not empty")
	}
	count := bytes.Count(s, old)
	if count == 0 {
		*v = args[0]
		return dst, nil
	}
	if len(s)+count*(len(with)-len(old)) > max(maxText, len(s)) {
		return dst, errText
	}
	n := len(dst)
	for {
		i := bytes.Index(s, old)
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i]...), with...)
		s = s[i+len(old):]
	}
	dst = append(dst, s...)
	v.setText(dst[n:len(dst):len(dst)])
	return dst, nil
}

func callRepeat(dst []byte, args []value, v *value) ([]byte, error) {
	s, times := args[0].raw, &args[1]
	if times.kind != number || times.form != whole || times.n < 0 {
		return dst, errors.New("repeat() takes a string and a whole number from 0")
	}
	count := times.n
	switch {
	case len(s) == 0:
		count = 0
	case count > int64(maxText/len(s)):
		return dst, errText
	}
	n := len(dst)
	for range count {
		dst = append(dst, s...)
	}
	v.setText(dst[n:len(dst):len(dst)])
	return dst, nil
}

// callJoin joins the strings of an array, with the second argument between them.
func callJoin(dst []byte, args []value, v *value) ([]byte, error) {
	if args[0].kind != array {
		return dst, &cannot{do: "call join() with it", kind: args[0].kind}
	}
	var glue []byte
	if len(args) == 2 {
		glue = args[1].raw
	}
	var b strings.Builder
	for i, e := range args[0].tree().([]any) {
		s, ok := e.(string)
		if !ok {
			return dst, errors.New("join() takes an array of strings")
		}
		if b.Len()+len(glue)+len(s) > maxText {
			return dst, errText
		}
		if i > 0 {
			b.Write(glue)
		}
		b.WriteString(s)
	}
	v.setText(bytesOf(b.String()))
	return dst, nil
}

func callToJSON(dst []byte, args []value, v *value) ([]byte, error) {
	a, err := args[0].toAny()
	if err != nil {
		return dst, err
	}
	out, err := appendTree(nil, a, maxText)
	v.setText(out)
	return dst, err
}
