package postgres

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// Why a string of JSON cannot be text in PostgreSQL.
var (
	errZero      = errors.New(`\u0000 cannot be text in PostgreSQL`)
	errSurrogate = errors.New(`half of a surrogate pair, such as \ud800, cannot be text`)
)

// shortEscapes gives what an escape of one byte stands for.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescapeOne returns the text of the escape that begins at body[0], which is in
// room, and the number of bytes it takes. body is what a scan has accepted.
func unescapeOne(body []byte, room *[utf8.UTFMax]byte) (text []byte, n int, err error) {
	if body[1] != 'u' {
		room[0] = shortEscapes[body[1]]
		return room[:1], 2, nil
	}
	r, n := hex4(body[2:]), 6
	if utf16.IsSurrogate(r) {
		if len(body) < 12 || body[6] != '\\' || body[7] != 'u' {
			return nil, 0, errSurrogate
		}
		if r = utf16.DecodeRune(r, hex4(body[8:])); r == utf8.RuneError {
			return nil, 0, errSurrogate
		}
		n = 12
	}
	if r == 0 {
		return nil, 0, errZero
	}
	return room[:utf8.EncodeRune(room[:], r)], n, nil
}

// unescapedLen returns the length of the text that the inside of a JSON string
// stands for.
func unescapedLen(body []byte) (int, error) {
	var room [utf8.UTFMax]byte
	total := 0
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 {
			return total + len(body), nil
		}
		text, n, err := unescapeOne(body[i:], &room)
		if err != nil {
			return 0, err
		}
		total += i + len(text)
		body = body[i+n:]
	}
}

// hex4 returns the number that four hexadecimal digits stand for.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		r = r<<4 | rune(hexValues[c])
	}
	return r
}

// hexValues gives the value of a hexadecimal digit, 255 of what is none.
var hexValues = func() (v [256]byte) {
	for c := range v {
		switch c := byte(c); { // below 256
		case isDigit(c):
			v[c] = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v[c] = c | 0x20 - 'a' + 10
		default:
			v[c] = 255
		}
	}
	return v
}()
