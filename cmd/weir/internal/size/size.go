// Package size reads and writes amounts of bytes as people do: 64MiB, 200MB,
// 10MiB/s.
//
// KiB, MiB, GiB and TiB are powers of 1024, kB, MB, GB and TB powers of 1000. A
// single letter (10k, 64M) is a power of 1024, as for head -c and dd. A lower
// case b after another letter is refused, because it could mean bits.
package size

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Bytes in the units that the rest of the program counts in.
const (
	KiB int64 = 1 << 10
	MiB int64 = 1 << 20
	GiB int64 = 1 << 30
	TiB int64 = 1 << 40
)

var (
	errForm     = errors.New("not a size; write a number and a unit, such as 64MiB, 200MB or 4096")
	errTooLarge = errors.New("too large; the largest size is 8388607TiB")
)

// Parse returns the number of bytes that s says. It never returns a negative
// number; a fraction of a byte is dropped.
func Parse(s string) (int64, error) {
	whole, frac, rest := splitNumber(s)
	if whole == "" || len(frac) > 9 || strings.HasPrefix(rest, ".") {
		return 0, errForm
	}
	unit, err := parseUnit(strings.TrimPrefix(rest, " "))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil {
		return 0, errTooLarge // only digits are left: it can only be out of range
	}
	hi, total := bits.Mul64(n, uint64(unit))
	if hi != 0 || total > math.MaxInt64 {
		return 0, errTooLarge
	}
	part, err := fraction(frac, unit)
	if err != nil {
		return 0, err
	}
	if total > math.MaxInt64-part {
		return 0, errTooLarge
	}
	return int64(total + part), nil
}

// ParseRate returns the bytes a second that s says: a size, with or without
// "/s" behind it.
func ParseRate(s string) (int64, error) {
	n, err := Parse(strings.TrimSuffix(s, "/s"))
	if errors.Is(err, errForm) {
		return 0, errors.New("not a rate; write a number, a unit and /s, such as 10MiB/s or 500kB/s")
	}
	return n, err
}

// splitNumber cuts s into the digits before and after a decimal point, and what
// follows them.
func splitNumber(s string) (whole, frac, rest string) {
	end := digits(s)
	whole, rest = s[:end], s[end:]
	if len(rest) > 1 && rest[0] == '.' {
		if end := digits(rest[1:]); end > 0 {
			frac, rest = rest[1:1+end], rest[1+end:]
		}
	}
	return whole, frac, rest
}

// digits returns the number of decimal digits at the beginning of s.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// fraction returns the bytes that the decimal digits frac are of unit.
func fraction(frac string, unit int64) (uint64, error) {
	if frac == "" {
		return 0, nil
	}
	if unit == 1 {
		return 0, errors.New("a number of bytes has no fraction")
	}
	n, err := strconv.ParseUint(frac, 10, 63)
	if err != nil {
		return 0, errForm
	}
	scale := uint64(1)
	for range frac {
		scale *= 10
	}
	hi, lo := bits.Mul64(n, uint64(unit))
	quotient, _ := bits.Div64(hi, lo, scale) // n < scale, so the quotient fits
	return quotient, nil
}

func parseUnit(s string) (int64, error) {
	if s == "" || s == "B" {
		return 1, nil
	}
	power := strings.IndexByte("kmgt", s[0]|0x20) + 1
	if power == 0 {
		return 0, errForm
	}
	base := int64(1024)
	switch s[1:] {
	case "", "iB", "ib":
	case "B":
		base = 1000
	case "b":
		letter := strings.ToUpper(s[:1])
		return 0, fmt.Errorf("%q could mean bits; write %siB (powers of 1024) or %sB (powers of 1000)", s, letter, letter)
	default:
		return 0, errForm
	}
	unit := base
	for range power - 1 {
		unit *= base
	}
	return unit, nil
}

// Format returns n in the largest unit of 1024 that leaves at least one in
// front, with three digits: "431 MiB", "1.50 GiB", "0 B".
func Format(n int64) string {
	if n < 0 {
		return "-" + Format(-max(n, -math.MaxInt64))
	}
	if n < KiB {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n)/float64(KiB), 0
	for v >= 999.5 && unit < len(units)-1 {
		v /= 1024
		unit++
	}
	digits := 2
	if v >= 99.95 {
		digits = 0
	} else if v >= 9.995 {
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + units[unit]
}

var units = [...]string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}

// FormatRate returns n bytes a second as Format does, with "/s" behind it.
func FormatRate(n float64) string {
	if math.IsNaN(n) || n < 0 {
		n = 0
	}
	return Format(int64(min(n, 1<<62))) + "/s"
}

// InMiB returns n in MiB with one decimal, for columns of sums.
func InMiB(n int64) string {
	return strconv.FormatFloat(float64(n)/float64(MiB), 'f', 1, 64) + " MiB"
}

// Flag returns n in the shortest form that Parse reads back exactly: "64MiB".
func Flag(n int64) string {
	for i, unit := range []int64{TiB, GiB, MiB, KiB} {
		if n != 0 && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + [...]string{"TiB", "GiB", "MiB", "KiB"}[i]
		}
	}
	return strconv.FormatInt(n, 10)
}
