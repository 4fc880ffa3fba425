package jsonscan

// stackBits is the number of levels that one call of nested keeps.
const stackBits = 64

// nested scans the array or object at b[i], inside of depth others. It keeps
// what it is in as bits of one word and calls itself only when these are used
// up, so that the deepest value costs little stack: a level of recursion a
// level of nesting would cost megabytes, for each stream that is sent one.
func nested(b []byte, i, depth int) (int, outcome) {
	var (
		objects    uint64 // a bit a level, the innermost lowest: 1 in an object, 0 in an array
		level      int    // number of bits in use
		found, why outcome
	)
	for c := b[i]; ; {
		// A value begins at b[i], which is c.
		switch {
		case c == '"':
			i, why = text(b, i+1)
		case (c == '{' || c == '[') && level < stackBits:
			if depth+level >= maxDepth {
				return i, tooDeep
			}
			objects = objects<<1 | uint64(c>>5&1) // the bit in which the two differ
			level++
			if i, c = next(b, i+1); c == closing(objects) {
				break
			}
			if objects&1 != 0 {
				if i, c, why = name(b, i); why.bad() {
					return i, why
				}
				found |= why
			}
			continue
		default:
			i, why = value(b, i, depth+level)
		}
		if why.bad() {
			return i, why
		}
		found |= why
		// The value ends before b[i], and maybe what it is in ends there too.
		for c = at(b, i); c != ','; c = at(b, i) {
			if c <= ' ' {
				if i, c = next(b, i); c == ',' {
					break
				}
			}
			if c != closing(objects) {
				return i, unclosed[objects&1]
			}
			i++
			objects >>= 1
			if level--; level == 0 {
				return i, found
			}
		}
		i++
		if objects&1 != 0 {
			if i, c, why = name(b, i); why.bad() {
				return i, why
			}
			found |= why
		} else if c = at(b, i); c <= ' ' {
			i, c = next(b, i)
		}
	}
}

// unclosed says what is wrong where neither a comma nor the end is, by the
// lowest bit of objects.
var unclosed = [2]outcome{badElement, badMember}

// closing returns the byte that closes what the lowest bit of objects opened.
func closing(objects uint64) byte { return ']' | byte(objects&1)<<5 }

// name scans the name of a member and its colon, from b[i] on. It returns
// where the value begins and its first byte.
func name(b []byte, i int) (int, byte, outcome) {
	c := at(b, i)
	if c != '"' {
		if i, c = next(b, i); c != '"' {
			return i, c, badKey
		}
	}
	i, found := text(b, i+1)
	if found.bad() {
		return i, c, found
	}
	if c = at(b, i); c != ':' {
		if i, c = next(b, i); c != ':' {
			return i, c, badColon
		}
	}
	i++
	if c = at(b, i); c <= ' ' {
		i, c = next(b, i)
	}
	return i, c, found
}
