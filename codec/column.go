package codec

import (
	"errors"
	"fmt"
	"strings"
)

// A Column says where the value of a column of a table is in a record, a JSON object.
// Columns that no Column names take the member of their own name.
type Column struct {
	// Name is the column's name, as the table has it.
	Name string
	// Path leads to the value: the name of a member, of a member of that one,
	// and so on. Empty: the whole record.
	Path []string
}

// ParseColumn takes "column=path.to.member", or "column=." for the whole record. A
// backslash before a dot, an equals sign or a backslash makes it part of a name.
func ParseColumn(text string) (Column, error) {
	name, rest, found := cutName(text, '=')
	if !found || name == "" {
		return Column{}, fmt.Errorf("column %q: write name=member, name=member.of.member, or name=. for the whole record", text)
	}
	if rest == "." {
		return Column{Name: name}, nil
	}
	c := Column{Name: name}
	for more := true; more; {
		var part string
		if part, rest, more = cutName(rest, '.'); part == "" {
			return Column{}, fmt.Errorf("column %q: the name of a member is missing", text)
		}
		c.Path = append(c.Path, part)
	}
	return c, nil
}

// cutName returns what is before the first sep that no backslash makes part of a name,
// without the backslashes, and what is behind it as it is.
func cutName(text string, sep byte) (before, after string, found bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`.=\`, text[i+1]) >= 0:
			i++
			b.WriteByte(text[i])
		case c == sep:
			return b.String(), text[i+1:], true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", false
}

// CheckTableColumns reports columns that are named twice or not at all.
func CheckTableColumns(columns []Column) error {
	var errs []error
	seen := map[string]bool{}
	for _, c := range columns {
		switch {
		case c.Name == "":
			errs = append(errs, errors.New("option Columns has one without a name"))
		case seen[c.Name]:
			errs = append(errs, fmt.Errorf("option Columns names %q twice", c.Name))
		}
		seen[c.Name] = true
	}
	return errors.Join(errs...)
}
