package jsonscan

// Compact appends value without the white space outside of its strings, and
// returns the longer slice. value is one that is valid; of another one the
// result is not, and nothing worse happens. dst may be value[:0]: the result
// is then in the place of value.
func Compact(dst, value []byte) []byte {
	start := 0 // what is before it is in dst, or white space
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"':
			i, _ = text(value, i+1) // the error is the caller's promise broken
		case isSpace(c):
			dst = append(dst, value[start:i]...)
			i = skipSpace(value, i+1)
			start = i
		default:
			i++
		}
	}
	return append(dst, value[start:]...)
}
