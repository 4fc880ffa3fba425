package jsonscan

// maxDepth is the number of arrays and objects inside one another that are
// accepted, as in encoding/json.
const maxDepth = 10000

// value scans the value at b[i], inside of depth arrays and objects. It
// returns the index behind the value, or where and why it is wrong.
func value(b []byte, i, depth int) (int, outcome) {
	switch at(b, i) {
	case '"':
		return text(b, i+1)
	case '{', '[':
		return nested(b, i, depth)
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case 'n':
		return literal(b, i, "null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return number(b, i)
	}
	return i, badValue
}

func literal(b []byte, i int, want string) (int, outcome) {
	if len(b)-i >= len(want) && string(b[i:i+len(want)]) == want {
		return i + len(want), plain
	}
	k := 0
	for at(b, i+k) == want[k] {
		k++
	}
	return i + k, badLiteral
}

func number(b []byte, i int) (int, outcome) {
	if at(b, i) == '-' {
		i++
	}
	switch c := at(b, i); {
	case c == '0':
		i++
	case isDigit(c):
		i = digits(b, i+1)
	default:
		return i, badNumber
	}
	if at(b, i) == '.' {
		i++
		if !isDigit(at(b, i)) {
			return i, badNumber
		}
		i = digits(b, i+1)
	}
	if at(b, i)|0x20 == 'e' {
		i++
		if c := at(b, i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(at(b, i)) {
			return i, badNumber
		}
		i = digits(b, i+1)
	}
	return i, plain
}

// digits returns the index of the first byte from b[i] on that is not a digit.
// Words are of no use here: most numbers are short, and the processor guesses
// their length better than it waits for a mask.
func digits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}
