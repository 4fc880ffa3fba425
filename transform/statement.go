package transform

import (
	"strings"
)

// A Statement is one parsed statement, for New.
type Statement struct {
	name string // "where", "drop referer"
	make maker
}

// String returns the short name of the statement, for statistics: it leaves out
// expressions and salts.
func (s Statement) String() string { return s.name }

// A maker makes the operation of a statement in a program.
type maker func(b *builder) (op, error)

// Names lists the statements of the language.
func Names() []string {
	return []string{
		"where", "set", "drop", "rename", "keep", "mask", "hash", "parse_time",
		"explode", "sample", "dedupe",
	}
}

// parserOf returns the function that parses what follows the name of a
// statement; nil: there is no such statement.
func parserOf(name string) func(s *scanner) (Statement, error) {
	switch name {
	case "where":
		return parseWhere
	case "set":
		return parseSet
	case "drop":
		return parseDrop
	case "keep":
		return parseKeep
	case "rename":
		return parseRename
	case "mask":
		return parseMask
	case "hash":
		return parseHash
	case "parse_time":
		return parseTime
	case "explode":
		return parseExplode
	case "sample":
		return parseSample
	case "dedupe":
		return parseDedupe
	}
	return nil
}

// Split parses the statements of a program: they are separated by line ends, ';'
// or '|', and a line that begins with '#' is a comment. An error is an *Error.
func Split(text string) ([]Statement, error) {
	s := &scanner{src: text}
	var all []Statement
	for {
		s.skipLines()
		switch {
		case s.i >= len(text):
			return all, nil
		case isSeparator(text[s.i]):
			s.i++
			continue
		case text[s.i] == '#':
			s.skipTo("\n")
			continue
		}
		st, err := s.statement()
		if err != nil {
			return nil, err
		}
		all = append(all, st)
	}
}

// statement parses one statement up to its end.
func (s *scanner) statement() (Statement, error) {
	at := s.i
	name := s.word()
	parse := parserOf(name)
	if parse == nil {
		return Statement{}, s.errorf(at, "there is no statement %q; the statements are %s (an expression with ; or | in it stands in parentheses)", name, strings.Join(Names(), ", "))
	}
	st, err := parse(s)
	if err != nil {
		return Statement{}, err
	}
	if !s.ended() {
		return Statement{}, s.unexpected("the end of the statement")
	}
	return st, nil
}

// ParseStatement parses the statement called name with what follows the name,
// for a flag of a command line: ParseStatement("drop", "referer, cookie"). The
// name may have '-' for '_'. An error is an *Error whose line is the statement.
func ParseStatement(name, argument string) (Statement, error) {
	s := &scanner{src: strings.ReplaceAll(name, "-", "_") + " " + argument, whole: true}
	return s.statement()
}

// short shortens a list of paths for a Statement's name.
func short(verb string, all []path) string {
	const most = 3
	names := make([]string, 0, most+1)
	for i, p := range all {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, p.String())
	}
	return verb + " " + strings.Join(names, ", ")
}
