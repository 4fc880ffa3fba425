package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

const (
	zstdMagic     = "\x28\xb5\x2f\xfd"
	zstdBlock     = 128 << 10 // the largest block
	zstdMinWindow = zstd.MinWindowSize
)

// Types of a zstd block.
const (
	zstdRLE      = 1
	zstdReserved = 3
)

// zstdDecoder reads zstd. A section is a frame.
type zstdDecoder struct {
	in      *input
	dec     *zstd.Decoder
	gate    gate
	header  zstd.Header // of the frame
	part    zstdPart    // what of the frame comes next
	skipped bool        // the section was a skippable frame
	largest int64       // window so far
	max     int64       // largest window that dec takes
}

type zstdPart uint8

const (
	zstdHeader zstdPart = iota
	zstdBlocks
	zstdChecksum
	zstdEnd
)

func newZstdDecoder(in *input) *zstdDecoder {
	d := &zstdDecoder{in: in}
	d.gate = gate{in: in, next: d.next}
	return d
}

func (d *zstdDecoder) reset()      {}
func (d *zstdDecoder) held() int64 { return d.largest }

func (d *zstdDecoder) open(first bool) error {
	if !first {
		if end, err := d.in.atEnd(); end || err != nil {
			return endOr(err)
		}
	}
	head, err := d.in.Peek(zstd.HeaderMaxSize) // at the end there may be less, and enough
	if err != nil && err != io.EOF {
		return err
	}
	d.skipped = isSkippable(head)
	if d.skipped {
		return d.in.skip(skippableSize(head))
	}
	if err := parseZstd(&d.header, head); err != nil {
		return err
	}
	window := zstdWindow(&d.header)
	if err := d.in.window("window", window, zstdMemory(window)); err != nil {
		return err
	}
	d.largest = max(d.largest, window)
	d.part = zstdHeader
	d.gate.open()
	return d.resetDecoder()
}

// resetDecoder makes the decoder ready for a frame. It does not allocate once
// there is a decoder with the limit.
func (d *zstdDecoder) resetDecoder() error {
	if d.dec != nil && d.max == d.in.max {
		return d.dec.Reset(&d.gate)
	}
	d.max = d.in.max
	limit := uint64(max(d.max, zstdMinWindow))
	limits := []zstd.DOption{zstd.WithDecoderMaxWindow(limit), zstd.WithDecoderMaxMemory(limit)}
	if d.dec != nil {
		return d.dec.ResetWithOptions(&d.gate, limits...)
	}
	var err error
	d.dec, err = zstd.NewReader(&d.gate, append(limits, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))...)
	return err
}

func (d *zstdDecoder) Read(p []byte) (int, error) {
	if d.skipped {
		return 0, io.EOF
	}
	return d.gate.content(d.dec, p)
}

// next gives the size of the frame's next piece.
func (d *zstdDecoder) next() (int64, error) {
	switch d.part {
	case zstdHeader:
		d.part = zstdBlocks
		return int64(d.header.HeaderSize), nil
	case zstdBlocks:
		return d.nextBlock()
	case zstdChecksum:
		d.part = zstdEnd
		return 4, nil
	}
	return 0, io.EOF
}

func (d *zstdDecoder) nextBlock() (int64, error) {
	head, err := d.in.need(3)
	if err != nil {
		return 0, err
	}
	h := uint32(head[0]) | uint32(head[1])<<8 | uint32(head[2])<<16
	size := int64(h >> 3)
	switch kind := h >> 1 & 3; {
	case kind == zstdReserved:
		return 0, errors.New("block of a reserved type")
	case size > zstdBlock:
		return 0, fmt.Errorf("block of %d bytes; at most %d are allowed", size, zstdBlock)
	case kind == zstdRLE:
		size = 1
	}
	if h&1 != 0 {
		d.part = zstdEnd
		if d.header.HasCheckSum {
			d.part = zstdChecksum
		}
	}
	return 3 + size, nil
}

// parseZstd reads the frame header at the beginning of head.
func parseZstd(h *zstd.Header, head []byte) error {
	err := h.Decode(head)
	switch {
	case errors.Is(err, zstd.ErrMagicMismatch):
		return errMagic("zstd frame", head[:4])
	case err != nil:
		return err
	case h.DictionaryID != 0:
		return fmt.Errorf("the frame needs the dictionary %d: dictionaries are not supported", h.DictionaryID)
	}
	return nil
}

// zstdWindow is the size of the window of a frame. A frame of a single segment
// is its own window.
func zstdWindow(h *zstd.Header) int64 {
	size := h.WindowSize
	if h.SingleSegment {
		size = max(h.FrameContentSize, zstdMinWindow)
	}
	if size > 1<<62 {
		return 1 << 62
	}
	return int64(size)
}

// A skippable frame, which zstd and LZ4 have in common, is eight bytes of magic
// number and size, and that many bytes for somebody else.
const skippableHeader = 8

func isSkippable(head []byte) bool {
	return len(head) >= skippableHeader && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// skippableSize is the size of the skippable frame that head begins with.
func skippableSize(head []byte) int64 {
	return skippableHeader + int64(binary.LittleEndian.Uint32(head[4:]))
}
