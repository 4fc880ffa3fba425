package codec

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/weirflow/weir"
)

// slack is the room that is always left behind what was written, so that words
// and single bytes can be stored there without asking.
const slack = 8

var (
	errOpenQuote  = errors.New("the record ends inside a field in quotes")
	errAfterQuote = errors.New("a quote inside a field in quotes is neither doubled nor at its end")
	errNotUTF8    = errors.New("the text is not valid UTF-8")
)

// A fieldsError is a row that has too few or too many fields.
type fieldsError struct{ have, want int }

func (e *fieldsError) Error() string {
	return fmt.Sprintf("the row has %d fields, the header has %d", e.have, e.want)
}

// A rowReader writes rows of separated values as JSON objects.
type rowReader struct {
	keys    []rowKey // of the columns
	format  Format
	header  []byte   // that the keys are of
	more    []rowKey // of rows without a header: the names of columns by their places
	sep     byte
	given   bool // the names of the columns of rows without a header are
	quotes  bool // a field may be in quotes
	strings bool // every field is a string
	strict  bool // text that is not valid UTF-8 is refused instead of repaired
}

// newRowReader returns a writer of objects for rows of f.
func newRowReader(f Format, o ConvertOptions) *rowReader {
	r := &rowReader{format: f, sep: f.Separator, quotes: !f.NoQuotes, strings: o.Strings, strict: o.Text == Refuse}
	if f.NoHeader {
		r.keys, r.given = newRowKeys(o.Columns), len(o.Columns) > 0
	}
	return r
}

// begin makes the keys of the header of in. That is once a stream, or less.
func (r *rowReader) begin(in, out *weir.Batch) error {
	out.SetHeader(nil)
	header := in.Header()
	if r.format.NoHeader || r.keys != nil && bytes.Equal(header, r.header) {
		return nil
	}
	names, err := headerNames(header, r.format)
	if err != nil {
		return err
	}
	r.keys, r.header = newRowKeys(names), bytes.Clone(header)
	return nil
}

// put writes a row as an object.
func (r *rowReader) put(dst, src []byte, i, end int) (int, error) {
	n, err := r.object(dst, src, i, end)
	if err == nil || !r.format.NoHeader || r.given {
		return n, err
	}
	var wrong *fieldsError
	if !errors.As(err, &wrong) || wrong.have > maxColumns {
		return 0, err
	}
	for k := len(r.more); k < wrong.have; k++ {
		r.more = append(r.more, newRowKey(k, []byte(placeName(k))))
	}
	r.keys = r.more[:wrong.have]
	return r.object(dst, src, i, end)
}

// object writes the row src[i:end] as put does. It copies a field as text, a word at a time, until something ends the text, and
// sees then what it was.
func (r *rowReader) object(dst, src []byte, i, end int) (n int, err error) {
	sep := each(r.sep)
	for k := range r.keys {
		key := &r.keys[k]
		if n > len(dst)-key.room {
			return 0, weir.ErrBatchFull
		}
		n = key.put(dst, n)
		began, at, high, m := i, n, uint64(0), uint64(0)
		dst[n] = '"'
		n++
		for i >= 0 && n >= 0 && i <= len(src)-8 && n <= len(dst)-8-slack {
			v := load(src, i)
			store(dst, n, v)
			high |= v
			if m = escapes(v) | zeros(v^sep); m != 0 {
				i, n = i+firstOf(m), n+firstOf(m)
				break
			}
			i, n = i+8, n+8
		}
		if i >= end {
			n -= i - end
			i = end
		}
		switch {
		case m == 0 || i < end && src[i] != byte(sep) || high&highBits != 0 && !utf8.Valid(src[began:i]):
			if n, i, err = r.field(dst, src, at, began, end); err != nil {
				return 0, err
			}
		case i == began:
			n = r.empty(dst, at)
		case src[began] <= '9' && !r.strings && (isShortInteger(src, began, i) || isNumber(src, began, i)):
			n--
			store(dst, at, load(src, began))
			if n-at > 8 {
				copyLong(dst[at:n], src[began:i])
			}
		default:
			dst[n] = '"'
			n++
		}
		if i >= end {
			if k+1 < len(r.keys) {
				return 0, &fieldsError{k + 1, len(r.keys)}
			}
			dst[n] = '}'
			return n + 1, nil
		}
		i++ // the separator
	}
	return 0, r.tooMany(src, i, end)
}

// copyLong copies more than a word to dst, which is as long as src.
func copyLong(dst, src []byte) {
	if last := len(src) - 8; last <= 8 && last == len(dst)-8 {
		store(dst, 0, load(src, 0))
		store(dst, last, load(src, last))
		return
	}
	copy(dst, src)
}

// isShortInteger reports whether src[i:end] is an integer of at most eight digits. It
// is not empty, and a word can be loaded at src[i].
func isShortInteger(src []byte, i, end int) bool {
	v, bits := load(src, i), uint(8*(end-i))
	return bits <= 64 && notDigits(v)<<(64-bits) == 0 && (byte(v) != '0' || bits == 8)
}

