package transform

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Error is a fault in the text of a program. It names the place and shows it.
// What stands in the parentheses of a hash, its salt, is shown as stars.
type Error struct {
	Line   int    // from 1
	Column int    // in characters, from 1
	Text   string // the line of the program
	Err    error  // what is wrong there; never nil
}

// Error gives the place, the cause, and the line with a caret below the place:
//
//	line 1, column 14: the expression ends too early
//	  where status >=
//	               ^
func (e *Error) Error() string {
	var pad strings.Builder
	n := 1
	for _, r := range e.Text {
		if n >= e.Column {
			break
		}
		if r != '\t' {
			r = ' '
		}
		pad.WriteRune(r)
		n++
	}
	return fmt.Sprintf("line %d, column %d: %v\n  %s\n  %s^", e.Line, e.Column, e.Err, e.Text, pad.String())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// errorAt returns the error for what is wrong at src[at].
func errorAt(src string, at int, format string, args ...any) *Error {
	at = min(max(at, 0), len(src))
	start := strings.LastIndexByte(src[:at], '\n') + 1
	line := src[start:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return &Error{
		Line:   strings.Count(src[:at], "\n") + 1,
		Column: utf8.RuneCountInString(src[start:at]) + 1,
		Text:   hideSalts(strings.TrimSuffix(line, "\r")),
		Err:    fmt.Errorf(format, args...),
	}
}

// hideSalts replaces every character of a salt in line by a star, so that
// columns stay. The name of an environment variable is no secret.
func hideSalts(line string) string {
	// What stands before a salt, also where the algorithm is misspelt.
	opening := regexp.MustCompile(`(?i)(?:\bwith\s+[^\s(]*|\b(?:sha|md|xxh)\w*)\s*\(\s*`)
	var b strings.Builder
	for {
		at := opening.FindStringIndex(line)
		if at == nil {
			b.WriteString(line)
			return b.String()
		}
		b.WriteString(line[:at[1]])
		line = line[at[1]:]
		salt := line[:saltEnd(line)]
		if strings.HasPrefix(salt, "$") {
			b.WriteString(salt)
		} else {
			b.WriteString(strings.Repeat("*", utf8.RuneCountInString(salt)))
		}
		line = line[len(salt):]
	}
}

// saltEnd returns where the salt that begins s ends: at the parenthesis behind
// it, or at the end of the line.
func saltEnd(s string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == ')':
			return i
		}
	}
	return len(s)
}
