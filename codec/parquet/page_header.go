package parquet

import (
	"math"

	"github.com/parquet-go/parquet-go/format"
)

// A pageHeader is what stands before a page.
type pageHeader struct {
	kind       format.PageType
	body       int64 // offset of the page in the file
	compressed int   // bytes of the page in the file
	plain      int   // bytes of the page when decompressed
	crc        uint32
	hasCRC     bool

	values   int // entries, nulls among them; of a dictionary: values
	encoding format.Encoding
	levels   struct {
		rep, def format.Encoding // of a page of version 1
		repSize  int             // of a page of version 2, in bytes
		defSize  int
	}
	packed bool // of a page of version 2: what follows the levels is compressed
	filled bool // the header of its kind was there
}

// next is where the header of the page behind it is.
func (h *pageHeader) next() int64 { return h.body + int64(h.compressed) }

// isData reports whether the page has entries.
func (h *pageHeader) isData() bool { return h.kind == format.DataPage || h.kind == format.DataPageV2 }

// pageHeader reads the header at offset at. limit is where the pages end.
func (r *compact) pageHeader(at, limit int64) pageHeader {
	h := pageHeader{packed: true}
	if at < int64(len(magic)) || at >= limit {
		r.fail("a page is said to be at offset %d; pages end at %d", at, limit)
		return h
	}
	r.end = limit
	r.seek(at)
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			h.kind = format.PageType(r.integer(kind))
		case 2:
			h.plain = r.small(kind, math.MaxInt32)
		case 3:
			h.compressed = r.small(kind, math.MaxInt32)
		case 4:
			h.crc, h.hasCRC = uint32(r.integer(kind)), true
		case 5:
			r.dataPage(&h)
		case 7:
			r.dictionaryPage(&h)
		case 8:
			r.dataPageV2(&h)
		default:
			return false
		}
		return true
	})
	h.body = r.offset()
	if r.err == nil && h.next() > limit {
		r.fail("the page at offset %d is said to have %d bytes; pages end at %d", at, h.compressed, limit)
	}
	if r.err == nil && (h.isData() || h.kind == format.DictionaryPage) && !h.filled {
		r.fail("the page at offset %d does not say how it is encoded", at)
	}
	return h
}

func (r *compact) dataPage(h *pageHeader) {
	h.filled = h.kind == format.DataPage
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			h.values = r.small(kind, math.MaxInt32)
		case 2:
			h.encoding = format.Encoding(r.integer(kind))
		case 3:
			h.levels.def = format.Encoding(r.integer(kind))
		case 4:
			h.levels.rep = format.Encoding(r.integer(kind))
		default:
			return false
		}
		return true
	})
}

func (r *compact) dictionaryPage(h *pageHeader) {
	h.filled = h.kind == format.DictionaryPage
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			h.values = r.small(kind, math.MaxInt32)
		case 2:
			h.encoding = format.Encoding(r.integer(kind))
		default:
			return false
		}
		return true
	})
}

func (r *compact) dataPageV2(h *pageHeader) {
	h.filled = h.kind == format.DataPageV2
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			h.values = r.small(kind, math.MaxInt32)
		case 4:
			h.encoding = format.Encoding(r.integer(kind))
		case 5:
			h.levels.defSize = r.small(kind, math.MaxInt32)
		case 6:
			h.levels.repSize = r.small(kind, math.MaxInt32)
		case 7:
			h.packed = r.bool(kind)
		default:
			return false
		}
		return true
	})
	if h.levels.defSize+h.levels.repSize > min(h.plain, h.compressed) {
		r.fail("the levels of the page before offset %d have more bytes than the page", r.offset())
	}
}
