package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
)

func TestValuesKeepTheirTypes(t *testing.T) {
	for name, c := range map[string]struct{ json, want string }{
		"integer":             {`12`, "integer|12"},
		"smallest integer":    {`-9223372036854775808`, "integer|-9223372036854775808"},
		"largest integer":     {`9223372036854775807`, "integer|9223372036854775807"},
		"longer integer":      {`9223372036854775808`, "text|9223372036854775808"},
		"number":              {`51.043`, "real|51.043"},
		"exponent":            {`1e3`, "real|1000.0"},
		"negative zero":       {`-0`, "integer|0"},
		"seventeen digits":    {`0.30000000000000004`, "real|0.30000000000000004"},
		"more digits":         {`0.300000000000000041`, "text|0.300000000000000041"},
		"too large":           {`1e400`, "text|1e400"},
		"too small":           {`1e-400`, "text|1e-400"},
		"zero":                {`0.00`, "real|0.0"},
		"true":                {`true`, "integer|1"},
		"false":               {`false`, "integer|0"},
		"null":                {`null`, "null|NULL"},
		"string":              {`"abc"`, "text|abc"},
		"empty string":        {`""`, "text|"},
		"escapes":             {`"a\"b\\\u00e4\ud83d\ude00"`, "text|a\"b\\ä😀"},
		"half a surrogate":    {`"\ud83d"`, "text|\ufffd"},
		"not UTF-8":           {"\"a\xffb\"", "text|a\ufffdb"},
		"object":              {`{"b": [1, 2]}`, `text|{"b": [1, 2]}`},
		"array":               {`[1,"x"]`, `text|[1,"x"]`},
		"array of other text": {"[\"\xff\"]", "text|[\"\ufffd\"]"},
	} {
		t.Run(name, func(t *testing.T) {
			path := database(t, "CREATE TABLE t (n INTEGER, v)")
			mustLoad(t, sqlite.SinkOptions{Path: path, Table: "t"}, `{"n":1,"v":`+c.json+"}\n")
			equal(t, c.json, ask(t, path, `SELECT typeof(v), iif(typeof(v) = 'real', format('%!.17g', v), v) FROM t`), c.want)
		})
	}
}

// Whether records are stored in groups or one by one, the table is the same.
func TestGroupsAndSinglesStoreTheSame(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 64, 100, 1000} {
		path := database(t, "CREATE TABLE t (n INTEGER, s TEXT, d DEFAULT 'standard')")
		var records []string
		for i := range n {
			switch {
			case i%17 == 3:
				records = append(records, "  \n")
			case i%29 == 5:
				records = append(records, fmt.Sprintf(`{"n":%d,"s":%q,"d":null}`+"\n", i, strings.Repeat("long", 20_000)))
			case i%7 == 6:
				records = append(records, fmt.Sprintf(`{"d":%d,"n":%d}`+"\n", i, i))
			default:
				records = append(records, fmt.Sprintf(`{"s":"s%d","n":%d}`+"\n", i, i))
			}
		}
		b := mustLoad(t, sqlite.SinkOptions{Path: path, Table: "t"}, records...)
		blank := int(b.Noted(weir.Filtered).Records)
		equal(t, "rows", ask(t, path, "SELECT count(*), sum(n = prev + 1 OR n = prev + 2) FROM (SELECT n, lag(n, 1, -1) OVER (ORDER BY rowid) AS prev FROM t)"),
			fmt.Sprintf("%d|%d", n-blank, n-blank))
		equal(t, "wrong values", ask(t, path, `SELECT count(*) FROM t WHERE NOT CASE
			WHEN n % 29 = 5 THEN length(s) = 80000 AND d IS NULL
			WHEN n % 7 = 6 THEN s IS NULL AND d = n
			ELSE s = 's' || n AND d = 'standard' END`), "0")
	}
}

