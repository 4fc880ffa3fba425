package postgres_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// patience bounds what must end soon.
const patience = 20 * time.Second

// shared is the server of all tests that do not break it.
var shared struct {
	once   sync.Once
	server *pgtest.Server
	err    error
	tables atomic.Int64
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// database is a server and a way to ask it.
type database struct {
	*pgtest.Server
	t testing.TB
}

// start returns the shared server.
func start(t testing.TB) database {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a PostgreSQL server, which -short leaves out")
	}
	shared.once.Do(func() { shared.server, shared.err = pgtest.New(pgtest.Options{}) })
	must(t, shared.err)
	return database{shared.server, t}
}

// own returns a server that the test may break.
func own(t testing.TB, o pgtest.Options) database {
	t.Helper()
	return database{pgtest.Start(t, o), t}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do runs statements on a connection of its own.
func (d database) do(sql string) {
	d.t.Helper()
	must(d.t, d.try(sql))
}

func (d database) try(sql string) error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	c, err := pgconn.Connect(ctx, d.URL())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }() // it was only asked
	_, err = c.Exec(ctx, sql).ReadAll()
	return err
}

// rows returns what a query answers: columns joined by a bar, NULL as ∅.
func (d database) rows(query string) []string {
	d.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	c, err := pgconn.Connect(ctx, d.URL())
	must(d.t, err)
	defer func() { _ = c.Close(ctx) }() // it was only asked
	results, err := c.Exec(ctx, query).ReadAll()
	must(d.t, err)
	var all []string
	for _, row := range results[len(results)-1].Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = string(cell); cell == nil {
				cells[i] = "∅"
			}
		}
		all = append(all, strings.Join(cells, "|"))
	}
	return all
}

// one returns the only value that a query answers.
func (d database) one(query string) string {
	d.t.Helper()
	rows := d.rows(query)
	if len(rows) != 1 {
		d.t.Fatalf("%s: %q", query, rows)
	}
	return rows[0]
}

// table makes a table of its own for the test, of those columns, and returns its
// name.
func (d database) table(columns string) string {
	d.t.Helper()
	name := d.name()
	d.do("CREATE TABLE " + name + " (" + columns + ")")
	return name
}

// name returns the name of a table that is not there, and is not when the test has
// ended.
func (d database) name() string {
	name := fmt.Sprintf("t%d", shared.tables.Add(1))
	d.t.Cleanup(func() { _ = d.try("DROP TABLE IF EXISTS " + name + " CASCADE") }) // the server may be gone
	return name
}

// sink returns a sink for a table.
func (d database) sink(table string, o postgres.SinkOptions) *postgres.Sink {
	d.t.Helper()
	return sinkAt(d.t, d.URL(), table, o)
}

func sinkAt(t testing.TB, url, table string, o postgres.SinkOptions) *postgres.Sink {
	t.Helper()
	o.Table = table
	s, err := postgres.NewSink(url, o)
	must(t, err)
	return s
}

// batch returns a batch of records, one a line.
func batch(records ...string) *weir.Batch {
	size := 0
	for _, r := range records {
		size += weir.RecordSize(len(r) + 1)
	}
	b := weir.NewBatch(max(size, 64))
	for _, r := range records {
		if !b.Append([]byte(r + "\n")) {
			panic("a batch is too small")
		}
	}
	b.SetFirstRecord(1)
	return b
}

// info describes a stream.
func info(id string) weir.StreamInfo {
	return weir.StreamInfo{ID: id, Name: id, Size: weir.UnknownSize, Resumable: true}
}

// writer opens a Writer.
func writer(t testing.TB, s *postgres.Sink, id string) weir.Writer {
	t.Helper()
	w, err := s.Open(t.Context(), info(id))
	must(t, err)
	return w
}

// load writes batches to a table as one stream, commits, and returns what was noted.
func (d database) load(table string, o postgres.SinkOptions, batches ...*weir.Batch) error {
	d.t.Helper()
	s := d.sink(table, o)
	defer func() { must(d.t, s.Close()) }()
	w, err := s.Open(d.t.Context(), info(table))
	if err != nil {
		return err
	}
	for _, b := range batches {
		if err := w.Write(d.t.Context(), b); err != nil {
			must(d.t, w.Abort(d.t.Context(), err))
			return err
		}
	}
	return w.Commit(d.t.Context())
}

// letters is a policy that keeps the reasons of bad records.
type letters struct {
	mu  sync.Mutex
	all []string // the record and the reason
}

func (l *letters) policy(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf("%d: %s: %v", r.Record, strings.TrimSpace(string(r.Whole)), r.Reason))
	return weir.DeadLettered, nil
}

// same compares lists.
func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// within calls f and fails the test if it does not end in time.
func within(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s has not ended after %v", what, patience)
	}
}

// heap is what is reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) // far below
}
