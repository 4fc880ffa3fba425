package codec

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// maxMembers is the number of members of an object that becomes a row: more than
// there are columns, for those that are there twice.
const maxMembers = 2 * maxColumns

// objectMemory is what a rowWriter holds of the widest object: 20 bytes a member,
// with room for growth, and an index a column.
const objectMemory = 30*maxMembers + 4*maxColumns

var errNoMembers = errors.New("the object has no members, and neither has any before it: name the columns (--columns)")

// A keyError is an object that has a member without a column.
type keyError struct{ key string }

func (e *keyError) Error() string {
	return fmt.Sprintf("the member %q is not one of the columns: name it too (--columns), or leave it out (--drop)", e.key)
}

// A rowWriter writes JSON objects as rows of separated values.
type rowWriter struct {
	fieldWriter
	format  Format
	payload func(record []byte) []byte // of the records that are read
	finder  *finder                    // nil: the columns are given
	drop    bool                       // members without a column are left out

	columns *columns
	object  jsonscan.Object
	places  []int32 // of the members, by column; -1: missing
}

// begin finds out what the columns are.
func (w *rowWriter) begin(in, out *weir.Batch) error {
	if w.finder != nil {
		c, err := w.finder.of(in.Stream(), func() (*columns, error) { return w.find(in) })
		if err != nil {
			return err
		}
		w.columns = c
	}
	if w.columns != nil {
		out.SetHeader(w.columns.header)
	}
	return nil
}

// find returns the columns that the members of the first object of in are. Without
// one every record of in is a bad one.
func (w *rowWriter) find(in *weir.Batch) (*columns, error) {
	for i := range in.Records() {
		rec := w.payload(in.Record(i))
		if w.scan(rec) != nil || len(w.object.Members) == 0 {
			continue
		}
		names, err := columnsOf(&w.object, rec)
		if err == nil {
			var c *columns
			if c, err = newColumns(names, w.format); err == nil {
				return c, nil
			}
		}
		return nil, &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf("the columns of the first object: %w", err)}
	}
	return nil, nil
}

// scan finds the members of an object, with memory that is known ahead.
func (w *rowWriter) scan(rec []byte) error {
	if len(rec) > 5*maxMembers && bytes.Count(rec, []byte{':'}) > maxMembers {
		if n := countMembers(rec); n > maxMembers {
			return fmt.Errorf("the object has %d members; the limit is %d", n, maxMembers)
		}
	}
	return w.object.Scan(rec)
}

// put writes an object as a row.
func (w *rowWriter) put(dst, src []byte, i, end int) (int, error) {
	rec := src[i:end]
	if err := w.scan(rec); err != nil {
		return 0, err
	}
	if w.columns == nil { // every object before had no members, and neither has this one
		return 0, errNoMembers
	}
	n, ok, err := w.inOrder(dst, src, i)
	if !ok && err == nil {
		n, err = w.anyOrder(dst, src, i)
	}
	if err != nil {
		return 0, err
	}
	if n > 0 || len(w.columns.names) > 1 {
		return n, nil
	}
	if !w.quotes { // an empty line would be no row
		return 0, errEmptyRow
	}
	return copy(dst, `""`), nil
}

// inOrder writes the object, whose record begins at src[i], if its members are in
// the order of the columns, with some missing or not. It reports false if they are
// not.
func (w *rowWriter) inOrder(dst, src []byte, i int) (n int, ok bool, err error) {
	c, k := w.columns, 0
	for j := range w.object.Members {
		m := &w.object.Members[j]
		from, to := i+int(m.KeyStart), i+int(m.KeyEnd)
		for k < len(c.keys) && !c.keys[k].is(src, from, to) {
			if n = w.divide(dst, n, k); n < 0 {
				return 0, false, weir.ErrBatchFull
			}
			k++
		}
		if k == len(c.keys) || m.KeyEscaped {
			return 0, false, nil
		}
		if n = w.divide(dst, n, k); n < 0 {
			return 0, false, weir.ErrBatchFull
		}
		k++
		if n, err = w.value(dst, n, src, i, m); err != nil {
			return 0, false, err
		}
	}
	for ; k < len(c.keys); k++ {
		if n = w.divide(dst, n, k); n < 0 {
			return 0, false, weir.ErrBatchFull
		}
	}
	return n, true, nil
}