func TestBadRecordsAreDecidedAboutWithSQLitesMessage(t *testing.T) {
	for name, c := range map[string]struct{ table, record, reason string }{
		"not null":     {"CREATE TABLE t (n INTEGER NOT NULL, s)", `{"s":1}`, "NOT NULL constraint failed: t.n"},
		"unique":       {"CREATE TABLE t (n UNIQUE)", `{"n":3}`, "UNIQUE constraint failed: t.n"},
		"check":        {"CREATE TABLE t (n CHECK (n < 1000))", `{"n":1000}`, "CHECK constraint failed"},
		"strict":       {"CREATE TABLE t (n INTEGER) STRICT", `{"n":"x"}`, "cannot store TEXT value in INTEGER column t.n"},
		"rowid":        {"CREATE TABLE t (n INTEGER PRIMARY KEY)", `{"n":"x"}`, "datatype mismatch"},
		"trigger":      {"CREATE TABLE t (n); CREATE TRIGGER g BEFORE INSERT ON t WHEN new.n = 1000 BEGIN SELECT raise(FAIL, 'not this one'); END", `{"n":1000}`, "not this one"},
		"fail":         {"CREATE TABLE t (n UNIQUE ON CONFLICT FAIL)", `{"n":3}`, "UNIQUE constraint failed: t.n"},
		"not JSON":     {"CREATE TABLE t (n)", `{"n":`, "not a JSON object"},
		"no object":    {"CREATE TABLE t (n)", `[1]`, "not a JSON object"},
		"no column":    {"CREATE TABLE t (n)", `{"m":1}`, "none of its members"},
		"too long":     {"CREATE TABLE t (n)", `{"n":"` + strings.Repeat("x", 2<<20) + `"}`, "MaxRecord"},
		"many members": {"CREATE TABLE t (n)", `{"n":1` + strings.Repeat(`,"n":1`, 8192) + `}`, "more than 8192 members"},
	} {
		for _, around := range []int{0, 5, 40} {
			t.Run(fmt.Sprint(name, around), func(t *testing.T) {
				path := database(t, c.table)
				var records []string
				for i := range 2 * around {
					if i == around {
						records = append(records, c.record+"\n")
					}
					records = append(records, fmt.Sprintf("{\"n\":%d}\n", i))
				}
				if around == 0 {
					records = []string{"{\"n\":3}\n", c.record + "\n"}
				}
				var letters []string
				policy := func(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
					letters = append(letters, fmt.Sprint(r.Record, r.Size, r.Reason))
					if !bytes.HasPrefix([]byte(c.record), bytes.TrimSpace(r.Excerpt)) {
						t.Errorf("excerpt %.100q", r.Excerpt)
					}
					return weir.DeadLettered, nil
				}
				b := mustLoad(t, sqlite.SinkOptions{Path: path, Table: "t", Bad: policy}, records...)
				if len(letters) != 1 || !strings.Contains(letters[0], c.reason) || !strings.HasPrefix(letters[0], fmt.Sprint(max(around+1, 2), len(c.record)+1)) {
					t.Fatalf("letters: %.300q", letters)
				}
				equal(t, "noted", b.Noted(weir.DeadLettered), weir.Count{Bytes: int64(len(c.record) + 1), Records: 1})
				equal(t, "rows", ask(t, path, "SELECT count(*), count(DISTINCT n) FROM t"), fmt.Sprintf("%d|%d", len(records)-1, len(records)-1))
			})
		}
	}
}

func TestBadRecordFailsTheStreamWithoutAPolicy(t *testing.T) {
	path := database(t, "CREATE TABLE t (n NOT NULL)")
	_, err := load(t, sqlite.SinkOptions{Path: path, Table: "t"}, "{\"n\":1}\n", "{\"n\":null}\n")
	wantError(t, err, weir.Rejected, "record 2", "NOT NULL constraint failed: t.n")
	equal(t, "rows", ask(t, path, "SELECT count(*) FROM t"), "0")
}

func TestTableIsMadeFromTheRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	o := sqlite.SinkOptions{Path: path, Table: `ta"ble`, Create: true, Key: []string{"id"}, Columns: []sqlite.Column{{Name: "all"}, {Name: "city", Path: []string{"address", "city"}}}}
	mustLoad(t, o, `{"id":1,"r":1.5,"i":3,"s":"x","b":true,"mix":1,"null":null,"long":12345678901234567890,"big":9007199254740993,"address":{"city":"Ulm"}}`+"\n",
		`{"id":2,"r":2,"mix":"y","o":{}}`+"\n", `{"id":1,"r":9}`+"\n")
	equal(t, "table", strings.ReplaceAll(ask(t, path, `SELECT sql FROM sqlite_schema WHERE name = 'ta"ble'`), `"`, ""),
		"CREATE TABLE table (id INTEGER NOT NULL, r REAL, i INTEGER, s TEXT, b INTEGER, mix, null, long, big INTEGER, address TEXT, city TEXT, o TEXT, all TEXT, PRIMARY KEY (id))")
	equal(t, "rows", ask(t, path, `SELECT id, r, mix, long, city, "all" FROM "ta""ble" ORDER BY id`),
		`1|9|NULL|NULL|NULL|{"id":1,"r":9} 2|2|y|NULL|NULL|{"id":2,"r":2,"mix":"y","o":{}}`)
	for name, c := range map[string]struct {
		o      sqlite.SinkOptions
		record string
		want   string
	}{
		"case":        {sqlite.SinkOptions{}, `{"a":1,"A":2}`, "case does not count"},
		"no key":      {sqlite.SinkOptions{Key: []string{"k"}}, `{"a":1}`, "no member for column k"},
		"nothing":     {sqlite.SinkOptions{}, `{}`, "none of the first records"},
		"bad name":    {sqlite.SinkOptions{}, `{"":1}`, "cannot be the name"},
		"not created": {sqlite.SinkOptions{Table: "other"}, `{"a":1}`, "there is no table other"},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.o
			o.Path, o.Create = path, o.Table == ""
			if o.Table == "" {
				o.Table = "another"
			}
			_, err := load(t, o, c.record+"\n")
			wantError(t, err, weir.Invalid, c.want)
			equal(t, "tables", ask(t, path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%other'"), "0")
		})
	}
}

func TestRecordsWithTheSameKeyReplaceTheRow(t *testing.T) {
	path := database(t, "CREATE TABLE t (a, b, n DEFAULT 7, m GENERATED ALWAYS AS (n * 2), UNIQUE (a, b))")
	o := sqlite.SinkOptions{Path: path, Table: "t", Key: []string{"a", "b"}, Bad: weir.SkipBad}
	var records []string
	for i := range 100 {
		records = append(records, fmt.Sprintf(`{"a":%d,"b":"x","n":%d}`+"\n", i%10, i))
	}
	mustLoad(t, o, append(records, `{"a":1,"b":"x"}`+"\n", `{"a":77,"b":null,"n":1}`+"\n", `{"a":11,"b":"x"}`+"\n")...)
	equal(t, "rows", ask(t, path, "SELECT count(*), sum(n), sum(m) FROM t"), "11|952|1904")
	o.Key = []string{"a"}
	_, err := load(t, o, records[0])
	wantError(t, err, weir.Invalid, "create a unique index on (\"a\")")
	o.Key = []string{"zz"}
	_, err = load(t, o, records[0])
	wantError(t, err, weir.Invalid, "no column zz")
}

func TestLargeValuesAreStoredWhole(t *testing.T) {
	path := database(t, "CREATE TABLE t (n, s)")
	text := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	mustLoad(t, sqlite.SinkOptions{Path: path, Table: "t", MaxRecord: 17 << 20},
		`{"n":1,"s":"`+text+`"}`+"\n", `{"n":2,"s":"\u0041`+text+`"}`+"\n", "{\"n\":3,\"s\":\"\xff"+text[:5<<20]+"\"}\n")
	equal(t, "rows", ask(t, path, "SELECT n, length(s), substr(s, 1, 2), substr(s, -1) FROM t"), "1|16777216|01|f 2|16777217|A0|f 3|5242881|\ufffd0|f")
}

