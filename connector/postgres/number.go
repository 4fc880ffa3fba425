package postgres

import (
	"bytes"
	"math"
	"strconv"
)

// parseInt takes an integer without a plus sign, an exponent or a fraction.
func parseInt(b []byte) (v int64, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true // checked, and of the least one it is the same
	case !negative && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}

// powers are those of ten that a float64 has exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseFloat64 takes a number in decimal. It is not ok when the server would
// refuse it, or read another form than this one.
func parseFloat64(b []byte) (v float64, ok bool) {
	mantissa, exponent, negative, plain := parseDecimal(b)
	if plain && mantissa < 1<<53 {
		// Both are exact, and one operation on them rounds once.
		v = float64(mantissa)
		if exponent < 0 {
			v /= powers[-exponent]
		}
		if negative {
			v = math.Copysign(v, -1)
		}
		return v, true
	}
	if !isNumber(b) {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil && (v != 0 || isZero(b))
}

// parseFloat32 is parseFloat64 for the shorter form. It rounds once.
func parseFloat32(b []byte) (v float32, ok bool) {
	if !isNumber(b) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 32)
	return float32(f), err == nil && (f != 0 || isZero(b))
}

// parseDecimal takes digits with a point among them or not, as few as one word and
// an exact power of ten hold.
func parseDecimal(b []byte) (mantissa uint64, exponent int, negative, ok bool) {
	negative = len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, 0, negative, false
	}
	point := -1
	for i, c := range b {
		if c == '.' && point < 0 && i > 0 {
			point = i
			continue
		}
		if !isDigit(c) {
			return 0, 0, negative, false
		}
		mantissa = mantissa*10 + uint64(c-'0')
	}
	if point >= 0 {
		if exponent = point + 1 - len(b); exponent == 0 {
			return 0, 0, negative, false
		}
	}
	return mantissa, exponent, negative, true
}

// isNumber reports whether b is a number in JSON, as far as its bytes tell: the
// parser that is asked then takes names and other bases too.
func isNumber(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for i, c := range b {
		switch {
		case isDigit(c), c == '.', c == 'e', c == 'E', c == '-':
		case c == '+' && i > 0:
		default:
			return false
		}
	}
	return true
}

// isZero reports whether there is no digit but zero before the exponent.
func isZero(b []byte) bool {
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		b = b[:i]
	}
	return !bytes.ContainsAny(b, "123456789")
}

// decimal is a number as PostgreSQL's numeric has it: digits to the base of 10000.
type decimal struct {
	whole, part []byte // decimal digits before and behind the point
	negative    bool
	groups      int // digits to the base of 10000, in all
	weight      int // the power of 10000 of the first one
}

// Bounds of numeric, which are far beyond what a record of usual size holds.
const (
	maxNumericScale = 16383
	maxNumericWhole = 131072
)

// parseNumeric takes digits, with a point among them or not, without an exponent.
func parseNumeric(b []byte) (d decimal, ok bool) {
	if d.negative = len(b) > 0 && b[0] == '-'; d.negative {
		b = b[1:]
	}
	d.whole = b
	for i, c := range b {
		if c == '.' && d.part == nil {
			d.whole, d.part = b[:i:i], b[i+1:]
			if len(d.part) == 0 {
				return d, false
			}
			continue
		}
		if !isDigit(c) {
			return d, false
		}
	}
	if len(d.whole) == 0 || len(d.whole) > maxNumericWhole || len(d.part) > maxNumericScale {
		return d, false
	}
	for len(d.whole) > 0 && d.whole[0] == '0' {
		d.whole = d.whole[1:]
	}
	d.weight = (len(d.whole)+3)/4 - 1
	d.groups = d.weight + 1 + (len(d.part)+3)/4
	if len(d.whole) == 0 && isZero(d.part) {
		d.groups, d.weight, d.negative = 0, 0, false
	}
	return d, true
}

// group returns digit i, in [0, groups), to the base of 10000.
func (d *decimal) group(i int) (v uint16) {
	from, digits := 4*(i-d.weight-1), d.part
	if i <= d.weight {
		from, digits = len(d.whole)-4*(d.weight+1-i), d.whole
	}
	for k := from; k < from+4; k++ {
		v *= 10
		if k >= 0 && k < len(digits) {
			v += uint16(digits[k] - '0')
		}
	}
	return v
}
