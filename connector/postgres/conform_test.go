package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/weirtest"
)

// number is the number in the name of a stream of the kit.
func number(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(name, "weirtest-"), ".ndjson")
}

// kit is the harness of a sink with options; table has what the kit's records have.
func kit(t *testing.T, o postgres.SinkOptions, columns string) weirtest.SinkHarness {
	d := start(t)
	table := d.table(columns)
	locked := d.table(columns)
	d.lock(locked, "SHARE") // which lets nobody write
	refuses := d.table("stream int")
	strict := o
	strict.Strict, strict.Bad = true, nil
	if len(o.Key) > 0 {
		strict.Key = []string{"stream"}
	}
	open := func(table string, o postgres.SinkOptions) func(testing.TB) weir.Sink {
		return func(tb testing.TB) weir.Sink { return sinkAt(tb, d.URL(), table, o) }
	}
	hangs := open(locked, o)
	if o.Bad == nil && o.Connections <= 1 && len(o.Key) == 0 {
		hangs = nil // a Write does not wait for the server before megabytes are on the way
	}
	return weirtest.SinkHarness{
		Open: open(table, o), Fails: open(refuses, strict), Hangs: hangs,
		Kept: o.Connections > 1,
		Read: func(tb testing.TB, name string) ([]byte, bool) {
			rows := database{d.Server, tb}.rows(fmt.Sprintf(`SELECT format('{"stream":%%s,"record":%%s}', stream, record) FROM %s WHERE stream = %s ORDER BY n`, table, number(name)))
			if len(rows) == 0 {
				return nil, false
			}
			return []byte(strings.Join(rows, "\n") + "\n"), true
		},
	}
}

// lock holds a lock on a table until the test has ended.
func (d database) lock(table, mode string) {
	d.t.Helper()
	c, err := pgconn.Connect(d.t.Context(), d.URL())
	must(d.t, err)
	d.t.Cleanup(func() { _ = c.Close(context.Background()) }) // which ends the transaction
	_, err = c.Exec(d.t.Context(), "BEGIN; LOCK TABLE "+table+" IN "+mode+" MODE").ReadAll()
	must(d.t, err)
}

func TestSinkConforms(t *testing.T) {
	for name, o := range map[string]postgres.SinkOptions{
		"one transaction": {},
		"savepoints":      {Bad: weir.SkipBad},
		"three lanes":     {Connections: 3},
	} {
		t.Run(name, func(t *testing.T) {
			weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness { return kit(t, o, "stream int, record int, n bigserial") })
		})
	}
	t.Run("upsert", func(t *testing.T) {
		weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
			return kit(t, postgres.SinkOptions{Key: []string{"stream", "record"}}, "stream int, record int, n bigserial, PRIMARY KEY (stream, record)")
		})
	})
}

func TestSourceConforms(t *testing.T) {
	for name, o := range map[string]postgres.SourceOptions{
		"table": {Page: 170},
		"query": {Query: "SELECT id, text FROM %s -- all of it;"},
	} {
		t.Run(name, func(t *testing.T) {
			weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
				d := start(t)
				const columns = "id bigint PRIMARY KEY, text text"
				table := d.table(columns)
				d.do("INSERT INTO " + table + " SELECT i, repeat(md5(i::text), i % 30) FROM generate_series(1, 1000) AS i")
				locked := d.table(columns)
				d.lock(locked, "ACCESS EXCLUSIVE")
				order := "id"
				if o.Query != "" {
					order = "ctid"
				}
				open := func(table string) func(testing.TB) weir.Source {
					o := o
					if o.Query != "" {
						o.Query = strings.Replace(o.Query, "%s", table, 1)
					} else {
						o.Table = table
					}
					return func(tb testing.TB) weir.Source {
						s, err := postgres.NewSource(d.URL(), o)
						must(tb, err)
						return s
					}
				}
				return weirtest.SourceHarness{
					Open: open(table), Idle: open(locked),
					Want: func(string) []byte {
						rows := d.rows("SELECT row_to_json(q) FROM " + table + " AS q ORDER BY " + order)
						return []byte(strings.Join(rows, "\n") + "\n")
					},
				}
			})
		})
	}
}
