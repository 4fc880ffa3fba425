package parquet

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/parquet-go/parquet-go/format"
)

// The first and last four bytes of a file; those of one whose metadata is
// encrypted.
const (
	magic          = "PAR1"
	magicEncrypted = "PARE"
)

// tailSize is the end of a file: the size of the metadata before it, and magic.
const tailSize = 8

// The windows through which metadata and page headers are read, in bytes.
const (
	metadataWindow = 16 << 10
	headerWindow   = 1 << 10
)

// A metadata is the file's own description, read where it stands: the row groups
// one at a time, so that their number takes no memory.
type metadata struct {
	r       compact
	schema  *schema
	rows    int64  // of the file, as it says
	id      uint64 // changes with the file's content
	pages   int64  // offset behind the last byte that can belong to a page
	groups  int    // row groups
	next    int    // the row group to read next
	groupAt int64  // where its metadata begins
}

// A chunk is one column's part of a row group.
type chunk struct {
	at     int64 // offset of its first page
	values int64 // entries in all of its pages
	codec  format.CompressionCodec
}

// openMetadata reads the end of a file of size bytes, up to its schema.
func openMetadata(ctx context.Context, src io.ReaderAt, size int64, wanted []string) (*metadata, error) {
	if size < int64(len(magic)+tailSize) {
		return nil, corrupt("a file of %d bytes is too short", size)
	}
	var tail [tailSize]byte
	if err := readFull(ctx, src, tail[:], size-tailSize); err != nil {
		return nil, err
	}
	switch string(tail[4:]) {
	case magic:
	case magicEncrypted:
		return nil, invalid("it is encrypted, which is not supported; decrypt it first")
	default:
		return nil, corrupt("it does not end with %q: it is not a Parquet file, or not a whole one", magic)
	}
	m := &metadata{pages: size - tailSize - int64(binary.LittleEndian.Uint32(tail[:]))}
	if m.pages < int64(len(magic)) {
		return nil, corrupt("its metadata is said to have %d bytes, more than the file", binary.LittleEndian.Uint32(tail[:]))
	}
	if err := readFull(ctx, src, tail[:4], 0); err != nil {
		return nil, err
	}
	if string(tail[:4]) != magic {
		return nil, corrupt("it does not begin with %q: it is not a Parquet file", magic)
	}
	m.r = compact{ctx: ctx, src: src, end: size - tailSize, window: make([]byte, metadataWindow)}
	m.r.seek(m.pages)
	if err := m.head(wanted); err != nil {
		return nil, err
	}
	return m, m.fingerprint(size)
}

// head reads FileMetaData up to its row groups.
func (m *metadata) head(wanted []string) error {
	r := &m.r
	var elements []element
	reached := false
	r.fields(func(id int, kind byte) bool {
		switch {
		case reached:
		case id == 2:
			elements = r.elements(kind)
		case id == 3:
			m.rows = r.integer(kind)
		case id == 4:
			reached = true
			m.groups = r.list(kind, thriftStruct)
			m.groupAt = r.offset()
			r.skipAll(m.groups, thriftStruct)
		default:
			return false
		}
		return true
	})
	if r.err == nil && !reached {
		r.fail("its metadata has no row groups")
	}
	if r.err != nil {
		return r.err
	}
	var err error
	m.schema, err = newSchema(elements, wanted)
	return err
}

// elements reads the schema.
func (r *compact) elements(kind byte) []element {
	n := r.list(kind, thriftStruct)
	if n > maxElements {
		r.err = invalid("its schema has %d columns and groups; at most %d are read", n, maxElements)
		return nil
	}
	names := 0
	var all []element
	for i := 0; i < n && r.err == nil; i++ {
		e := r.element()
		if names += len(e.name); names > maxNames {
			r.err = invalid("the names in its schema have more than %d bytes", maxNames)
		}
		all = append(all, e)
	}
	return all
}

// fingerprint derives the file's id from its size and its metadata, where the sizes,
// offsets and bounds of everything in it are.
func (m *metadata) fingerprint(size int64) error {
	h := fnvOffset
	for _, c := range binary.LittleEndian.AppendUint64(nil, uint64(size)) {
		h = (h ^ uint64(c)) * fnvPrime
	}
	r := &m.r
	for r.seek(m.pages); r.err == nil && r.offset() < r.end; {
		h = (h ^ uint64(r.byte())) * fnvPrime
	}
	m.id = h
	return r.err
}

// The constants of FNV-1a.
const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

// nextGroup reads the metadata of the next row group into chunks, one for each
// leaf of the schema, and returns its number of rows. It returns io.EOF behind the
// last one.
func (m *metadata) nextGroup(ctx context.Context, chunks []chunk) (rows int64, err error) {
	if m.next == m.groups {
		return 0, io.EOF
	}
	r := &m.r
	r.ctx = ctx
	r.seek(m.groupAt)
	rows = none
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			m.chunks(kind, chunks)
		case 3:
			rows = r.integer(kind)
		default:
			return false
		}
		return true
	})
	if r.err == nil && rows < 0 {
		r.fail("its row group %d does not say how many rows it has", m.next)
	}
	if r.err != nil {
		return 0, r.err
	}
	m.groupAt = r.offset()
	m.next++
	return rows, nil
}

// rewind goes back to the first row group, whose metadata is at offset at.
func (m *metadata) rewind(at int64) { m.next, m.groupAt = 0, at }

// chunks reads the list of column chunks of a row group.
func (m *metadata) chunks(kind byte, chunks []chunk) {
	r := &m.r
	n := r.list(kind, thriftStruct)
	if r.err == nil && n != m.schema.columns {
		r.fail("its row group %d has %d columns, its schema %d", m.next, n, m.schema.columns)
	}
	leaf := 0
	for i := 0; i < n && r.err == nil; i++ {
		if leaf < len(chunks) && m.schema.leaves[leaf].ordinal == i {
			chunks[leaf] = m.chunk(m.schema.leaves[leaf])
			leaf++
		} else {
			r.skip(thriftStruct)
		}
	}
}

// chunk reads a ColumnChunk of the column l.
func (m *metadata) chunk(l *leaf) chunk {
	r := &m.r
	var c chunk
	var dictionary int64
	found := false
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			if len(r.binary(kind, maxName)) > 0 {
				r.err = invalid("its column %q is in another file, which is not supported", l.path)
			}
		case 3:
			found = true
			r.fields(func(id int, kind byte) bool {
				switch id {
				case 1:
					if t := format.Type(r.integer(kind)); t != l.physical {
						r.fail("its column %q is %s in row group %d and %s in the schema", l.path, t, m.next, l.physical)
					}
				case 4:
					c.codec = format.CompressionCodec(r.integer(kind))
				case 5:
					c.values = r.integer(kind)
				case 9:
					c.at = r.integer(kind)
				case 11:
					dictionary = r.integer(kind)
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
	switch {
	case r.err != nil:
		return chunk{}
	case !found:
		r.err = invalid("its column %q is encrypted, which is not supported; decrypt it first", l.path)
	case c.values < 0:
		r.fail("its column %q has %d values in row group %d", l.path, c.values, m.next)
	}
	if dictionary > 0 && dictionary < c.at {
		c.at = dictionary
	}
	return c
}
