package postgres

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

// textRow adds a row as text: values between tabs, \N for NULL, with escapes.
func (e *encoder) textRow(rec []byte) error {
	for i, f := range e.cols {
		if i > 0 {
			e.byte('\t')
		}
		if !e.value(rec, f) {
			e.byte('\\')
			e.byte('N')
			continue
		}
		if err := e.textValue(&e.p.fields[f], &e.v); err != nil {
			return &badError{fmt.Errorf("column %s: %w", e.p.fields[f].name, err)}
		}
	}
	e.byte('\n')
	return nil
}

func (e *encoder) byte(c byte) {
	e.need(1)
	e.buf = append(e.buf, c)
}

func (e *encoder) textValue(f *field, s *span) error {
	switch {
	case f.how == asJSON || f.how == asJSONB:
		e.escape(s.v, false)
		return nil
	case f.array && s.kind == jsonscan.Array:
		return e.textArray(s.v)
	}
	return e.textScalar(s, false)
}

// textScalar adds the text of a string, or a value of another kind as it stands. In
// an array it is quoted.
func (e *encoder) textScalar(s *span, quoted bool) error {
	b := s.inside()
	if s.kind != jsonscan.String || !s.escaped {
		e.escape(b, quoted)
		return nil
	}
	var room [utf8.UTFMax]byte
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			e.escape(b, quoted)
			return nil
		}
		e.escape(b[:i], quoted)
		text, n, err := unescapeOne(b[i:], &room)
		if err != nil {
			return err
		}
		e.escape(text, quoted)
		b = b[i+n:]
	}
}

// textArray adds a JSON array as an array of PostgreSQL, which stands in braces.
func (e *encoder) textArray(v []byte) error {
	e.byte('{')
	first := true
	err := jsonscan.Elements(v, 0, func(start, end int, kind jsonscan.Kind) error {
		if !first {
			e.byte(',')
		}
		first = false
		s := &span{v[start:end], kind, true}
		switch kind {
		case jsonscan.Null:
			e.put([]byte("NULL"))
			return nil
		case jsonscan.Array:
			return e.textArray(s.v)
		case jsonscan.Number, jsonscan.True, jsonscan.False:
			e.put(s.v)
			return nil
		}
		e.byte('"')
		err := e.textScalar(s, true)
		e.byte('"')
		return err
	})
	e.byte('}')
	return err
}

// special are the bytes that stand for something else in a COPY, or in an element of
// an array, and what is written in their place.
var special = [256]string{'\t': `\t`, '\n': `\n`, '\r': `\r`, '\\': `\\`}

// escape adds text with the escapes of a COPY, and of a quoted element of an array
// inside of it.
func (e *encoder) escape(b []byte, quoted bool) {
	start := 0
	for i, c := range b {
		if special[c] == "" && (!quoted || c != '"') {
			continue
		}
		e.put(b[start:i])
		start = i + 1
		if quoted && (c == '"' || c == '\\') {
			e.put([]byte(`\\`))
		}
		if special[c] == "" {
			e.byte(c)
			continue
		}
		e.put([]byte(special[c]))
	}
	e.put(b[start:])
}
