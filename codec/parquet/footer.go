package parquet

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir"
)

// footerPiece is the size of the pieces in which the descriptions of row groups are
// kept, in bytes.
const footerPiece = 64 << 10

// createdBy names the program in the files it writes.
const createdBy = "weir (github.com/weirflow/weir)"

// A footer is the descriptions of the row groups of a file, which are written at its
// end, encoded already: so that each takes as few bytes in memory as in the file.
type footer struct {
	fields   []field
	limit    int // bytes it may take
	pieces   [][]byte
	size     int
	groups   int
	rows     int64
	protocol thrift.CompactProtocol
}

// add adds a row group.
func (f *footer) add(g *format.RowGroup) error {
	if f.groups == math.MaxInt16 {
		return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf(
			"a file has at most %d row groups; write to several files, or raise RowGroupBytes", math.MaxInt16)}
	}
	g.Ordinal = int16(f.groups)
	b, err := thrift.Marshal(&f.protocol, *g)
	if err != nil {
		return err
	}
	if f.size += len(b); f.size > f.limit {
		return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf(
			"the descriptions of %d row groups of %d columns take more than the %d bytes of FooterBytes; write to several files, or raise RowGroupBytes or FooterBytes",
			f.groups+1, len(f.fields), f.limit)}
	}
	f.groups++
	f.rows += g.NumRows
	for len(b) > 0 {
		last := len(f.pieces) - 1
		if last < 0 || len(f.pieces[last]) == footerPiece {
			f.pieces = append(f.pieces, make([]byte, 0, footerPiece))
			continue
		}
		n := min(len(b), footerPiece-len(f.pieces[last]))
		f.pieces[last] = append(f.pieces[last], b[:n]...)
		b = b[n:]
	}
	return nil
}

// The heads of the fields of FileMetaData as they follow each other: how much the
// field's number is larger than that of the one before, and its type.
const (
	headVersion      = 1<<4 | thriftI32
	headSchema       = 1<<4 | thriftList
	headRows         = 1<<4 | thriftI64
	headGroups       = 1<<4 | thriftList
	headCreatedBy    = 2<<4 | thriftBinary
	headColumnOrders = 1<<4 | thriftList
)

// formatVersion is the one that FileMetaData names.
const formatVersion = 2

// write writes the end of the file. A FileMetaData is put together from parts, since
// all of it at once would take many times what is written.
func (f *footer) write(ctx context.Context, out *output) error {
	start := out.off
	head := []byte{headVersion, formatVersion << 1, headSchema}
	head, err := f.appendSchema(head)
	if err != nil {
		return err
	}
	head = binary.AppendVarint(append(head, headRows), f.rows)
	head = appendListHead(append(head, headGroups), f.groups)
	if err := out.write(ctx, head); err != nil {
		return err
	}
	for _, piece := range f.pieces {
		if err := out.write(ctx, piece); err != nil {
			return err
		}
	}
	tail := binary.AppendUvarint([]byte{headCreatedBy}, uint64(len(createdBy)))
	tail = append(tail, createdBy...)
	if tail, err = f.appendOrders(append(tail, headColumnOrders)); err != nil {
		return err
	}
	tail = append(tail, 0)
	tail = binary.LittleEndian.AppendUint32(tail, uint32(out.off-start+int64(len(tail))))
	if err := out.write(ctx, append(tail, magic...)); err != nil {
		return err
	}
	return out.flush(ctx)
}

// appendListHead appends the head of a list of n structs.
func appendListHead(b []byte, n int) []byte {
	if n < 15 {
		return append(b, byte(n)<<4|thriftStruct)
	}
	return binary.AppendUvarint(append(b, 15<<4|thriftStruct), uint64(n))
}

func (f *footer) appendSchema(b []byte) ([]byte, error) {
	b = appendListHead(b, len(f.fields)+1)
	root := format.SchemaElement{Name: "record", NumChildren: thrift.New(int32(len(f.fields)))}
	b, err := f.appendStruct(b, root)
	for i := 0; i < len(f.fields) && err == nil; i++ {
		b, err = f.appendStruct(b, f.fields[i].element())
	}
	return b, err
}

// appendOrders says that every column is ordered as its type is.
func (f *footer) appendOrders(b []byte) ([]byte, error) {
	b = appendListHead(b, len(f.fields))
	var err error
	for i := 0; i < len(f.fields) && err == nil; i++ {
		b, err = f.appendStruct(b, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	return b, err
}

func (f *footer) appendStruct(b []byte, v any) ([]byte, error) {
	part, err := thrift.Marshal(&f.protocol, v)
	return append(b, part...), err
}
