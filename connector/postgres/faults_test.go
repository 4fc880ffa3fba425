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

// goOn runs until a run succeeds, as the command does: after an error that may pass it
// goes on from the checkpoints.
func goOn(t testing.TB, run func() error) (failures []error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		err := run()
		if err == nil {
			return failures
		}
		if k := weir.KindOf(err); k != weir.Transient {
			t.Fatalf("%v: %v", k, err)
		}
		failures = append(failures, err)
	}
	t.Fatalf("not done after %v: %v", patience, failures)
	return nil
}

// A server that is killed, stopped in order or restarted loses nothing and doubles
// nothing, and is waited for while it starts.
func TestServerThatComesBackHasEverythingOnce(t *testing.T) {
	d := start(t)
	for name, harm := range map[string]func() error{
		"killed":  func() error { return errors.Join(d.Kill(), d.Start()) },
		"stopped": func() error { return errors.Join(d.Stop(), d.Start()) },
	} {
		t.Run(name, func(t *testing.T) {
			d := database{d.Server, t}
			table := d.table("s int, n int")
			saved, once, harmed := &store{}, sync.Once{}, make(chan struct{})
			failures := goOn(t, func() error {
				src := &counting{id: table, streams: 2, records: 3000, perRead: 50, pause: time.Millisecond, middle: func() {
					once.Do(func() { // while the other stream goes on
						defer close(harmed)
						if err := harm(); err != nil {
							t.Error(err)
						}
					})
				}}
				_, err := weir.Ingest(t.Context(), src, d.sink(table, postgres.SinkOptions{}), weir.Options{
					Batch: 4096, Checkpoints: saved, CheckpointEvery: 10 * time.Millisecond,
				})
				return err
			})
			<-harmed
			if len(failures) == 0 {
				t.Error("nothing has failed")
			}
			same(t, "rows", d.rows("SELECT s, count(*), count(DISTINCT n) FROM "+table+" GROUP BY s ORDER BY s"), []string{"1|3000|3000", "2|3000|3000"})
		})
	}
}

