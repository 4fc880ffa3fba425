package postgres

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

// binaryRow adds a row in binary: the number of columns, and the length and bytes of
// each value, -1 for NULL.
func (e *encoder) binaryRow(rec []byte) error {
	e.need(2)
	e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(len(e.cols))) // at most 1600
	for _, f := range e.cols {
		if !e.value(rec, f) {
			e.need(4)
			e.buf = append(e.buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		if err := e.binaryValue(&e.p.fields[f], &e.v); err != nil {
			if err != errOdd {
				return &badError{fmt.Errorf("column %s: %w", e.p.fields[f].name, err)}
			}
			return err
		}
	}
	return nil
}

// inside returns the text of a string without escapes, or of another scalar as it
// stands.
func (s *span) inside() []byte {
	if s.kind == jsonscan.String {
		return s.v[1 : len(s.v)-1]
	}
	return s.v
}

func (e *encoder) binaryValue(f *field, s *span) error {
	switch f.how {
	case asText:
		return e.binaryText(s)
	case asJSON:
		e.length(len(s.v))
		e.put(s.v)
		return nil
	case asJSONB:
		e.length(1 + len(s.v))
		e.need(1)
		e.buf = append(e.buf, 1)
		e.put(s.v)
		return nil
	case asBool:
		return e.binaryBool(s)
	case asBytea:
		return e.binaryBytes(s)
	case textOnly:
		return errOdd
	}
	if s.kind != jsonscan.Number && s.kind != jsonscan.String {
		return errOdd
	}
	b := s.inside()
	switch f.how {
	case asInt2, asInt4, asInt8:
		return e.binaryInt(f.how, b)
	case asFloat4:
		v, ok := parseFloat32(b)
		if !ok {
			return errOdd
		}
		e.fixed(4, uint64(math.Float32bits(v)))
	case asFloat8:
		v, ok := parseFloat64(b)
		if !ok {
			return errOdd
		}
		e.fixed(8, math.Float64bits(v))
	case asNumeric:
		return e.binaryNumeric(b)
	case asUUID:
		return e.binaryUUID(b)
	case asInet, asCIDR:
		return e.binaryAddress(f.how, b)
	default:
		if s.kind != jsonscan.String {
			return errOdd
		}
		return e.binaryMoment(f.how, b)
	}
	return nil
}

// length adds the length of a value.
func (e *encoder) length(n int) {
	e.need(4)
	e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(n)) // a record is shorter than that
}

// fixed adds a value of n bytes, 2, 4 or 8, with its length.
func (e *encoder) fixed(n int, v uint64) {
	e.need(4 + 8)
	e.buf = append(e.buf, 0, 0, 0, byte(n))
	switch n {
	case 2:
		e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(v)) // the caller has checked
	case 4:
		e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(v)) // the caller has checked
	default:
		e.buf = binary.BigEndian.AppendUint64(e.buf, v)
	}
}

func (e *encoder) binaryText(s *span) error {
	b := s.inside()
	if s.kind != jsonscan.String || !s.escaped {
		e.length(len(b))
		e.put(b)
		return nil
	}
	n, err := unescapedLen(b)
	if err != nil {
		return err
	}
	e.length(n)
	var room [utf8.UTFMax]byte
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			e.put(b)
			return nil
		}
		e.put(b[:i])
		text, n, err := unescapeOne(b[i:], &room)
		if err != nil {
			return err
		}
		e.put(text)
		b = b[i+n:]
	}
}

func (e *encoder) binaryBool(s *span) error {
	v := byte(0)
	switch s.kind {
	case jsonscan.True:
		v = 1
	case jsonscan.False:
	default:
		return errOdd
	}
	e.need(5)
	e.buf = append(e.buf, 0, 0, 0, 1, v)
	return nil
}

func (e *encoder) binaryInt(how encoding, b []byte) error {
	v, ok := parseInt(b)
	switch {
	case ok && how == asInt8:
		e.fixed(8, uint64(v)) // the same bits
	case ok && how == asInt4 && v == int64(int32(v)): // which is checked
		e.fixed(4, uint64(uint32(v))) // the same bits
	case ok && how == asInt2 && v == int64(int16(v)): // which is checked
		e.fixed(2, uint64(uint16(v))) // the same bits
	default:
		return errOdd
	}
	return nil
}

