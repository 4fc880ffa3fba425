package parquet

import "encoding/binary"

// appendLevels appends which of the rows have a value: a run if that is all or none,
// and otherwise a bit for each.
func (w *chunkWriter) appendLevels(page []byte, first, end int) []byte {
	values := 0
	for row := first; row < end; row++ {
		if _, ok := w.rows.cell(row, w.column); ok {
			values++
		}
	}
	switch values {
	case 0:
		return append(appendRun(page, end-first), 0)
	case end - first:
		return append(appendRun(page, end-first), 1)
	}
	p := newPacker(page, end-first, 1)
	for row := first; row < end; row++ {
		bit := uint64(0)
		if _, ok := w.rows.cell(row, w.column); ok {
			bit = 1
		}
		p.put(bit)
	}
	return p.end()
}

// appendRun appends the head of a run of n equal values.
func appendRun(page []byte, n int) []byte { return binary.AppendUvarint(page, uint64(n)<<1) }

// appendPlaces appends the places of values in the dictionary.
func (w *chunkWriter) appendPlaces(page []byte, first, end int) []byte {
	values := 0
	for row := first; row < end; row++ {
		if _, ok := w.rows.cell(row, w.column); ok {
			values++
		}
	}
	width := w.distinct.width()
	page = append(page, byte(width))
	if width == 0 {
		return appendRun(page, values)
	}
	p := newPacker(page, values, width)
	for row := first; row < end; row++ {
		if place, ok := w.rows.cell(row, w.column); ok {
			p.put(place)
		}
	}
	return p.end()
}

// appendBits appends booleans.
func (w *chunkWriter) appendBits(page []byte, first, end int) []byte {
	p := packer{page: page, width: 1}
	for row := first; row < end; row++ {
		if v, ok := w.rows.cell(row, w.column); ok {
			p.put(v)
		}
	}
	return p.flush()
}

// appendValues appends values as they are.
func (w *chunkWriter) appendValues(page []byte, first, end int) []byte {
	for row := first; row < end; row++ {
		if cell, ok := w.rows.cell(row, w.column); ok {
			page = w.appendValue(page, cell)
		}
	}
	return page
}

func (w *chunkWriter) appendValue(page []byte, cell uint64) []byte {
	switch w.width {
	case 4:
		return binary.LittleEndian.AppendUint32(page, uint32(cell))
	case 8:
		return binary.LittleEndian.AppendUint64(page, cell)
	case 0:
		page = binary.LittleEndian.AppendUint32(page, uint32(cell>>32))
	}
	return append(page, w.rows.bytes(cell)...)
}

// A packer packs values of a few bits each, the first one lowest.
type packer struct {
	page   []byte
	width  int
	left   int // values that are still missing in groups of eight
	bits   uint64
	filled int
}

// newPacker begins groups of eight values, of which there are n.
func newPacker(page []byte, n, width int) packer {
	groups := (n + 7) / 8
	return packer{page: binary.AppendUvarint(page, uint64(groups)<<1|1), width: width, left: groups * 8}
}

func (p *packer) put(v uint64) {
	p.bits |= v << p.filled
	p.left--
	for p.filled += p.width; p.filled >= 8; p.filled -= 8 {
		p.page = append(p.page, byte(p.bits))
		p.bits >>= 8
	}
}

// end fills up the last group.
func (p *packer) end() []byte {
	for p.left > 0 {
		p.put(0)
	}
	return p.flush()
}

// flush ends the last byte.
func (p *packer) flush() []byte {
	if p.filled > 0 {
		p.page = append(p.page, byte(p.bits))
	}
	return p.page
}