// While the server stands still, weir holds still: nothing more is read than the
// batches it may hold and what the kernel takes; then it goes on as if nothing had
// been.
func TestServerThatStandsStillHoldsTheSource(t *testing.T) {
	d := start(t)
	table := d.table("s int, n int, pad text")
	pad := strings.Repeat("x", 10_000)
	src := &counting{id: table, records: 10_000, perRead: 50, record: func(n int) string { return fmt.Sprintf(`{"s":1,"n":%d,"pad":"%s"}`, n, pad) }}
	sink := d.sink(table, postgres.SinkOptions{})
	d.Pause()
	budget := weir.NewBudget(8<<20, weir.BudgetOptions{})
	defer func() { must(t, budget.Close()) }()
	var c weir.Control
	done := make(chan error, 1)
	go func() {
		_, err := weir.Ingest(t.Context(), src, sink, weir.Options{Budget: budget, Batch: 512 << 10, Control: &c, Checkpoints: &store{}})
		done <- err
	}()
	d.Resume()
	within(t, "the beginning", func() {
		for c.Stats().Read.Records == 0 {
			time.Sleep(time.Millisecond)
		}
	})
	d.Pause()
	last, still := int64(-1), 0
	within(t, "the standstill", func() {
		for still < 10 {
			now := c.Stats().Read.Records
			if still++; now != last {
				last, still = now, 0
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if s := budget.Stats(); last == 10_000 || s.Used > 8<<20 {
		t.Errorf("%d records were read and %d bytes are in use", last, s.Used)
	}
	d.Resume()
	must(t, <-done)
	same(t, "rows", d.rows("SELECT count(*), count(DISTINCT n) FROM "+table), []string{"10000|10000"})
}

// A run is cancelled at once though the server stands still, and leaves nothing behind.
func TestCancelDoesNotWaitForAServerThatStandsStill(t *testing.T) {
	weirtest.CheckLeaks(t)
	d := start(t)
	table := d.table("s int, n int")
	for _, o := range []postgres.SinkOptions{{}, {Bad: weir.SkipBad}, {Connections: 2}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := weir.Ingest(ctx, &counting{id: table, records: 1 << 30, perRead: 50}, d.sink(table, o), weir.Options{Checkpoints: &store{}})
			done <- err
		}()
		time.Sleep(50 * time.Millisecond)
		d.Pause()
		time.Sleep(20 * time.Millisecond)
		began := time.Now()
		cancel(errCrash)
		if err := <-done; !errors.Is(err, errCrash) || errors.Is(err, weir.ErrAbandoned) {
			t.Errorf("%+v: %v", o, err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%+v: it took %v", o, took)
		}
		d.Resume()
	}
}

// What the server says in the middle of a run ends it with what to do, and classified:
// what passes by itself goes on, what does not stops.
func TestErrorsOfTheServerSayWhatToDo(t *testing.T) {
	d := start(t)
	for _, x := range []struct {
		name, harm string // done when half of the records are there
		kind       weir.Kind
		want       string
	}{
		{"dropped", "DROP TABLE %s", weir.Invalid, "create the table; if it was dropped meanwhile, what it held is gone"},
		{"column gone", "ALTER TABLE %s DROP COLUMN v", weir.Invalid, "the table was changed while it was written; start again"},
		{"no permission", "REVOKE ALL ON %s FROM weir_user", weir.Invalid, "grant this user"},
		{"disk full", "CREATE TRIGGER harm BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION harm('53100')", weir.Transient, "make room there"},
		{"deadlock", "CREATE TRIGGER harm BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION harm('40P01')", weir.Transient, "rolled back"},
		{"serialization", "CREATE TRIGGER harm BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION harm('40001')", weir.Transient, "rolled back"},
		{"raised", "CREATE TRIGGER harm BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION harm('P0001')", weir.Rejected, "SQLSTATE P0001"},
	} {
		for _, careful := range []bool{false, true} {
			t.Run(fmt.Sprint(x.name, "/", careful), func(t *testing.T) {
				d := database{d.Server, t}
				table := d.table("n int, v text")
				d.do(`DO $$ BEGIN CREATE ROLE weir_user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT ALL ON ` + table + ` TO weir_user;
					CREATE OR REPLACE FUNCTION harm() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'harm' USING ERRCODE = TG_ARGV[0]; END $$`)
				o := postgres.SinkOptions{}
				if careful {
					o.Bad = weir.FailBad
				}
				sink := sinkAt(t, strings.Replace(d.URL(), "postgres@", "weir_user@", 1), table, o)
				w, err := sink.Open(t.Context(), weir.StreamInfo{ID: "x", Name: "x", Endless: true}) // each Write is a transaction
				must(t, err)
				must(t, w.Write(t.Context(), batch(`{"n":1,"v":"a"}`)))
				d.do(fmt.Sprintf(x.harm, table))
				err = w.Write(t.Context(), batch(`{"n":2,"v":"b"}`))
				if weir.KindOf(err) != x.kind || !strings.Contains(err.Error(), x.want) {
					t.Errorf("%v: %v; want %v and %q", weir.KindOf(err), err, x.kind, x.want)
				}
				must(t, w.Abort(t.Context(), err))
				must(t, sink.Close())
			})
		}
	}
}

// withoutRoom fills a server with five places and one user, guest, who may write t: it
// is waited for, but not for ever.
func (d database) withoutRoom(t *testing.T) {
	t.Helper()
	t.Setenv("PGPASSWORD", secret)
	url := strings.Replace(d.URL(), "postgres@", "guest@", 1)
	url = strings.Replace(url, "disable", "require", 1)
	var writers []weir.Writer
	sink := sinkAt(t, url, "t", postgres.SinkOptions{ConnectFor: 300 * time.Millisecond})
	var err error
	for len(writers) < 5 && err == nil {
		var w weir.Writer
		if w, err = sink.Open(t.Context(), info("x")); err == nil {
			writers = append(writers, w)
		}
	}
	if len(writers) == 0 || weir.KindOf(err) != weir.Transient || !strings.Contains(err.Error(), "no more connections") {
		t.Fatalf("%d connections, %v: %v", len(writers), weir.KindOf(err), err)
	}
	patient := sinkAt(t, url, "t", postgres.SinkOptions{ConnectFor: patience})
	opened := make(chan error, 1)
	go func() {
		w, err := patient.Open(t.Context(), info("y"))
		if err == nil {
			err = w.Abort(t.Context(), errCrash)
		}
		opened <- err
	}()
	time.Sleep(100 * time.Millisecond)
	for _, w := range writers {
		must(t, w.Abort(t.Context(), errCrash))
	}
	must(t, sink.Close())
	must(t, <-opened)
	must(t, patient.Close())
	d.crowded(t, url)
}

// crowded loads into t while sessions of somebody else leave fewer places than weir
// wants: it loads what it can, fails, and does the rest when they have gone.
func (d database) crowded(t *testing.T, url string) {
	t.Helper()
	var others []*pgconn.PgConn
	for range 3 {
		c, err := pgconn.Connect(t.Context(), url)
		must(t, err)
		others = append(others, c)
	}
	saved, once := &store{}, sync.Once{}
	run := func(streams int) error {
		_, err := weir.Ingest(t.Context(), &counting{id: "crowded", streams: streams, records: 500, perRead: 50, pause: time.Millisecond},
			sinkAt(t, url, "t", postgres.SinkOptions{ConnectFor: 20 * time.Millisecond}),
			weir.Options{Streams: 3, Batch: 4096, Checkpoints: saved, CheckpointEvery: 10 * time.Millisecond})
		return err
	}
	if err := run(1); weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "let this user make weir_positions") {
		t.Errorf("%v: %v", weir.KindOf(err), err)
	}
	d.do("DELETE FROM t; GRANT CREATE ON SCHEMA public TO guest")
	failures := goOn(t, func() error {
		err := run(3)
		if err != nil {
			once.Do(func() {
				for _, c := range others {
					must(t, c.Close(t.Context()))
				}
			})
		}
		return err
	})
	if len(failures) == 0 || code(failures[0]) != "53300" || !strings.Contains(failures[0].Error(), "lower the number of streams") {
		t.Errorf("%v", failures)
	}
	same(t, "rows", d.rows("SELECT count(*), count(DISTINCT n), max(n) FROM t"), []string{"1500|500|500"})
}
