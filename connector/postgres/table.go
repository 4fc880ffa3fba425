package postgres

import (
	"context"
	"strconv"
)

// attribute is a column of a table as the catalog has it.
type attribute struct {
	name  string
	oid   uint32 // of the type, of a domain the one it is over
	array bool   // a JSON array is written as one of PostgreSQL
	enum  bool
	// optional says that it has a default, or a value of its own: it is left
	// out of a COPY when the record has no member for it.
	optional bool
}

// table is what is known of the table that is written.
type table struct {
	name       relation
	attributes []attribute // those that can be written
	generated  []string    // those that the server computes
}

// attributesQuery lists the columns of a table. Types that are made by an extension
// have their own numbers, and take text.
const attributesQuery = `SELECT a.attname,
	CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
	coalesce(b.typcategory, t.typcategory) = 'A', coalesce(b.typtype, t.typtype) = 'e',
	a.atthasdef OR a.attidentity <> '', a.attgenerated <> ''
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
	LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

// loadTable reads what the catalog has of a table; nil if there is none.
func loadTable(ctx context.Context, c *conn, name relation) (*table, error) {
	rows, _, err := c.query(ctx, attributesQuery, name.String())
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	t := &table{name: name}
	for _, row := range rows {
		text := func(i int) string { return string(row[i]) }
		if text(5) == "t" {
			t.generated = append(t.generated, text(0))
			continue
		}
		oid, err := strconv.ParseUint(text(1), 10, 32)
		if err != nil {
			return nil, err
		}
		t.attributes = append(t.attributes, attribute{
			name: text(0), oid: uint32(oid), array: text(2) == "t", enum: text(3) == "t", optional: text(4) == "t",
		})
	}
	return t, nil
}

// missing is the error of a table that is not there.
func missing(name relation) error {
	return invalid("there is no table %s: create it, have it created from the records (Create), or check its name, in which case counts, and the search_path", name.plain())
}

// gone is the error of a table that was there in an earlier run, and of which parts
// would be missing if it were made again.
func gone(name relation) error {
	return invalid("the table %s, which an earlier run has made, is not there any more, and what it held is gone with it; start over with --fresh to write all of it again", name.plain())
}
