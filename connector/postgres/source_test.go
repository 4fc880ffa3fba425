package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/weirtest"
)

func source(t testing.TB, url string, o postgres.SourceOptions) *postgres.Source {
	t.Helper()
	s, err := postgres.NewSource(url, o)
	must(t, err)
	return s
}

// readAll returns the records of the only stream of a source, without their newlines.
func readAll(t testing.TB, s *postgres.Source, size int) ([]string, error) {
	t.Helper()
	st, err := s.Next(t.Context())
	if err != nil {
		return nil, err
	}
	return rest(t, st, size)
}

// rest returns the records that are still to come, and closes the stream.
func rest(t testing.TB, st weir.Stream, size int) ([]string, error) {
	t.Helper()
	defer func() { must(t, st.Close()) }()
	var all []string
	for {
		b, err := weirtest.Read(t.Context(), st, weir.NewBatch(size))
		for i := range b.Records() {
			all = append(all, strings.TrimSuffix(string(b.Record(i)), "\n"))
		}
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// Rows come as JSON with the types they have, each on one line, whatever is in them.
func TestRowsAreJSON(t *testing.T) {
	d := start(t)
	table := d.table(`id int PRIMARY KEY, "we""ird" text, at timestamptz, n numeric, j json, a int[], long text`)
	d.do("INSERT INTO " + table + ` VALUES (1, E'a"b\\c\nd', '2026-11-23 10:11:12+02', 1.50, E'{"a":\n 1}', '{1,2}', repeat('x', 100000)), (2, NULL, NULL, NULL, NULL, NULL, NULL)`)
	for _, size := range []int{64, 1000, 1 << 20} {
		got, err := readAll(t, source(t, d.URL(), postgres.SourceOptions{Table: table}), size)
		must(t, err)
		same(t, "rows", got, []string{
			`{"id":1,"we\"ird":"a\"b\\c\nd","at":"2026-11-23T08:11:12+00:00","n":1.50,"j":{"a":  1},"a":[1,2],"long":"` + strings.Repeat("x", 100000) + `"}`,
			`{"id":2,"we\"ird":null,"at":null,"n":null,"j":null,"a":null,"long":null}`,
		})
	}
}

// A table is read in the order of its key and continued at any row, whatever the types
// of the key and the size of the pages.
func TestTableIsContinuedBehindAnyRow(t *testing.T) {
	d := start(t)
	table := d.table(`a text, b double precision, c timestamptz, v int, PRIMARY KEY (a, b, c)`)
	d.do("INSERT INTO " + table + ` SELECT chr(97 + i % 3) || '''\"' || i % 2, i / 7.0, now() + i * interval '1 second', i FROM generate_series(1, 200) AS i`)
	want := d.rows("SELECT row_to_json(q) FROM (SELECT * FROM " + table + " ORDER BY a, b, c) AS q")
	for _, page := range []int{1, 7, 200, 1000} {
		got, err := readAll(t, source(t, d.URL(), postgres.SourceOptions{Table: table, Page: page}), 1000)
		must(t, err)
		same(t, fmt.Sprint("page ", page), got, want)
	}
	st, err := source(t, d.URL(), postgres.SourceOptions{Table: table, Page: 30}).Next(t.Context())
	must(t, err)
	count := 0
	for end := false; !end; {
		b, err := weirtest.Read(t.Context(), st, weir.NewBatch(1500))
		if end = err == io.EOF; !end {
			must(t, err)
		}
		count += b.Records()
		behind, err := source(t, d.URL(), postgres.SourceOptions{Table: table, Page: 41}).Next(t.Context())
		must(t, err)
		must(t, behind.Seek(t.Context(), b.Position()))
		got, err := rest(t, behind, 1<<20)
		must(t, err)
		same(t, fmt.Sprint("behind row ", count), got, want[count:])
	}
	must(t, st.Close())
}

// What is no key is found out before rows are lost.
func TestKeyThatIsNoneIsFoundOut(t *testing.T) {
	d := start(t)
	table := d.table("a int NOT NULL, b int")
	d.do("INSERT INTO " + table + " SELECT i / 2, NULLIF(i, 7) FROM generate_series(0, 19) AS i")
	for _, x := range []struct {
		o    postgres.SourceOptions
		want string
	}{
		{postgres.SourceOptions{Table: table, Key: []string{"a"}, Page: 2}, "the same values in the columns of Key"},
		{postgres.SourceOptions{Table: table, Key: []string{"a"}, Page: 3}, "the same values in the columns of Key"},
		{postgres.SourceOptions{Table: table, Key: []string{"b"}}, "may be NULL"},
		{postgres.SourceOptions{Query: "SELECT * FROM " + table, Key: []string{"b"}}, "has NULL in a column of Key"},
		{postgres.SourceOptions{Query: "SELECT repeat('x', 400) AS k", Key: []string{"k"}}, "at most 384"},
		{postgres.SourceOptions{Query: "SELECT repeat('\"', 300) AS k", Key: []string{"k"}}, "at most 384"},
		{postgres.SourceOptions{Table: table, Key: []string{"x"}}, "does not exist"},
		{postgres.SourceOptions{Table: "nowhere"}, "there is no table nowhere"},
		{postgres.SourceOptions{Query: "SELEKT"}, "syntax error"},
	} {
		_, err := readAll(t, source(t, d.URL(), x.o), 1<<20)
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v: %v; want %q", x.o, weir.KindOf(err), err, x.want)
		}
	}
	for _, o := range []postgres.SourceOptions{{}, {Table: "t", Query: "SELECT 1"}, {Table: "t", Page: -1}, {Table: "t", ConnectFor: -1}, {Table: "t", Key: []string{""}}} {
		if _, err := postgres.NewSource(d.URL(), o); weir.KindOf(err) != weir.Invalid {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// A connection that breaks, a row that cannot be computed and a server that ends it are
// errors, and not the end.
func TestSourceThatBreaksOffIsAnError(t *testing.T) {
	weirtest.CheckLeaks(t)
	d := start(t)
	for _, n := range []int64{3000, 40_000, 500_000} {
		p := newProxy(t, d.Addr())
		p.toClient.Store(cutOnce(n))
		_, err := readAll(t, source(t, p.url(), postgres.SourceOptions{Query: "SELECT i, repeat('x', 100) FROM generate_series(1, 100000) AS i"}), 1<<16)
		if weir.KindOf(err) != weir.Transient {
			t.Errorf("cut after %d bytes: %v: %v", n, weir.KindOf(err), err)
		}
	}
	got, err := readAll(t, source(t, d.URL(), postgres.SourceOptions{Query: "SELECT 1 / (i - 5000) AS x FROM generate_series(1, 10000) AS i"}), 1<<16)
	if len(got) > 5000 || err == nil || !strings.Contains(err.Error(), "division by zero") {
		t.Errorf("%d rows, %v", len(got), err)
	}
	_, err = readAll(t, source(t, d.URL(), postgres.SourceOptions{Query: "SELECT pg_terminate_backend(pg_backend_pid())"}), 1<<16)
	if weir.KindOf(err) != weir.Transient || !strings.Contains(err.Error(), "57P01") {
		t.Errorf("%v: %v", weir.KindOf(err), err)
	}
}

// The server is asked for no more than is placed and what the buffers on the way hold.
func TestSourceThatIsNotReadHoldsTheServer(t *testing.T) {
	weirtest.CheckLeaks(t)
	d := start(t)
	d.do("DROP SEQUENCE IF EXISTS taken; CREATE SEQUENCE taken")
	s := source(t, d.URL(), postgres.SourceOptions{Query: "SELECT nextval('taken'), repeat('x', 10000) FROM generate_series(1, 10000)"})
	st, err := s.Next(t.Context())
	must(t, err)
	must(t, st.Read(t.Context(), weir.NewBatch(64<<10)))
	last, still := "", 0
	within(t, "the standstill", func() {
		for still < 5 {
			now := d.one("SELECT last_value FROM taken")
			if still++; now != last {
				last, still = now, 0
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if last == "10000" {
		t.Error("all rows were made for one batch")
	}
	must(t, st.Close())
}

// Rows that are there do not wait for those that come late.
func TestRowsDoNotWaitForABatchToFill(t *testing.T) {
	d := start(t)
	s := source(t, d.URL(), postgres.SourceOptions{Query: "SELECT i, repeat('x', 9000), pg_sleep(CASE WHEN i = 4 THEN 600 ELSE 0 END) FROM generate_series(1, 10) AS i"})
	st, err := s.Next(t.Context())
	must(t, err)
	b := weir.NewBatch(1 << 20)
	within(t, "the first rows", func() { must(t, st.Read(t.Context(), b)) })
	if b.Records() != 3 && b.Records() != 2 {
		t.Errorf("%d rows", b.Records())
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(errCrash) })
	within(t, "a Read that was cancelled", func() {
		for err == nil {
			b.Reset()
			err = st.Read(ctx, b)
		}
	})
	if !errors.Is(err, errCrash) {
		t.Error(err)
	}
	must(t, st.Close())
}

// A row costs no allocation, on either side.
func TestNothingIsAllocatedForARow(t *testing.T) {
	d := start(t)
	const n = 100_000
	from, into := d.table("id int PRIMARY KEY, v text"), d.table("id int, v text")
	d.do("INSERT INTO " + from + " SELECT i, 'a\"b' FROM generate_series(1, " + fmt.Sprint(n) + ") AS i")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := weir.Ingest(t.Context(), source(t, d.URL(), postgres.SourceOptions{Table: from}), d.sink(into, postgres.SinkOptions{}), weir.Options{Batch: 128 << 10})
	must(t, err)
	runtime.ReadMemStats(&after)
	if per := float64(after.Mallocs-before.Mallocs) / n; per > 0.1 {
		t.Errorf("%.2f allocations a row", per)
	}
}

// From table to table: with checkpoints, through runs that are cut, once each.
func TestTableIsCopiedExactlyOnce(t *testing.T) {
	d := start(t)
	from, into := d.table("id int PRIMARY KEY, v text"), d.table("id int, v text")
	d.do("INSERT INTO " + from + " SELECT i, md5(i::text) FROM generate_series(1, 5000) AS i")
	p := newProxy(t, d.Addr())
	saved := &store{}
	for run := range 40 {
		if run < 8 {
			p.toClient.Store(cutOnce(int64(20_000 + 17_000*run)))
		} else {
			p.toClient.Store(nil)
		}
		_, err := weir.Ingest(t.Context(), source(t, p.url(), postgres.SourceOptions{Table: from, Page: 700, ConnectFor: time.Millisecond}),
			d.sink(into, postgres.SinkOptions{}), weir.Options{Batch: 8192, Checkpoints: saved, CheckpointEvery: time.Millisecond})
		if err == nil {
			break
		}
		if weir.KindOf(err) != weir.Transient {
			t.Fatal(err)
		}
	}
	same(t, "rows", d.rows("SELECT count(*), count(DISTINCT id) FROM "+into+" JOIN "+from+" USING (id, v)"), []string{"5000|5000"})
}

func TestPositionsOfOthersAreRefused(t *testing.T) {
	d := start(t)
	table := d.table("id int PRIMARY KEY")
	for _, p := range []string{"", "x", "7", `["1","2"]`, `[null]`, `{}`, `["1"] `, `[1]`} {
		st, err := source(t, d.URL(), postgres.SourceOptions{Table: table}).Next(t.Context())
		must(t, err)
		if err := st.Seek(t.Context(), weir.Position(p)); (err == nil) != (p == `["1"] `) {
			t.Errorf("%q: %v", p, err)
		}
		must(t, st.Close())
	}
	st, err := source(t, d.URL(), postgres.SourceOptions{Query: "SELECT 1"}).Next(t.Context())
	must(t, err)
	if err := st.Seek(t.Context(), weir.Position("x")); !errors.Is(err, weir.ErrNotResumable) {
		t.Error(err)
	}
	must(t, st.Close())
	if !bytes.Contains([]byte(st.Info().Name), []byte("query")) {
		t.Error(st.Info())
	}
}
