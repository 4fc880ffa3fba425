package parquet

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// Limits on the dictionary of a column: beyond them the values are not worth one.
const (
	maxDistinct   = 1 << 14
	maxDictionary = 256 << 10 // bytes of its page
)

// distinct finds the distinct values of a column. Its memory is of a fixed size and
// is used again for the next column.
type distinct struct {
	seed  maphash.Seed
	table []uint16 // places in cells, one more each; 0: free. Twice as many as values.
	cells []uint64
	size  int // bytes of the values as a page
}

func newDistinct() *distinct {
	return &distinct{seed: maphash.MakeSeed(), table: make([]uint16, 2*maxDistinct), cells: make([]uint64, 0, maxDistinct)}
}

// reset forgets all values.
func (d *distinct) reset() {
	clear(d.table)
	d.cells, d.size = d.cells[:0], 0
}

// place returns the place of a value among the distinct ones. It reports false when
// there are too many. width is that of the column's values.
func (d *distinct) place(r *rows, cell uint64, width int) (int, bool) {
	var raw []byte
	var hash uint64
	if inPlace := width == 4 || width == 8; inPlace {
		hash = cell * 0x9e3779b97f4a7c15 >> (64 - bits.Len(2*maxDistinct-1))
	} else {
		raw = r.bytes(cell)
		hash = maphash.Bytes(d.seed, raw)
	}
	for at := hash % (2 * maxDistinct); ; at = (at + 1) % (2 * maxDistinct) {
		found := d.table[at]
		if found == 0 {
			return d.add(at, cell, width, len(raw))
		}
		other := d.cells[found-1]
		if other == cell || raw != nil && bytes.Equal(r.bytes(other), raw) {
			return int(found - 1), true
		}
	}
}

func (d *distinct) add(at, cell uint64, width, length int) (int, bool) {
	size := width
	if width == 0 {
		size = lengthSize + length
	}
	if len(d.cells) == maxDistinct || d.size+size > maxDictionary {
		return 0, false
	}
	d.cells = append(d.cells, cell)
	d.size += size
	d.table[at] = uint16(len(d.cells))
	return len(d.cells) - 1, true
}

// width is the number of bits of a place.
func (d *distinct) width() int { return bits.Len(uint(max(0, len(d.cells)-1))) }
