package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// smallDisk mounts a disk of so many MiB until the test has ended, and returns where,
// and what makes it larger.
func smallDisk(t *testing.T, size int) (dir string, grow func(size int)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-disk-") // the server's user may enter it, unlike one of TempDir
	must(t, err)
	t.Cleanup(func() { must(t, os.Remove(dir)) })
	must(t, os.Chmod(dir, 0o755))
	err = syscall.Mount("weir", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", size))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("a disk that is small enough to be full cannot be mounted, which takes root: %v", err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir, func(size int) {
		must(t, syscall.Mount("weir", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dm", size)))
	}
}

// fill loads 6 MB in 6000 rows, and calls room after the first failure.
func (d database) fill(table string, room func()) (failures []error) {
	d.t.Helper()
	saved, once := &store{}, sync.Once{}
	pad := strings.Repeat("x", 1000)
	record := func(n int) string { return fmt.Sprintf(`{"s":1,"n":%d,"pad":"%s"}`, n, pad) }
	failures = goOn(d.t, func() error {
		_, err := weir.Ingest(d.t.Context(), &counting{id: table, records: 6000, perRead: 50, pause: time.Millisecond, record: record},
			d.sink(table, postgres.SinkOptions{ConnectFor: time.Millisecond}),
			weir.Options{Batch: 64 << 10, Checkpoints: saved, CheckpointEvery: 20 * time.Millisecond})
		if err != nil {
			once.Do(room)
		}
		return err
	})
	if len(failures) == 0 {
		d.t.Fatal("nothing has failed")
	}
	same(d.t, "rows", d.rows("SELECT count(*), count(DISTINCT n), max(n) FROM "+table), []string{"6000|6000|6000"})
	return failures
}

// A disk that is full where the table is loses nothing and doubles nothing: weir goes on
// where it stopped when there is room.
func TestFullDiskOfTheTableLosesNothing(t *testing.T) {
	dir, grow := smallDisk(t, 4)
	d := start(t)
	owner, err := os.Stat(d.Socket())
	must(t, err)
	must(t, os.Chown(dir, int(owner.Sys().(*syscall.Stat_t).Uid), -1))
	table := d.name()
	d.do("CREATE TABLESPACE " + table + " LOCATION '" + dir + "'")
	t.Cleanup(func() {
		d.do("DROP TABLE IF EXISTS " + table)
		d.do("DROP TABLESPACE " + table)
	})
	d.do("CREATE TABLE " + table + " (s int, n int, pad text) TABLESPACE " + table)
	failures := d.fill(table, func() {
		if d.one("SELECT count(*) > 0 FROM "+table) != "t" {
			t.Error("nothing was stored before the disk was full")
		}
		grow(40)
	})
	if err := failures[0]; code(err) != "53100" || !strings.Contains(err.Error(), "make room there") {
		t.Error(err)
	}
}

// A disk that is full where the server keeps its log ends the server. Nothing is lost or
// doubled when it has room and is there again.
func TestFullDiskOfTheServersLogLosesNothing(t *testing.T) {
	dir, grow := smallDisk(t, 20) // its files have 16 MiB
	d := own(t, pgtest.Options{WAL: dir, Settings: map[string]string{"max_wal_size": "32MB"}})
	d.do("CREATE TABLE t (s int, n int, pad text)")
	for d.one("SELECT (pg_current_wal_insert_lsn() - '0/0') % (16 << 20) < 12 << 20") == "t" {
		d.do("INSERT INTO t SELECT 0, -n, repeat('x', 1000) FROM generate_series(1, 500) AS n; TRUNCATE t")
	}
	failures := d.fill("t", func() {
		grow(100)
		if d.Kill() != nil { // it has ended already, or is about to try again
			must(t, d.Stop())
		}
		must(t, d.Start())
	})
	t.Log(failures[0])
}
