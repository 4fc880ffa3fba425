package postgres

import (
	"context"
	"slices"
	"strings"
)

// stageName is the temporary table that the rows of a Write with a key go to first.
const stageName = "pg_temp.weir_stage"

// stage gives c the temporary table, once.
func (s *Sink) stage(ctx context.Context, c *conn, t *table) error {
	if len(s.o.Key) == 0 || c.staged {
		return nil
	}
	_, err := c.exec(ctx, s.stageSQL(t))
	c.staged = err == nil
	return err
}

// stageSQL makes the temporary table: the columns of the table that can be written,
// without its constraints.
func (s *Sink) stageSQL(t *table) string {
	names := make([]string, len(t.attributes))
	for i, a := range t.attributes {
		names[i] = a.name
	}
	return "CREATE TEMPORARY TABLE weir_stage ON COMMIT DELETE ROWS AS SELECT " +
		idents(names) + " FROM " + s.relation.String() + " WITH NO DATA"
}

// mergeSQL inserts what is staged. Of rows with the same key the last one counts, as
// if they had come one by one: ctid grows with each row of a table that is only
// added to. Keys that are NULL, or have a part that is, are no two the same.
func (l *lane) mergeSQL() string {
	columns, key := l.e.columns(), l.sink.o.Key
	var sets, nulls []string
	for _, name := range columns {
		if !slices.Contains(key, name) {
			sets = append(sets, ident(name)+" = EXCLUDED."+ident(name))
		}
	}
	for _, name := range key {
		nulls = append(nulls, ident(name)+" IS NULL")
	}
	action := "DO NOTHING"
	if len(sets) > 0 {
		action = "DO UPDATE SET " + strings.Join(sets, ", ")
	}
	list := idents(columns)
	distinct := idents(key) + ", CASE WHEN " + strings.Join(nulls, " OR ") + " THEN ctid END"
	return "INSERT INTO " + l.sink.relation.String() + " (" + list + ") SELECT " + list + " FROM (SELECT DISTINCT ON (" +
		distinct + ") * FROM " + stageName + " ORDER BY " + distinct + ", ctid DESC) AS last ON CONFLICT (" + idents(key) + ") " +
		action + "; TRUNCATE " + stageName
}
