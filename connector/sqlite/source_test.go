package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
)

func TestRowsBecomeObjects(t *testing.T) {
	path := database(t, `CREATE TABLE t (a, "b""q" REAL, c TEXT, d BLOB, e GENERATED ALWAYS AS (a + 1))`,
		`INSERT INTO t VALUES (1, 2, 'x"y'||char(10), x'00ff'), (-9223372036854775808, 0.1, '', x''), (NULL, 9e999, 'ä', NULL), (1.5, 1e-9, 3, 'text'), (1e300, -0.0, NULL, 7)`)
	want := `{"a":1,"b\"q":2.0,"c":"x\"y\n","d":"AP8=","e":2}
{"a":-9223372036854775808,"b\"q":0.1,"c":"","d":"","e":-9223372036854775807}
{"a":null,"b\"q":null,"c":"ä","d":null,"e":null}
{"a":1.5,"b\"q":1e-09,"c":"3","d":"text","e":2.5}
{"a":1e+300,"b\"q":0.0,"c":null,"d":7,"e":1e+300}
`
	got, positions, err := read(t, sqlite.SourceOptions{Path: path, Table: "t"}, 1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", got, want)
	equal(t, "positions", strings.Join(positions, " "), "rowid=5")
	got, _, err = read(t, sqlite.SourceOptions{Path: path, Query: `SELECT a AS n FROM t WHERE a < 2 ORDER BY a DESC;`}, 1<<16, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "query", got, "{\"n\":1.5}\n{\"n\":1}\n{\"n\":-9223372036854775808}\n")
}

// From any position on, the rest is what a reader that was never stopped gets.
func TestSourceContinuesBehindAnyPosition(t *testing.T) {
	path := database(t, "CREATE TABLE t (n, name TEXT UNIQUE COLLATE NOCASE, x REAL)", "CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
		`WITH RECURSIVE s(i) AS (SELECT -30 UNION ALL SELECT i + 1 FROM s WHERE i < 30)
			INSERT INTO t (rowid, n, name, x) SELECT i * 3, i, 'na"me ' || i, i / 7.0 FROM s`,
		"INSERT INTO w SELECT name, n FROM t", "CREATE VIEW view AS SELECT * FROM t")
	for name, o := range map[string]sqlite.SourceOptions{
		"rowid": {Table: "t"}, "without rowid": {Table: "w"}, "text": {Table: "t", Key: "name"}, "real": {Table: "t", Key: "x"},
		"integer of a view": {Table: "view", Key: "n"}, "query": {Query: "SELECT n * 2 AS double, name FROM t -- all", Key: "double"},
	} {
		t.Run(name, func(t *testing.T) {
			o.Path = path
			want, positions, err := read(t, o, 200, nil)
			if err != nil || strings.Count(want, "\n") != 61 || len(positions) < 10 {
				t.Fatalf("%d rows, %q, %v", strings.Count(want, "\n"), positions, err)
			}
			for _, p := range positions {
				rest, _, err := read(t, o, 300, weir.Position(p))
				if err != nil || !strings.HasSuffix(want, rest) {
					t.Errorf("from %s: %q, %v", p, rest, err)
				}
			}
			last, _, err := read(t, o, 300, weir.Position(positions[len(positions)-1]))
			equal(t, "behind the last", fmt.Sprint(last, err), "<nil>")
		})
	}
}

func TestRowsThatComeWhileItReadsAreForAnotherRun(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)", "INSERT INTO t VALUES (1), (2)")
	src, err := sqlite.NewSource(sqlite.SourceOptions{Path: path, Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	st, err := src.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, path, "INSERT INTO t VALUES (3)")
	b := weir.NewBatch(1000)
	equal(t, "end", st.Read(t.Context(), b), io.EOF)
	equal(t, "rows", string(b.Bytes()), "{\"n\":1}\n{\"n\":2}\n")
	equal(t, "Close", errors.Join(st.Close(), src.Close()), nil)
	got, _, err := read(t, sqlite.SourceOptions{Path: path, Table: "t"}, 1000, weir.Position("rowid=2"))
	equal(t, "later", fmt.Sprint(got, err), "{\"n\":3}\n<nil>")
}

func TestSourceErrorsSayWhatToDo(t *testing.T) {
	path := database(t, "CREATE TABLE t (n, m, s)", "INSERT INTO t VALUES (1, 1, NULL), (2, 1, NULL), (3, 2, '"+strings.Repeat("x", weir.MaxPosition)+"')")
	noise := filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(noise, []byte(strings.Repeat("noise", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    sqlite.SourceOptions
		kind weir.Kind
		want string
	}{
		"no file":        {sqlite.SourceOptions{Path: path + "x", Table: "t"}, weir.Invalid, "check the path"},
		"not a database": {sqlite.SourceOptions{Path: noise, Table: "t"}, weir.Invalid, "file is not a database"},
		"no table":       {sqlite.SourceOptions{Path: path, Table: "u"}, weir.Invalid, "there is no table u"},
		"no key":         {sqlite.SourceOptions{Path: path, Table: "t", Key: "N"}, weir.Invalid, "no column N"},
		"two the same":   {sqlite.SourceOptions{Path: path, Table: "t", Key: "m"}, weir.Invalid, "two rows have the key key=1"},
		"null":           {sqlite.SourceOptions{Path: path, Table: "t", Key: "s"}, weir.Invalid, "is NULL in a row"},
		"long":           {sqlite.SourceOptions{Path: path, Query: "SELECT s FROM t WHERE s <> ''", Key: "s"}, weir.Invalid, "longer than a position"},
		"not SQL":        {sqlite.SourceOptions{Path: path, Query: "SELEC"}, weir.Invalid, "syntax error"},
		"two statements": {sqlite.SourceOptions{Path: path, Query: "SELECT 1; SELECT 2"}, weir.Invalid, "not one SQL statement"},
		"two names":      {sqlite.SourceOptions{Path: path, Query: "SELECT 1 AS a, 2 AS a"}, weir.Invalid, "two columns are named a"},
		"writes":         {sqlite.SourceOptions{Path: path, Query: "DELETE FROM t RETURNING n"}, weir.Invalid, "readonly"},
		"too long":       {sqlite.SourceOptions{Path: path, Query: "SELECT printf('%2000d', 1) AS a", MaxRecord: 1000}, weir.Rejected, "MaxRecord"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(t, c.o, 1000, nil)
			wantError(t, err, c.kind, c.want)
		})
	}
	_, err := sqlite.NewSource(sqlite.SourceOptions{Table: "t", Query: "q"})
	wantError(t, err, weir.Invalid, "Path", "one of Table and Query")
	_, _, err = read(t, sqlite.SourceOptions{Path: path, Table: "t"}, 1000, weir.Position("off=3"))
	wantError(t, err, weir.Invalid, "begins with rowid=")
	_, _, err = read(t, sqlite.SourceOptions{Path: path, Query: "SELECT n FROM t"}, 1000, weir.Position("rowid=3"))
	if !errors.Is(err, weir.ErrNotResumable) {
		t.Errorf("a query without a key: %v", err)
	}
}

func TestEmptyTableIsAnEmptyStream(t *testing.T) {
	path := database(t, "CREATE TABLE t (n PRIMARY KEY)")
	for _, o := range []sqlite.SourceOptions{{Table: "t"}, {Table: "t", Key: "n"}, {Query: "SELECT * FROM t"}} {
		o.Path = path
		got, _, err := read(t, o, 1000, nil)
		equal(t, "rows", fmt.Sprint(got, err), "<nil>")
	}
}

func TestRowThatIsLargerThanTheBatchAsksForOne(t *testing.T) {
	path := database(t, "CREATE TABLE t (s, b)", `INSERT INTO t VALUES (replace(printf('%.100000c', 'x'), 'x', char(10) || 'äx'), zeroblob(100000)), ('small', 1)`)
	got, _, err := read(t, sqlite.SourceOptions{Path: path, Table: "t"}, 64, nil)
	if err != nil || !strings.HasSuffix(got, "{\"s\":\"small\",\"b\":1}\n") {
		t.Fatal(err)
	}
	back := database(t, "CREATE TABLE t (s, b)")
	mustLoad(t, sqlite.SinkOptions{Path: back, Table: "t"}, strings.SplitAfter(strings.TrimSuffix(got, "\n"), "\n")...)
	equal(t, "values", ask(t, back, "SELECT length(s), length(b) FROM t"), "300000|133336 5|1")
}

func TestReadIsInterrupted(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	src, err := sqlite.NewSource(sqlite.SourceOptions{Path: path, Query: "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s) SELECT i FROM s WHERE i < 0"})
	if err != nil {
		t.Fatal(err)
	}
	st, err := src.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() { done <- st.Read(ctx, weir.NewBatch(1000)) }()
	cause := errors.New("enough")
	cancel(cause)
	equal(t, "Read", <-done, cause)
	equal(t, "Close", errors.Join(st.Close(), src.Close()), nil)
}

func FuzzPositionsAreParsedOrRefused(f *testing.F) {
	for _, p := range []string{"rowid=12", "key=12", "key=1.5", `key="a\"b"`, "key=", "rowid=x"} {
		f.Add(p, true)
		f.Add(p, false)
	}
	f.Fuzz(func(t *testing.T, p string, byRowid bool) {
		k, err := sqlite.ParsePosition(weir.Position(p), byRowid)
		if err != nil {
			return
		}
		again, err := sqlite.ParsePosition(sqlite.FormatPosition(k, byRowid), byRowid)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(k) {
			t.Errorf("%q is %v and then %v, %v", p, k, again, err)
		}
	})
}
