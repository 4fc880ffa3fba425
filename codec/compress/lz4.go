package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

const (
	lz4Magic       = "\x04\x22\x4d\x18"
	lz4LegacyMagic = "\x02\x21\x4c\x18"
	lz4Head        = 6 // bytes of a frame's header that are looked at
	lz4MinBlock    = 64 << 10
	lz4MaxBlock    = 4 << 20
	lz4History     = 160 << 10 // what the decoder keeps of linked blocks, or a block if that is larger
)

// Flags of an LZ4 frame.
const (
	lz4HasDictionary    = 1 << 0
	lz4ContentChecksum  = 1 << 2
	lz4ContentSize      = 1 << 3
	lz4BlockChecksum    = 1 << 4
	lz4BlockIndependent = 1 << 5
)

// lz4Frame is what the header of an LZ4 frame says.
type lz4Frame struct {
	flags byte
	block int64 // bytes of the largest block
}

// window is how many decompressed bytes its decoder keeps: a block, and the
// history too if blocks refer to earlier ones.
func (f lz4Frame) window() int64 {
	if f.linked() {
		return f.block + max(f.block, lz4History)
	}
	return f.block
}

// linked reports whether blocks refer to earlier ones.
func (f lz4Frame) linked() bool { return f.flags&lz4BlockIndependent == 0 }

// parseLZ4 reads the frame header at the beginning of head.
func parseLZ4(head []byte) (f lz4Frame, err error) {
	switch {
	case len(head) < 4:
		return f, io.ErrUnexpectedEOF
	case hasMagic(head, lz4LegacyMagic):
		return f, errors.New("it is a legacy LZ4 frame, which is not supported: compress it again without -l")
	case !hasMagic(head, lz4Magic):
		return f, errMagic("LZ4 frame", head[:4])
	case len(head) < lz4Head:
		return f, io.ErrUnexpectedEOF
	}
	f.flags = head[4]
	index := head[5] >> 4 & 7
	switch {
	case f.flags>>6 != 1:
		return f, fmt.Errorf("version %d of the LZ4 frame format is not supported", f.flags>>6)
	case f.flags&lz4HasDictionary != 0:
		return f, errors.New("the frame needs a dictionary: dictionaries are not supported")
	case index < 4:
		return f, fmt.Errorf("block size %d of the LZ4 frame format is reserved", index)
	}
	f.block = 1 << (8 + 2*index)
	return f, nil
}

// lz4Decoder reads LZ4 frames. A section is a frame.
type lz4Decoder struct {
	in      *input
	dec     *lz4.Reader
	gate    gate
	frame   lz4Frame
	part    lz4Part
	skipped bool  // the section was a skippable frame
	linked  bool  // dec has decoded a frame whose blocks depend on each other
	largest int64 // window so far
}

type lz4Part uint8

const (
	lz4Header lz4Part = iota
	lz4Blocks
	lz4End
)

func newLZ4Decoder(in *input) *lz4Decoder {
	d := &lz4Decoder{in: in}
	d.gate = gate{in: in, next: d.next}
	return d
}

func (d *lz4Decoder) reset()      {}
func (d *lz4Decoder) held() int64 { return d.largest }

func (d *lz4Decoder) open(first bool) error {
	if !first {
		if end, err := d.in.atEnd(); end || err != nil {
			return endOr(err)
		}
	}
	head, err := d.in.Peek(skippableHeader) // an LZ4 frame has more than that
	if err != nil && err != io.EOF {
		return err
	}
	d.skipped = isSkippable(head)
	if d.skipped {
		return d.in.skip(skippableSize(head))
	}
	if d.frame, err = parseLZ4(head); err != nil {
		return err
	}
	window := d.frame.window()
	if err := d.in.window("window", window, lz4Memory(d.frame.block, window)); err != nil {
		return err
	}
	d.largest = max(d.largest, window)
	d.part = lz4Header
	d.gate.open()
	// A decoder keeps the last blocks of a linked frame as the history of the
	// next one: a crafted frame could fetch what another stream contained.
	if d.dec == nil || d.linked {
		d.dec = lz4.NewReader(&d.gate)
	} else {
		d.dec.Reset(&d.gate)
	}
	d.linked = d.frame.linked()
	return nil
}

func (d *lz4Decoder) Read(p []byte) (int, error) {
	if d.skipped {
		return 0, io.EOF
	}
	return d.gate.content(d.dec, p)
}

// next gives the size of the frame's next piece.
func (d *lz4Decoder) next() (int64, error) {
	switch d.part {
	case lz4Header:
		d.part = lz4Blocks
		size := int64(lz4Head) + 1 // and a checksum
		if d.frame.flags&lz4ContentSize != 0 {
			size += 8
		}
		return size, nil
	case lz4Blocks:
		return d.nextBlock()
	}
	return 0, io.EOF
}

func (d *lz4Decoder) nextBlock() (int64, error) {
	head, err := d.in.need(4)
	if err != nil {
		return 0, err
	}
	h := binary.LittleEndian.Uint32(head)
	size := int64(h &^ (1 << 31)) // the highest bit: not compressed
	checksum := byte(lz4BlockChecksum)
	if h == 0 {
		d.part = lz4End
		checksum = lz4ContentChecksum
	}
	if size > d.frame.block {
		return 0, fmt.Errorf("block of %d bytes in a frame of blocks of at most %d", size, d.frame.block)
	}
	if d.frame.flags&checksum != 0 {
		size += 4
	}
	return 4 + size, nil
}
