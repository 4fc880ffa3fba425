package compress

import (
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Need is what a stream costs to read.
type Need struct {
	// Window is the window, block or dictionary that the stream begins with, in
	// bytes: the ReadOptions.MaxWindow with which a Reader holds Memory and no
	// more. A later section may need a larger one: see Reader.Allow.
	Window int64

	// Memory is the bytes that a Reader of the stream holds at most, its input
	// buffer among them.
	Memory int64
}

// HeadSize is how many bytes of a stream Inspect looks at, at most.
const HeadSize = 40

// Inspect tells what the stream that begins with head needs, without allocating
// it. If head is shorter than HeadSize it must be the whole stream.
//
// Where the beginning does not say how large a window will be needed, the need
// is that of o.MaxWindow. A stream that needs more than o.MaxWindow, or that is
// not of the Method, is an *Error.
func Inspect(m Method, head []byte, o ReadOptions) (Need, error) {
	o = o.withDefaults()
	if err := o.validate(m); err != nil {
		return Need{}, err
	}
	c, err := inspectors[m](head, o.MaxWindow)
	if err == nil && c.window > o.MaxWindow {
		err = &WindowError{What: c.what, Window: c.window, Max: o.MaxWindow, Memory: c.memory + int64(o.Buffer)}
	}
	if err != nil {
		return Need{}, newError(m, o.In, o.Out, err)
	}
	return Need{Window: c.window, Memory: c.memory + int64(o.Buffer)}, nil
}

// NeedOf returns what a decoder needs that may come upon sections with any window up
// to so many bytes. It is less than window where no section has a larger one, and
// nothing for None.
func NeedOf(m Method, window int64) Need {
	var n Need
	switch m {
	case Gzip:
		n = Need{gzipWindow, gzipMemory()}
	case Zstd:
		n = Need{window, zstdMemory(window)}
	case LZ4:
		n.Window = min(window, 2*lz4MaxBlock)
		n.Memory = lz4Memory(min(window, lz4MaxBlock), n.Window)
	case Snappy:
		n = Need{snappyBlock, s2Memory(snappyBlock)}
	case S2:
		n.Window = min(window, s2Block)
		n.Memory = s2Memory(n.Window)
	case Bzip2:
		n.Window = min(window, 9*bzip2Unit)
		n.Memory = bzip2Memory(n.Window)
	case Xz:
		n = Need{window, xzMemory(window)}
	default:
		return n
	}
	n.Memory += int64(ReadOptions{}.withDefaults().Buffer)
	return n
}

// cost is what a decoder needs.
type cost struct {
	what   string // what the format calls a window
	window int64
	memory int64 // of a decoder with the window
}

// inspectors tell the cost of a stream from its beginning, given that no window
// may be larger than most.
var inspectors = [...]func(head []byte, most int64) (cost, error){
	Gzip:   inspectGzip,
	Zstd:   inspectZstd,
	LZ4:    inspectLZ4,
	Snappy: inspectS2,
	S2:     inspectS2,
	Bzip2:  inspectBzip2,
	Xz:     inspectXz,
}

func inspectGzip(head []byte, _ int64) (cost, error) {
	if len(head) < gzipHeader {
		return cost{}, io.ErrUnexpectedEOF
	}
	if !isGzip(head) {
		return cost{}, errMagic("gzip member", head[:4])
	}
	return cost{"window", gzipWindow, gzipMemory()}, nil
}

func inspectZstd(head []byte, most int64) (cost, error) {
	window := most
	switch rest, seen := behindSkippable(head); {
	case seen && len(rest) == 0 && len(head) > 0: // nothing but skippable frames
		window = min(most, zstdMinWindow)
	case seen:
		var h zstd.Header
		if err := parseZstd(&h, rest); err != nil {
			return cost{}, err
		}
		window = zstdWindow(&h)
	}
	return cost{"window", window, zstdMemory(window)}, nil
}

func inspectLZ4(head []byte, most int64) (cost, error) {
	block := min(most, lz4MaxBlock)
	window := min(most, 2*lz4MaxBlock)
	switch rest, seen := behindSkippable(head); {
	case seen && len(rest) == 0 && len(head) > 0:
		block = min(most, lz4MinBlock)
		window = block
	case seen:
		f, err := parseLZ4(rest)
		if err != nil {
			return cost{}, err
		}
		block, window = f.block, f.window()
	}
	return cost{"window", window, lz4Memory(block, window)}, nil
}

// behindSkippable returns what follows the skippable frames at the beginning of
// head. It reports false if that is beyond what could be looked at.
func behindSkippable(head []byte) (rest []byte, seen bool) {
	whole := len(head) < HeadSize
	for isSkippable(head) {
		size := skippableSize(head)
		if size > int64(len(head)) {
			return nil, false
		}
		head = head[size:]
	}
	return head, whole || len(head) >= zstd.HeaderMaxSize
}

// inspectS2 takes the first block for the largest where it is full: of a size
// that a stream's writer fills before it begins another. Elsewhere nothing says
// how large the blocks will be.
func inspectS2(head []byte, most int64) (cost, error) {
	block := int64(snappyBlock)
	switch {
	case len(head) < len(s2Magic):
		return cost{}, io.ErrUnexpectedEOF
	case hasMagic(head, s2Magic):
		block = min(most, s2Block)
		if n := s2First(head[len(s2Magic):]); n == 1<<20 || n == 2<<20 {
			block = n
		}
	case !hasMagic(head, snappyMagic):
		return cost{}, errMagic("stream of Snappy or S2", head[:len(s2Magic)])
	}
	return cost{"block", block, s2Memory(block)}, nil
}

// s2First is the decompressed size of the chunk that head begins with, and 0 if
// it is no block.
func s2First(head []byte) int64 {
	if len(head) < 4+s2Checksum {
		return 0
	}
	switch head[0] {
	case chunkUncompressed:
		return chunkSize(head) - s2Checksum
	case chunkCompressed:
		n, err := s2.DecodedLen(head[4+s2Checksum:])
		if err == nil {
			return int64(n)
		}
	}
	return 0
}

func inspectBzip2(head []byte, _ int64) (cost, error) {
	if len(head) < bzip2Header {
		return cost{}, io.ErrUnexpectedEOF
	}
	block := bzip2Block(head)
	if block == 0 {
		return cost{}, errMagic("bzip2 stream", head[:bzip2Header])
	}
	return cost{"block", block, bzip2Memory(block)}, nil
}

func inspectXz(head []byte, _ int64) (cost, error) {
	if _, err := parseXz(head); err != nil {
		return cost{}, err
	}
	first := head[xzHeader:]
	if len(first) == 0 {
		return cost{}, io.ErrUnexpectedEOF
	}
	b := xzBlock{dictionary: xzMinWindow}
	if first[0] != 0 { // or the index stands there, for there is no block
		// What is looked at is shorter than what may follow it.
		first = first[:min(len(first), (int(first[0])+1)*4-4)]
		var err error
		if b, err = parseXzBlock(first); err != nil {
			return cost{}, err
		}
	}
	return cost{"dictionary", b.dictionary, xzMemory(b.dictionary)}, nil
}
