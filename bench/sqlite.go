package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// sqliteRow is about what a record of the generated log takes, in bytes.
const sqliteRow = 268

// logTable is the table that both load.
const logTable = "CREATE TABLE log (id INTEGER, stream INTEGER, time TEXT, level TEXT, method TEXT, path TEXT, status INTEGER, bytes INTEGER, ms INTEGER, note TEXT);"

// runSQLite loads records into a table, beside SQLite's own shell, which loads the
// same from CSV in one transaction.
func runSQLite(ctx context.Context, b *bench) ([]table, error) {
	if !has("sqlite3") {
		t := table{title: "SQLITE: left out, because there is no sqlite3 beside which to measure", header: []string{""}}
		return []table{t}, nil
	}
	rows := int64(2_000_000)
	if b.quick {
		rows = 200_000
	}
	if err := b.scratch.need(4 * rows * sqliteRow); err != nil {
		return nil, err
	}
	l := loading{b: b, rows: rows, ndjson: b.scratch.path("log.ndjson"), csv: b.scratch.path("log.csv"), db: b.scratch.path("log.db"), state: b.scratch.path("state")}
	if err := l.prepare(ctx); err != nil {
		return nil, err
	}
	contestants := []contestant{
		l.contestant("sqlite3 .import", l.shell(".import --csv --skip 1 "+l.csv+" log")),
		l.contestant("weir, from NDJSON", l.weir(l.ndjson)),
		l.contestant("weir, from CSV", l.weir(l.csv)),
		l.contestant(".import, again", l.shell(".import --csv --skip 1 "+l.csv+" log")),
	}
	results, err := race(ctx, b.roundsOr(5, 2), contestants, l.empty)
	if err != nil {
		return nil, err
	}
	t := compareSeconds(fmt.Sprintf("SQLITE: %d rows into a table that is there, durable", rows), ".import", contestants, results)
	t.note("sqlite3 commits once; weir commits with every checkpoint, with the position in the same transaction")
	t.note("weir, from NDJSON: %s rows a second", number(float64(rows)/results[1].of(wallSeconds).median))
	t.target(speed(results[0], results[1]) >= 0.9, "weir, from NDJSON and with checkpoints, at least 0.9 times as fast as .import of the CSV: %s", times(speed(results[0], results[1])))
	return []table{t}, discard(l.ndjson, l.csv, l.db)
}

// loading is the files of the scenario.
type loading struct {
	b                      *bench
	rows                   int64
	ndjson, csv, db, state string
}

func (l loading) prepare(ctx context.Context) error {
	for _, c := range []command{
		{args: []string{l.b.weir, "gen", "-q", "--no-sync", "--format", "ndjson", "--record", fmt.Sprint(sqliteRow), "--size", fmt.Sprint(l.rows * sqliteRow), "-o", l.ndjson}},
		{args: []string{l.b.weir, "cp", "-q", "--no-sync", "--state", "none", l.ndjson, l.csv}},
	} {
		if _, err := process(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// empty makes a database with an empty table.
func (l loading) empty(ctx context.Context) error {
	if err := errors.Join(os.RemoveAll(l.state), discard(l.db, l.db+"-wal", l.db+"-shm", l.db+"-journal")); err != nil {
		return err
	}
	_, err := process(ctx, l.shell(logTable))
	return err
}

func (l loading) shell(statement string) command {
	return command{args: []string{"sqlite3", "-bail", l.db, statement}}
}

func (l loading) weir(from string) command {
	return command{args: []string{l.b.weir, "cp", "-q", "--state", l.state, from, "sqlite://" + l.db + "?table=log"}}
}

// contestant runs a command, and sees that every row is there.
func (l loading) contestant(name string, c command) contestant {
	return contestant{name, func(ctx context.Context) (sample, error) {
		s, err := process(ctx, c)
		if err != nil {
			return s, err
		}
		count := l.b.scratch.path("count")
		counting := l.shell("SELECT count(*) FROM log;")
		counting.stdout = count
		if _, err := process(ctx, counting); err != nil {
			return s, err
		}
		text, err := os.ReadFile(count)
		if got := strings.TrimSpace(string(text)); err == nil && got != fmt.Sprint(l.rows) {
			err = fmt.Errorf("it stored %s of %d rows", got, l.rows)
		}
		return s, err
	}}
}
