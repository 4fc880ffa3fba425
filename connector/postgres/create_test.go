package postgres_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
)

const columnsQuery = `SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = '%s'::regclass AND attnum > 0 ORDER BY attnum`

// A table is made of the first records: what all values of a member have in common is
// its column's type.
func TestTableIsMadeOfTheFirstRecords(t *testing.T) {
	d := start(t)
	table := d.name()
	o := postgres.SinkOptions{
		Create: true, Key: []string{"id"},
		Columns: []postgres.Column{{Name: "raw"}, {Name: "city", Path: []string{"address", "city"}}, {Name: "other", Path: []string{"renamed"}}},
	}
	must(t, d.load(table, o,
		batch(
			`{"id":1,"ok":true,"n":1,"big":123456789012345678901234567890,"f":1,"mix":1,"at":"2026-11-23T10:11:12Z","u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","t":"x","o":{"a":1},"none":null,"renamed":1,"address":{"city":"Ulm"}}`,
			`{"id":2,"ok":false,"n":-1,"big":1,"f":1.5e3,"mix":"a","at":"2026-11-23T10:11:12+01:00","u":null,"t":"2026-11-23T10:11:12Z","o":"text","late":"2026-11-23"}`,
		),
	))
	same(t, "columns", d.rows(strings.Replace(columnsQuery, "%s", table, 1)), []string{
		"id|bigint|t", "ok|boolean|f", "n|bigint|f", "big|numeric|f", "f|double precision|f", "mix|text|f", "at|timestamp with time zone|f",
		"u|uuid|f", "t|text|f", "o|jsonb|f", "none|text|f", "address|jsonb|f", "city|text|f", "other|bigint|f", "late|text|f", "raw|jsonb|f",
	})
}

func TestTableThatCannotBeMade(t *testing.T) {
	d := start(t)
	for record, want := range map[string]string{
		`[]`:                                    "none of the first records",
		`{"` + strings.Repeat("x", 64) + `":1}`: "cannot be the name of a column",
		`{"":1}`:                                "cannot be the name of a column",
		`{"a":1}`:                               "no member for column k",
	} {
		o := postgres.SinkOptions{Create: true}
		if record == `{"a":1}` {
			o.Key = []string{"k"}
		}
		err := d.load(d.name(), o, batch(record))
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", record, err, want)
		}
	}
}

// Streams that are the first side by side make one table.
func TestTableIsMadeOnce(t *testing.T) {
	d := start(t)
	table := d.name()
	sink := d.sink(table, postgres.SinkOptions{Create: true})
	var group sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		w := writer(t, sink, table)
		group.Go(func() {
			if errs[i] = w.Write(t.Context(), batch(`{"n":1}`)); errs[i] == nil {
				errs[i] = w.Commit(t.Context())
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		must(t, err)
	}
	must(t, sink.Close())
	same(t, "rows", d.rows("SELECT count(*) FROM "+table), []string{"6"})
}
