package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
)

// When the server is lost and a standby takes its place, which does not have the last
// transactions, everything is there, once: the positions have gone back with the rows.
func TestFailoverLosesNothing(t *testing.T) {
	d := start(t)
	standby, err := d.Standby()
	must(t, err)
	t.Cleanup(func() { must(t, standby.Close()) })
	after := database{standby, t}
	table := d.table("s int, n int")
	url := strings.Replace(d.URL(), d.Addr(), d.Addr()+","+standby.Addr(), 1) + "&target_session_attrs=read-write"

	position := "SELECT stream, position FROM weir_positions WHERE target = '" + table + "' AND position <> '' ORDER BY stream"
	var once sync.Once
	var cut atomic.Bool
	behind := func() { // the standby hears nothing more
		after.until("the standby", "SELECT 1 FROM ("+position+") AS p HAVING count(*) = 2")
		after.do("ALTER SYSTEM SET primary_conninfo = ''")
		after.do("SELECT pg_reload_conf()")
		after.until("the end of replication", "SELECT 1 FROM pg_stat_wal_receiver HAVING count(*) = 0")
		cut.Store(true)
	}
	saves, saved := 0, &store{}
	saved.fault = func() error {
		if cut.Load() {
			saves++
		}
		if saves == 2 {
			if slices.Equal(d.rows(position), after.rows(position)) {
				t.Error("the standby has everything")
			}
			return errors.Join(d.Kill(), standby.Promote())
		}
		return nil
	}
	failures := goOn(t, func() error {
		src := &counting{id: table, streams: 2, records: 6000, perRead: 50, pause: time.Millisecond, at: 2000, middle: func() { once.Do(behind) }}
		_, err := weir.Ingest(t.Context(), src, sinkAt(t, url, table, postgres.SinkOptions{}), weir.Options{
			Batch: 4096, Checkpoints: saved, CheckpointEvery: 10 * time.Millisecond,
		})
		return err
	})
	must(t, d.Start()) // the others go on with it
	if len(failures) == 0 {
		t.Error("nothing has failed")
	}
	same(t, "rows", after.rows("SELECT s, count(*), count(DISTINCT n), max(n) FROM "+table+" GROUP BY s ORDER BY s"), []string{"1|6000|6000|6000", "2|6000|6000|6000"})
}
