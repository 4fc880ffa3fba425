package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/klauspost/compress/s2"
)

const (
	snappyMagic = "\xff\x06\x00\x00sNaPpY"
	s2Magic     = "\xff\x06\x00\x00S2sTwO"
	snappyBlock = 64 << 10 // the largest block
	s2Block     = 4 << 20
	s2Checksum  = 4                  // bytes before the block of a chunk
	s2ChunkHead = 4 + s2Checksum + 5 // with the size of the block
)

// Types of a chunk. What is between chunkReserved and chunkSkippable must be
// understood, what is above may be skipped.
const (
	chunkCompressed   = 0x00
	chunkUncompressed = 0x01
	chunkReserved     = 0x02
	chunkSkippable    = 0x80
	chunkIdentifier   = 0xff
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// s2Decoder reads the framing format of Snappy and of S2. A section begins with
// a stream identifier.
type s2Decoder struct {
	in    *input
	block int64  // the largest that the section may have
	src   []byte // a compressed block
	dst   []byte // a decompressed one
	ready []byte // the part of dst that has not been delivered
}

func (d *s2Decoder) reset() { d.ready = nil }

// held: a compressed block may be a little larger than what it is made of.
func (d *s2Decoder) held() int64 { return int64(max(len(d.dst), len(d.src)-64)) }

func (d *s2Decoder) open(first bool) error {
	if !first {
		if end, err := d.in.atEnd(); end || err != nil {
			return endOr(err)
		}
	}
	magic, err := d.in.need(len(s2Magic))
	switch {
	case err != nil:
		return err
	case string(magic) == snappyMagic:
		d.block = snappyBlock
	case string(magic) == s2Magic:
		d.block = s2Block
	default:
		return errMagic("stream of Snappy or S2", magic)
	}
	return d.in.skip(int64(len(s2Magic)))
}

func (d *s2Decoder) Read(p []byte) (int, error) {
	for len(d.ready) == 0 {
		end, err := d.in.atEnd()
		if end || err != nil {
			return 0, endOr(err)
		}
		head, err := d.in.Peek(s2ChunkHead) // at the end there may be less, and enough
		if err != nil && err != io.EOF {
			return 0, err
		}
		if head[0] == chunkIdentifier {
			return 0, io.EOF
		}
		c, err := d.parse(head)
		if err != nil {
			return 0, err
		}
		if c.size == 0 {
			if err := d.in.skip(c.header); err != nil {
				return 0, err
			}
			continue
		}
		content, err := d.content(p, c)
		switch {
		case err != nil:
			return 0, err
		case len(content) <= len(p): // it is in p
			if len(content) > 0 {
				return len(content), nil
			}
		default:
			d.ready = content
		}
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

// s2Chunk is a chunk with a block in it.
type s2Chunk struct {
	header     int64 // bytes before the block; of a chunk without one, all of it
	size       int64 // bytes of the block in the stream; 0: there is none
	plain      int64 // bytes of the block when it is decompressed
	compressed bool
	sum        uint32
}

// parse reads the header of the chunk that head begins with, and refuses a block
// that is too large.
func (d *s2Decoder) parse(head []byte) (c s2Chunk, err error) {
	if len(head) < 4 {
		return c, io.ErrUnexpectedEOF
	}
	kind, size := head[0], chunkSize(head)
	switch {
	case kind >= chunkSkippable:
		return s2Chunk{header: 4 + size}, nil
	case kind >= chunkReserved:
		return c, fmt.Errorf("chunk of the reserved type %#02x", kind)
	case size < s2Checksum:
		return c, fmt.Errorf("chunk of %d bytes has no checksum", size)
	case len(head) < 4+s2Checksum:
		return c, io.ErrUnexpectedEOF
	}
	c = s2Chunk{header: 4 + s2Checksum, size: size - s2Checksum, compressed: kind == chunkCompressed}
	c.sum = binary.LittleEndian.Uint32(head[4:])
	c.plain = c.size
	if c.compressed {
		if c.plain, err = s2Plain(head[c.header:], c.size); err != nil {
			return c, err
		}
	}
	if c.plain > d.block {
		return c, fmt.Errorf("block of %d bytes; at most %d are allowed", c.plain, d.block)
	}
	return c, d.in.window("block", c.plain, s2Memory(c.plain))
}

// s2Plain is the decompressed size of a compressed block of size bytes that head
// begins with.
func s2Plain(head []byte, size int64) (int64, error) {
	head = head[:min(int64(len(head)), size)]
	n, err := s2.DecodedLen(head)
	switch {
	case err != nil && int64(len(head)) < min(size, s2ChunkHead-4-s2Checksum):
		return 0, io.ErrUnexpectedEOF
	case err != nil:
		return 0, errors.New("corrupt block")
	case size > int64(s2.MaxEncodedLen(n)):
		return 0, fmt.Errorf("compressed block of %d bytes, which is more than a block of %d can have", size, n)
	}
	return int64(n), nil
}

// chunkSize is the size of the chunk behind the header that head begins with.
func chunkSize(head []byte) int64 {
	return int64(head[1]) | int64(head[2])<<8 | int64(head[3])<<16
}

// content reads and decompresses the block of a chunk, into p if it fits.
func (d *s2Decoder) content(p []byte, c s2Chunk) ([]byte, error) {
	if err := d.in.skip(c.header); err != nil {
		return nil, err
	}
	most := min(d.block, d.in.max)
	if c.plain > int64(len(p)) {
		d.dst = grow(d.dst, c.plain, most)
		p = d.dst
	}
	dst := p[:c.plain]
	if c.compressed {
		d.src = grow(d.src, c.size, int64(s2.MaxEncodedLen(int(most))))
		src := d.src[:c.size]
		if _, err := io.ReadFull(d.in, src); err != nil {
			return nil, noEOF(err)
		}
		if _, err := s2.Decode(dst, src); err != nil {
			return nil, errors.New("corrupt block")
		}
	} else if _, err := io.ReadFull(d.in, dst); err != nil {
		return nil, noEOF(err)
	}
	// The checksum is masked, as the framing format wants it.
	if got := bits.RotateLeft32(crc32.Checksum(dst, castagnoli), -15) + 0xa282ead8; got != c.sum {
		return nil, fmt.Errorf("checksum of the block is %08x; its bytes have %08x", c.sum, got)
	}
	return dst, nil
}

// grow returns b, or a new slice if b has not size bytes. It doubles up to
// limit, so that blocks that grow one by one do not allocate one by one.
func grow(b []byte, size, limit int64) []byte {
	if int64(len(b)) >= size {
		return b
	}
	return make([]byte, min(limit, 1<<bits.Len64(uint64(size))))
}
