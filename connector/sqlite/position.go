package sqlite

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// A position is the rowid, or the key as a JSON value, of the last row that was read.
const (
	rowidPrefix = "rowid="
	keyPrefix   = "key="
)

// bookmark is the value of the column that orders the rows, of a row that was read.
// The zero bookmark is before the first row.
type bookmark struct {
	kind int32 // as stmt.kind has it; 0: none
	i    int64
	f    float64
	text []byte
}

// load takes the value of a column of the row that s is at.
func (k *bookmark) load(s *stmt, column int) error {
	k.text = k.text[:0]
	switch k.kind = s.kind(column); k.kind {
	case sqlite3.SQLITE_INTEGER:
		k.i = s.int(column)
		return nil
	case sqlite3.SQLITE_FLOAT:
		if k.f = s.float(column); !math.IsInf(k.f, 0) {
			return nil
		}
	case sqlite3.SQLITE_TEXT:
		v := s.text(column)
		if len(v) > weir.MaxPosition || !utf8.Valid(v) || len(jsonscan.Quote(nil, v)) > weir.MaxPosition-len(keyPrefix) {
			return invalid("a key is longer than a position can be, which has %d bytes, or is not valid UTF-8; name another column as Key", weir.MaxPosition)
		}
		k.text = append(k.text, v...)
		return nil
	}
	return invalid("a key is NULL, infinite or a BLOB, after which nothing can be continued; name another column as Key")
}

// same reports whether two rows have the same value.
func (k *bookmark) same(o *bookmark) bool {
	return k.kind == o.kind && (k.kind == sqlite3.SQLITE_INTEGER && k.i == o.i ||
		k.kind == sqlite3.SQLITE_FLOAT && k.f == o.f || k.kind == sqlite3.SQLITE_TEXT && bytes.Equal(k.text, o.text))
}

// bind binds the value to parameter i.
func (k *bookmark) bind(s *stmt, i int32) error {
	switch k.kind {
	case sqlite3.SQLITE_INTEGER:
		return s.bindInt(i, k.i)
	case sqlite3.SQLITE_FLOAT:
		return s.bindFloat(i, k.f)
	}
	return s.bindCopy(i, k.text, true)
}

// appendTo appends the position.
func (k *bookmark) appendTo(dst []byte, byRowid bool) []byte {
	if byRowid {
		return strconv.AppendInt(append(dst, rowidPrefix...), k.i, 10)
	}
	dst = append(dst, keyPrefix...)
	switch k.kind {
	case sqlite3.SQLITE_INTEGER:
		return strconv.AppendInt(dst, k.i, 10)
	case sqlite3.SQLITE_FLOAT:
		return appendFloat(dst, k.f)
	}
	return jsonscan.Quote(dst, k.text)
}

// parsePosition is the reverse of appendTo.
func parsePosition(p weir.Position, byRowid bool) (bookmark, error) {
	prefix := keyPrefix
	if byRowid {
		prefix = rowidPrefix
	}
	text, ok := strings.CutPrefix(string(p), prefix)
	if ok {
		if v, err := strconv.ParseInt(text, 10, 64); err == nil {
			return bookmark{kind: sqlite3.SQLITE_INTEGER, i: v}, nil
		}
	}
	if ok && !byRowid && jsonscan.Valid([]byte(text)) {
		if v, err := strconv.ParseFloat(text, 64); err == nil {
			return bookmark{kind: sqlite3.SQLITE_FLOAT, f: v}, nil
		}
		if v, err := jsonscan.Unquote(nil, []byte(text)); err == nil {
			return bookmark{kind: sqlite3.SQLITE_TEXT, text: v}, nil
		}
	}
	return bookmark{}, invalid("%q is not a position of this stream, which begins with %s", p.String(), prefix)
}
