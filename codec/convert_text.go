package codec

import (
	"unicode/utf8"

	"github.com/weirflow/weir"
)

// longestEscape is the length of the longest escape in a JSON string.
const longestEscape = len(`\u0000`)

// isEscaped reports whether c stands behind a backslash in a JSON string.
func isEscaped(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

const hexDigits = "0123456789abcdef"

// putEscape writes c, which isEscaped, to dst[n:], where there is room for
// longestEscape bytes.
func putEscape(dst []byte, n int, c byte) int {
	dst[n] = '\\'
	switch c {
	case '\n':
		c = 'n'
	case '\r':
		c = 'r'
	case '\t':
		c = 't'
	case '\b':
		c = 'b'
	case '\f':
		c = 'f'
	case '"', '\\':
	default:
		copy(dst[n:], `\u00`)
		dst[n+4], dst[n+5] = hexDigits[c>>4], hexDigits[c&15]
		return n + longestEscape
	}
	dst[n+1] = c
	return n + 2
}

// putText writes text to dst[n:] as the inside of a JSON string. pairs says that
// two quotes in it stand for one. What is not valid UTF-8 is an error if strict,
// and otherwise each such byte becomes U+FFFD.
func putText(dst []byte, n int, text []byte, pairs, strict bool) (int, error) {
	stop := uint64(0) // where else words stop than at what is escaped
	if !utf8.Valid(text) {
		if strict {
			return 0, errNotUTF8
		}
		stop = highBits
	}
	for i := 0; i < len(text); {
		for i >= 0 && n >= 0 && i <= len(text)-8 && n <= len(dst)-8 {
			v := load(text, i)
			store(dst, n, v)
			if m := escapes(v) | v&stop; m != 0 {
				i, n = i+firstOf(m), n+firstOf(m)
				break
			}
			i, n = i+8, n+8
		}
		if i == len(text) {
			break
		}
		if n+longestEscape+slack > len(dst) {
			return 0, weir.ErrBatchFull
		}
		switch c := text[i]; {
		case isEscaped(c):
			if pairs && c == '"' {
				i++
			}
			n = putEscape(dst, n, c)
			i++
		case c < utf8.RuneSelf || stop == 0:
			dst[n] = c
			n++
			i++
		default:
			char, size := utf8.DecodeRune(text[i:])
			n += utf8.EncodeRune(dst[n:], char)
			i += size
		}
	}
	if n+slack > len(dst) {
		return 0, weir.ErrBatchFull
	}
	return n, nil
}
