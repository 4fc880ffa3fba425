package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/weirtest"
)

// session is a connection of somebody else, until the test has ended.
func (d database) session() *pgconn.PgConn {
	d.t.Helper()
	c, err := pgconn.Connect(context.Background(), d.URL())
	must(d.t, err)
	d.t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may have ended it
	return c
}

// say runs statements in a session.
func say(t testing.TB, c *pgconn.PgConn, sql string) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	_, err := c.Exec(ctx, sql).ReadAll()
	must(t, err)
}

// until waits until a query answers with rows, and returns the first.
func (d database) until(what, query string) string {
	d.t.Helper()
	var rows []string
	within(d.t, what, func() {
		for rows = d.rows(query); len(rows) == 0; rows = d.rows(query) {
			time.Sleep(5 * time.Millisecond)
		}
	})
	return rows[0]
}

// code returns the SQLSTATE of the server's error in err.
func code(err error) string {
	var e *postgres.ServerError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

// A deadlock with another session, which the server ends by rolling back weir's
// transaction, loses and doubles nothing. What was stored before it stays.
func TestDeadlockLosesNothing(t *testing.T) {
	d := start(t)
	for name, bad := range map[string]weir.BadPolicy{"whole transaction": nil, "with savepoints": weir.FailBad} {
		t.Run(name, func(t *testing.T) {
			d := database{d.Server, t}
			table := d.table("n int PRIMARY KEY, s int, met boolean DEFAULT false")
			d.do("INSERT INTO " + table + " SELECT n FROM generate_series(1, 1000) AS n")
			o := postgres.SinkOptions{Key: []string{"n"}, Bad: bad}
			saved, once, met := &store{}, sync.Once{}, make(chan error, 1)
			run := func(at int, middle func(), c *weir.Control) error {
				_, err := weir.Ingest(t.Context(), &counting{id: table, records: 1000, perRead: 50, at: at, middle: middle},
					sinkAt(t, d.URL()+"&deadlock_timeout=20ms", table, o),
					weir.Options{Batch: 4096, Checkpoints: saved, CheckpointEvery: time.Hour, Control: c})
				return err
			}
			var c weir.Control
			if err := run(500, c.Drain, &c); !errors.Is(err, weir.ErrDrained) {
				t.Fatal(err)
			}
			same(t, "rows at first", d.rows("SELECT count(s) BETWEEN 500 AND 600 FROM "+table), []string{"t"})

			failures := goOn(t, func() error {
				return run(750, func() { once.Do(func() { d.embrace(table, met) }) }, nil)
			})
			must(t, <-met)
			if len(failures) != 1 || code(failures[0]) != "40P01" || !strings.Contains(failures[0].Error(), "trying again is all it takes") {
				t.Errorf("%v", failures)
			}
			same(t, "rows", d.rows("SELECT count(*), count(DISTINCT n), count(s), bool_and(s = 1) FROM "+table), []string{"1000|1000|1000|t"})
			same(t, "the rival's", d.rows("SELECT count(*) FROM "+table+" WHERE met"), []string{"2"})
		})
	}
}

// embrace has another session lock the last row and wait for one that weir has changed,
// so that weir and it will wait for each other. met tells how it went.
func (d database) embrace(table string, met chan<- error) {
	rival := d.session()
	say(d.t, rival, "SET deadlock_timeout = '1h'; BEGIN; UPDATE "+table+" SET met = true WHERE n = 1000")
	n := d.until("a lock of weir", "SELECT n FROM "+table+" WHERE n < 1000 AND n NOT IN (SELECT n FROM "+table+" FOR UPDATE SKIP LOCKED) LIMIT 1")
	go func() {
		_, err := rival.Exec(context.Background(), "UPDATE "+table+" SET met = true WHERE n = "+n+"; COMMIT").ReadAll()
		met <- err
	}()
	d.until("the rival's wait", fmt.Sprintf("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %d", rival.PID()))
}

// A sink does not suffer from an isolation level that was chosen for others: what it
// does is right at READ COMMITTED, and a session that is in conflict with it is waited
// for.
func TestStrictIsolationOfTheSessionDoesNotFailTheSink(t *testing.T) {
	d := start(t)
	table := d.table("n int PRIMARY KEY, s int, met boolean DEFAULT false")
	d.do("INSERT INTO " + table + " SELECT n FROM generate_series(1, 400) AS n")
	rival, freed, once := d.session(), make(chan error, 1), sync.Once{}
	clash := func() {
		say(t, rival, "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(s) FROM "+table+"; UPDATE "+table+" SET met = true WHERE n = 400")
		go func() {
			d.until("weir's wait", "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'weir'")
			_, err := rival.Exec(context.Background(), "COMMIT").ReadAll()
			freed <- err
		}()
	}
	src := &counting{id: table, records: 400, perRead: 50, middle: func() { once.Do(clash) }}
	sink := sinkAt(t, d.URL()+"&default_transaction_isolation=serializable", table, postgres.SinkOptions{Key: []string{"n"}})
	_, err := weir.Ingest(t.Context(), src, sink, weir.Options{Batch: 4096, Checkpoints: &store{}, CheckpointEvery: time.Hour})
	must(t, err)
	must(t, <-freed)
	same(t, "rows", d.rows("SELECT count(*), count(s), count(*) FILTER (WHERE met) FROM "+table), []string{"400|400|1"})
}

// A serialization failure in the middle of a read loses and doubles nothing. It is the
// anomaly that a transaction sees that only reads: a batch is closed, of which it does
// not see the last receipt.
func TestSerializationFailureOfAReadLosesNothing(t *testing.T) {
	d := start(t)
	current, receipts := d.table("batch int"), d.table("n int, batch int, pad text")
	d.do("INSERT INTO " + current + " VALUES (1); INSERT INTO " + receipts + " SELECT n, 1, repeat('x', 1000) FROM generate_series(1, 20000) AS n")
	late, closing := d.session(), d.session()
	say(t, late, "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT batch FROM "+current)
	say(t, closing, "BEGIN ISOLATION LEVEL SERIALIZABLE; UPDATE "+current+" SET batch = 2; COMMIT")
	say(t, late, "INSERT INTO "+receipts+" VALUES (20001, 1, 'late')")
	query := "SELECT * FROM (SELECT 0 AS n, '' AS pad FROM " + current + " UNION ALL SELECT n, pad FROM " + receipts + ") AS x"
	st, err := source(t, d.URL()+"&default_transaction_isolation=serializable", postgres.SourceOptions{Query: query}).Next(t.Context())
	must(t, err)
	_, err = weirtest.Read(t.Context(), st, weir.NewBatch(1<<10))
	must(t, err)
	say(t, late, "COMMIT")
	_, err = rest(t, st, 1<<20)
	if code(err) != "40001" || weir.KindOf(err) != weir.Transient || !strings.Contains(err.Error(), "trying again is all it takes") {
		t.Errorf("%v: %v", weir.KindOf(err), err)
	}
	got, err := readAll(t, source(t, d.URL(), postgres.SourceOptions{Query: query}), 1<<20)
	must(t, err)
	if len(got) != 20002 {
		t.Errorf("%d rows", len(got))
	}
}
