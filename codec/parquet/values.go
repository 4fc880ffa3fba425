package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// plainDictionary is what older writers call RLEDictionary in a data page, and Plain
// in a dictionary.
const plainDictionary format.Encoding = 2

// lengthSize is the number of bytes that give the length of a byte array, or of
// levels, before it.
const lengthSize = 4

var (
	errNoDictionary = errors.New("it refers to a dictionary that is not there")
	errNotInDict    = errors.New("it refers to a value that the dictionary does not have")
	errPrefix       = errors.New("it repeats more of a value than there is")
)

// A method is how the values of a page are decoded: the encoding, and the type
// where that matters.
type method uint8

const (
	plainFixed method = iota // 4 or 8 bytes
	plainBit
	plainBytes
	plainArray // bytes that all have the same length
	runsOfBits
	inDictionary
	deltas
	deltaLengths
	deltaPrefixes
	splitFixed // 4 or 8 bytes
	splitArray
)

// A value is one value of a column: bits, or bytes, which are valid until the
// next value is decoded.
type value struct {
	bits  uint64 // of a number, as unsigned; of a boolean, 0 or 1
	bytes []byte
}

// values decodes the values of one page, one at a time: what is decoded never
// takes more than the page does.
type values struct {
	method   method
	width    int    // bytes of a value, if all have the same
	rest     []byte // not yet decoded
	bit      uint   // of rest, plainBit
	count    int    // values of a page whose bytes are split
	at       int    // of them, the next
	places   hybrid // in the dictionary; runs of bits
	lengths  delta  // deltas too
	prefixes delta
}

// newValues decodes data, the values of a page of the column l.
func newValues(l *leaf, e format.Encoding, data []byte) (values, error) {
	v := values{width: l.length, rest: data}
	bytes := l.physical == format.ByteArray
	array := l.physical == format.FixedLenByteArray || l.physical == format.Int96
	var err error
	switch {
	case e == format.Plain && l.physical == format.Boolean:
		v.method = plainBit
	case e == format.Plain && bytes:
		v.method = plainBytes
	case e == format.Plain && array:
		v.method = plainArray
	case e == format.Plain:
		v.method = plainFixed
	case e == format.RLE && l.physical == format.Boolean:
		v.method = runsOfBits
		if data, _, err = takeSized(data); err == nil {
			v.places, err = newHybrid(data, 1)
		}
	case (e == format.RLEDictionary || e == plainDictionary) && l.physical != format.Boolean:
		v.method = inDictionary
		if len(data) > 0 { // none: all of the page is null
			v.places, err = newHybrid(data[1:], data[0])
		}
	case e == format.DeltaBinaryPacked && (l.physical == format.Int32 || l.physical == format.Int64):
		v.method = deltas
		v.lengths, err = newDelta(data)
	case e == format.DeltaLengthByteArray && bytes:
		v.method = deltaLengths
		if v.lengths, err = newDelta(data); err == nil {
			v.rest, err = v.lengths.behind()
		}
	case e == format.DeltaByteArray && (bytes || l.physical == format.FixedLenByteArray):
		v.method = deltaPrefixes
		err = v.openPrefixes(data)
	case e == format.ByteStreamSplit && !bytes && l.physical != format.Boolean && l.physical != format.Int96:
		v.method = splitFixed
		if array {
			v.method = splitArray
		}
		v.count = len(data) / l.length
	default:
		err = fmt.Errorf("it has %s values encoded as %s, which is not possible or not supported", l.physical, e)
	}
	return v, err
}

func (v *values) openPrefixes(data []byte) (err error) {
	if v.prefixes, err = newDelta(data); err != nil {
		return err
	}
	if data, err = v.prefixes.behind(); err != nil {
		return err
	}
	if v.lengths, err = newDelta(data); err != nil {
		return err
	}
	v.rest, err = v.lengths.behind()
	return err
}

// takeSized splits off the bytes whose length stands before them.
func takeSized(data []byte) (part, rest []byte, err error) {
	if len(data) < lengthSize {
		return nil, nil, errEarly
	}
	n := binary.LittleEndian.Uint32(data)
	data = data[lengthSize:]
	if uint64(n) > uint64(len(data)) {
		return nil, nil, errEarly
	}
	return data[:n], data[n:], nil
}

