package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	driver "modernc.org/sqlite"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
	"github.com/weirflow/weir/weirtest"
)

// open opens the database with the driver for database/sql, which is not what the
// package uses itself.
func open(t testing.TB, path string) *sql.DB {
	t.Helper()
	c, err := driver.NewConnector(path + "?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// database makes a database with the statements in it and returns its path.
func database(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	do(t, path, statements...)
	return path
}

func do(t testing.TB, path string, statements ...string) {
	t.Helper()
	db := open(t, path)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// ask returns the rows of a query: values joined by "|", rows by blanks.
func ask(t testing.TB, path, query string) string {
	t.Helper()
	db := open(t, path)
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, v := range values {
			if !v.Valid {
				v.String = "NULL"
			}
			texts = append(texts, v.String)
		}
		all = append(all, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// batchOf returns a batch of records.
func batchOf(records ...string) *weir.Batch {
	size := 0
	for _, r := range records {
		size += weir.RecordSize(len(r))
	}
	b := weir.NewBatch(size)
	for _, r := range records {
		b.Append([]byte(r))
	}
	b.SetFirstRecord(1)
	return b
}

func info(id string) weir.StreamInfo {
	return weir.StreamInfo{ID: id, Name: id, Size: weir.UnknownSize, Resumable: true}
}

func newSink(t testing.TB, o sqlite.SinkOptions) *sqlite.Sink {
	t.Helper()
	s, err := sqlite.NewSink(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load writes records as one stream, and commits it if that works.
func load(t testing.TB, o sqlite.SinkOptions, records ...string) (*weir.Batch, error) {
	t.Helper()
	s := newSink(t, o)
	defer func() { _ = s.Close() }()
	w, err := s.Open(t.Context(), info("load"))
	if err != nil {
		return nil, err
	}
	b := batchOf(records...)
	if err := w.Write(t.Context(), b); err != nil {
		return b, errors.Join(err, w.Abort(t.Context(), err))
	}
	return b, w.Commit(t.Context())
}

func mustLoad(t testing.TB, o sqlite.SinkOptions, records ...string) *weir.Batch {
	t.Helper()
	b, err := load(t, o, records...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read reads a source to its end with batches of size bytes and returns its records
// and the position after each batch.
func read(t testing.TB, o sqlite.SourceOptions, size int, from weir.Position) (text string, positions []string, err error) {
	t.Helper()
	src, err := sqlite.NewSource(o)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	st, err := src.Next(t.Context())
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if from != nil {
		if err := st.Seek(t.Context(), from); err != nil {
			return "", nil, err
		}
	}
	var all strings.Builder
	for {
		b, err := weirtest.Read(t.Context(), st, weir.NewBatch(size))
		if err != nil && err != io.EOF {
			return all.String(), positions, err
		}
		all.Write(b.Bytes())
		if b.Len() > 0 {
			positions = append(positions, string(b.Position()))
		}
		if err == io.EOF {
			return all.String(), positions, nil
		}
	}
}

// store is a store of checkpoints in memory.
type store map[string]weir.Checkpoint

func (s store) Load(_ context.Context, i weir.StreamInfo) (weir.Checkpoint, bool, error) {
	c, ok := s[i.ID]
	return c, ok, nil
}

func (s store) Save(_ context.Context, i weir.StreamInfo, c weir.Checkpoint) error {
	c.Position = append(weir.Position(nil), c.Position...)
	s[i.ID] = c
	return nil
}

func wantError(t testing.TB, err error, kind weir.Kind, parts ...string) {
	t.Helper()
	if err == nil || weir.KindOf(err) != kind {
		t.Errorf("the error is %v, of kind %q; want %q", err, weir.KindOf(err), kind)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error is %q; it should say %q", err, part)
		}
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
