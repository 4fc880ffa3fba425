package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
)

// Whatever the server refuses, and however many, the others are stored in their order
// and each is given up on once, with the server's words.
func TestRecordsThatTheServerRefusesAreFoundAmongTheOthers(t *testing.T) {
	d := start(t)
	const n = 700
	for _, x := range []struct {
		name, columns string
		refuses       func(i int) bool
		value         func(i int, bad bool) string
		reason        string
	}{
		{"too narrow", "id int, v varchar(5)", func(i int) bool { return i%97 == 13 }, func(_ int, bad bool) string {
			return map[bool]string{true: `"too long"`, false: `"short"`}[bad]
		}, "value too long for type character varying(5) (SQLSTATE 22001"},
		{"unique", "id int, v int UNIQUE", func(i int) bool { return i%50 == 49 }, func(i int, bad bool) string {
			if bad {
				return fmt.Sprint(i - 1)
			}
			return fmt.Sprint(i)
		}, "duplicate key value violates unique constraint"},
		{"not null", "id int, v int NOT NULL", func(i int) bool { return i < 3 || i == n-1 }, func(_ int, bad bool) string {
			return map[bool]string{true: "null", false: "1"}[bad]
		}, "null value in column"},
		{"check", "id int, v int CHECK (v > 0)", func(int) bool { return true }, func(int, bool) string { return "-1" }, "violates check constraint"},
		{"deferred", "id int, v int UNIQUE DEFERRABLE INITIALLY DEFERRED", func(i int) bool { return i == 400 }, func(i int, bad bool) string {
			if bad {
				return "7"
			}
			return fmt.Sprint(i)
		}, "duplicate key value"},
		{"not a number", "id int, v int", func(i int) bool { return i%7 == 3 }, func(i int, bad bool) string {
			return map[bool]string{true: `"none"`, false: fmt.Sprint(i)}[bad]
		}, `invalid input syntax for type integer: "none" (SQLSTATE 22P02`},
		{"invalid UTF-8", "id int, v text", func(i int) bool { return i == 11 || i == 600 }, func(_ int, bad bool) string {
			return map[bool]string{true: "\"\xfe\"", false: `"ü"`}[bad]
		}, "invalid byte sequence for encoding"},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := database{d.Server, t}
			table := d.table(x.columns)
			var records, want, refused []string
			for i := range n {
				bad := x.refuses(i)
				records = append(records, fmt.Sprintf(`{"id":%d,"v":%s}`, i, x.value(i, bad)))
				if bad {
					refused = append(refused, fmt.Sprintf("%d: ", i+1))
				} else {
					want = append(want, fmt.Sprint(i))
				}
			}
			bad, b := &letters{}, batch(records...)
			must(t, d.load(table, postgres.SinkOptions{Bad: bad.policy}, b))
			same(t, "rows", d.rows("SELECT id FROM "+table+" ORDER BY ctid"), want)
			if len(bad.all) != len(refused) || b.Noted(weir.DeadLettered).Records != int64(len(refused)) {
				t.Fatalf("%d letters, %d noted; want %d", len(bad.all), b.Noted(weir.DeadLettered).Records, len(refused))
			}
			for i, letter := range bad.all {
				if !strings.HasPrefix(letter, refused[i]) || !strings.Contains(letter, x.reason) {
					t.Errorf("letter %d is %q; want record %sand %q", i, letter, refused[i], x.reason)
				}
			}
		})
	}
}

// Random tables of what is refused, by random means, in Writes of random sizes.
func TestNothingIsLostOrDoubledAroundRefusedRecords(t *testing.T) {
	d := start(t)
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		table := d.table("id int UNIQUE, v smallint, w varchar(3), made int DEFAULT 7")
		var batches []*weir.Batch
		var want []string
		letters, id := 0, 0
		odds := []int{2, 5, 50, 1000}[round%4]
		for range 1 + r.IntN(4) {
			var records []string
			for range 1 + r.IntN(300) {
				id++
				rec, ok := fmt.Sprintf(`{"id":%d,"v":%d,"w":"abc"}`, id, r.IntN(100)), true
				switch r.IntN(odds) {
				case 0:
					rec, ok = fmt.Sprintf(`{"id":%d,"w":"abcd"}`, id), false
				case 1:
					rec, ok = fmt.Sprintf(`{"id":%d,"v":"x"}`, id), false
				case 2:
					rec, ok = fmt.Sprintf(`{"id":%d,"v":" 8 "}`, id), true // only the server can read it
				case 3:
					rec, ok = fmt.Sprintf(`{"id":%d,"made":1}`, id), true
				case 4:
					rec, ok = `{"id":`, false
				case 5:
					rec, ok = fmt.Sprintf(`{"id":%d}`, max(id-1-r.IntN(5), 1)), id == 1
				}
				if records = append(records, rec); ok {
					want = append(want, fmt.Sprint(id))
				}
			}
			letters += len(records)
			batches = append(batches, batch(records...))
		}
		var skipped int64
		o := postgres.SinkOptions{Bad: func(context.Context, *weir.BadRecord) (weir.Fate, error) { return weir.Skipped, nil }}
		must(t, d.load(table, o, batches...))
		for _, b := range batches {
			skipped += b.Noted(weir.Skipped).Records
		}
		got := d.rows("SELECT id FROM " + table + " ORDER BY ctid")
		// A record that repeats an id may be stored when the one it repeats was refused.
		if int64(letters) != int64(len(got))+skipped {
			t.Errorf("round %d: %d records are not %d rows and %d skipped", round, letters, len(got), skipped)
		}
		for _, id := range want {
			if n := len(got) - len(slices.DeleteFunc(slices.Clone(got), func(g string) bool { return g == id })); n != 1 {
				t.Fatalf("round %d: record %s is there %d times", round, id, n)
			}
		}
	}
}

