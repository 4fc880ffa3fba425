package parquet

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/format"
)

// maxBound is the longest string that is written as a smallest or largest value, in
// bytes.
const maxBound = 64

// A summary is what the values of a chunk have in common. Programs that look for
// some of the rows read it to leave out the others.
type summary struct {
	field    *field
	rows     *rows
	less     func(a, b uint64) bool // nil: the values have no order that readers agree on
	some     bool
	min, max uint64
}

func newSummary(f *field, r *rows) *summary {
	s := &summary{field: f, rows: r}
	physical, width := f.physical()
	switch {
	case f.kind == kindFloat:
		s.less = func(a, b uint64) bool {
			return math.Float32frombits(uint32(a)) < math.Float32frombits(uint32(b))
		}
	case f.kind == kindDouble:
		s.less = func(a, b uint64) bool { return math.Float64frombits(a) < math.Float64frombits(b) }
	case f.kind == kindString:
		s.less = func(a, b uint64) bool { return bytes.Compare(r.bytes(a), r.bytes(b)) < 0 }
	case f.kind == kindBool || f.kind == kindUint32 || f.kind == kindUint64:
		s.less = func(a, b uint64) bool { return a < b }
	case physical == format.Int32 || width == 8:
		s.less = func(a, b uint64) bool { return int64(a) < int64(b) }
	}
	return s
}

func (s *summary) add(cell uint64) {
	switch {
	case s.less == nil:
	case !s.some:
		s.some, s.min, s.max = true, cell, cell
	case s.less(cell, s.min):
		s.min = cell
	case s.less(s.max, cell):
		s.max = cell
	}
}

// statistics are the summary as it is written.
func (s *summary) statistics(nulls int) format.Statistics {
	st := format.Statistics{NullCount: int64(nulls)}
	if !s.some {
		return st
	}
	low, high := s.bound(s.min, true), s.bound(s.max, false)
	if len(low) <= maxBound && len(high) <= maxBound {
		st.MinValue, st.MaxValue = low, high
	}
	return st
}

// bound is a value as it stands in a page. Of the two zeros of floats it is the one
// that is on the safe side.
func (s *summary) bound(cell uint64, low bool) []byte {
	switch s.field.kind {
	case kindString:
		return bytes.Clone(s.rows.bytes(cell)[:min(int(cell>>32), maxBound+1)])
	case kindBool:
		return []byte{byte(cell)}
	case kindFloat, kindDouble:
		sign := uint64(1) << 63
		if s.field.kind == kindFloat {
			sign = 1 << 31
		}
		if cell == 0 && low {
			cell = sign
		} else if cell == sign && !low {
			cell = 0
		}
	}
	if _, width := s.field.physical(); width == 4 {
		return binary.LittleEndian.AppendUint32(nil, uint32(cell))
	}
	return binary.LittleEndian.AppendUint64(nil, cell)
}
