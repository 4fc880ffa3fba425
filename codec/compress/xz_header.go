package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

const (
	xzMagic       = "\xfd7zXZ\x00"
	xzFooterMagic = "YZ"
	xzHeader      = 12 // bytes of a stream's header, and of its footer
	xzLZMA2       = 0x21
	xzMinWindow   = lzma.MinDictCap
)

// Flags of a block's header.
const (
	xzFilters    = 0x03 // how many, less one
	xzReserved   = 0x3c
	xzPackedSize = 0x40
	xzSize       = 0x80
)

// parseXz checks the stream header at the beginning of head and returns which
// check its blocks have.
func parseXz(head []byte) (check byte, err error) {
	switch {
	case len(head) >= len(xzMagic) && !hasMagic(head, xzMagic):
		return 0, errMagic("xz stream", head[:len(xzMagic)])
	case len(head) < xzHeader:
		return 0, io.ErrUnexpectedEOF
	case crc32.ChecksumIEEE(head[6:8]) != binary.LittleEndian.Uint32(head[8:]):
		return 0, errors.New("checksum of the stream's header does not match")
	case head[6] != 0 || head[7]&0xf0 != 0:
		return 0, fmt.Errorf("unknown stream flags %x", head[6:8])
	}
	return head[7], nil
}

// xzBlock is what the header of a block says. Sizes that it does not give are
// -1.
type xzBlock struct {
	dictionary int64
	packed     int64
	size       int64
}

// parseXzBlock reads a block's header without its checksum. It needs no more of
// it than the part up to the filter.
func parseXzBlock(head []byte) (b xzBlock, err error) {
	b.packed, b.size = -1, -1
	if len(head) < 2 {
		return b, io.ErrUnexpectedEOF
	}
	flags, rest := head[1], head[2:]
	if flags&xzReserved != 0 {
		return b, fmt.Errorf("unknown flags %#02x of a block", flags)
	}
	if flags&xzPackedSize != 0 {
		if b.packed, rest, err = xzNumber(rest); err != nil {
			return b, err
		}
	}
	if flags&xzSize != 0 {
		if b.size, rest, err = xzNumber(rest); err != nil {
			return b, err
		}
	}
	filter, rest, err := xzNumber(rest)
	switch {
	case err != nil:
		return b, err
	case flags&xzFilters != 0 || filter != xzLZMA2:
		return b, fmt.Errorf("the block has the filter %#x: filters other than LZMA2 are not supported", filter)
	case len(rest) < 2:
		return b, io.ErrUnexpectedEOF
	case rest[0] != 1 || rest[1] > 40:
		return b, fmt.Errorf("unknown properties %x of LZMA2", rest[:2])
	}
	b.dictionary, err = lzma.DecodeDictCap(rest[1])
	if err != nil {
		return b, err
	}
	return b, xzPadding(rest[2:])
}

func xzPadding(b []byte) error {
	if len(bytes.Trim(b, "\x00")) > 0 {
		return errors.New("padding that is not zero")
	}
	return nil
}

// xzNumber reads a number from the beginning of b. Numbers have at most 63 bits.
func xzNumber(b []byte) (n int64, rest []byte, err error) {
	u, size := binary.Uvarint(b)
	switch {
	case size == 0:
		return 0, nil, io.ErrUnexpectedEOF
	case size < 0 || u > 1<<63-1 || size > 1 && b[size-1] == 0:
		return 0, nil, errors.New("malformed number in a header")
	}
	return int64(u), b[size:], nil
}

// parseXzFooter returns the size of the index and the check that the footer
// gives.
func parseXzFooter(foot []byte) (index int64, check byte, err error) {
	switch {
	case string(foot[10:]) != xzFooterMagic:
		return 0, 0, fmt.Errorf("%x is not the end of an xz stream", foot[10:])
	case crc32.ChecksumIEEE(foot[4:10]) != binary.LittleEndian.Uint32(foot):
		return 0, 0, errors.New("checksum of the stream's footer does not match")
	case foot[8] != 0:
		return 0, 0, fmt.Errorf("unknown stream flags %x", foot[8:10])
	}
	return (int64(binary.LittleEndian.Uint32(foot[4:])) + 1) * 4, foot[9], nil
}
