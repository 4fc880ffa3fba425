package transform

import (
	"bytes"

	"github.com/weirflow/weir/codec/jsonscan"
)

// kind is what a value is.
type kind uint8

const (
	missing kind = iota // no value at all
	null
	boolean
	number
	text
	array
	object

	// What only functions of expressions make.
	moment
	span
)

var kindNames = [...]string{
	"missing", "null", "true or false", "a number", "a string", "an array", "an object",
	"a time", "a duration",
}

// String returns the kind with its article, for messages.
func (k kind) String() string { return kindNames[k] }

// kindOf returns the kind of val, which is a valid JSON value or empty, by its
// first byte.
func kindOf(val []byte) kind {
	if len(val) == 0 {
		return missing
	}
	switch val[0] {
	case '"':
		return text
	case '{':
		return object
	case '[':
		return array
	case 't', 'f':
		return boolean
	case 'n':
		return null
	}
	return number
}

// A cursor walks the members of an object or the elements of an array, whose
// text is known to be valid.
type cursor struct {
	b        []byte
	i        int
	key      []byte // of a member, without its quotes, as it is written
	start    int    // of the member (its key) or element, in b
	val      []byte
	valStart int
	isObject bool
}

// walk returns a cursor before the first member or element of val, an object or
// array.
func walk(val []byte) cursor { return cursor{b: val, i: 1, isObject: val[0] == '{'} }

// next moves to the next member or element; false: there is none.
func (c *cursor) next() bool {
	i := blank(c.b, c.i)
	if c.b[i] == ',' {
		i = blank(c.b, i+1)
	}
	if c.b[i] == '}' || c.b[i] == ']' {
		return false
	}
	c.start = i
	if c.isObject {
		end := skipText(c.b, i)
		c.key = c.b[i+1 : end-1]
		i = blank(c.b, blank(c.b, end)+1)
	}
	c.valStart = i
	c.i = skipValue(c.b, i)
	c.val = c.b[i:c.i:c.i]
	return true
}

// blank returns the index of the next byte that is no white space.
func blank(b []byte, i int) int {
	for b[i] <= ' ' {
		i++
	}
	return i
}

// skipText returns the index behind the valid string that begins at b[i]: behind
// the first quote that an even number of backslashes stands before.
func skipText(b []byte, i int) int {
	for i++; ; i++ {
		start := i
		i += bytes.IndexByte(b[i:], '"')
		escapes := i
		for escapes > start && b[escapes-1] == '\\' {
			escapes--
		}
		if (i-escapes)%2 == 0 {
			return i + 1
		}
	}
}

// skipValue returns the index behind the valid value that begins at b[i].
func skipValue(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			i = skipText(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			for i < len(b) && !endsScalar(b[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

func endsScalar(c byte) bool {
	return c <= ' ' || c == ',' || c == '}' || c == ']'
}

// plainText reports whether the quoted string val has no escapes.
func plainText(val []byte) bool { return bytes.IndexByte(val, '\\') < 0 }

// appendText appends what the quoted, valid string val says.
func appendText(dst, val []byte) []byte {
	if plainText(val) {
		return append(dst, val[1:len(val)-1]...)
	}
	out, err := jsonscan.Unquote(dst, val)
	if err != nil {
		return dst // cannot be: the string was checked with its record
	}
	return out
}

// keyIs reports whether key, which stands without its quotes in a record, says
// name.
func keyIs(key []byte, name string) bool {
	if string(key) == name {
		return bytes.IndexByte(key, '\\') < 0
	}
	if len(key) <= len(name) || bytes.IndexByte(key, '\\') < 0 {
		return false
	}
	var quoted, plain [128]byte
	q := append(append(append(quoted[:0], '"'), key...), '"')
	says, err := jsonscan.Unquote(plain[:0], q)
	return err == nil && string(says) == name
}
