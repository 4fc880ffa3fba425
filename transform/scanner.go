package transform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A scanner reads the text of a program, or of one statement of it.
type scanner struct {
	src   string
	i     int
	whole bool // one statement: separators do not end it
}

func (s *scanner) errorf(at int, format string, args ...any) *Error {
	return errorAt(s.src, at, format, args...)
}

// skip moves over white space, not over the end of a line.
func (s *scanner) skip() {
	for s.i < len(s.src) {
		r, n := utf8.DecodeRuneInString(s.src[s.i:])
		if r == '\n' && !s.whole || !unicode.IsSpace(r) {
			return
		}
		s.i += n
	}
}

// skipLines moves over white space, line ends too.
func (s *scanner) skipLines() {
	s.i = len(s.src) - len(strings.TrimLeftFunc(s.src[s.i:], unicode.IsSpace))
}

// ended reports whether the statement ends here.
func (s *scanner) ended() bool {
	s.skip()
	return s.i >= len(s.src) || !s.whole && isSeparator(s.src[s.i])
}

func isSeparator(c byte) bool { return c == '\n' || c == ';' || c == '|' }

// accept moves over c, if it is next.
func (s *scanner) accept(c byte) bool {
	s.skip()
	if s.i < len(s.src) && s.src[s.i] == c {
		s.i++
		return true
	}
	return false
}

// acceptWord moves over the word w, if it is next.
func (s *scanner) acceptWord(w string) bool {
	at := s.i
	if s.word() == w {
		return true
	}
	s.i = at
	return false
}

// word reads a bare word; empty: there is none.
func (s *scanner) word() string {
	s.skip()
	start := s.i
	for s.i < len(s.src) {
		r, n := utf8.DecodeRuneInString(s.src[s.i:])
		if !inWord(r) {
			break
		}
		s.i += n
	}
	return s.src[start:s.i]
}

// inWord reports whether r can stand in a field name without quotes.
func inWord(r rune) bool {
	return r == '_' || r == '-' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// isBare reports whether name can be written without quotes.
func isBare(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool { return !inWord(r) }) < 0 && utf8.ValidString(name)
}

// unexpected is the error for what is next, which is not want.
func (s *scanner) unexpected(want string) *Error {
	if s.ended() {
		return s.errorf(s.i, "%s is missing here", want)
	}
	r, _ := utf8.DecodeRuneInString(s.src[s.i:])
	return s.errorf(s.i, "%s is expected here, not %q", want, r)
}

// quoted reads a text in double or single quotes; ok is false if there is none.
func (s *scanner) quoted() (text string, ok bool, err error) {
	s.skip()
	if s.i >= len(s.src) || s.src[s.i] != '"' && s.src[s.i] != '\'' {
		return "", false, nil
	}
	start, quote := s.i, s.src[s.i]
	rest := s.src[s.i+1:]
	var b strings.Builder
	for {
		switch {
		case rest == "" || rest[0] == '\n':
			return "", false, s.errorf(start, "the quotes that open here are not closed")
		case rest[0] == quote:
			s.i = len(s.src) - len(rest) + 1
			return b.String(), true, nil
		}
		r, raw, tail, err := strconv.UnquoteChar(rest, quote)
		if err != nil {
			return "", false, s.errorf(len(s.src)-len(rest), "%s", "unknown escape: write \\\\ for a backslash")
		}
		if r < utf8.RuneSelf || raw {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
}

// textOrWord reads a text in quotes or a bare word.
func (s *scanner) textOrWord(what string) (string, error) {
	text, ok, err := s.quoted()
	if ok || err != nil {
		return text, err
	}
	if w := s.word(); w != "" {
		return w, nil
	}
	return "", s.unexpected(what)
}

// path reads the path of a field: name, a.b, "x y".z, $["x y"].z.
func (s *scanner) path() (path, error) {
	var p path
	s.skip()
	start := s.i
	if !strings.HasPrefix(s.src[s.i:], "$[") && !strings.HasPrefix(s.src[s.i:], "$.") {
		name, err := s.textOrWord("the name of a field")
		if err != nil {
			return nil, err
		}
		p = append(p, member(name))
	} else {
		s.i++
	}
	for s.i < len(s.src) && len(p) <= maxPath {
		var name string
		var err error
		switch s.src[s.i] {
		case '.':
			s.i++
			name, err = s.textOrWord("the name of a field")
		case '[':
			s.i++
			name, err = s.subscript()
		default:
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		p = append(p, member(name))
	}
	if len(p) > maxPath {
		return nil, s.errorf(start, "a path has at most %d steps", maxPath)
	}
	return p, nil
}

// subscript reads the rest of ["name"].
func (s *scanner) subscript() (string, error) {
	at := s.i
	name, ok, err := s.quoted()
	if err != nil {
		return "", err
	}
	if !ok || !s.accept(']') {
		return "", s.errorf(at, `a field in brackets is written ["name"]; statements do not reach elements of an array`)
	}
	return name, nil
}

// paths reads a list of paths, separated by commas.
func (s *scanner) paths() ([]path, error) {
	var all []path
	for {
		p, err := s.path()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
		if !s.accept(',') {
			return all, nil
		}
		s.skipLines()
	}
}

// An expression is a piece of the text of a program.
type expression struct {
	src        string
	start, end int
}

// failed puts the expression before the reason why it has no value for a record.
func (e expression) failed(reason error) error {
	const most = 60
	text := []rune(strings.Join(strings.Fields(e.src[e.start:e.end]), " "))
	if len(text) > most {
		text = append(text[:most], '…')
	}
	return fmt.Errorf("%s: %w", string(text), reason)
}

// expression reads an expression: up to the end of the statement, or a comma if
// commas end it, outside of quotes, comments and brackets.
func (s *scanner) expression(comma bool) (expression, error) {
	s.skip()
	e := expression{src: s.src, start: s.i}
	s.skipExpression(comma)
	e.end = s.i
	if strings.TrimSpace(s.src[e.start:e.end]) == "" {
		return e, s.errorf(e.start, "an expression is missing here")
	}
	return e, nil
}

func (s *scanner) skipExpression(comma bool) {
	for depth := 0; s.i < len(s.src); {
		switch c := s.src[s.i]; {
		case c == '"' || c == '\'' || c == '`':
			s.skipQuoted(c)
			continue
		case c == '/' && strings.HasPrefix(s.src[s.i:], "/*"):
			s.skipPast("*/")
			continue
		case c == '/' && strings.HasPrefix(s.src[s.i:], "//"):
			s.skipTo("\n")
			continue
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case strings.HasPrefix(s.src[s.i:], "||"):
			s.i++
		case depth > 0:
		case comma && c == ',', !s.whole && isSeparator(c):
			return
		}
		s.i++
	}
}

// skipQuoted moves behind a text in quotes, or to the end of the program.
func (s *scanner) skipQuoted(quote byte) {
	for s.i++; s.i < len(s.src); s.i++ {
		switch s.src[s.i] {
		case quote:
			s.i++
			return
		case '\\':
			if quote != '`' {
				s.i++
			}
		}
	}
	s.i = len(s.src)
}

// skipPast moves behind the next end, or to the end of the program.
func (s *scanner) skipPast(end string) {
	s.skipTo(end)
	s.i = min(s.i+len(end), len(s.src))
}

// skipTo moves to the next end, or to the end of the program.
func (s *scanner) skipTo(end string) {
	if n := strings.Index(s.src[s.i:], end); n >= 0 {
		s.i += n
		return
	}
	s.i = len(s.src)
}
