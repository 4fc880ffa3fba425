package parquet

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir"
)

// writer writes one file. It collects the records of a row group, and then writes
// that column by column.
type writer struct {
	inner weir.Writer
	name  string // the stream's
	o     Options

	fields []field // nil until they are known
	places map[string]int
	hints  []int // the column of a record's member, by the member's number
	scan   members
	key    []byte
	rows   rows
	chunks chunkWriter
	out    *output
	footer footer
}

var _ weir.Writer = (*writer)(nil)

// columnHolds is what a column takes beside its values, in bytes, about.
const columnHolds = 512 + int64(unsafe.Sizeof(field{})) + int64(unsafe.Sizeof(format.ColumnChunk{}))

// writerHolds is what a writer holds at most: a row group; the largest page, the same
// compressed and the largest value that had to be unquoted; the footer; the dictionary;
// the encoder; a write to the sink underneath.
func writerHolds(o Options) int64 {
	page := max(pageBytes+pageBytes/8, o.RowGroupBytes/recordShare) + pageSlack
	n := int64(o.RowGroupBytes) + int64(page) + int64(worstCase(page)) + int64(o.RowGroupBytes/recordShare)
	n += int64(o.FooterBytes) + footerPiece
	n += 2*2*maxDistinct + 8*maxDistinct
	n += compressorSize(o.Compression) + outputBytes
	n += int64(o.MaxColumns)*columnHolds + 4*maxFieldNames
	return n
}

func newWriter(inner weir.Writer, name string, o Options, outputSize int) (*writer, error) {
	c, err := newCompressor(o.Compression)
	if err != nil {
		return nil, err
	}
	w := &writer{inner: inner, name: name, o: o, out: newOutput(inner, outputSize)}
	w.rows.mem = make([]byte, o.RowGroupBytes)
	w.chunks = chunkWriter{rows: &w.rows, out: w.out, compress: c, distinct: newDistinct()}
	w.footer.limit = o.FooterBytes
	return w, nil
}

func (w *writer) setFields(fields []field) {
	w.fields, w.footer.fields = fields, fields
	w.places = make(map[string]int, len(fields))
	for i, f := range fields {
		w.places[f.name] = i
	}
	w.hints = make([]int, len(fields))
	for i := range w.hints {
		w.hints[i] = i
	}
	w.rows.reset(len(fields))
}

// Write puts the records into columns. The first one decides what those are, unless a
// schema does.
func (w *writer) Write(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := w.write(ctx, b); err != nil {
		return newError("write", w.name, err)
	}
	if ctx.Err() != nil { // most writes only fill rows and never ask
		return context.Cause(ctx)
	}
	return nil
}

func (w *writer) write(ctx context.Context, b *weir.Batch) error {
	if b.Records() == 0 {
		if b.Len() > 0 {
			return invalid("parquet needs records and these are bytes; say in which format they are (ndjson, csv, …)")
		}
		return nil
	}
	if w.fields == nil {
		fields, err := infer(b, w.o.MaxColumns)
		if err != nil {
			return err
		}
		w.setFields(fields)
	}
	for i := range b.Records() {
		rec := b.Record(i)
		err := w.put(rec)
		if errors.Is(err, errRowsFull) {
			if err = w.flush(ctx); err != nil {
				return err
			}
			err = w.put(rec)
		}
		if err == nil {
			continue
		}
		if err := w.o.Bad.Decide(ctx, w.bad(b, i, err), b); err != nil {
			return err
		}
	}
	return nil
}

// bad describes record i of b, which cannot be used.
func (w *writer) bad(b *weir.Batch, i int, reason error) *weir.BadRecord {
	r := b.Bad(i, "parquet", reason)
	r.Stream = w.name
	return r
}

// put adds a record to the rows, all of it or nothing.
func (w *writer) put(rec []byte) error {
	if !w.rows.begin() {
		return errRowsFull
	}
	more, err := true, w.scan.reset(rec)
	for more && err == nil {
		if more, err = w.scan.next(); more {
			err = w.putMember()
		}
	}
	if err != nil {
		w.rows.drop()
		return err
	}
	w.rows.end()
	return nil
}

// putMember sets the cell of the member that the scan is at. Of members with one name
// the last one counts.
func (w *writer) putMember() error {
	m := &w.scan
	column, err := w.column(m)
	if err != nil {
		return err
	}
	null := m.raw[0] == 'n'
	if column < 0 {
		if null {
			return nil
		}
		return fmt.Errorf("it has the field %.64q and the file has no such column: the columns were decided by the first records; give a schema", m.key)
	}
	if null {
		w.rows.unset(w.rows.count, column)
		return nil
	}
	f := &w.fields[column]
	cell, err := f.parse(&w.rows, m.kind, m.raw)
	if err == nil && f.isBytes() && int(cell>>32) > w.o.RowGroupBytes/recordShare {
		err = fmt.Errorf("it has more than %d bytes", w.o.RowGroupBytes/recordShare)
	}
	if err != nil {
		if errors.Is(err, errRowsFull) {
			return err
		}
		return fmt.Errorf("column %.64q (%s): %w", f.name, kindNames[f.kind], err)
	}
	w.rows.set(w.rows.count, column, cell)
	return nil
}

// column returns the column of a member; none: there is no such column. Records
// mostly have their members in the same order.
func (w *writer) column(m *members) (int, error) {
	hinted := m.n-1 < len(w.hints)
	if hinted && !m.escaped {
		if hint := w.hints[m.n-1]; w.fields[hint].name == string(m.key) {
			return hint, nil
		}
	}
	name, err := m.name(w.key)
	if err != nil {
		return none, err
	}
	if m.escaped {
		w.key = name
	}
	column, ok := w.places[string(name)]
	if !ok {
		return none, nil
	}
	if hinted {
		w.hints[m.n-1] = column
	}
	return column, nil
}

// flush writes the rows as a row group.
func (w *writer) flush(ctx context.Context) error {
	if w.out.off == 0 {
		if err := w.out.write(ctx, []byte(magic)); err != nil {
			return err
		}
	}
	if w.rows.count == 0 {
		return nil
	}
	start := w.out.off
	g := format.RowGroup{
		Columns: make(thrift.Slice[format.ColumnChunk], len(w.fields)), NumRows: int64(w.rows.count), FileOffset: start,
	}
	for i := range w.fields {
		c, err := w.chunks.write(ctx, &w.fields[i], i)
		if err != nil {
			return err
		}
		g.Columns[i] = c
		g.TotalByteSize += c.MetaData.TotalUncompressedSize
	}
	g.TotalCompressedSize = w.out.off - start
	w.rows.reset(len(w.fields))
	return w.footer.add(&g)
}

// Commit writes the last row group and the footer, and commits.
func (w *writer) Commit(ctx context.Context) error {
	err := w.flush(ctx)
	if err == nil {
		err = w.footer.write(ctx, w.out)
	}
	if err != nil {
		return newError("commit", w.name, joinAbort(ctx, w.inner, err))
	}
	return w.inner.Commit(ctx)
}

// joinAbort aborts a Writer that will see no Commit because of err.
func joinAbort(ctx context.Context, w weir.Writer, err error) error {
	return errors.Join(err, w.Abort(context.WithoutCancel(ctx), err))
}

// Abort aborts.
func (w *writer) Abort(ctx context.Context, cause error) error { return w.inner.Abort(ctx, cause) }
