package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
)

// A table that is dropped in the middle of a run ends it with what to do. A later run does
// not write the rest of the stream to a table that it has made anew; one that begins
// afresh writes all of it.
func TestTableThatIsDroppedInTheMiddleOfARun(t *testing.T) {
	d := start(t)
	for _, create := range []bool{false, true} {
		t.Run(fmt.Sprint("made by weir ", create), func(t *testing.T) {
			d := database{d.Server, t}
			table := d.name()
			made := "CREATE TABLE " + table + " (s int, n int)"
			if !create {
				d.do(made)
			}
			saved, once, stored := &store{}, sync.Once{}, "?"
			drop := func() {
				d.until("the first checkpoint", "SELECT 1 FROM weir_positions WHERE target = '"+table+"' AND position <> ''")
				stored = d.one("DROP TABLE " + table + "; SELECT convert_from(position, 'UTF8') FROM weir_positions WHERE target = '" + table + "'")
			}
			run := func(o postgres.SinkOptions) error {
				o.Create = create
				_, err := weir.Ingest(t.Context(), &counting{id: table, records: 1000, perRead: 50, middle: func() { once.Do(drop) }},
					d.sink(table, o), weir.Options{Batch: 4096, Checkpoints: saved, CheckpointEvery: 5 * time.Millisecond})
				return err
			}
			wants := func(err error, want string) {
				t.Helper()
				if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), want) {
					t.Fatalf("%v: %v; want %q", weir.KindOf(err), err, want)
				}
			}
			wants(run(postgres.SinkOptions{}), "if it was dropped meanwhile, what it held is gone with it, and --fresh writes all of it again")
			if !create {
				wants(run(postgres.SinkOptions{}), "there is no table")
				d.do(made)
				must(t, run(postgres.SinkOptions{}))
				same(t, "the rest", d.rows("SELECT 'off=' || 1000 - count(*), min(n) = 1001 - count(*), max(n) FROM "+table), []string{stored + "|t|1000"})
				d.do("TRUNCATE " + table)
			} else {
				wants(run(postgres.SinkOptions{}), "which an earlier run has made, is not there any more")
			}
			saved = &store{}
			must(t, run(postgres.SinkOptions{Fresh: "afresh"}))
			same(t, "rows", d.rows("SELECT count(*), count(DISTINCT n) FROM "+table), []string{"1000|1000"})
		})
	}
}

// A run that begins afresh does so with all streams, and only once, also when it fails
// before it has come to them and is tried again. What it does not meet any more is
// forgotten.
func TestFreshRunBeginsEachStreamAfreshOnce(t *testing.T) {
	d := start(t)
	table := d.table("s int, n int")
	run := func(streams int, fresh string, saved *store) error {
		_, err := weir.Ingest(t.Context(), &counting{id: table, streams: streams, records: 100, perRead: 30}, d.sink(table, postgres.SinkOptions{Fresh: fresh}),
			weir.Options{Streams: 1, FailFast: true, Checkpoints: saved})
		return err
	}
	must(t, run(5, "", &store{}))
	saved, saves := &store{}, 0
	saved.fault = func() error {
		if saves++; saves == 2 { // of the second stream
			return &weir.Error{Kind: weir.Transient, Err: errCrash}
		}
		return nil
	}
	if failures := goOn(t, func() error { return run(4, "second", saved) }); len(failures) != 1 {
		t.Errorf("%v", failures)
	}
	same(t, "rows", d.rows("SELECT s, count(*) FROM "+table+" GROUP BY s ORDER BY s"), []string{"1|200", "2|200", "3|200", "4|200", "5|100"})
	same(t, "positions", d.rows("SELECT stream, whole FROM weir_positions WHERE target = '"+table+"' ORDER BY stream"),
		[]string{table + "/1|t", table + "/2|t", table + "/3|t", table + "/4|t"})
}
