package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
	"github.com/weirflow/weir/weirtest"
)

func TestSinkConforms(t *testing.T) {
	for name, key := range map[string][]string{"insert": nil, "upsert": {"stream", "record"}} {
		t.Run(name, func(t *testing.T) {
			weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness { return sinkHarness(t, key) })
		})
	}
}

func sinkHarness(t *testing.T, key []string) weirtest.SinkHarness {
	path := filepath.Join(t.TempDir(), "test.db")
	sink := func(tb testing.TB) weir.Sink {
		return newSink(tb, sqlite.SinkOptions{Path: path, Table: "t", Create: true, Key: key})
	}
	do(t, path, "PRAGMA journal_mode=WAL", "CREATE TABLE checked (stream CHECK (stream > 1000000))")
	return weirtest.SinkHarness{
		Open: sink,
		Fails: func(tb testing.TB) weir.Sink {
			return newSink(tb, sqlite.SinkOptions{Path: path, Table: "checked"})
		},
		Hangs: func(tb testing.TB) weir.Sink {
			s := newSink(tb, sqlite.SinkOptions{Path: path, Table: "checked", WaitFor: time.Hour})
			return locked(tb, s, path)
		},
		Read: func(tb testing.TB, name string) ([]byte, bool) {
			var n int
			if _, err := fmt.Sscanf(name, "weirtest-%d.ndjson", &n); err != nil {
				tb.Fatal(err)
			}
			if ask(tb, path, "SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0" {
				return nil, false
			}
			got := ask(tb, path, fmt.Sprintf(`SELECT printf('{"stream":%%d,"record":%%d}', stream, record) FROM t WHERE stream = %d ORDER BY rowid`, n))
			if got == "" {
				return nil, false
			}
			return []byte(strings.ReplaceAll(got, " ", "\n") + "\n"), true
		},
	}
}

// lockedSink is a sink whose database is locked by another connection as long as it
// is open.
type lockedSink struct {
	weir.Sink
	unlock func() error
}

func locked(tb testing.TB, s weir.Sink, path string) weir.Sink {
	db := open(tb, path)
	c, err := db.Conn(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := c.ExecContext(tb.Context(), "BEGIN IMMEDIATE"); err != nil {
		tb.Fatal(err)
	}
	return lockedSink{s, func() error {
		_, err := c.ExecContext(context.Background(), "ROLLBACK")
		return errors.Join(err, c.Close(), db.Close())
	}}
}

func (s lockedSink) Close() error {
	if err := s.unlock(); err != nil {
		return err
	}
	return s.Sink.Close()
}

func TestSourceConforms(t *testing.T) {
	for name, o := range map[string]sqlite.SourceOptions{
		"rowid": {Table: "t"},
		"key":   {Table: "t", Key: "name"},
		"query": {Query: "SELECT n, name, x, b FROM t WHERE n > -9 ORDER BY n"},
	} {
		t.Run(name, func(t *testing.T) {
			weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
				last := 2000
				if slow {
					last = 200
				}
				o.Path = database(t, "CREATE TABLE t (n INTEGER PRIMARY KEY, name TEXT, x REAL, b BLOB)",
					fmt.Sprintf(`WITH RECURSIVE s(value) AS (SELECT -3 UNION ALL SELECT value + 7 FROM s WHERE value < %d)
						INSERT INTO t SELECT value, printf('row "%%05d"', value), value / 3.0, zeroblob(abs(value) %% 40) FROM s`, last))
				return weirtest.SourceHarness{Open: func(tb testing.TB) weir.Source {
					s, err := sqlite.NewSource(o)
					if err != nil {
						tb.Fatal(err)
					}
					return s
				}}
			})
		})
	}
}
