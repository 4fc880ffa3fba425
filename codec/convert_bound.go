package codec

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// A boundedWriter is a recordWriter that knows how long what it makes of a record
// can become without making it.
type boundedWriter interface {
	// bound returns how much room put needs for the record src[i:end] at most.
	bound(src []byte, i, end int) int
}

// boundFrom is the length of a record from which on finding out what it needs costs
// less than trying, in bytes.
const boundFrom = 64 << 10

// boundSlack is what a writer may ask for behind what it writes.
const boundSlack = 64

// needs returns how much room to ask for, when what there was is too little for the
// record src[i:end].
func (f *framing) needs(had int, w recordWriter, src []byte, i, end int) int {
	b, ok := w.(boundedWriter)
	if !ok || end-i < boundFrom {
		return had + 1
	}
	return max(had+1, b.bound(src, i, end)+boundSlack)
}

// textBound returns how long text becomes at most inside a JSON string.
func textBound(text []byte) int {
	n := len(text)
	for _, c := range text {
		switch {
		case c >= ' ' && c != '"' && c != '\\':
		case c == '"', c == '\\', '\b' <= c && c <= '\r' && c != '\v':
			n++
		default:
			n += longestEscape - 1
		}
	}
	if !utf8.Valid(text) {
		for i := 0; i < len(text); {
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size == 1 {
				n += len(string(utf8.RuneError)) - 1
			}
			i += size
		}
	}
	return n
}

func (r *rowReader) bound(src []byte, i, end int) int {
	fields := bytes.Count(src[i:end], []byte{r.sep}) + 1
	n := textBound(src[i:end]) + fields*len(`null`) + 2*slack
	if r.format.NoHeader && !r.given { // it makes the keys when it sees the row
		return n + fields*len(`,"c123456":`+"12345678"+"12345678")
	}
	for k := range r.keys {
		n += r.keys[k].room
	}
	return n
}

func (w *rowWriter) bound(src []byte, i, end int) int {
	columns := 0
	if w.columns != nil {
		columns = len(w.columns.names)
	}
	rec := src[i:end]
	return textRoom(rec) + bytes.Count(rec, []byte{'"'}) + 3*columns
}

func (w *rowCopier) bound(src []byte, i, end int) int {
	rec := src[i:end]
	return len(rec) + bytes.Count(rec, []byte{'"'}) + 2*(bytes.Count(rec, []byte{w.from.Separator})+1)
}

func (w textWriter) bound(_ []byte, i, end int) int { return end - i }

func (w bytesWriter) bound(_ []byte, i, end int) int { return end - i }

func (w *messageWriter) bound(src []byte, i, end int) int {
	rec := src[i:end]
	if w.text == Base64 && !utf8.Valid(rec) {
		return w.keyBase64.room + base64.StdEncoding.EncodedLen(len(rec))
	}
	return w.key.room + textBound(rec)
}
