package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote appends the text that the JSON string quoted, with its quotes,
// stands for, and returns the longer slice. The text is valid UTF-8: bytes
// that are not, and halves of surrogate pairs, become U+FFFD each, as in
// encoding/json. The text has at most three times the bytes of quoted, and at
// most as many if quoted is valid UTF-8. dst and quoted must not overlap. The
// error is a *[SyntaxError], and dst is then returned as it was.
func Unquote(dst, quoted []byte) ([]byte, error) {
	if at(quoted, 0) != '"' {
		return dst, syntaxError(quoted, 0, notString)
	}
	end, found := text(quoted, 1)
	if found.bad() {
		return dst, syntaxError(quoted, end, found)
	}
	if end != len(quoted) {
		return dst, syntaxError(quoted, end, badEnd)
	}
	body := quoted[1 : end-1]
	if found == plain {
		return appendValid(dst, body), nil
	}
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return appendValid(dst, body), nil
		}
		dst = appendValid(dst, body[:i])
		var r rune
		r, i = unescape(body, i+1)
		dst = utf8.AppendRune(dst, r)
		body = body[i:]
	}
}

// appendValid appends s, and U+FFFD for each byte that is not valid UTF-8.
func appendValid(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return append(dst, s...)
	}
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[size:]
	}
	return dst
}

// short gives what an escape of one byte stands for.
var short = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape returns the rune of the escape whose backslash is b[i-1], and the
// index behind it. b is what a scan has accepted.
func unescape(b []byte, i int) (rune, int) {
	if b[i] != 'u' {
		return rune(short[b[i]]), i + 1
	}
	r := fourHex(b, i+1)
	i += 5
	if !utf16.IsSurrogate(r) {
		return r, i
	}
	if at(b, i) == '\\' && at(b, i+1) == 'u' {
		if pair := utf16.DecodeRune(r, fourHex(b, i+2)); pair != utf8.RuneError {
			return pair, i + 6
		}
	}
	return utf8.RuneError, i
}

// fourHex returns the number that four hexadecimal digits at b[i] stand for.
func fourHex(b []byte, i int) rune {
	var r rune
	for _, c := range b[i : i+4] {
		if isDigit(c) {
			r = r<<4 | rune(c-'0')
		} else {
			r = r<<4 | rune(c|0x20-'a'+10)
		}
	}
	return r
}
