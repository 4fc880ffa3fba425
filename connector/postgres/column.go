package postgres

import (
	"errors"
	"fmt"
	"strings"
)

// A Column says where the value of a column of the table is in a record. Columns
// that no Column names take the member of their own name.
type Column struct {
	// Name is the column's name, as the catalog has it.
	Name string
	// Path leads to the value: the name of a member, of a member of that one,
	// and so on. Empty: the whole record.
	Path []string
}

// ParseColumn takes "column=path.to.member", or "column=." for the whole record. A
// backslash before a dot, an equals sign or a backslash makes it part of a name.
func ParseColumn(text string) (Column, error) {
	parts := []string{""}
	column, behind := "", false
	for i := 0; i < len(text); i++ {
		c, last := text[i], &parts[len(parts)-1]
		switch {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`.=\`, text[i+1]) >= 0:
			i++
			*last += text[i : i+1]
		case c == '=' && !behind:
			column, behind, parts = *last, true, []string{""}
		case c == '.' && behind:
			parts = append(parts, "")
		default:
			*last += text[i : i+1]
		}
	}
	switch {
	case !behind || column == "":
		return Column{}, fmt.Errorf("column %q: write name=member, name=member.of.member, or name=. for the whole record", text)
	case len(parts) == 2 && parts[0] == "" && parts[1] == "":
		return Column{Name: column}, nil
	}
	for _, part := range parts {
		if part == "" {
			return Column{}, fmt.Errorf("column %q: the name of a member is missing", text)
		}
	}
	return Column{column, parts}, nil
}

// checkColumns reports columns that are named twice or not at all.
func checkColumns(columns []Column) error {
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
