package codec

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/weirflow/weir"
)

// Limits on rows, so that what a worker holds beside its batches is known ahead.
const (
	maxColumns = 4096
	maxHeader  = 64 << 10 // bytes of the names of all columns
)

// keyMemory is what the keys of the widest row take.
const keyMemory = maxColumns*(rowKeyBytes+2*slack) + longestEscape*maxHeader

// rowKeyBytes is what a rowKey takes without its text, rounded up.
const rowKeyBytes = 64

// A rowKey is what stands before the value of a column in an object: the brace or
// comma, the quoted name and the colon.
type rowKey struct {
	first [3]uint64 // most names fit in; what is behind the text is garbage
	rest  []byte    // what does not fit, padded to whole words
	room  int       // bytes that put writes, and the slack
	size  int
}

// newRowKey returns the key of the column at index k.
func newRowKey(k int, name []byte) rowKey {
	text := make([]byte, longestEscape*len(name)+len(`{"":`)+24+slack)
	text[0], text[1] = ',', '"'
	if k == 0 {
		text[0] = '{'
	}
	n, _ := putText(text, 2, name, false, false) // there is room, and it is not strict
	n += copy(text[n:], `":`)
	padded := max(24, (n+7)&^7)
	key := rowKey{size: n, room: padded + slack, rest: slices.Clone(text[24:padded])}
	for i := range key.first {
		key.first[i] = load(text, 8*i)
	}
	return key
}

// put writes the key to dst[n:], where there is room, and returns where it ends.
func (k *rowKey) put(dst []byte, n int) int {
	d := dst[n : n+24]
	store(d, 0, k.first[0])
	store(d, 8, k.first[1])
	store(d, 16, k.first[2])
	if len(k.rest) > 0 {
		copy(dst[n+24:], k.rest)
	}
	return n + k.size
}

// newRowKeys returns the keys of columns with these names.
func newRowKeys(names []string) []rowKey {
	keys := make([]rowKey, len(names))
	for k, name := range names {
		keys[k] = newRowKey(k, []byte(name))
	}
	return keys
}

// headerNames returns the names of the columns under a header. A column without a
// name gets one from its place, and of columns with the same name the later ones
// get a number.
func headerNames(header []byte, f Format) ([]string, error) {
	names, err := headerFields(header, f)
	return uniqueNames(names), err
}

// headerFields returns the fields of a header.
func headerFields(header []byte, f Format) ([]string, error) {
	row, err := headerRow(header)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := 0; ; i++ {
		j, name, err := cutField(row, i, f)
		if err != nil {
			return nil, headerError("%w", err)
		}
		if len(names) == maxColumns {
			return nil, headerError("it has more than %d columns", maxColumns)
		}
		names = append(names, string(name))
		if i = j; i == len(row) {
			return names, nil
		}
	}
}

// headerRow returns what is inside a header.
func headerRow(header []byte) ([]byte, error) {
	row := bytes.TrimPrefix(trimLineEnd(trimEmptyLines(header)), []byte("\ufeff"))
	switch {
	case len(row) > maxHeader:
		return nil, headerError("it has %d bytes; the limit is %d", len(row), maxHeader)
	case len(row) == 0:
		return nil, headerError("there is none; say so if the first row is a record (header=no)")
	}
	return row, nil
}

// cutField returns where the field at row[i:] ends and the text that it stands for.
func cutField(row []byte, i int, f Format) (int, []byte, error) {
	if f.NoQuotes || i == len(row) || row[i] != '"' {
		j := fieldEnd(row, i, len(row), f.Separator)
		return j, row[i:j], nil
	}
	j, err := quotedEnd(row, i+1, len(row), f.Separator)
	if err != nil {
		return 0, nil, err
	}
	return j, bytes.ReplaceAll(row[i+1:j-1], []byte(`""`), []byte(`"`)), nil
}

// hasBareCR reports whether a CR is outside of quotes in a row, which is well formed:
// what was taken for a row is several, or its end is none that is known.
func hasBareCR(row []byte, f Format) bool {
	for i := 0; ; i++ {
		quoted := !f.NoQuotes && i < len(row) && row[i] == '"'
		j, text, err := cutField(row, i, f)
		if err != nil {
			return false
		}
		if !quoted && bytes.IndexByte(text, '\r') >= 0 {
			return true
		}
		if i = j; i == len(row) {
			return false
		}
	}
}

// uniqueNames gives every column a name of its own.
func uniqueNames(names []string) []string {
	seen := make(map[string]bool, len(names))
	for k, name := range names {
		if name == "" {
			name = placeName(k)
		}
		unique := name
		for n := 2; seen[unique]; n++ {
			unique = name + "_" + strconv.Itoa(n)
		}
		seen[unique] = true
		names[k] = unique
	}
	return names
}

// placeName is the name of the column at index k if it has no other.
func placeName(k int) string { return "c" + strconv.Itoa(k+1) }

// headerError is the error of a stream whose header cannot be used.
func headerError(format string, args ...any) error {
	return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf("the header: "+format, args...)}
}
