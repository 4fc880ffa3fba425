package codec

import (
	"bytes"
	"errors"
	"strings"

	"github.com/weirflow/weir"
)

var (
	errNoQuotes = errors.New("a field holds a separator or a line end, and the format has no quotes to put it in")
	errEmptyRow = errors.New("the only field is empty, and the format has no quotes to tell it from an empty line")
)

// A fieldWriter writes fields of separated values. What it writes is read again as
// the same text, and as a string where it was one: what would be read as a number
// or null is put in quotes.
type fieldWriter struct {
	sep    byte
	quotes bool
	common bool // the separator is in no number, and not in true or false
}

// newFieldWriter returns what writes fields of f, which has its defaults.
func newFieldWriter(f Format) fieldWriter {
	return fieldWriter{sep: f.Separator, quotes: !f.NoQuotes, common: strings.IndexByte("+-.0123456789Eaeflrstu", f.Separator) < 0}
}

// plain writes the text src[i:j], which has no quotes, backslashes or control
// characters, to dst[n:], and returns where dst goes on. Words are loaded from src
// behind j too.
func (w fieldWriter) plain(dst []byte, n int, src []byte, i, j int) (int, error) {
	if n+(j-i)+2+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	began, at, sep := i, n, each(w.sep)
	for i >= 0 && n >= 0 && i < j && i <= len(src)-8 && n <= len(dst)-8 {
		v := load(src, i)
		store(dst, n, v)
		if m := zeros(v ^ sep); m != 0 {
			i += firstOf(m)
			break
		}
		i, n = i+8, n+8
	}
	switch {
	case i < j && bytes.IndexByte(src[i:j], w.sep) >= 0:
		return w.quoted(dst, at, src[began:j])
	case w.quotes && isAmbiguous(src, began, j):
		return w.quoted(dst, at, src[began:j])
	case i < j:
		copy(dst[n:], src[i:j])
	}
	return at + j - began, nil
}

// isAmbiguous reports whether src[i:j], which has no separators, quotes or line
// ends, is read as something other than this text.
func isAmbiguous(src []byte, i, j int) bool {
	switch {
	case i == j:
		return true
	case src[i] > '9':
		return src[i] == '\\' && string(src[i:j]) == `\.` // the end of the data for PostgreSQL
	}
	return numberEnd(src, i, j) == j
}

// name writes the name of a column to dst[n:] and returns where dst goes on.
func (w fieldWriter) name(dst []byte, n int, name string) (int, error) {
	text := []byte(name)
	if w.divides(text) || w.quotes && name == "" {
		return w.quoted(dst, n, text)
	}
	return n + copy(dst[n:], text), nil
}

// divides reports whether text holds what divides fields or rows, or a quote.
func (w fieldWriter) divides(text []byte) bool {
	for _, c := range text {
		if c == w.sep || c == '\n' || c == '\r' || c == '"' && w.quotes {
			return true
		}
	}
	return false
}

// quoted writes text in quotes to dst[n:] and returns where dst goes on.
func (w fieldWriter) quoted(dst []byte, n int, text []byte) (int, error) {
	if !w.quotes {
		return 0, errNoQuotes
	}
	if n+len(text)+bytes.Count(text, []byte{'"'})+2+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	dst[n] = '"'
	n++
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			n += copy(dst[n:], text)
			dst[n] = '"'
			return n + 1, nil
		}
		n += copy(dst[n:], text[:i+1])
		dst[n] = '"'
		n++
		text = text[i+1:]
	}
}

// settle makes a field of the text dst[n+1:end], in its place: it goes to dst[n:],
// with quotes if it needs them or always is set. It returns where dst goes on.
func (w fieldWriter) settle(dst []byte, n, end int, always bool) (int, error) {
	text := dst[n+1 : end]
	divided := w.divides(text)
	switch {
	case divided && !w.quotes:
		return 0, errNoQuotes
	case !w.quotes, !divided && !always && !isAmbiguous(dst, n+1, end):
		return n + copy(dst[n:], text), nil
	}
	more := bytes.Count(text, []byte{'"'})
	last := end + more
	if last+1+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	dst[n], dst[last] = '"', '"'
	for k := end - 1; more > 0; k-- {
		dst[k+more] = dst[k]
		if dst[k] == '"' {
			more--
			dst[k+more] = '"'
		}
	}
	return last + 1, nil
}
