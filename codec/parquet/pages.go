package parquet

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/parquet-go/parquet-go/format"
)

var errPlanned = errors.New("the file is not what it was when it was opened")

// pages reads the pages of all columns, one at a time.
type pages struct {
	src        io.ReaderAt
	limit      int64 // no page goes beyond this offset
	headers    compact
	compressed []byte // room for a page as it is in the file
	decompressor
}

// header reads the header at offset at.
func (p *pages) header(ctx context.Context, at int64) (pageHeader, error) {
	p.headers.ctx = ctx
	h := p.headers.pageHeader(at, p.limit)
	return h, p.headers.err
}

// body reads the page of h into room, which must be large enough, and decompresses
// it. It returns the part of room that it takes.
func (p *pages) body(ctx context.Context, c format.CompressionCodec, h *pageHeader, room []byte) ([]byte, error) {
	if h.plain > cap(room) {
		return nil, errPlanned
	}
	room = room[:h.plain]
	levels := h.levels.defSize + h.levels.repSize // of a page of version 2: these are never compressed
	if c == format.Uncompressed || h.kind == format.DataPageV2 && !h.packed {
		if h.compressed != h.plain {
			return nil, fmt.Errorf("it has %d bytes and %d without compression, though it is not compressed", h.compressed, h.plain)
		}
		if err := readFull(ctx, p.src, room, h.body); err != nil {
			return nil, err
		}
		return room, checksum(h, room)
	}
	if h.compressed > cap(p.compressed) {
		return nil, errPlanned
	}
	packed := p.compressed[:h.compressed]
	if err := readFull(ctx, p.src, packed, h.body); err != nil {
		return nil, err
	}
	if err := checksum(h, packed); err != nil {
		return nil, err
	}
	copy(room[:levels], packed)
	if levels == len(room) && h.kind == format.DataPageV2 {
		return room, nil // writers leave nothing where nothing is compressed
	}
	if err := p.decompress(c, room[levels:], packed[levels:]); err != nil {
		return nil, fmt.Errorf("decompressing %s: %w", c, err)
	}
	return room, nil
}

func checksum(h *pageHeader, page []byte) error {
	if h.hasCRC && crc32.ChecksumIEEE(page) != h.crc {
		return errors.New("its checksum is wrong")
	}
	return nil
}

// splitPage splits a page of version 1 or 2 into repetition levels, definition
// levels and values.
func splitPage(h *pageHeader, l *leaf, page []byte) (rep, def, rest []byte, err error) {
	if h.kind == format.DataPageV2 {
		r, d := h.levels.repSize, h.levels.repSize+h.levels.defSize
		return page[:r], page[r:d], page[d:], nil
	}
	if l.maxRep > 0 {
		if h.levels.rep != format.RLE {
			return nil, nil, nil, fmt.Errorf("it has levels encoded as %s, which is not supported", h.levels.rep)
		}
		if rep, page, err = takeSized(page); err != nil {
			return nil, nil, nil, err
		}
	}
	if l.maxDef > 0 {
		if h.levels.def != format.RLE {
			return nil, nil, nil, fmt.Errorf("it has levels encoded as %s, which is not supported", h.levels.def)
		}
		if def, page, err = takeSized(page); err != nil {
			return nil, nil, nil, err
		}
	}
	return rep, def, page, nil
}