// isNumber reports whether src[i:end], which is not empty, is a JSON number. A word
// can be loaded at src[i].
func isNumber(src []byte, i, end int) bool {
	v := load(src, i)
	j := i + firstOf(notDigits(v))
	if j == i+8 {
		j = digitsEnd(src, j, end)
	}
	switch {
	case j >= end:
		return byte(v) != '0' || end == i+1
	case j == i || byte(v) == '0':
	case src[j] == '.':
		if last := digitsEnd(src, j+1, end); last == end {
			return last > j+1
		}
	case src[j]|0x20 != 'e':
		return false
	}
	return numberEnd(src, i, end) == end
}

// field writes the field at src[i:end], of any kind and in any place, and returns
// where dst and src go on.
func (r *rowReader) field(dst, src []byte, n, i, end int) (int, int, error) {
	if r.quotes && i < end && src[i] == '"' {
		return r.quoted(dst, src, n, i+1, end)
	}
	j := fieldEnd(src, i, end, r.sep)
	switch {
	case i == j:
		return r.empty(dst, n), j, nil
	case !r.strings && numberEnd(src, i, j) == j:
		if n+(j-i)+slack > len(dst) {
			return 0, 0, weir.ErrBatchFull
		}
		return n + copy(dst[n:], src[i:j]), j, nil
	}
	n, err := r.text(dst, n, src[i:j], false)
	return n, j, err
}

// text writes text as a string. pairs says that two quotes in it stand for one.
func (r *rowReader) text(dst []byte, n int, text []byte, pairs bool) (int, error) {
	dst[n] = '"'
	n, err := putText(dst, n+1, text, pairs, r.strict)
	if err != nil {
		return 0, err
	}
	dst[n] = '"'
	return n + 1, nil
}

// tooMany counts the fields of a row, some of which, in src[i:end], have no key.
func (r *rowReader) tooMany(src []byte, i, end int) error {
	return &fieldsError{len(r.keys) + countFields(src[i:end], r.sep, r.quotes), len(r.keys)}
}

// empty writes what a field without any bytes stands for.
func (r *rowReader) empty(dst []byte, n int) int {
	if r.strings {
		return n + copy(dst[n:], `""`)
	}
	return n + copy(dst[n:], "null")
}

// quoted writes the quoted field whose opening quote is src[i-1] as a string. It
// returns where dst and src go on.
func (r *rowReader) quoted(dst, src []byte, n, i, end int) (int, int, error) {
	began, at, high := i, n, uint64(0)
	dst[n] = '"'
	n++
	for {
		for i >= 0 && n >= 0 && i <= len(src)-8 && n <= len(dst)-8 {
			v := load(src, i)
			store(dst, n, v)
			high |= v
			if m := escapes(v); m != 0 {
				i, n = i+firstOf(m), n+firstOf(m)
				break
			}
			i, n = i+8, n+8
		}
		for i < end && n < len(dst) && !isEscaped(src[i]) {
			dst[n] = src[i]
			high |= uint64(src[i])
			i, n = i+1, n+1
		}
		switch {
		case i >= end:
			return 0, 0, errOpenQuote
		case n+longestEscape+slack > len(dst):
			return 0, 0, weir.ErrBatchFull
		case src[i] != '"':
			n = putEscape(dst, n, src[i])
			i++
			continue
		case i+1 < end && src[i+1] == '"':
			n = putEscape(dst, n, '"')
			i += 2
			continue
		case i+1 < end && src[i+1] != r.sep:
			return 0, 0, errAfterQuote
		case high&highBits != 0 && !utf8.Valid(src[began:i]):
			n, err := r.text(dst, at, src[began:i], true)
			return n, i + 1, err
		}
		dst[n] = '"'
		return n + 1, i + 1, nil
	}
}

// fieldEnd returns where the field without quotes at src[i:end] ends.
func fieldEnd(src []byte, i, end int, sep byte) int {
	if j := bytes.IndexByte(src[i:end], sep); j >= 0 {
		return i + j
	}
	return end
}

// quotedEnd returns where the field ends whose opening quote is src[i-1].
func quotedEnd(src []byte, i, end int, sep byte) (int, error) {
	for {
		j := bytes.IndexByte(src[i:end], '"')
		if j < 0 {
			return 0, errOpenQuote
		}
		i += j + 1
		switch {
		case i == end || src[i] == sep:
			return i, nil
		case src[i] != '"':
			return 0, errAfterQuote
		}
		i++
	}
}

// numberEnd returns where the JSON number at src[i:end] ends, or -1 if there is
// none.
func numberEnd(src []byte, i, end int) int {
	if i < end && src[i] == '-' {
		i++
	}
	switch first := i; {
	case i == end || src[i]-'0' >= 10:
		return -1
	case src[i] == '0':
		i++
	default:
		i = digitsEnd(src, first+1, end)
	}
	if i < end && src[i] == '.' {
		first := i + 1
		if i = digitsEnd(src, first, end); i == first {
			return -1
		}
	}
	if i < end && src[i]|0x20 == 'e' {
		if i++; i < end && (src[i] == '+' || src[i] == '-') {
			i++
		}
		first := i
		if i = digitsEnd(src, first, end); i == first {
			return -1
		}
	}
	return i
}

// digitsEnd returns where the digits from src[i] on end, at the latest at end.
func digitsEnd(src []byte, i, end int) int {
	for i >= 0 && i <= len(src)-8 {
		if m := notDigits(load(src, i)); m != 0 {
			return min(i+firstOf(m), end)
		}
		i += 8
	}
	for i < end && src[i]-'0' < 10 {
		i++
	}
	return min(i, end)
}