// divide writes the separator before column k.
func (w *rowWriter) divide(dst []byte, n, k int) int {
	if n+1+slack > len(dst) {
		return -1
	}
	if k == 0 {
		return n
	}
	dst[n] = w.sep
	return n + 1
}

// anyOrder writes the object, whose record begins at src[i], with its members in
// whatever order.
func (w *rowWriter) anyOrder(dst, src []byte, i int) (n int, err error) {
	if w.places == nil {
		w.places = make([]int32, maxColumns)
	}
	places := w.places[:len(w.columns.names)]
	for k := range places {
		places[k] = -1
	}
	for j := range w.object.Members {
		m := &w.object.Members[j]
		k, err := w.column(src, i, m)
		switch {
		case err != nil:
			return 0, err
		case k >= 0:
			places[k] = int32(j)
		}
	}
	for k, j := range places {
		if n = w.divide(dst, n, k); n < 0 {
			return 0, weir.ErrBatchFull
		}
		if j < 0 {
			continue
		}
		if n, err = w.value(dst, n, src, i, &w.object.Members[j]); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// column returns the index of the column of m, or -1 if it has none and is left
// out.
func (w *rowWriter) column(src []byte, i int, m *jsonscan.Member) (int, error) {
	rec := src[i:]
	k, ok := w.columns.index[string(m.Key(rec))]
	if m.KeyEscaped {
		name, err := nameOf(m, rec)
		if err != nil {
			return 0, err
		}
		k, ok = w.columns.index[name]
	}
	switch {
	case ok:
		return k, nil
	case w.drop:
		return -1, nil
	}
	name, err := nameOf(m, rec)
	if err != nil {
		return 0, err
	}
	return 0, &keyError{name[:min(len(name), maxKeyInError)]}
}

// maxKeyInError is how much of a key an error shows, in bytes.
const maxKeyInError = 100

// value writes the value of a member of the record at src[i:] as a field.
func (w *rowWriter) value(dst []byte, n int, src []byte, i int, m *jsonscan.Member) (int, error) {
	from, to := i+int(m.ValStart), i+int(m.ValEnd)
	switch {
	case m.Kind == jsonscan.Null:
		return n, nil
	case m.Kind == jsonscan.String && !m.ValEscaped:
		return w.plain(dst, n, src, from+1, to-1)
	case m.Kind == jsonscan.String:
		if n+1+textRoom(src[from:to])+slack > len(dst) {
			return 0, weir.ErrBatchFull
		}
		text, err := jsonscan.Unquote(dst[:n+1], src[from:to])
		if err != nil {
			return 0, err
		}
		return w.settle(dst, n, len(text), false)
	case !w.common && m.Kind < jsonscan.Array && w.divides(src[from:to]):
		return w.quoted(dst, n, src[from:to])
	case n+1+(to-from)+slack > len(dst):
		return 0, weir.ErrBatchFull
	case m.Kind == jsonscan.Array || m.Kind == jsonscan.ObjectKind:
		return w.settle(dst, n, len(jsonscan.Compact(dst[:n+1], src[from:to])), true)
	case to-from <= 8 && from <= len(src)-8:
		store(dst, n, load(src, from))
		return n + to - from, nil
	}
	return n + copy(dst[n:], src[from:to]), nil
}

// textRoom is how many bytes the text of a JSON string has at most.
func textRoom(quoted []byte) int {
	if utf8.Valid(quoted) {
		return len(quoted)
	}
	return 3 * len(quoted)
}

// countMembers counts the members of an object without keeping them; 0 if it is
// not one.
func countMembers(rec []byte) int {
	i := bytes.IndexByte(rec, '{') + 1
	for n := 0; i > 0; n++ {
		_, end, kind, err := jsonscan.Value(rec, i)
		if err != nil || kind != jsonscan.String {
			return n
		}
		colon := bytes.IndexByte(rec[end:], ':')
		if colon < 0 {
			return n
		}
		if _, end, _, err = jsonscan.Value(rec, end+colon+1); err != nil {
			return n
		}
		comma := bytes.TrimLeft(rec[end:], " \t\r\n")
		if len(comma) == 0 || comma[0] != ',' {
			return n + 1
		}
		i = len(rec) - len(comma) + 1
	}
	return 0
}
