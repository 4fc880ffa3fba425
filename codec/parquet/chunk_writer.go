package parquet

import (
	"context"
	"encoding/binary"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// pageBytes is how large a data page becomes before compression; one value may make
// it larger.
const pageBytes = 256 << 10

// pageSlack is more than what a page has beside values and levels.
const pageSlack = 64

// A chunkWriter writes the columns of a row group, one after another. A page is all
// that it holds.
type chunkWriter struct {
	rows     *rows
	out      *output
	compress *compressor
	distinct *distinct
	page     []byte // room for one
	packed   []byte // room for one when compressed
	protocol thrift.CompactProtocol

	// Of the chunk being written:
	field  *field
	column int
	width  int
	dict   bool // the cells are places in the dictionary
	meta   format.ColumnMetaData
}

// write writes the chunk of a column and returns its description.
func (w *chunkWriter) write(ctx context.Context, f *field, column int) (format.ColumnChunk, error) {
	w.field, w.column, w.dict = f, column, false
	var physical format.Type
	physical, w.width = f.physical()
	w.meta = format.ColumnMetaData{
		Type: physical, Encoding: thrift.Slice[format.Encoding]{format.Plain, format.RLE},
		PathInSchema: thrift.Slice[string]{f.name}, Codec: w.compress.codec, NumValues: int64(w.rows.count),
	}
	size, nulls := w.measure()
	w.dict = w.worthDictionary(size)
	w.meta.Statistics = w.statistics(nulls)
	if w.dict {
		w.meta.Encoding = append(w.meta.Encoding, format.RLEDictionary)
		w.meta.DictionaryPageOffset = w.out.off
		if err := w.writeDictionary(ctx); err != nil {
			return format.ColumnChunk{}, err
		}
	}
	w.meta.DataPageOffset = w.out.off
	for row := 0; row < w.rows.count; {
		end := w.pageEnd(row)
		if err := w.writePage(ctx, row, end); err != nil {
			return format.ColumnChunk{}, err
		}
		row = end
	}
	return format.ColumnChunk{MetaData: w.meta}, nil
}

// valueSize is what a value takes in a page.
func (w *chunkWriter) valueSize(cell uint64) int {
	if w.width == 0 {
		return lengthSize + int(cell>>32)
	}
	return w.width
}

// measure returns what the values of the chunk take, and how many there are not.
func (w *chunkWriter) measure() (size, nulls int) {
	for i := range w.rows.count {
		if cell, ok := w.rows.cell(i, w.column); ok {
			size += w.valueSize(cell)
		} else {
			nulls++
		}
	}
	return size, nulls
}

// statistics summarizes the values of the chunk; those in the dictionary are all.
func (w *chunkWriter) statistics(nulls int) format.Statistics {
	s := newSummary(w.field, w.rows)
	if w.dict {
		for _, cell := range w.distinct.cells {
			s.add(cell)
		}
		return s.statistics(nulls)
	}
	for i := range w.rows.count {
		if cell, ok := w.rows.cell(i, w.column); ok {
			s.add(cell)
		}
	}
	return s.statistics(nulls)
}

// worthDictionary puts places in a dictionary into the cells if the chunk gets
// smaller by it, from size bytes of values.
func (w *chunkWriter) worthDictionary(size int) bool {
	if w.field.kind == kindBool || size == 0 {
		return false
	}
	d := w.distinct
	d.reset()
	values, small := 0, true
	row := 0
	for ; row < w.rows.count && small; row++ {
		cell, ok := w.rows.cell(row, w.column)
		if !ok {
			continue
		}
		var place int
		if place, small = d.place(w.rows, cell, w.width); small {
			w.rows.set(row, w.column, uint64(place))
			values++
		} else {
			row-- // this one is as it was
		}
	}
	if small && d.size+values*d.width()/8 < size {
		return true
	}
	for row--; row >= 0; row-- {
		if place, ok := w.rows.cell(row, w.column); ok {
			w.rows.set(row, w.column, d.cells[place])
		}
	}
	return false
}

// pageEnd is the row behind the last one of a page that begins with row first.
func (w *chunkWriter) pageEnd(first int) int {
	bits := 0 // of values and levels
	for row := first; row < w.rows.count; row++ {
		cell, ok := w.rows.cell(row, w.column)
		bits++
		switch {
		case !ok:
		case w.dict:
			bits += w.distinct.width()
		case w.field.kind == kindBool:
			bits++
		default:
			bits += 8 * w.valueSize(cell)
		}
		if bits > 8*pageBytes && row > first {
			return row
		}
	}
	return w.rows.count
}

// writePage writes the rows from first to end as a page of version 1, which every
// reader knows.
func (w *chunkWriter) writePage(ctx context.Context, first, end int) error {
	w.room(first)
	page := append(w.page[:0], 0, 0, 0, 0)
	page = w.appendLevels(page, first, end)
	binary.LittleEndian.PutUint32(page, uint32(len(page)-lengthSize))
	encoding := format.Plain
	switch {
	case w.dict:
		encoding = format.RLEDictionary
		page = w.appendPlaces(page, first, end)
	case w.field.kind == kindBool:
		page = w.appendBits(page, first, end)
	default:
		page = w.appendValues(page, first, end)
	}
	w.page = page
	return w.emit(ctx, format.PageHeader{
		Type: format.DataPage,
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues: int32(end - first), Encoding: encoding,
			DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
		}),
	})
}

// room makes room for a page that begins with the row: for a value that is larger
// than pages are, just as much as it takes.
func (w *chunkWriter) room(first int) {
	need := pageBytes + pageBytes/8 + pageSlack
	if cell, ok := w.rows.cell(first, w.column); ok && !w.dict {
		need = max(need, w.valueSize(cell)+pageSlack)
	}
	if cap(w.page) < need {
		w.page = make([]byte, 0, need)
	}
}

// emit compresses w.page and writes it behind its header.
func (w *chunkWriter) emit(ctx context.Context, h format.PageHeader) error {
	body := w.page
	if w.compress.codec != format.Uncompressed {
		if need := worstCase(len(body)); cap(w.packed) < need {
			w.packed = make([]byte, 0, need)
		}
		var err error
		if body, err = w.compress.compress(w.packed, body); err != nil {
			return err
		}
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(w.page)), int32(len(body))
	h.CRC = int32(crc32.ChecksumIEEE(body))
	head, err := thrift.Marshal(&w.protocol, h)
	if err != nil {
		return err
	}
	w.meta.TotalUncompressedSize += int64(len(head) + len(w.page))
	w.meta.TotalCompressedSize += int64(len(head) + len(body))
	if err := w.out.write(ctx, head); err != nil {
		return err
	}
	return w.out.write(ctx, body)
}

// writeDictionary writes the distinct values.
func (w *chunkWriter) writeDictionary(ctx context.Context) error {
	page := w.page[:0]
	for _, cell := range w.distinct.cells {
		page = w.appendValue(page, cell)
	}
	w.page = page
	return w.emit(ctx, format.PageHeader{
		Type: format.DictionaryPage,
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: int32(len(w.distinct.cells)), Encoding: format.Plain,
		}),
	})
}
