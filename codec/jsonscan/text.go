package jsonscan

import "encoding/binary"

// text scans the string whose opening quote is b[i-1]. It returns the index
// behind the closing quote, or where and why the string is wrong.
func text(b []byte, i int) (int, outcome) {
	for i >= 0 && i <= len(b)-8 {
		m := notText(binary.LittleEndian.Uint64(b[i:]))
		if m == 0 {
			i += 8
			continue
		}
		i += first(m)
		if b[i] == '"' {
			return i + 1, plain
		}
		return rareText(b, i)
	}
	// Fewer than eight bytes are left: the last word of b holds them.
	if len(b) >= 8 && i <= len(b) {
		v := binary.LittleEndian.Uint64(b[len(b)-8:])
		i += first(notText(v >> (8 * uint(i+8-len(b)))))
		if at(b, i) == '"' {
			return i + 1, plain
		}
	}
	return rareText(b, i)
}

// rareText goes on with a string at b[i], where text found something other
// than its end.
func rareText(b []byte, i int) (int, outcome) {
	found := plain
	for {
		switch c := at(b, i); {
		case c == '"':
			return i + 1, found
		case c == '\\':
			var why outcome
			if i, why = escape(b, i+1); why.bad() {
				return i, why
			}
			found = escaped
			i = plainText(b, i)
		case c < ' ':
			return i, badControl
		default:
			i++
		}
	}
}

// plainText returns an index from i on up to which b is plain text. It stops
// at what is not, or before the last seven bytes of b.
func plainText(b []byte, i int) int {
	for i >= 0 && i <= len(b)-8 {
		if m := notText(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + first(m)
		}
		i += 8
	}
	return i
}

// escape scans what follows a backslash at b[i-1].
func escape(b []byte, i int) (int, outcome) {
	switch at(b, i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, plain
	case 'u':
		for k := i + 1; k <= i+4; k++ {
			if !isHex(at(b, k)) {
				return k, badHex
			}
		}
		return i + 5, plain
	}
	return i, badEscape
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
