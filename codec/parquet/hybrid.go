package parquet

import (
	"encoding/binary"
	"errors"
)

var (
	errEarly = errors.New("it ends before its last value")
	errWidth = errors.New("it has values of more than 32 bits")
	errLong  = errors.New("a number in it is too long")
)

// A hybrid decodes the encoding of levels and of places in a dictionary: runs of
// one value, and groups of eight values packed into bits. It decodes one value at a
// time, since a run that takes two bytes may stand for any number of them.
type hybrid struct {
	rest  []byte // not yet looked at
	width uint8  // bits of a value
	run   uint64 // values left of a run
	value uint32 // of the run

	packed []byte // groups not yet in bits
	left   uint64 // values left of the groups
	bits   uint64 // the next values, the first one lowest
	filled uint8  // bits of them
}

// newHybrid decodes data, of values of width bits.
func newHybrid(data []byte, width uint8) (hybrid, error) {
	if width > 32 {
		return hybrid{}, errWidth
	}
	return hybrid{rest: data, width: width}, nil
}

// next returns the next value.
func (h *hybrid) next() (uint32, error) {
	if h.run > 0 {
		h.run--
		return h.value, nil
	}
	if h.left > 0 {
		h.left--
		return h.unpack(), nil
	}
	return h.head()
}

// unpack takes a value out of the groups, whose bytes are there.
func (h *hybrid) unpack() uint32 {
	if h.filled < h.width {
		if len(h.packed) >= 4 {
			h.bits |= uint64(binary.LittleEndian.Uint32(h.packed)) << h.filled
			h.packed = h.packed[4:]
			h.filled += 32
		} else {
			for h.filled < h.width && len(h.packed) > 0 {
				h.bits |= uint64(h.packed[0]) << h.filled
				h.packed = h.packed[1:]
				h.filled += 8
			}
		}
	}
	v := uint32(h.bits & (1<<h.width - 1))
	h.bits >>= h.width
	h.filled -= h.width
	return v
}

// head begins the next run or groups and returns their first value.
func (h *hybrid) head() (uint32, error) {
	for len(h.rest) > 0 {
		n, size := binary.Uvarint(h.rest)
		if size <= 0 {
			return 0, errLong
		}
		h.rest = h.rest[size:]
		count := n >> 1
		if n&1 != 0 {
			if count > uint64(len(h.rest)) && h.width > 0 || count > 1<<32 {
				return 0, errEarly
			}
			size := count * uint64(h.width)
			if size > uint64(len(h.rest)) {
				return 0, errEarly
			}
			h.packed, h.rest = h.rest[:size], h.rest[size:]
			h.left, h.bits, h.filled = count*8, 0, 0
			if h.left == 0 {
				continue
			}
			h.left--
			return h.unpack(), nil
		}
		bytes := int(h.width+7) / 8
		if len(h.rest) < bytes {
			return 0, errEarly
		}
		h.value = 0
		for i := range bytes {
			h.value |= uint32(h.rest[i]) << (8 * i)
		}
		h.rest = h.rest[bytes:]
		if count == 0 {
			continue
		}
		h.run = count - 1
		return h.value, nil
	}
	return 0, errEarly
}
