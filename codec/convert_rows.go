package codec

import (
	"bytes"

	"github.com/weirflow/weir"
)

// A rowCopier writes rows as rows of another separator, or with other quotes. A
// field keeps its bytes if they mean the same.
type rowCopier struct {
	from, to Format
	fields   fieldWriter
	columns  *columns // of rows that get a header; nil: it is made of theirs
	fixed    int      // fields that a row must have; 0: any
	seen     []byte   // the header that header is made of
	header   []byte
}

func (w *rowCopier) begin(in, out *weir.Batch) error {
	switch {
	case w.columns != nil:
		out.SetHeader(w.columns.header)
		return nil
	case w.from.NoHeader:
		return nil
	case w.seen == nil || !bytes.Equal(in.Header(), w.seen):
		if err := w.convertHeader(in.Header()); err != nil {
			return err
		}
	}
	out.SetHeader(w.header)
	if w.to.NoHeader {
		out.SetHeader(nil)
	}
	return nil
}

// convertHeader makes the header of the rows that are written.
func (w *rowCopier) convertHeader(header []byte) error {
	row, err := headerRow(header)
	if err != nil {
		return err
	}
	made := make([]byte, 3*len(row)+2*slack)
	w.fixed = 0
	n, err := w.put(made, row, 0, len(row))
	if err != nil {
		return headerError("%w", err)
	}
	w.seen, w.header = bytes.Clone(header), append(made[:n:n], '\n')
	if w.from != w.to { // else nothing is done to the rows, whatever they have
		w.fixed = countFields(row, w.from.Separator, !w.from.NoQuotes)
	}
	return nil
}

// put writes the row src[i:end]. It copies a field as text, a word at a time, until
// something ends the text or makes it special.
func (w *rowCopier) put(dst, src []byte, i, end int) (n int, err error) {
	from, to, count := each(w.from.Separator), each(w.to.Separator), 0
	for ; ; i++ {
		if count > 0 {
			dst[n] = w.to.Separator
			n++
		}
		began, at, m := i, n, uint64(0)
		for i >= 0 && n >= 0 && i <= len(src)-8 && n <= len(dst)-8 {
			v := load(src, i)
			store(dst, n, v)
			if m = escapes(v) | zeros(v^from) | zeros(v^to); m != 0 {
				i, n = i+firstOf(m), n+firstOf(m)
				break
			}
			i, n = i+8, n+8
		}
		if i >= end {
			n -= i - end
			i = end
		}
		if m == 0 || i < end && src[i] != w.from.Separator {
			if n, i, err = w.field(dst, at, src, began, end); err != nil {
				return 0, err
			}
		}
		if n+1+slack > len(dst) {
			return 0, weir.ErrBatchFull
		}
		if count++; i == end {
			break
		}
	}
	switch {
	case w.fixed > 0 && count != w.fixed:
		return 0, &fieldsError{count, w.fixed}
	case n == 0:
		return 0, errEmptyRow
	}
	return n, nil
}

// field writes the field at src[i:end] and returns where both go on.
func (w *rowCopier) field(dst []byte, n int, src []byte, i, end int) (int, int, error) {
	if w.from.NoQuotes || i == end || src[i] != '"' {
		j := fieldEnd(src, i, end, w.from.Separator)
		if i < j && w.fields.divides(src[i:j]) {
			n, err := w.fields.quoted(dst, n, src[i:j])
			return n, j, err
		}
		n, err := putBytes(dst, n, src[i:j])
		return n, j, err
	}
	j, err := quotedEnd(src, i+1, end, w.from.Separator)
	if err != nil {
		return 0, 0, err
	}
	if w.fields.quotes {
		n, err = putBytes(dst, n, src[i:j])
		return n, j, err
	}
	text := src[i+1 : j-1]
	if w.fields.divides(text) {
		return 0, 0, errNoQuotes
	}
	for {
		k := bytes.IndexByte(text, '"')
		if k < 0 {
			n, err = putBytes(dst, n, text)
			return n, j, err
		}
		if n, err = putBytes(dst, n, text[:k+1]); err != nil {
			return 0, 0, err
		}
		text = text[k+2:]
	}
}

// putBytes copies b to dst[n:] and returns where dst goes on.
func putBytes(dst []byte, n int, b []byte) (int, error) {
	if n+len(b)+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	return n + copy(dst[n:], b), nil
}
