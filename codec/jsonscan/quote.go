package jsonscan

import (
	"encoding/binary"
	"unicode/utf8"
)

// Quote appends text as a JSON string with its quotes and returns the longer
// slice. It writes what the Encoder of encoding/json writes with
// SetEscapeHTML(false): control characters, U+2028 and U+2029 escaped, bytes
// that are not valid UTF-8 as \ufffd. The string has at most six bytes for
// each of text and two more. dst and text must not overlap.
func Quote(dst, text []byte) []byte {
	dst = append(dst, '"')
	start := 0 // what is before it is in dst
	for i := 0; i < len(text); {
		if i = ready(text, i); i == len(text) {
			break
		}
		c := text[i]
		if c < utf8.RuneSelf {
			dst = appendEscape(append(dst, text[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, text[start:i]...), `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, text[start:i]...), `\u202`...)
			dst = append(dst, digitsOf16[r&0xf])
			start = i + size
		}
		i += size
	}
	return append(append(dst, text[start:]...), '"')
}

// ready returns the index of the first byte from text[i] on that is not
// written as it is without a look at it.
func ready(text []byte, i int) int {
	for i >= 0 && i <= len(text)-8 {
		if m := notPlain(binary.LittleEndian.Uint64(text[i:])); m != 0 {
			return i + first(m)
		}
		i += 8
	}
	for i < len(text) && text[i] >= ' ' && text[i] < utf8.RuneSelf && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

const digitsOf16 = "0123456789abcdef"

// long gives the letter of the escape of one byte that stands for a byte.
var long = [utf8.RuneSelf]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

func appendEscape(dst []byte, c byte) []byte {
	if letter := long[c]; letter != 0 {
		return append(dst, '\\', letter)
	}
	return append(dst, '\\', 'u', '0', '0', digitsOf16[c>>4], digitsOf16[c&0xf])
}