// Of a transaction with many savepoints other sessions suffer: it is committed before
// there are many, whenever the next checkpoint is due, and no sooner without them.
func TestTransactionWithManySavepointsIsCommittedSoon(t *testing.T) {
	d := start(t)
	for _, x := range []struct {
		bad         weir.BadPolicy
		least, most int64
	}{{weir.SkipBad, 200 / 40, 200 / 20}, {nil, 1, 1}} {
		table := d.table("s int, n int")
		res, err := weir.Ingest(t.Context(), &counting{id: table, records: 2000, perRead: 10}, d.sink(table, postgres.SinkOptions{Bad: x.bad}),
			weir.Options{Checkpoints: &store{}, CheckpointEvery: time.Hour})
		must(t, err)
		if res.Checkpoints < x.least || res.Checkpoints > x.most {
			t.Errorf("%d checkpoints of 200 batches; want %d to %d", res.Checkpoints, x.least, x.most)
		}
		same(t, "rows", d.rows("SELECT count(*), count(DISTINCT n) FROM "+table), []string{"2000|2000"})
	}
}

// A position is not stored before what was kept of bad records is durable.
func TestLettersAreDurableBeforeThePosition(t *testing.T) {
	d := start(t)
	table := d.table("n int")
	var kept letters
	full := true
	sink := d.sink(table, postgres.SinkOptions{Bad: kept.policy, SyncBad: func() error {
		if full {
			return errCrash
		}
		return nil
	}})
	for _, want := range []string{"", "off=2"} {
		w := writer(t, sink, table).(weir.Resumer)
		at, err := w.Resume(t.Context(), weir.Checkpoint{})
		must(t, err)
		if len(at) != 0 {
			t.Fatalf("it is at %s", at)
		}
		must(t, w.(weir.Writer).Write(t.Context(), batch(`{"n":1}`, `{"n":"x"}`)))
		if _, err = w.Flush(t.Context(), weir.Position("off=2")); full != errors.Is(err, errCrash) {
			t.Errorf("Flush: %v", err)
		}
		must(t, w.Suspend(t.Context(), err))
		full = false
		if got := d.one("SELECT convert_from(position, 'UTF8') FROM weir_positions WHERE target = '" + table + "'"); got != want {
			t.Errorf("stored is %q; want %q", got, want)
		}
	}
	must(t, sink.Close())
	same(t, "rows", d.rows("SELECT n FROM "+table), []string{"1"})
}

// Without a policy the stream fails with the record and the server's words, and
// nothing of it stays.
func TestWithoutAPolicyTheStreamFailsWithTheRecord(t *testing.T) {
	d := start(t)
	table := d.table("id int, v varchar(5)")
	for name, second := range map[string]*weir.Batch{
		"in the same write": batch(`{"id":3,"v":"c"}`, ``, `{"id":4,"v":"far too long"}`, `{"id":5,"v":"e"}`),
		"alone":             batch(`{"id":4,"v":"far too long"}`),
	} {
		second.SetFirstRecord(3)
		err := d.load(table, postgres.SinkOptions{}, batch(`{"id":1,"v":"a"}`, `{"id":2,"v":"b"}`), second)
		var bad *weir.BadRecord
		if err == nil { // it may come at the Commit: a Write does not wait for the server
			t.Fatalf("%s: no error", name)
		}
		if weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), "value too long") {
			t.Errorf("%s: %v", name, err)
		}
		if errors.As(err, &bad) && !strings.Contains(bad.Error(), "SQLSTATE 22001") {
			t.Errorf("%s: %v", name, bad)
		}
		same(t, name, d.rows("SELECT * FROM "+table), nil)
	}
	var own *postgres.ServerError
	err := d.load(table, postgres.SinkOptions{}, batch(`{"id":"x"}`))
	if !errors.As(err, &own) || own.Code != "22P02" {
		t.Errorf("%v", err)
	}
	var bad *weir.BadRecord
	if !errors.As(err, &bad) || bad.Record != 1 {
		t.Errorf("the record is not known: %v", err)
	}
}

// An error of the policy fails the stream, and the records it was not asked about are
// not stored.
func TestAPolicyThatFailsFailsTheStream(t *testing.T) {
	d := start(t)
	table := d.table("id int CHECK (id > 0)")
	full := errors.New("the box is full")
	err := d.load(table, postgres.SinkOptions{Bad: func(context.Context, *weir.BadRecord) (weir.Fate, error) {
		return weir.DeadLettered, full
	}}, batch(`{"id":1}`), batch(`{"id":2}`, `{"id":-1}`, `{"id":3}`))
	if !errors.Is(err, full) {
		t.Error(err)
	}
	same(t, "rows", d.rows("SELECT * FROM "+table), nil)
}

// A column that a message names can be called anything.
func TestLineIsFoundInTheServersWords(t *testing.T) {
	for where, want := range map[string]int{
		"COPY t, line 3": 3,
		`COPY t, line 12, column v: "line 5, x 7"`: 12,
		"COPY a, b, Zeile 7, Spalte x":             7,
		"COPY weir_stage, line 1":                  1,
		"COPY t":                                   0,
		"":                                         0,
		"PL/pgSQL function f() line 4 at RAISE\nCOPY t, line 9: \"1\t2\"": 9,
		"COPY t, ligne 99999999999":                                       0,
	} {
		if got := postgres.Line(where); got != want {
			t.Errorf("%q: %d; want %d", where, got, want)
		}
	}
}
