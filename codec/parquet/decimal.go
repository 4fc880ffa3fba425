package parquet

import (
	"encoding/binary"
	"math/bits"
)

// maxExponent bounds the exponents of numbers that are looked at; no decimal has a
// digit so far from its point.
const maxExponent = 1 << 20

// parseDecimal reads a number of JSON as a whole number of 10^-Scale, exactly.
func (f *field) parseDecimal(r *rows, raw []byte) (uint64, error) {
	negative := raw[0] == '-'
	digits, exponent := raw, f.scale
	if negative {
		digits = raw[1:]
	}
	var hi, lo uint64
	zeros := 0 // of the digits, not yet in hi and lo
	seen := 0  // digits that are in
	point := false
	for i, d := range digits {
		switch {
		case d == '.':
			point = true
			continue
		case d|0x20 == 'e':
			exponent += parseExponent(digits[i+1:])
		}
		if d < '0' || d > '9' {
			break
		}
		if point {
			exponent--
		}
		if d == '0' {
			zeros++
			continue
		}
		if seen > 0 {
			seen += zeros
		}
		if seen++; seen > digitsIn16Bytes {
			return 0, errDigits
		}
		for ; zeros > 0; zeros-- {
			hi, lo = mul10(hi, lo, 0)
		}
		hi, lo = mul10(hi, lo, uint64(d-'0'))
	}
	exponent += zeros
	switch {
	case seen == 0:
		return f.storeDecimal(r, false, 0, 0)
	case exponent < 0:
		return 0, errDigits
	case seen+exponent > f.digits:
		return 0, errOutOfRange
	}
	for ; exponent > 0; exponent-- {
		hi, lo = mul10(hi, lo, 0)
	}
	return f.storeDecimal(r, negative, hi, lo)
}

// mul10 returns ten times the number of 128 bits, and a digit. The number has less
// than 38 digits.
func mul10(hi, lo, digit uint64) (uint64, uint64) {
	over, low := bits.Mul64(lo, 10)
	low, carry := bits.Add64(low, digit, 0)
	return hi*10 + over + carry, low
}

// parseExponent reads what follows the e of a number; what is beyond all bounds is
// cut to one that is.
func parseExponent(text []byte) int {
	negative := text[0] == '-'
	n := 0
	for _, c := range text {
		if c >= '0' && c <= '9' && n < maxExponent {
			n = 10*n + int(c-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}

func (f *field) storeDecimal(r *rows, negative bool, hi, lo uint64) (uint64, error) {
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	if f.digits <= digitsInInt64 {
		return lo, nil
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], hi)
	binary.BigEndian.PutUint64(b[8:], lo)
	return r.keep(b[:])
}
