package transform

import (
	"errors"
	"math"
	"math/bits"
	"time"
)

var (
	errOverflow = errors.New("the result does not fit a whole number of 64 bits")
	errZero     = errors.New("division by zero")
	errLong     = errors.New("a whole number beyond 64 bits cannot be computed with")
	errFraction = errors.New("% takes whole numbers")
	errText     = errors.New("the string that would be made is too long")
)

// maxText is the longest string that an expression may make of others, in bytes.
const maxText = 1 << 20

// arith sets v to the result of the operator op: + - * / % **. dst is where a
// string may be written; it is returned.
//
// Null makes null. Whole numbers stay whole and exact: what does not fit 64 bits
// is an error, and a division that does not come out even is a fraction.
// Fractions are float64. + joins strings, and moves times by durations.
func arith(op string, a, b, v *value, dst []byte) ([]byte, error) {
	switch {
	case a.isNull() || b.isNull():
		v.setNull()
		return dst, nil
	case a.kind == number && b.kind == number:
		return dst, arithNumbers(op, a, b, v)
	case a.kind == text && b.kind == text && op == "+":
		if len(a.raw)+len(b.raw) > maxText {
			return dst, errText
		}
		n := len(dst)
		dst = append(append(dst, a.raw...), b.raw...)
		v.setText(dst[n:len(dst):len(dst)])
		return dst, nil
	}
	if r, ok := arithTimes(op, a, b); ok {
		*v = r
		return dst, nil
	}
	hint := ""
	if a.kind == text || b.kind == text {
		hint = "number(x) makes a number of a string, string(x) a string of a number"
	}
	return dst, &cannot{do: "use " + op + " with", kind: a.kind, other: b.kind, hint: hint}
}

func arithNumbers(op string, a, b, v *value) error {
	if a.form == long || b.form == long {
		return errLong
	}
	if a.form == whole && b.form == whole && op != "**" {
		return arithWhole(op, a.n, b.n, v)
	}
	var f float64
	switch x, y := a.float(), b.float(); op {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/":
		if y == 0 {
			return errZero
		}
		f = x / y
	case "**":
		f = math.Pow(x, y)
	default:
		return errFraction
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return errNotFinite
	}
	v.setFloat(f)
	return nil
}

func arithWhole(op string, a, b int64, v *value) error {
	var n int64
	switch op {
	case "+":
		if n = a + b; (n > a) != (b > 0) {
			return errOverflow
		}
	case "-":
		if n = a - b; (n < a) != (b > 0) {
			return errOverflow
		}
	case "*":
		var fits bool
		if n, fits = product(a, b); !fits {
			return errOverflow
		}
	default:
		return divideWhole(op, a, b, v)
	}
	v.setInt(n)
	return nil
}

func divideWhole(op string, a, b int64, v *value) error {
	switch {
	case b == 0:
		return errZero
	case b == -1 && a == math.MinInt64:
		if op == "/" {
			return errOverflow
		}
		v.setInt(0)
	case op == "%":
		v.setInt(a % b)
	case a%b == 0:
		v.setInt(a / b)
	default:
		v.setFloat(float64(a) / float64(b))
	}
	return nil
}

func product(a, b int64) (n int64, fits bool) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	switch {
	case hi != 0, lo > 1<<63, lo == 1<<63 && !negative:
		return 0, false
	case negative:
		return -int64(lo), true
	}
	return int64(lo), true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// negate sets v to -a.
func negate(a, v *value) error {
	switch {
	case a.isNull():
		v.setNull()
	case a.kind != number:
		return &cannot{do: "negate it", kind: a.kind}
	case a.form == long:
		return errLong
	case a.form == fraction:
		v.setFloat(-a.f)
	case a.n == math.MinInt64:
		return errOverflow
	default:
		v.setInt(-a.n)
	}
	return nil
}

// arithTimes adds and subtracts times and durations.
func arithTimes(op string, a, b *value) (r value, ok bool) {
	at, aIsTime := a.any.(time.Time)
	bt, bIsTime := b.any.(time.Time)
	ad, aIsSpan := a.any.(time.Duration)
	bd, bIsSpan := b.any.(time.Duration)
	switch {
	case aIsTime && bIsTime && op == "-":
		return value{kind: span, any: at.Sub(bt)}, true
	case aIsTime && bIsSpan && op == "+":
		return value{kind: moment, any: at.Add(bd)}, true
	case aIsTime && bIsSpan && op == "-":
		return value{kind: moment, any: at.Add(-bd)}, true
	case aIsSpan && bIsTime && op == "+":
		return value{kind: moment, any: bt.Add(ad)}, true
	case aIsSpan && bIsSpan && op == "+":
		return value{kind: span, any: ad + bd}, true
	case aIsSpan && bIsSpan && op == "-":
		return value{kind: span, any: ad - bd}, true
	}
	return value{}, false
}
