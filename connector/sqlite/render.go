package sqlite

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/weirflow/weir/codec/jsonscan"
)

// Bounds of what a value takes in a record, in bytes.
const (
	maxNumberText = 32
	perTextByte   = 6 // an escape
	perTextMore   = 2 // the quotes
	quotePiece    = 1 << 10
)

// renderer writes rows as JSON objects.
type renderer struct {
	heads   [][]byte // what is before the value of a column: a brace or comma, its name and a colon
	fixed   int      // bytes of a row without its values' text
	scratch []byte
}

func newRenderer(names []string) *renderer {
	r := &renderer{fixed: len("{}\n")}
	for i, name := range names {
		head := []byte{','}
		if i == 0 {
			head[0] = '{'
		}
		head = append(jsonscan.Quote(head, []byte(name)), ':')
		r.heads = append(r.heads, head)
		r.fixed += len(head) + maxNumberText
	}
	return r
}

// row appends the row that s is at to dst, which has no other memory. It returns the
// number of bytes it takes, and dst as it was if that is more than there is room for.
func (r *renderer) row(dst []byte, s *stmt) ([]byte, int) {
	room := cap(dst) - len(dst)
	if r.bound(s) > room {
		if size := r.size(s); size > room {
			return dst, size
		}
	}
	start := len(dst)
	for i, head := range r.heads {
		dst = append(dst, head...)
		dst = r.value(dst, s, i)
	}
	if len(r.heads) == 0 {
		dst = append(dst, '{')
	}
	dst = append(dst, '}', '\n')
	return dst, len(dst) - start
}

// bound returns a size that the row does not exceed.
func (r *renderer) bound(s *stmt) int {
	n := r.fixed
	for i := range r.heads {
		if kind := s.kind(i); kind == sqlite3.SQLITE_TEXT || kind == sqlite3.SQLITE_BLOB {
			n += perTextByte*s.size(i) + perTextMore
		}
	}
	return n
}

// size returns the size of the row.
func (r *renderer) size(s *stmt) int {
	n := len("}\n")
	for i, head := range r.heads {
		n += len(head)
		switch s.kind(i) {
		case sqlite3.SQLITE_TEXT:
			n += r.quoted(s.text(i))
		case sqlite3.SQLITE_BLOB:
			n += base64.StdEncoding.EncodedLen(s.size(i)) + perTextMore
		default:
			r.scratch = r.value(r.scratch[:0], s, i)
			n += len(r.scratch)
		}
	}
	return n
}

// quoted returns the size of text as a JSON string.
func (r *renderer) quoted(text []byte) int {
	n := perTextMore
	for len(text) > 0 {
		piece := text[:min(len(text), quotePiece)]
		if len(piece) < len(text) {
			piece = piece[:cutRune(piece)]
		}
		r.scratch = jsonscan.Quote(r.scratch[:0], piece)
		n += len(r.scratch) - perTextMore
		text = text[len(piece):]
	}
	return n
}

// cutRune returns how much of b does not end in the middle of a character.
func cutRune(b []byte) int {
	for n := len(b) - 1; n > 0 && n >= len(b)-utf8.UTFMax; n-- {
		if utf8.RuneStart(b[n]) {
			return n
		}
	}
	return len(b)
}

// value appends the value of a column of the row that s is at.
func (r *renderer) value(dst []byte, s *stmt, i int) []byte {
	switch s.kind(i) {
	case sqlite3.SQLITE_INTEGER:
		return strconv.AppendInt(dst, s.int(i), 10)
	case sqlite3.SQLITE_FLOAT:
		return appendFloat(dst, s.float(i))
	case sqlite3.SQLITE_TEXT:
		return jsonscan.Quote(dst, s.text(i))
	case sqlite3.SQLITE_BLOB:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, s.blob(i))
		return append(dst, '"')
	}
	return append(dst, "null"...)
}

// appendFloat appends the shortest number that reads back the same and is not taken
// for an integer; null if there is none.
func appendFloat(dst []byte, v float64) []byte {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return append(dst, "null"...)
	}
	start := len(dst)
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, v, format, -1, 64)
	if !bytes.ContainsAny(dst[start:], ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}
