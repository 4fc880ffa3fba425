package codec

import (
	"encoding/binary"
	"errors"
	"math"
)

// fixedFramer is the framer of records of one size.
type fixedFramer struct {
	stateless
	each int
	seen int // bytes of the record that has begun
}

func newFixed(f Format) framer { return &fixedFramer{each: f.Size} }

func (f *fixedFramer) frame(data []byte, at int, ends []uint32) (n, next int, err error) {
	for n < len(ends) {
		if len(data)-at < f.each-f.seen {
			f.seen += len(data) - at
			return n, len(data), nil
		}
		at += f.each - f.seen
		f.seen = 0
		ends[n] = uint32(at)
		n++
	}
	return n, at, nil
}

// finish takes a last record that is shorter.
func (f *fixedFramer) finish() (bool, error) { return true, nil }

func (f *fixedFramer) size() int64 { return int64(f.each) }

func (f *fixedFramer) restore(mark uint8) bool {
	f.seen = 0
	return f.known(mark)
}

// wholeFramer is the framer of a stream that is one record.
type wholeFramer struct {
	stateless
	bytes int64 // of the stream; 0: not known
}

func newWhole(Format) framer { return new(wholeFramer) }

func (*wholeFramer) frame(data []byte, _ int, _ []uint32) (n, next int, err error) {
	return 0, len(data), nil
}

func (*wholeFramer) finish() (bool, error) { return true, nil }

func (w *wholeFramer) size() int64 { return w.bytes }

// restore goes on behind the only record.
func (w *wholeFramer) restore(mark uint8) bool {
	w.bytes = 0
	return w.known(mark)
}

func wholePayload(Format) func([]byte) []byte { return func(rec []byte) []byte { return rec } }

// maxVarint is the number of bytes that the largest length takes as a varint.
const maxVarint = binary.MaxVarintLen64

var errLength = errors.New("it begins with a length that no record can have")

// lengthFramer is the framer of records that begin with their length.
type lengthFramer struct {
	stateless
	format Format
	prefix [maxVarint]byte // what has been seen of it
	seen   int             // bytes of prefix
	total  int64           // bytes of the record with its prefix; 0: not known yet
	left   int64           // of them, those that have not been seen
}

func newLength(f Format) framer { return &lengthFramer{format: f} }

func (p *lengthFramer) frame(data []byte, at int, ends []uint32) (n, next int, err error) {
	for n < len(ends) {
		for p.total == 0 {
			if at == len(data) {
				return n, at, nil
			}
			if err := p.more(data[at]); err != nil {
				return n, at, err
			}
			at++
		}
		if int64(len(data)-at) < p.left {
			p.left -= int64(len(data) - at)
			return n, len(data), nil
		}
		at += int(p.left)
		p.seen, p.total, p.left = 0, 0, 0
		ends[n] = uint32(at)
		n++
	}
	return n, at, nil
}

// more takes the next byte of the prefix.
func (p *lengthFramer) more(c byte) error {
	p.prefix[p.seen] = c
	p.seen++
	n, size := p.format.length(p.prefix[:p.seen])
	switch {
	case size < 0 || size > 0 && n > math.MaxInt64-maxVarint:
		return errLength
	case size == 0 && p.seen == len(p.prefix):
		return errLength
	case size > 0:
		p.total, p.left = int64(n)+int64(size), int64(n)
	}
	return nil
}

// length reads the length at the beginning of b and returns how many bytes it
// takes: 0 if it is not whole, less if it is none.
func (f Format) length(b []byte) (n uint64, size int) {
	if f.Width == Varint {
		return binary.Uvarint(b)
	}
	if len(b) < f.Width {
		return 0, 0
	}
	var wide [8]byte
	if f.LittleEndian {
		copy(wide[:], b[:f.Width])
		return binary.LittleEndian.Uint64(wide[:]), f.Width
	}
	copy(wide[8-f.Width:], b[:f.Width])
	return binary.BigEndian.Uint64(wide[:]), f.Width
}

func (p *lengthFramer) finish() (bool, error) {
	if p.seen > 0 {
		return false, errCut
	}
	return false, nil
}

func (p *lengthFramer) size() int64 { return p.total }

func (p *lengthFramer) restore(mark uint8) bool {
	p.seen, p.total, p.left = 0, 0, 0
	return p.known(mark)
}

func lengthPayload(f Format) func([]byte) []byte {
	return func(rec []byte) []byte {
		_, size := f.length(rec)
		return rec[max(size, 0):]
	}
}
