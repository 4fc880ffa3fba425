package codec

import (
	"bytes"
	"fmt"
)

// jsonState is where a JSON framer is. The first two are between records and are
// marks.
type jsonState uint8

const (
	jsonTop    jsonState = iota // between texts
	jsonNext                    // in the array at the top, behind an element
	jsonFirst                   // in it, behind its bracket
	jsonElem                    // in it, behind a comma
	jsonNested                  // in an object or array that is, or is in, a record
	jsonString                  // in a string that is, or is in, a record
	jsonNumber                  // in a number that is a record
	jsonWord                    // in true, false or null that is a record
)

// jsonFramer is the framer of JSON texts and the elements of arrays. It knows brackets
// and strings and looks at nothing else inside a record.
type jsonFramer struct {
	state   jsonState
	last    jsonState // behind the last record
	inArray bool      // the record is an element
	depth   int       // of open brackets in the record; of a word the letters to come
	escaped bool      // in a string, behind a backslash
}

func newJSON(Format) framer { return new(jsonFramer) }

func (j *jsonFramer) frame(data []byte, at int, ends []uint32) (n, next int, err error) {
	for at < len(data) && n < len(ends) {
		var ended bool
		switch j.state {
		case jsonNested:
			at, ended = j.nested(data, at)
		case jsonString:
			at, ended = j.string(data, at)
		case jsonNumber:
			at, ended = j.number(data, at)
		case jsonWord:
			at, ended = j.word(data, at)
		default:
			if err := j.between(data[at]); err != nil {
				return n, at, err
			}
			at++
		}
		if ended {
			j.last = jsonTop
			if j.inArray {
				j.last = jsonNext
			}
			j.state = j.last
			ends[n] = uint32(at)
			n++
		}
	}
	return n, at, nil
}

// between takes b, outside of every record or as the first byte of one.
func (j *jsonFramer) between(b byte) error {
	switch {
	case b == ' ' || b == '\n' || b == '\r' || b == '\t':
	case j.state == jsonTop && b == '[':
		j.state = jsonFirst
	case j.state == jsonNext && b == ',':
		j.state = jsonElem
	case (j.state == jsonNext || j.state == jsonFirst) && b == ']':
		j.state = jsonTop
	case j.state == jsonNext:
		return fmt.Errorf("%q follows an element of an array, instead of a comma or a bracket", b)
	default:
		return j.begin(b)
	}
	return nil
}

// begin begins a record with b.
func (j *jsonFramer) begin(b byte) error {
	inArray := j.state != jsonTop
	switch {
	case b == '{' || b == '[':
		j.state, j.depth = jsonNested, 1
	case b == '"':
		j.state, j.depth = jsonString, 0
	case b == '-' || b >= '0' && b <= '9':
		j.state = jsonNumber
	case b == 't' || b == 'n':
		j.state, j.depth = jsonWord, len("null")-1
	case b == 'f':
		j.state, j.depth = jsonWord, len("false")-1
	default:
		return fmt.Errorf("%q is where a value begins", b)
	}
	j.inArray = inArray
	return nil
}

// nested goes on to the next string or to the end of the record.
func (j *jsonFramer) nested(data []byte, at int) (next int, ended bool) {
	for ; at < len(data); at++ {
		switch data[at] {
		case '"':
			j.state = jsonString
			return at + 1, false
		case '{', '[':
			j.depth++
		case '}', ']':
			if j.depth--; j.depth == 0 {
				return at + 1, true
			}
		}
	}
	return at, false
}

// string goes on to the end of the string.
func (j *jsonFramer) string(data []byte, at int) (next int, ended bool) {
	for at < len(data) {
		if j.escaped {
			j.escaped = false
			at++
		}
		i := bytes.IndexByte(data[at:], '"')
		if i < 0 {
			j.escaped = backslashes(data[at:])%2 == 1
			return len(data), false
		}
		escaped := backslashes(data[at:at+i])%2 == 1
		at += i + 1
		if !escaped {
			j.state = jsonNested
			return at, j.depth == 0
		}
	}
	return at, false
}

// backslashes returns how many text ends with.
func backslashes(text []byte) int {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n
}

// number goes on to what cannot be part of it.
func (j *jsonFramer) number(data []byte, at int) (next int, ended bool) {
	for ; at < len(data); at++ {
		switch b := data[at]; {
		case b >= '0' && b <= '9', b == '.', b == '-', b == '+', b == 'e', b == 'E':
		default:
			return at, true
		}
	}
	return at, false
}

// word goes on to its last letter, or to what is none.
func (j *jsonFramer) word(data []byte, at int) (next int, ended bool) {
	for ; at < len(data) && j.depth > 0; at++ {
		if data[at] < 'a' || data[at] > 'z' {
			return at, true
		}
		j.depth--
	}
	return at, j.depth == 0
}

func (j *jsonFramer) finish() (bool, error) {
	switch {
	case j.state == jsonTop: // perhaps behind a bracket that no record has
		j.last = jsonTop
		return false, nil
	case (j.state == jsonNumber || j.state == jsonWord) && !j.inArray:
		return true, nil
	}
	return false, errCut
}

func (*jsonFramer) size() int64 { return 0 }

func (j *jsonFramer) mark() uint8 { return uint8(j.last) }

func (j *jsonFramer) restore(mark uint8) bool {
	*j = jsonFramer{state: jsonState(mark), last: jsonState(mark)}
	return j.last <= jsonNext
}

func jsonPayload(Format) func([]byte) []byte { return trimJSON }

// trimJSON cuts off what stands before the value in a record of JSON.
func trimJSON(rec []byte) []byte {
	var j jsonFramer
	if first := bytes.TrimLeft(rec, " \t\r\n"); len(first) > 0 && (first[0] == ',' || first[0] == ']') {
		j.state = jsonNext
	}
	for i, b := range rec {
		if j.between(b) != nil || j.state > jsonElem {
			return rec[i:]
		}
	}
	return nil
}
