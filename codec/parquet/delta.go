package parquet

import (
	"encoding/binary"
	"errors"
)

var errDelta = errors.New("its block sizes are not possible")

// A delta decodes DELTA_BINARY_PACKED: integers as differences to the one before,
// in blocks of a smallest difference and of miniblocks of how much each is more,
// packed into bits.
type delta struct {
	rest    []byte // behind the current miniblock
	perMini int    // values of a miniblock
	minis   int    // miniblocks of a block

	left   uint64 // values not yet returned
	begun  bool   // the first value was returned
	value  uint64 // the last one returned; the first one before that
	least  uint64 // smallest difference of the block
	widths []byte // of the miniblocks of the block that are to come
	mini   []byte // the current miniblock
	width  int    // its bits of a value
	bit    int    // of the next value in mini
	inMini int    // values left in it
}

// newDelta reads the head of data.
func newDelta(data []byte) (delta, error) {
	d := delta{rest: data}
	block, minis := d.uvarint(), d.uvarint()
	d.left = d.uvarint()
	first := d.uvarint()
	switch {
	case d.rest == nil:
		return delta{}, errEarly
	case block == 0 || block > 1<<24 || minis == 0 || minis > block || block%minis != 0 || block/minis%8 != 0:
		return delta{}, errDelta
	}
	d.perMini, d.minis = int(block/minis), int(minis)
	d.value = unzigzag(first)
	return d, nil
}

func unzigzag(v uint64) uint64 { return v>>1 ^ -(v & 1) }

// uvarint takes a number off rest, which becomes nil if there is none.
func (d *delta) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.rest = nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

// next returns the next value; of 32 bits, in the lower half.
func (d *delta) next() (uint64, error) {
	if d.left == 0 {
		return 0, errEarly
	}
	if !d.begun {
		d.begun = true
		d.left--
		return d.value, nil
	}
	if d.inMini == 0 {
		if err := d.nextMini(); err != nil {
			return 0, err
		}
	}
	if d.bit+d.width > 8*len(d.mini) {
		return 0, errEarly
	}
	d.value += d.least + bitsAt(d.mini, d.bit, d.width)
	d.bit += d.width
	d.inMini--
	d.left--
	return d.value, nil
}

// nextMini begins the next miniblock, and the next block when it must. The last
// miniblock may be cut off behind its last value.
func (d *delta) nextMini() error {
	if len(d.widths) == 0 {
		least := d.uvarint()
		if len(d.rest) < d.minis {
			return errEarly
		}
		d.least = unzigzag(least)
		d.widths, d.rest = d.rest[:d.minis], d.rest[d.minis:]
	}
	d.width, d.widths = int(d.widths[0]), d.widths[1:]
	if d.width > 64 {
		return errWidth
	}
	size := min(d.perMini*d.width/8, len(d.rest))
	d.mini, d.rest = d.rest[:size], d.rest[size:]
	d.bit, d.inMini = 0, d.perMini
	return nil
}

// behind returns what follows the last value. It leaves d as it is.
func (d delta) behind() ([]byte, error) {
	if d.left > 0 && !d.begun {
		d.begun = true
		d.left--
	}
	for d.left > 0 {
		if err := d.nextMini(); err != nil {
			return nil, err
		}
		d.left -= min(d.left, uint64(d.inMini))
	}
	return d.rest, nil
}

// bitsAt returns the width bits, 64 at most, that begin at the given bit of b.
func bitsAt(b []byte, bit, width int) uint64 {
	if width == 0 {
		return 0
	}
	i, shift := bit>>3, bit&7
	var v uint64
	if i+9 <= len(b) {
		v = binary.LittleEndian.Uint64(b[i:]) >> shift
		if shift+width > 64 {
			v |= uint64(b[i+8]) << (64 - shift)
		}
	} else {
		for k := i; k < len(b) && 8*(k-i)-shift < width; k++ {
			if k == i {
				v = uint64(b[k]) >> shift
			} else {
				v |= uint64(b[k]) << (8*(k-i) - shift)
			}
		}
	}
	return v & (^uint64(0) >> (64 - width))
}
