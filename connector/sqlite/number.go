package sqlite

import (
	"bytes"
	"math"
	"strconv"
)

// Digits of a number to the base of ten that float64 keeps: any of so many, and none
// of more.
const (
	safeDigits = 15
	mostDigits = 17
)

// parseInt returns the value of a JSON number that is an integer of 64 bits.
func parseInt(v []byte) (int64, bool) {
	digits := v
	if len(v) > 0 && v[0] == '-' {
		digits = v[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	n := uint64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if len(digits) < len(v) {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n <= math.MaxInt64
}

// parseFloat returns the value of a JSON number if it loses no digits: it can be
// written with those of v again.
func parseFloat(v []byte) (float64, bool) {
	if len(v) > maxNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0, false
	}
	var digits [maxNumber]byte
	n := significant(digits[:0], v)
	if len(n) <= safeDigits && (f != 0 || len(n) == 0) && (f == 0 || math.Abs(f) >= minNormal) {
		return f, true
	}
	if len(n) > mostDigits {
		return 0, false
	}
	var short, again [maxNumber]byte
	return f, bytes.Equal(n, significant(again[:0], strconv.AppendFloat(short[:0], f, 'e', -1, 64)))
}

const (
	// maxNumber is the longest number, in bytes, that is looked at: a longer one
	// has more digits than a float64, or is not worth it.
	maxNumber = 64
	// minNormal is the smallest float64 that has all of its bits.
	minNormal = 0x1p-1022
)

// significant appends the digits of a number without sign, point, exponent and the
// zeros before and behind.
func significant(dst, v []byte) []byte {
	for _, c := range v {
		if c|0x20 == 'e' {
			break
		}
		if c >= '1' && c <= '9' || c == '0' && len(dst) > 0 {
			dst = append(dst, c)
		}
	}
	return bytes.TrimRight(dst, "0")
}
