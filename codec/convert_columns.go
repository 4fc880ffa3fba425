package codec

import (
	"errors"
	"fmt"
	"sync"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// foundMemory is what the columns that were found of a stream take at most.
const foundMemory = 192 << 10

// columnBytes is what a column takes beside its name, which is there three times: in
// the list, in the header and in the index.
const columnBytes = 128

// columns are those of the rows that are written.
type columns struct {
	names  []string
	keys   []columnKey // the same
	index  map[string]int
	header []byte // the first row, with the end of its line; nil: there is none
}

// newColumns returns the columns of f with these names, which checkColumns has
// accepted.
func newColumns(names []string, f Format) (*columns, error) {
	c := &columns{names: names, keys: make([]columnKey, len(names)), index: make(map[string]int, len(names))}
	for k, name := range names {
		c.index[name] = k
		c.keys[k] = newColumnKey(name)
	}
	if f.NoHeader {
		return c, nil
	}
	w := newFieldWriter(f)
	size := 2 * slack
	for _, name := range names {
		size += 2*len(name) + len(`"",`)
	}
	row := make([]byte, size)
	n := 0
	for k, name := range names {
		if k > 0 {
			row[n] = w.sep
			n++
		}
		var err error
		if n, err = w.name(row, n, name); err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
	}
	c.header = append(append(c.header, row[:n]...), '\n')
	return c, nil
}

// A columnKey is the name of a column, to be compared with keys.
type columnKey struct {
	first uint64 // eight bytes, or fewer and zeros
	mask  uint64 // of first
	size  int
	rest  string
}

func newColumnKey(name string) columnKey {
	var first [8]byte
	n := copy(first[:], name)
	key := columnKey{first: load(first[:], 0), size: len(name), rest: name[n:]}
	if n > 0 {
		key.mask = ^uint64(0) >> (64 - 8*n)
	}
	return key
}

// is reports whether src[i:j], behind which a string ends and a value follows, is
// the name.
func (k *columnKey) is(src []byte, i, j int) bool {
	if j-i != k.size || i > len(src)-8 || load(src, i)&k.mask != k.first {
		return false
	}
	return k.rest == "" || k.rest == string(src[i+8:j])
}

// checkColumns reports what is wrong with the names of columns.
func checkColumns(names []string) error {
	if len(names) > maxColumns {
		return fmt.Errorf("there are %d columns; the limit is %d", len(names), maxColumns)
	}
	seen, size := make(map[string]bool, len(names)), 0
	for _, name := range names {
		if seen[name] {
			return fmt.Errorf("the column %q is there twice", name)
		}
		seen[name] = true
		size += len(name)
	}
	if size > maxHeader {
		return fmt.Errorf("the names of the columns have %d bytes; the limit is %d", size, maxHeader)
	}
	return nil
}

// columnsOf returns the names of the members of an object.
func columnsOf(o *jsonscan.Object, b []byte) ([]string, error) {
	names, seen, size := make([]string, 0, len(o.Members)), make(map[string]bool, len(o.Members)), 0
	for i := range o.Members {
		name, err := nameOf(&o.Members[i], b)
		if err != nil {
			return nil, err
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
			size += columnBytes + 3*len(name)
		}
	}
	if size > foundMemory {
		return nil, fmt.Errorf("they take %d bytes; the limit is %d where they are not named (--columns)", size, foundMemory)
	}
	return names, checkColumns(names)
}

// nameOf returns the text of a key.
func nameOf(m *jsonscan.Member, b []byte) (string, error) {
	if !m.KeyEscaped {
		return string(m.Key(b)), nil
	}
	text, err := jsonscan.Unquote(nil, b[m.KeyStart-1:m.KeyEnd+1])
	return string(text), err
}

// A finder keeps the columns that were found for each stream that is open.
type finder struct {
	joined bool // all streams have the columns of the first one

	mu      sync.Mutex
	streams map[string]*found
}

// key is what the columns of a stream are found under.
func (f *finder) key(stream string) string {
	if f.joined {
		return ""
	}
	return stream
}

// found are the columns of one stream.
type found struct {
	mu      sync.Mutex
	columns *columns // nil: not found yet
}

// open begins a stream.
func (f *finder) open(stream string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	stream = f.key(stream)
	switch {
	case f.streams[stream] == nil:
	case f.joined:
		return nil
	default:
		return &weir.Error{Kind: weir.Rejected, Err: errors.New("another stream of that name is open: name the columns (--columns)")}
	}
	if f.streams == nil {
		f.streams = map[string]*found{}
	}
	f.streams[stream] = new(found)
	return nil
}

// close ends a stream.
func (f *finder) close(stream string) {
	if f.joined {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.streams, stream)
}

// of returns the columns of a stream, which find returns if they are not known
// yet; nil if it does not find any.
func (f *finder) of(stream string, find func() (*columns, error)) (*columns, error) {
	f.mu.Lock()
	s := f.streams[f.key(stream)]
	f.mu.Unlock()
	if s == nil {
		return nil, &weir.Error{Kind: weir.Invalid, Err: errors.New("the columns of a stream are found where it is written with Encoder.Sink only")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.columns != nil {
		return s.columns, nil
	}
	c, err := find()
	s.columns = c
	return c, err
}

// header returns the header of a stream whose columns were found, or nothing.
func (f *finder) header(stream string) string {
	f.mu.Lock()
	s := f.streams[stream]
	f.mu.Unlock()
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.columns == nil {
		return ""
	}
	return string(s.columns.header)
}

// set gives a stream the columns that an earlier run has found.
func (f *finder) set(stream, header string, to Format) error {
	names, err := headerFields([]byte(header), to)
	if err != nil {
		return err
	}
	c, err := newColumns(names, to)
	if err != nil {
		return err
	}
	_, err = f.of(stream, func() (*columns, error) { return c, nil })
	return err
}
