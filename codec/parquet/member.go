package parquet

import (
	"bytes"
	"errors"

	"github.com/weirflow/weir/codec/jsonscan"
)

var errNotObject = errors.New("it is not a JSON object")

// members goes over the members of an object of JSON, one at a time: a list of all
// of them could take more memory than the object.
type members struct {
	rec []byte
	at  int // where to look for the next one
	n   int // members so far

	quoted  []byte // the name as it stands there
	key     []byte // the same without quotes
	escaped bool   // the key has a backslash in it
	kind    jsonscan.Kind
	raw     []byte // the value as it stands there
}

// reset begins with the first member of rec.
func (m *members) reset(rec []byte) error {
	*m = members{rec: rec}
	if m.space() != '{' {
		return errNotObject
	}
	m.at++
	return nil
}

// space passes over white space and returns what comes then; 0: nothing.
func (m *members) space() byte {
	for ; m.at < len(m.rec); m.at++ {
		switch c := m.rec[m.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// next goes to the next member. It reports false behind the last one, with nothing
// but white space behind the object.
func (m *members) next() (bool, error) {
	c := m.space()
	switch {
	case c == '}':
		m.at++
		if m.space() != 0 || m.at < len(m.rec) {
			return false, m.wrong("want nothing more after the object")
		}
		return false, nil
	case m.n > 0 && c != ',':
		return false, m.wrong("want a comma or a closing brace after a member")
	case m.n > 0:
		m.at++
		c = m.space()
	}
	m.n++
	if c != '"' {
		return false, m.wrong("want the name of a member, in quotes")
	}
	start, end, _, err := jsonscan.Value(m.rec, m.at)
	if err != nil {
		return false, err
	}
	m.quoted, m.key = m.rec[start:end], m.rec[start+1:end-1]
	m.escaped = bytes.IndexByte(m.key, '\\') >= 0
	m.at = end
	if m.space() != ':' {
		return false, m.wrong("want a colon after the name of a member")
	}
	start, end, m.kind, err = jsonscan.Value(m.rec, m.at+1)
	if err != nil {
		return false, err
	}
	m.raw, m.at = m.rec[start:end], end
	return true, nil
}

func (m *members) wrong(want string) error {
	return &jsonscan.SyntaxError{Offset: m.at, Reason: want}
}

// name returns the key as text, in room if it has to be made.
func (m *members) name(room []byte) ([]byte, error) {
	if !m.escaped {
		return m.key, nil
	}
	return jsonscan.Unquote(room[:0], m.quoted)
}
