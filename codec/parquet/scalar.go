package parquet

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// A form is how a value becomes JSON.
type form uint8

const (
	formNull form = iota
	formBool
	formInt
	formUint
	formFloat
	formDouble
	formFloat16
	formText
	formJSON
	formBytes
	formDate
	formTime
	formTimestamp
	formInt96
	formDecimal
	formUUID
	formInterval
)

// scalar writes the value v of the column l.
func (t *text) scalar(l *leaf, v *value) {
	switch l.form {
	case formText:
		t.quote(v.bytes)
	case formInt:
		t.end(strconv.AppendInt(t.begin(), signed(l, v.bits), 10))
	case formTimestamp:
		b := appendTimestamp(append(t.begin(), '"'), int64(v.bits), l.logical.digits, l.logical.utc)
		t.end(append(b, '"'))
	case formDouble:
		t.float(math.Float64frombits(v.bits), 64)
	case formDecimal:
		t.decimal(l, v)
	case formBool:
		t.string(strconv.FormatBool(v.bits != 0))
	case formUint:
		t.end(strconv.AppendUint(t.begin(), unsigned(l, v.bits), 10))
	case formFloat:
		t.float(float64(math.Float32frombits(uint32(v.bits))), 32)
	case formFloat16:
		t.float(float64(float16(binary.LittleEndian.Uint16(v.bytes))), 32)
	case formDate:
		t.end(append(appendDate(append(t.begin(), '"'), signed(l, v.bits)), '"'))
	case formTime:
		b := appendClock(append(t.begin(), '"'), signed(l, v.bits), l.logical.digits)
		t.end(append(b, '"'))
	case formBytes:
		t.base64(v.bytes)
	case formJSON:
		t.embed(v.bytes)
	case formUUID:
		t.end(append(appendUUID(append(t.begin(), '"'), v.bytes), '"'))
	case formInt96:
		t.end(append(appendInt96(append(t.begin(), '"'), v.bytes), '"'))
	case formInterval:
		t.end(append(appendInterval(append(t.begin(), '"'), v.bytes), '"'))
	default:
		t.string("null")
	}
}

// key writes the value v of the column l as a string of JSON: the name of a member.
func (t *text) key(l *leaf, v *value) {
	switch l.form {
	case formText, formJSON:
		t.quote(v.bytes)
	case formBytes, formDate, formTime, formTimestamp, formInt96, formUUID, formInterval:
		t.scalar(l, v)
	default:
		t.byte('"')
		t.scalar(l, v)
		t.byte('"')
	}
}

func signed(l *leaf, v uint64) int64 {
	if l.length == 4 {
		return int64(int32(v))
	}
	return int64(v)
}

func unsigned(l *leaf, v uint64) uint64 {
	if l.length == 4 {
		return uint64(uint32(v))
	}
	return v
}

// float writes a number that reads back as the same float, and as one: whole
// numbers have a point. JSON has no other floats than numbers; those are null.
func (t *text) float(f float64, size int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		t.string("null")
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b := strconv.AppendFloat(t.begin(), f, format, -1, size)
	if format == 'f' && f == math.Trunc(f) {
		b = append(b, '.', '0')
	}
	t.end(b)
}

// float16 turns the bits of half precision into a float32, which holds all of them.
func float16(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero, or too small for a leading bit
		f := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// decimal writes the exact digits of a whole number of 10^-scale.
func (t *text) decimal(l *leaf, v *value) {
	scale := l.logical.scale
	if v.bytes == nil {
		n := signed(l, v.bits)
		t.digits(n < 0, 0, magnitude(n), scale)
		return
	}
	b := v.bytes
	if len(b) > 16 {
		t.bigDecimal(b, scale)
		return
	}
	negative := len(b) > 0 && b[0] >= 0x80
	hi, lo := uint64(0), uint64(0)
	if negative {
		hi, lo = math.MaxUint64, math.MaxUint64
	}
	for _, c := range b {
		hi, lo = hi<<8|lo>>56, lo<<8|uint64(c)
	}
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	t.digits(negative, hi, lo, scale)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// digits writes a number of 128 bits with a point before its last scale digits.
func (t *text) digits(negative bool, hi, lo uint64, scale int) {
	const chunk = 1e19 // the largest power of ten that fits
	var d [40]byte
	at := len(d)
	for hi > 0 || lo > 0 {
		var rest uint64
		q := hi / chunk
		lo, rest = bits.Div64(hi%chunk, lo, chunk)
		hi = q
		for n := 0; rest > 0 || hi > 0 && n < 19 || lo > 0 && n < 19; n++ {
			at--
			d[at] = byte('0' + rest%10)
			rest /= 10
		}
	}
	t.point(negative, d[at:], scale)
}

// bigDecimal is decimal for numbers of any length, which are rare.
func (t *text) bigDecimal(b []byte, scale int) {
	n := new(big.Int).SetBytes(b)
	negative := b[0] >= 0x80
	if negative {
		n.Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))), n)
	}
	t.point(negative, n.Append(nil, 10), scale)
}

// point writes digits, of which those of zero may be missing, with the point.
func (t *text) point(negative bool, digits []byte, scale int) {
	if negative {
		t.byte('-')
	}
	whole := len(digits) - scale
	if whole <= 0 {
		t.byte('0')
	} else {
		t.raw(digits[:whole])
	}
	if scale == 0 {
		return
	}
	t.byte('.')
	for ; whole < 0; whole++ {
		t.byte('0')
	}
	t.raw(digits[whole:])
}

// appendUUID appends the text of 16 bytes.
func appendUUID(b, id []byte) []byte {
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[c>>4], hexDigits[c&0xf])
	}
	return b
}

const hexDigits = "0123456789abcdef"