func (e *encoder) binaryNumeric(b []byte) error {
	d, ok := parseNumeric(b)
	if !ok {
		return errOdd
	}
	sign := uint16(0)
	if d.negative {
		sign = 0x4000
	}
	e.length(8 + 2*d.groups)
	e.need(8)
	for _, v := range [...]uint16{uint16(d.groups), uint16(d.weight), sign, uint16(len(d.part))} { // bounded by the parser
		e.buf = binary.BigEndian.AppendUint16(e.buf, v)
	}
	for i := range d.groups {
		e.need(2)
		e.buf = binary.BigEndian.AppendUint16(e.buf, d.group(i))
	}
	return nil
}

// binaryAddress takes four decimal numbers with dots between them; the server knows
// more.
func (e *encoder) binaryAddress(how encoding, b []byte) error {
	const ipv4 = 2 // in PostgreSQL, on every system
	var address [4]byte
	part, size, n := 0, 0, 0
	for _, c := range b {
		switch {
		case isDigit(c) && size < 3 && (size == 0 || n > 0): // no zero before another digit
			n, size = n*10+int(c-'0'), size+1
		case c == '.' && size > 0 && part < 3 && n <= 255:
			address[part] = byte(n)
			part, size, n = part+1, 0, 0
		default:
			return errOdd
		}
	}
	if part != 3 || size == 0 || n > 255 {
		return errOdd
	}
	address[3] = byte(n)
	e.need(4 + 8)
	e.buf = append(e.buf, 0, 0, 0, 8, ipv4, 32, byte(how-asInet), 4)
	e.buf = append(e.buf, address[:]...)
	return nil
}

// uuidPairs are where the two digits of each byte of a UUID stand.
var uuidPairs = [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}

// parseUUID takes the form with four hyphens; the server knows others.
func parseUUID(b []byte) (id [16]byte, ok bool) {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return id, false
	}
	bad := byte(0)
	for i, at := range uuidPairs {
		high, low := hexValues[b[at]], hexValues[b[at+1]]
		bad |= high | low
		id[i] = high<<4 | low
	}
	return id, bad <= 15
}

func (e *encoder) binaryUUID(b []byte) error {
	id, ok := parseUUID(b)
	if !ok {
		return errOdd
	}
	e.need(4 + 16)
	e.buf = append(e.buf, 0, 0, 0, 16)
	e.buf = append(e.buf, id[:]...)
	return nil
}

// binaryBytes takes hexadecimal digits behind \x, and text without a backslash as it
// is; the server knows more.
func (e *encoder) binaryBytes(s *span) error {
	if s.kind != jsonscan.String {
		return errOdd
	}
	b := s.inside()
	digits, isHex := bytes.CutPrefix(b, []byte(`\\x`))
	if !isHex {
		if bytes.IndexByte(b, '\\') >= 0 {
			return errOdd
		}
		e.length(len(b))
		e.put(b)
		return nil
	}
	for _, c := range digits {
		if hexValues[c] > 15 {
			return errOdd
		}
	}
	if len(digits)%2 != 0 {
		return errOdd
	}
	e.length(len(digits) / 2)
	for i := 0; i < len(digits); i += 2 {
		e.need(1)
		e.buf = append(e.buf, hexValues[digits[i]]<<4|hexValues[digits[i+1]])
	}
	return nil
}

func (e *encoder) binaryMoment(how encoding, b []byte) error {
	m, ok := parseMoment(b)
	if !ok {
		return errOdd
	}
	micros := m.days*microsPerDay + m.micros
	switch how {
	case asDate: // the server, too, takes the date as it stands, whatever the zone
		e.fixed(4, uint64(uint32(m.days))) // the same bits
		return nil
	case asTimestamptz:
		if !m.zoned && !e.utc {
			return errOdd // the session's zone, which the server knows
		}
		micros -= m.offset
	}
	e.fixed(8, uint64(micros)) // the same bits
	return nil
}