// next decodes the next value into out. d is the dictionary of the chunk, and
// joined holds the last value if it had to be put together.
func (v *values) next(out *value, d *dictionary, joined *[]byte) (err error) {
	switch v.method {
	case plainFixed:
		if len(v.rest) < v.width {
			return errEarly
		}
		out.bits = fixed(v.rest, v.width)
		v.rest = v.rest[v.width:]
	case plainBytes:
		out.bytes, v.rest, err = takeSized(v.rest)
	case inDictionary:
		var place uint32
		if place, err = v.places.next(); err == nil {
			err = d.value(place, out)
		}
	case deltas:
		out.bits, err = v.lengths.next()
	case plainArray:
		out.bytes, err = v.take(v.width)
	case plainBit:
		if len(v.rest) == 0 {
			return errEarly
		}
		out.bits = uint64(v.rest[0]>>v.bit) & 1
		if v.bit++; v.bit == 8 {
			v.bit, v.rest = 0, v.rest[1:]
		}
	case runsOfBits:
		var bit uint32
		bit, err = v.places.next()
		out.bits = uint64(bit & 1)
	case deltaLengths:
		var n uint64
		if n, err = v.lengths.next(); err == nil {
			out.bytes, err = v.take(int(int32(n)))
		}
	case deltaPrefixes:
		err = v.nextPrefixed(out, joined)
	default:
		err = v.nextSplit(out, joined)
	}
	return err
}

// fixed reads a number of 4 or 8 bytes.
func fixed(b []byte, width int) uint64 {
	if width == 8 {
		return binary.LittleEndian.Uint64(b)
	}
	return uint64(binary.LittleEndian.Uint32(b))
}

// take splits off n bytes.
func (v *values) take(n int) ([]byte, error) {
	if n < 0 || n > len(v.rest) {
		return nil, errEarly
	}
	b := v.rest[:n:n]
	v.rest = v.rest[n:]
	return b, nil
}

// nextPrefixed puts a value together from the beginning of the one before and what
// stands in the page. No value is longer than the page, since all that it consists
// of stands there once.
func (v *values) nextPrefixed(out *value, joined *[]byte) error {
	prefix, err := v.prefixes.next()
	if err != nil {
		return err
	}
	length, err := v.lengths.next()
	if err != nil {
		return err
	}
	suffix, err := v.take(int(int32(length)))
	if err != nil {
		return err
	}
	shared := int(int32(prefix))
	if shared < 0 || shared > len(*joined) || shared+len(suffix) > cap(*joined) {
		return errPrefix
	}
	*joined = append((*joined)[:shared], suffix...)
	out.bytes = *joined
	if v.width > 0 && len(out.bytes) != v.width {
		return fmt.Errorf("it has a value of %d bytes; all must have %d", len(out.bytes), v.width)
	}
	return nil
}

// nextSplit gathers the bytes of a value, whose first bytes all stand together, and
// then its second ones.
func (v *values) nextSplit(out *value, joined *[]byte) error {
	if v.at == v.count {
		return errEarly
	}
	at := v.at
	v.at++
	if v.method == splitFixed {
		out.bits = 0
		for k := range v.width {
			out.bits |= uint64(v.rest[k*v.count+at]) << (8 * k)
		}
		return nil
	}
	if v.width > cap(*joined) {
		return errEarly
	}
	b := (*joined)[:v.width]
	for k := range b {
		b[k] = v.rest[k*v.count+at]
	}
	*joined, out.bytes = b, b
	return nil
}

// A dictionary is the distinct values of a chunk.
type dictionary struct {
	data  []byte
	width int      // bytes of a value; 0: they are byte arrays
	array bool     // values are bytes
	ends  []uint32 // of the byte arrays in data
	n     int
}

// open reads the n values of data.
func (d *dictionary) open(l *leaf, data []byte, n int) error {
	d.data, d.width, d.n = data, l.length, n
	d.array = l.physical == format.FixedLenByteArray || l.physical == format.Int96
	if l.physical != format.ByteArray {
		if n > len(data)/l.length {
			return errEarly
		}
		return nil
	}
	if d.width = 0; n > cap(d.ends) {
		return errEarly
	}
	d.ends = d.ends[:n]
	at := uint64(0)
	for i := range d.ends {
		if at+lengthSize > uint64(len(data)) {
			return errEarly
		}
		if at += lengthSize + uint64(binary.LittleEndian.Uint32(data[at:])); at > uint64(len(data)) {
			return errEarly
		}
		d.ends[i] = uint32(at)
	}
	return nil
}

// close forgets the values and keeps the room.
func (d *dictionary) close() { d.n, d.ends = 0, d.ends[:0] }

// value returns the value at a place.
func (d *dictionary) value(place uint32, out *value) error {
	i := int(place)
	if i >= d.n {
		if d.n == 0 {
			return errNoDictionary
		}
		return errNotInDict
	}
	switch {
	case d.width == 0:
		start := uint32(lengthSize)
		if i > 0 {
			start += d.ends[i-1]
		}
		out.bytes = d.data[start:d.ends[i]:d.ends[i]]
	case d.array:
		out.bytes = d.data[i*d.width : (i+1)*d.width]
	default:
		out.bits = fixed(d.data[i*d.width:], d.width)
	}
	return nil
}
