package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// keyColumn is one column of what rows are ordered by.
type keyColumn struct{ name, kind string }

// primaryQuery lists the columns of a table's primary key in its order.
const primaryQuery = `SELECT a.attname FROM pg_catalog.pg_index i
	CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)
	JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisprimary AND k.n <= i.indnkeyatts ORDER BY k.n`

// nullableQuery lists those of some columns of a table that may be NULL. Of a view
// nobody knows.
const nullableQuery = `SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE a.attrelid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p', 'f') AND a.attname = ANY (string_to_array($2, chr(1))) AND NOT a.attnotnull`

// findKey returns what the rows of from are ordered by, with the types; nothing if
// they are not.
func (s *Source) findKey(ctx context.Context, c *conn, from string) ([]keyColumn, error) {
	names := s.o.Key
	if s.o.Query == "" {
		rows, _, err := c.query(ctx, "SELECT to_regclass($1)", s.relation.String())
		if err != nil {
			return nil, err
		}
		if rows[0][0] == nil {
			return nil, invalid("there is no table %s: check its name, in which case counts, and the search_path", s.relation.plain())
		}
		if names, err = s.tableKey(ctx, c); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	description, err := c.pg.Prepare(ctx, "", "SELECT "+idents(names)+" FROM "+from+" AS q", nil)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	key := make([]keyColumn, len(names))
	for i, name := range names {
		rows, _, err := c.query(ctx, "SELECT format_type($1::oid, NULL)", strconv.FormatUint(uint64(description.Fields[i].DataTypeOID), 10))
		if err != nil {
			return nil, err
		}
		key[i] = keyColumn{name, string(rows[0][0])}
	}
	return key, nil
}

// tableKey returns the names of the key's columns of a table.
func (s *Source) tableKey(ctx context.Context, c *conn) ([]string, error) {
	if len(s.o.Key) > 0 {
		rows, _, err := c.query(ctx, nullableQuery, s.relation.String(), strings.Join(s.o.Key, "\x01"))
		if err == nil && len(rows) > 0 {
			err = invalid("column %s of table %s may be NULL, and such rows have no place in the order of Key", rows[0][0], s.relation.plain())
		}
		return s.o.Key, err
	}
	rows, _, err := c.query(ctx, primaryQuery, s.relation.String())
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = string(row[0])
	}
	return names, err
}

// errKeyNull and errKeyTwice say that Key is none.
var (
	errKeyNull  = errors.New("a row has NULL in a column of Key: it has no place in the order")
	errKeyTwice = errors.New("two rows have the same values in the columns of Key: rows would be lost when the stream is continued between them; add a column")
)

// keyValues are the values of the key's columns of one row as text, in one buffer.
type keyValues struct {
	text []byte
	ends []int
}

func (k *keyValues) reset() { k.text, k.ends = k.text[:0], k.ends[:0] }

// value returns value i.
func (k *keyValues) value(i int) []byte {
	start := 0
	if i > 0 {
		start = k.ends[i-1]
	}
	return k.text[start:k.ends[i]]
}

func (k *keyValues) equal(o *keyValues) bool {
	if len(k.ends) != len(o.ends) || !bytes.Equal(k.text, o.text) {
		return false
	}
	for i := range k.ends {
		if k.ends[i] != o.ends[i] {
			return false
		}
	}
	return true
}

// appendPosition appends the values as a JSON array of strings, which is the position
// behind their row.
func (k *keyValues) appendPosition(dst []byte) (weir.Position, error) {
	dst = append(dst, '[')
	for i := range k.ends {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonscan.Quote(dst, k.value(i))
	}
	dst = append(dst, ']')
	if len(dst) > weir.MaxPosition {
		return dst, invalid("the values of Key take %d bytes in a row, and a position has at most %d; choose a shorter key", len(dst), weir.MaxPosition)
	}
	return dst, nil
}

// parsePosition takes what appendPosition made.
func parsePosition(p weir.Position, columns int) ([]string, error) {
	var values []*string
	if err := json.Unmarshal(p, &values); err != nil {
		return nil, fmt.Errorf("it is not a position of this source: %w", err)
	}
	all := make([]string, len(values))
	for i, v := range values {
		if v == nil {
			return nil, errors.New("it is not a position of this source: null is no value of a key")
		}
		all[i] = *v
	}
	if len(all) != columns {
		return nil, fmt.Errorf("it has %d values, and the key has %d columns", len(all), columns)
	}
	return all, nil
}
