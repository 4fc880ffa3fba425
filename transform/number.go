package transform

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// safeDigits is the number of digits that always fit an int64.
const safeDigits = 18

// smallInt reads val, a JSON number, if it is a whole number of few digits.
func smallInt(val []byte) (n int64, ok bool) {
	digits := val
	if val[0] == '-' {
		digits = val[1:]
	}
	if len(digits) > safeDigits {
		return 0, false
	}
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if len(digits) < len(val) {
		n = -n
	}
	return n, true
}

// readNumber sets form and number of v, whose kind is set, from the JSON number
// val.
func (v *value) readNumber(val []byte) {
	n, ok := smallInt(val)
	if ok {
		v.n = n
		return
	}
	if bytes.ContainsAny(val, ".eE") {
		v.form = fraction
		v.f, _ = strconv.ParseFloat(string(val), 64) // out of range: infinite, as compared
		return
	}
	n, err := strconv.ParseInt(string(val), 10, 64)
	if err != nil {
		v.form, v.raw = long, val
		return
	}
	v.n = n
}

var errNotFinite = errors.New("the result is not a finite number")

// appendNumber appends the text of a computed number: the shortest that reads
// as the same number.
func (v *value) appendNumber(dst []byte) ([]byte, error) {
	switch v.form {
	case whole:
		return strconv.AppendInt(dst, v.n, 10), nil
	case long:
		return append(dst, v.raw...), nil
	}
	if math.IsInf(v.f, 0) || math.IsNaN(v.f) {
		return dst, errNotFinite
	}
	if a := math.Abs(v.f); a == 0 || a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, v.f, 'f', -1, 64), nil
	}
	dst = strconv.AppendFloat(dst, v.f, 'e', -1, 64)
	if n := len(dst); n >= 4 && string(dst[n-4:n-1]) == "e-0" { // 1e-7, as encoding/json writes it
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst, nil
}

// float returns a number as a float64.
func (v *value) float() float64 {
	switch v.form {
	case whole:
		return float64(v.n)
	case fraction:
		return v.f
	}
	f, _ := strconv.ParseFloat(string(v.raw), 64) // out of range: infinite
	return f
}

// compareNumbers orders two numbers: whole and long ones exactly, a fraction as
// the float64 it is.
func compareNumbers(a, b *value) int {
	switch {
	case a.form == whole && b.form == whole:
		return cmp.Compare(a.n, b.n)
	case a.form == whole && b.form == fraction:
		return compareIntFloat(a.n, b.f)
	case a.form == fraction && b.form == whole:
		return -compareIntFloat(b.n, a.f)
	case a.form == long && b.form != fraction:
		return compareLong(a.raw, b)
	case b.form == long && a.form != fraction:
		return -compareLong(b.raw, a)
	}
	return cmp.Compare(a.float(), b.float())
}

// compareIntFloat orders a whole number and a float64 exactly.
func compareIntFloat(n int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	down := math.Floor(f)
	if c := cmp.Compare(n, int64(down)); c != 0 || down == f {
		return c
	}
	return -1
}

// compareLong orders a whole number beyond 64 bits and one that is whole or
// long.
func compareLong(a []byte, b *value) int {
	sign := 1
	if a[0] == '-' {
		sign = -1
	}
	if b.form == whole || sign < 0 != (b.raw[0] == '-') {
		return sign
	}
	if c := cmp.Compare(len(a), len(b.raw)); c != 0 {
		return sign * c
	}
	return sign * bytes.Compare(a, b.raw)
}
