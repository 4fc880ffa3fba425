package parquet

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/weirflow/weir/codec/jsonscan"
)

// Why a value does not fit its column.
var (
	errNotWhole   = errors.New("it is not a whole number")
	errOutOfRange = errors.New("it is out of range")
	errDigits     = errors.New("it has more digits than the column keeps")
	errInexact    = errors.New("it has more digits than a double keeps")
	errZero       = errors.New("the column does not keep the sign of -0")
)

// A whole is a whole number of 64 bits and a sign.
type whole struct {
	negative bool
	size     uint64
}

func (n whole) fitsInt64() bool {
	return n.size <= math.MaxInt64 || n.negative && n.size == 1<<63
}

func (n whole) int64() int64 {
	if n.negative {
		return -int64(n.size)
	}
	return int64(n.size)
}

// is reports whether the float is exactly the number.
func (n whole) is(f float64) bool {
	f = math.Abs(f)
	return f < 1<<64 && uint64(f) == n.size
}

// parseWhole reads a number of JSON that has neither point nor exponent.
func parseWhole(raw []byte) (whole, error) {
	var n whole
	digits := raw
	if raw[0] == '-' {
		n.negative, digits = true, raw[1:]
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return whole{}, errNotWhole
		}
		hi, lo := bits.Mul64(n.size, 10)
		sum, carry := bits.Add64(lo, uint64(c-'0'), 0)
		if hi != 0 || carry != 0 {
			return whole{}, wholeOr(digits, errOutOfRange)
		}
		n.size = sum
	}
	if n.negative && n.size == 0 {
		return whole{}, errNotWhole // -0, which only a float keeps
	}
	return n, nil
}

// wholeOr returns err unless what follows shows that the number is not whole.
func wholeOr(digits []byte, err error) error {
	for _, c := range digits {
		if c < '0' || c > '9' {
			return errNotWhole
		}
	}
	return err
}

// parse turns a value of JSON that is not null into one of the column: bits, or
// bytes that are added to the rows.
func (f *field) parse(r *rows, k jsonscan.Kind, raw []byte) (cell uint64, err error) {
	switch f.kind {
	case kindJSON:
		if !utf8.Valid(raw) {
			raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
		}
		return r.keep(raw)
	case kindBool:
		if k != jsonscan.True && k != jsonscan.False {
			return 0, wrongKind(k, "a boolean")
		}
		return uint64(k - jsonscan.False), nil
	case kindInt32, kindInt64, kindUint32, kindUint64, kindFloat, kindDouble, kindDecimal:
		if k != jsonscan.Number {
			return 0, wrongKind(k, "a number")
		}
		return f.parseNumber(r, raw)
	}
	if k != jsonscan.String {
		return 0, wrongKind(k, "a string")
	}
	if f.kind == kindString {
		return r.unquote(raw)
	}
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		if r.text, err = jsonscan.Unquote(r.text[:0], raw); err != nil {
			return 0, err
		}
		text = r.text
	}
	return f.parseText(r, text)
}

func wrongKind(k jsonscan.Kind, want string) error { return fmt.Errorf("it is %s and not %s", k, want) }

func (f *field) parseNumber(r *rows, raw []byte) (uint64, error) {
	switch f.kind {
	case kindFloat:
		v, err := strconv.ParseFloat(view(raw), 32)
		if err != nil {
			return 0, errOutOfRange
		}
		return uint64(math.Float32bits(float32(v))), nil
	case kindDouble:
		v, err := strconv.ParseFloat(view(raw), 64)
		if err != nil {
			return 0, errOutOfRange
		}
		if n, err := parseWhole(raw); err == nil && !n.is(v) || errors.Is(err, errOutOfRange) {
			return 0, errInexact
		}
		return math.Float64bits(v), nil
	case kindDecimal:
		return f.parseDecimal(r, raw)
	}
	n, err := parseWhole(raw)
	if err != nil {
		if len(raw) == 2 && raw[0] == '-' && raw[1] == '0' {
			err = errZero
		}
		return 0, err
	}
	low, high := int64(math.MinInt64), uint64(math.MaxInt64)
	switch f.kind {
	case kindInt32:
		low, high = math.MinInt32, math.MaxInt32
	case kindUint32:
		low, high = 0, math.MaxUint32
	case kindUint64:
		low, high = 0, math.MaxUint64
	}
	if !n.negative && n.size > high || n.negative && (!n.fitsInt64() || n.int64() < low) {
		return 0, errOutOfRange
	}
	if n.negative {
		return uint64(n.int64()), nil
	}
	return n.size, nil
}

// view is b as a string, as long as b does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// parseText reads what stands in a string.
func (f *field) parseText(r *rows, text []byte) (uint64, error) {
	switch f.kind {
	case kindBytes:
		at := r.n
		if !r.grow(base64.StdEncoding.DecodedLen(len(text))) {
			return 0, errRowsFull
		}
		n, err := base64.StdEncoding.Decode(r.mem[at:r.n], text)
		if err != nil {
			return 0, errors.New("it is not base64")
		}
		r.n = at + n
		return place(at, n), nil
	case kindUUID:
		var id [16]byte
		if !parseUUID(id[:], text) {
			return 0, errors.New("it is not a UUID")
		}
		return r.keep(id[:])
	case kindDate:
		t, err := time.Parse(time.DateOnly, view(text))
		if err != nil {
			return 0, errors.New(`it is not a date such as "2006-01-02"`)
		}
		days, _ := floorDiv(t.Unix(), secondsOfDay)
		return uint64(days), nil
	case kindTime:
		t, err := time.Parse("15:04:05", view(text))
		if err != nil {
			return 0, errors.New(`it is not a time such as "15:04:05.999"`)
		}
		return f.parts(int64(t.Hour()*3600+t.Minute()*60+t.Second()), t.Nanosecond())
	case kindLocal:
		t, err := time.Parse("2006-01-02T15:04:05", view(text))
		if err != nil {
			return 0, errors.New(`it is not a timestamp without a zone, such as "2006-01-02T15:04:05.999"`)
		}
		return f.parts(t.Unix(), t.Nanosecond())
	}
	t, err := time.Parse(time.RFC3339, view(text))
	if err != nil {
		return 0, errors.New(`it is not a timestamp such as "2006-01-02T15:04:05.999Z"`)
	}
	return f.parts(t.Unix(), t.Nanosecond())
}

// parts is a time in the column's parts of a second.
func (f *field) parts(seconds int64, nanos int) (uint64, error) {
	per := powersOf10[f.digits]
	part, rest := floorDiv(int64(nanos), 1e9/per)
	if rest != 0 {
		return 0, errDigits
	}
	if seconds < 0 && part > 0 { // both on the same side of 1970, so that nothing is too far away on the way
		seconds, part = seconds+1, part-per
	}
	hi, lo := bits.Mul64(magnitude(seconds), uint64(per))
	whole := seconds * per
	sum := whole + part
	if hi != 0 || lo > math.MaxInt64 || part > 0 && sum < whole || part < 0 && sum > whole {
		return 0, errOutOfRange
	}
	return uint64(sum), nil
}

func parseUUID(id, text []byte) bool {
	if len(text) != 36 {
		return false
	}
	at := 0
	for i := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			if text[at] != '-' {
				return false
			}
			at++
		}
		hi, lo := fromHex(text[at]), fromHex(text[at+1])
		if hi > 15 || lo > 15 {
			return false
		}
		id[i] = hi<<4 | lo
		at += 2
	}
	return true
}

func fromHex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}
