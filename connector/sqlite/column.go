package sqlite

import (
	"strings"

	"github.com/weirflow/weir/codec"
)

// A Column says where the value of a column is in a record. The case of its name
// counts.
type Column = codec.Column

// ident quotes a name for SQL.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// idents quotes names and joins them.
func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}