func TestErrorsSayWhatToDo(t *testing.T) {
	path := database(t, "PRAGMA journal_mode=WAL", "CREATE TABLE t (n)")
	noise := filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(noise, bytes.Repeat([]byte("noise"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    sqlite.SinkOptions
		kind weir.Kind
		want []string
	}{
		"no file":        {sqlite.SinkOptions{Path: path + "x", Table: "t"}, weir.Invalid, []string{path + "x", "unable to open", "check the path"}},
		"no directory":   {sqlite.SinkOptions{Path: path + "/y/z", Table: "t", Create: true}, weir.Invalid, []string{"check the path"}},
		"not a database": {sqlite.SinkOptions{Path: noise, Table: "t"}, weir.Invalid, []string{"file is not a database", "name another"}},
		"no table":       {sqlite.SinkOptions{Path: path, Table: "u"}, weir.Invalid, []string{"there is no table u"}},
		"no column":      {sqlite.SinkOptions{Path: path, Table: "t", Columns: []sqlite.Column{{Name: "x"}}}, weir.Invalid, []string{"no column x"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, c.o, "{\"n\":1}\n")
			wantError(t, err, c.kind, c.want...)
		})
	}
	_, err := sqlite.NewSink(sqlite.SinkOptions{Key: []string{""}, Cache: 1, WaitFor: -1, MaxRecord: -1, Columns: []sqlite.Column{{}}})
	wantError(t, err, weir.Invalid, "Path", "Table", "Key", "Cache", "WaitFor", "MaxRecord", "Columns")
}

func TestFullDatabaseIsTransientAndNothingFollows(t *testing.T) {
	path := database(t, "CREATE TABLE t (s)")
	s := newSink(t, sqlite.SinkOptions{Path: path, Table: "t"})
	defer func() { equal(t, "Close", s.Close(), nil) }()
	sqlite.LimitPages(s, 20)
	w, err := s.Open(t.Context(), info("a"))
	if err != nil {
		t.Fatal(err)
	}
	big := batchOf(`{"s":"` + strings.Repeat("x", 200_000) + `"}` + "\n")
	wantError(t, w.Write(t.Context(), big), weir.Transient, "database or disk is full", "make room")
	wantError(t, w.Write(t.Context(), batchOf("{\"s\":1}\n")), weir.Transient, "full")
	wantError(t, w.Commit(t.Context()), weir.Transient, "full")
	equal(t, "rows", ask(t, path, "SELECT count(*), max(length(s)) FROM t"), "0|NULL")
}

func TestLockedDatabaseIsWaitedFor(t *testing.T) {
	path := database(t, "PRAGMA journal_mode=WAL", "CREATE TABLE t (n)")
	hold, err := open(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"BEGIN IMMEDIATE", "INSERT INTO t VALUES (0)"} {
		if _, err := hold.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_, err = load(t, sqlite.SinkOptions{Path: path, Table: "t", WaitFor: time.Millisecond}, "{\"n\":1}\n")
	wantError(t, err, weir.Transient, "database is locked", "WaitFor")
	done := make(chan error)
	go func() {
		_, err := load(t, sqlite.SinkOptions{Path: path, Table: "t", WaitFor: time.Minute}, "{\"n\":1}\n")
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if _, err := hold.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	equal(t, "rows", ask(t, path, "SELECT n FROM t"), "0 1")
}

func TestMembersWithoutAColumnAreTold(t *testing.T) {
	path := database(t, "CREATE TABLE t (n)")
	var told []string
	o := sqlite.SinkOptions{Path: path, Table: "t", OnUnused: func(m string) { told = append(told, m) }}
	mustLoad(t, o, `{"n":1,"m":2}`+"\n", `{"m":1,"n":2,"o":2}`+"\n")
	equal(t, "told", strings.Join(told, " "), "m o")
	o.Strict = true
	_, err := load(t, o, `{"n":1,"m":2}`+"\n")
	wantError(t, err, weir.Rejected, `no column for member "m"`)
}

func TestWriteAllocatesNothingPerRecord(t *testing.T) {
	path := database(t, "CREATE TABLE t (n INTEGER, r REAL, s TEXT, e TEXT)")
	s := newSink(t, sqlite.SinkOptions{Path: path, Table: "t"})
	defer func() { equal(t, "Close", s.Close(), nil) }()
	w, err := s.Open(t.Context(), info("a"))
	if err != nil {
		t.Fatal(err)
	}
	var records []string
	for i := range 1000 {
		records = append(records, fmt.Sprintf(`{"n":%d,"r":%d.5,"s":"text","e":"\n"}`+"\n", i, i))
	}
	b := batchOf(records...)
	allocs := testing.AllocsPerRun(20, func() {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 20 {
		t.Errorf("%v allocations for %d records", allocs, len(records))
	}
	if err := w.Abort(t.Context(), errors.New("enough")); err != nil {
		t.Error(err)
	}
}
