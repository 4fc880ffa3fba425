package sqlite

import "slices"

// attribute is a column of a table.
type attribute struct {
	name string
	// optional says that it has a default: it is left out of an INSERT when the
	// record has no member for it.
	optional bool
}

// table is what is known of the table that is written.
type table struct {
	name       string
	attributes []attribute // those that can be written
	generated  []string    // those that SQLite computes
	// plain says that an INSERT of several rows that fails for one of them has stored
	// none. A clause ON CONFLICT or a trigger can have it otherwise, and the check of
	// types in a STRICT table does.
	plain bool
}

// How table_xinfo marks columns.
const (
	shown            = 0
	generatedVirtual = 2
	generatedStored  = 3
)

// loadTable reads what the schema has of a table; nil if there is none.
func loadTable(c *conn, name string) (*table, error) {
	t := &table{name: name}
	err := c.each("SELECT name, dflt_value IS NOT NULL, hidden FROM pragma_table_xinfo(?)", []any{name}, func(s *stmt) error {
		column := string(s.text(0))
		switch s.int(2) {
		case shown:
			t.attributes = append(t.attributes, attribute{column, s.int(1) != 0})
		case generatedVirtual, generatedStored:
			t.generated = append(t.generated, column)
		}
		return nil
	})
	if err != nil || len(t.attributes) == 0 {
		return nil, err
	}
	const plain = `SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE AND type = 'table' AND NOT strict
	AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE AND (type = 'trigger' OR type = 'table' AND sql LIKE '%conflict%'))`
	err = c.each(plain, []any{name}, func(s *stmt) error {
		t.plain = s.int(0) == 1
		return nil
	})
	return t, err
}

// check reports columns of the options that the table does not have.
func (t *table) check(o *SinkOptions) error {
	has := func(name string) bool {
		return slices.ContainsFunc(t.attributes, func(a attribute) bool { return a.name == name })
	}
	for _, name := range o.Key {
		if !has(name) {
			return invalid("the table %s has no column %s, which Key names", t.name, name)
		}
	}
	for _, c := range o.Columns {
		switch {
		case slices.Contains(t.generated, c.Name):
			return invalid("column %s of table %s is computed by SQLite; leave it out of Columns", c.Name, t.name)
		case !has(c.Name):
			return invalid("the table %s has no column %s, which Columns names", t.name, c.Name)
		}
	}
	return nil
}

// missing is the error of a table that is not there.
func missing(name string) error {
	return invalid("there is no table %s: create it, have it created from the records (Create), or check its name", name)
}

// gone is the error of a table that was there in an earlier run, and of which parts
// would be missing if it were made again.
func gone(name string) error {
	return invalid("the table %s, which an earlier run has made, is not there any more, and what it held is gone with it; start over with --fresh to write all of it again", name)
}
