package postgres

import (
	"errors"
	"fmt"
	"strings"
)

// maxName is the longest name that PostgreSQL keeps whole, in bytes.
const maxName = 63

// ident returns name as it is written in SQL.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// idents returns names as a list in SQL.
func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}

// literal returns text as a string constant in SQL, whatever
// standard_conforming_strings says.
func literal(text string) string {
	quoted := strings.ReplaceAll(text, "'", "''")
	if strings.Contains(text, `\`) {
		return ` E'` + strings.ReplaceAll(quoted, `\`, `\\`) + `'`
	}
	return "'" + quoted + "'"
}

// A relation is the name of a table, with or without its schema. It is what the
// catalog has: case counts.
type relation struct{ schema, name string }

// parseRelation takes "table" or "schema.table". A part that holds a dot stands in
// double quotes, in which "" is one.
func parseRelation(text string) (relation, error) {
	var parts []string
	for rest := text; ; {
		part, behind, err := namePart(rest)
		if err != nil {
			return relation{}, fmt.Errorf("the table %q: %w", text, err)
		}
		parts = append(parts, part)
		if behind == "" {
			break
		}
		rest = behind[1:] // the dot
	}
	switch len(parts) {
	case 1:
		return relation{name: parts[0]}, nil
	case 2:
		return relation{parts[0], parts[1]}, nil
	}
	return relation{}, fmt.Errorf("the table %q has %d parts; write table or schema.table, and a part that holds a dot in double quotes", text, len(parts))
}

// namePart takes a name off the front of text; behind is empty or begins with a
// dot.
func namePart(text string) (name, behind string, err error) {
	if !strings.HasPrefix(text, `"`) {
		i := strings.IndexByte(text, '.')
		if i < 0 {
			i = len(text)
		}
		name, behind = text[:i], text[i:]
	} else {
		var b strings.Builder
		rest := text[1:]
		for {
			i := strings.IndexByte(rest, '"')
			if i < 0 {
				return "", "", errors.New("a double quote is not closed")
			}
			b.WriteString(rest[:i])
			rest = rest[i+1:]
			if !strings.HasPrefix(rest, `"`) {
				break
			}
			b.WriteByte('"')
			rest = rest[1:]
		}
		if rest != "" && rest[0] != '.' {
			return "", "", errors.New("something follows a closing double quote that is not a dot")
		}
		name, behind = b.String(), rest
	}
	switch {
	case name == "":
		return "", "", errors.New("a name is missing")
	case len(name) > maxName:
		return "", "", fmt.Errorf("a name is longer than %d bytes", maxName)
	case strings.IndexByte(name, 0) >= 0:
		return "", "", errors.New("a name holds a zero byte")
	}
	return name, behind, nil
}

// String returns the name as it is written in SQL.
func (r relation) String() string {
	if r.schema == "" {
		return ident(r.name)
	}
	return ident(r.schema) + "." + ident(r.name)
}

// plain returns the name as people write it.
func (r relation) plain() string {
	if r.schema == "" {
		return r.name
	}
	return r.schema + "." + r.name
}
