package parquet

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

// maxScalar is the longest text of a number, date or time, in bytes.
const maxScalar = 96

// piece is how much of a long string or of bytes is turned into JSON at a time
// where room is scarce. It is a multiple of three, for base64.
const piece = 510

// A text is JSON that is written into room that may be too small. What does not
// fit is counted and not kept, so that the room that would have been enough is
// known.
type text struct {
	room []byte
	n    int // bytes written or counted; they were kept if n <= len(room)
	tmp  [6*piece + 2]byte
}

// reset begins a new text in room.
func (t *text) reset(room []byte) { t.room, t.n = room, 0 }

// fits reports whether all of the text is in the room.
func (t *text) fits() bool { return t.n <= len(t.room) }

func (t *text) byte(c byte) {
	if t.n < len(t.room) {
		t.room[t.n] = c
	}
	t.n++
}

func (t *text) raw(b []byte) {
	if t.n+len(b) <= len(t.room) {
		copy(t.room[t.n:], b)
	}
	t.n += len(b)
}

func (t *text) string(s string) {
	if t.n+len(s) <= len(t.room) {
		copy(t.room[t.n:], s)
	}
	t.n += len(s)
}

// begin returns where to append a scalar of at most maxScalar bytes; end takes it.
func (t *text) begin() []byte {
	if t.n+maxScalar <= len(t.room) {
		return t.room[t.n:t.n]
	}
	return t.tmp[:0]
}

func (t *text) end(b []byte) {
	if t.n+maxScalar <= len(t.room) {
		t.n += len(b)
		return
	}
	t.raw(b)
}

// quote writes s as a JSON string.
func (t *text) quote(s []byte) {
	if t.n+6*len(s)+2 <= len(t.room) {
		t.n += len(jsonscan.Quote(t.room[t.n:t.n], s))
		return
	}
	t.byte('"')
	for len(s) > 0 {
		n := len(s)
		if n > piece {
			n = wholeRunes(s[:piece])
		}
		q := jsonscan.Quote(t.tmp[:0], s[:n])
		t.raw(q[1 : len(q)-1])
		s = s[n:]
	}
	t.byte('"')
}

// wholeRunes is how much of s can be taken without cutting a character.
func wholeRunes(s []byte) int {
	for n := len(s); n > len(s)-utf8.UTFMax; n-- {
		if utf8.RuneStart(s[n-1]) {
			if utf8.FullRune(s[n-1:]) {
				return len(s)
			}
			return n - 1
		}
	}
	return len(s)
}

// base64 writes b as a JSON string in the standard encoding, with padding.
func (t *text) base64(b []byte) {
	t.byte('"')
	if n := base64.StdEncoding.EncodedLen(len(b)); t.n+n <= len(t.room) {
		base64.StdEncoding.Encode(t.room[t.n:], b)
		t.n += n
	} else {
		for len(b) > 0 {
			n := min(len(b), piece)
			t.raw(base64.StdEncoding.AppendEncode(t.tmp[:0], b[:n]))
			b = b[n:]
		}
	}
	t.byte('"')
}

// embed writes JSON that is a value of its own, on one line. What is not JSON is
// written as a string.
func (t *text) embed(b []byte) {
	if !jsonscan.Valid(b) {
		t.quote(b)
		return
	}
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0 {
		t.raw(b)
		return
	}
	for _, c := range b {
		if c == '\n' || c == '\r' {
			c = ' ' // white space, since a string of JSON has none of these
		}
		t.byte(c)
	}
}
