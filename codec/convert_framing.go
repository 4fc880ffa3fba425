package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/weirflow/weir"
)

// A framing puts what divides records around them.
type framing struct {
	comma bool // before every record of a batch but the first
	line  bool // an LF behind each
	nul   bool // a zero byte behind each
	size  int  // bytes that each must have; 0: any
	width int  // of the length before each; 0: none

	littleEndian bool
}

// newFraming returns the framing of f.
func newFraming(f Format) framing {
	switch f.Name {
	case Lines, NDJSON, CSV, TSV:
		return framing{line: true}
	case JSON:
		return framing{comma: true}
	case NUL:
		return framing{nul: true}
	case Fixed:
		return framing{size: f.Size}
	case Length:
		return framing{width: f.Width, littleEndian: f.LittleEndian}
	}
	return framing{}
}

// A lengthError is a record whose length cannot be written.
type lengthError struct {
	have  int
	want  int // bytes that it must have; 0: width decides
	width int
}

func (e *lengthError) Error() string {
	if e.want > 0 {
		return fmt.Sprintf("the record has %d bytes; records of this format have %d", e.have, e.want)
	}
	return fmt.Sprintf("the record has %d bytes, which is more than a length of %d bytes can say", e.have, e.width)
}

// write appends to out what w makes of the record src[i:end], and makes out larger
// if it must.
func (f *framing) write(out *weir.Batch, w recordWriter, src []byte, i, end int) error {
	for {
		err := f.tryWrite(out, w, src, i, end)
		if err == nil || !errors.Is(err, weir.ErrBatchFull) || !out.Grow(f.needs(len(out.Space()), w, src, i, end)) {
			return err
		}
	}
}

// tryWrite does what write does, into the room that out has.
func (f *framing) tryWrite(out *weir.Batch, w recordWriter, src []byte, i, end int) error {
	space := out.Space()
	before := 0
	switch {
	case f.width == Varint:
		before = binary.MaxVarintLen64
	case f.width > 0:
		before = f.width
	case f.comma && out.Records() > 0:
		before = len(elementsBetween)
	}
	last := len(space) - weir.RecordSize(0) - 1 // one for what stands behind
	if last < before+slack {
		return weir.ErrBatchFull
	}
	n, err := w.put(space[before:last], src, i, end)
	if err != nil {
		return err
	}
	if f.size > 0 && n != f.size {
		return &lengthError{have: n, want: f.size}
	}
	if n, err = f.begin(space, before, n); err != nil {
		return err
	}
	switch {
	case f.line:
		space[n] = '\n'
		n++
	case f.nul:
		space[n] = 0
		n++
	}
	out.Advance(n)
	out.EndRecord()
	return nil
}

// elementsBetween stands between two elements of an array.
const elementsBetween = ",\n"

// begin writes what stands before the record of n bytes at space[before:], and
// returns where the record ends then.
func (f *framing) begin(space []byte, before, n int) (int, error) {
	switch {
	case f.width == Varint:
		size := binary.PutUvarint(space, uint64(n))
		copy(space[size:], space[before:before+n])
		return size + n, nil
	case f.width > 0:
		if f.width < 8 && n>>(8*f.width) > 0 {
			return 0, &lengthError{have: n, width: f.width}
		}
		for k := range f.width {
			at := f.width - 1 - k
			if f.littleEndian {
				at = k
			}
			space[at] = byte(n >> (8 * k))
		}
	case before > 0:
		copy(space, elementsBetween)
	}
	return before + n, nil
}
