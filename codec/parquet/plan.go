package parquet

import (
	"context"
	"errors"
	"io"
	"unsafe"

	"github.com/parquet-go/parquet-go/format"
)

// A plan is the room that reading a file takes: the largest of everything that is
// in memory once for each column, and of what all of them share.
type plan struct {
	columns    []columnPlan // one for each leaf
	compressed int          // bytes of the largest page as it is in the file, of those that must be decompressed
	codecs     uint32       // bit c: codec c is used
}

// A columnPlan is the room for a column, in bytes unless it says otherwise.
type columnPlan struct {
	page       int // the largest page, decompressed
	dictionary int // the largest dictionary, decompressed
	entries    int // values of the largest dictionary, if they have different lengths
	joined     int // the largest page whose values must be put together
}

// newPlan looks at the header of every page of the file, and at nothing else. It
// leaves m at the first row group.
func newPlan(ctx context.Context, m *metadata) (*plan, error) {
	defer m.rewind(m.groupAt)
	p := &plan{columns: make([]columnPlan, len(m.schema.leaves))}
	chunks := make([]chunk, len(m.schema.leaves))
	r := &compact{src: m.r.src, window: make([]byte, headerWindow)}
	for {
		_, err := m.nextGroup(ctx, chunks)
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		for i, c := range chunks {
			r.ctx = ctx
			if err := p.add(r, i, m.schema.leaves[i], c, m.pages); err != nil {
				return nil, err
			}
		}
	}
}

// add walks over the pages of a chunk of column i.
func (p *plan) add(r *compact, i int, l *leaf, c chunk, limit int64) error {
	if err := codecError(c.codec); err != nil {
		return err
	}
	p.codecs |= 1 << uint(c.codec)
	room := &p.columns[i]
	at := c.at
	for left := c.values; left > 0; {
		h := r.pageHeader(at, limit)
		if r.err != nil {
			return r.err
		}
		if c.codec != format.Uncompressed {
			p.compressed = max(p.compressed, h.compressed)
		}
		switch {
		case h.isData():
			if int64(h.values) > left {
				return corrupt("the pages of its column %q have more values than the column", l.path)
			}
			left -= int64(h.values)
			room.page = max(room.page, h.plain)
			if joins(l.physical, h.encoding) {
				room.joined = max(room.joined, h.plain)
			}
		case h.kind == format.DictionaryPage:
			room.dictionary = max(room.dictionary, h.plain)
			if l.physical == format.ByteArray {
				room.entries = max(room.entries, min(h.values, h.plain/lengthSize))
			}
		}
		at = h.next()
	}
	return nil
}

// joins reports whether values of the type in the encoding do not stand in the
// page as they are.
func joins(t format.Type, e format.Encoding) bool {
	return e == format.DeltaByteArray || e == format.ByteStreamSplit && t == format.FixedLenByteArray
}

// held is how many bytes reading by the plan holds at most.
func (p *plan) held(s *schema) int64 {
	n := int64(metadataWindow + headerWindow)
	n += s.held + decompressorSize(p.codecs)
	if p.compressed > 0 {
		n += heapSize(p.compressed)
	}
	for i, c := range p.columns {
		n += int64(unsafe.Sizeof(c) + unsafe.Sizeof(chunk{}) + unsafe.Sizeof(&column{}))
		n += heapSize(int(unsafe.Sizeof(column{}))) + heapSize(c.page) + heapSize(c.dictionary)
		n += heapSize(c.entries*int(unsafe.Sizeof(uint32(0)))) + heapSize(c.joined)
		if s.leaves[i].maxRep > 0 { // to go back in a record
			n += heapSize(int(unsafe.Sizeof(saved{}))) + heapSize(c.joined)
		}
	}
	return n
}

// heapSize is about what n bytes take on the heap, whose pieces have an eighth
// more than was asked for at most.
func heapSize(n int) int64 { return int64(n) + int64(n)/8 }
