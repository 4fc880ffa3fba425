package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres"
)

// The last record with a key counts, in a Write and over many; keys that are NULL are
// no two the same; what is in the table and not in the records stays.
func TestRecordsReplaceRowsWithTheirKey(t *testing.T) {
	d := start(t)
	for _, connections := range []int{1, 2} {
		for _, policy := range []weir.BadPolicy{nil, weir.FailBad} {
			table := d.table("a int, b text, v int, kept text DEFAULT 'kept', at timestamptz, UNIQUE (a, b)")
			d.do("INSERT INTO " + table + " VALUES (1, 'x', 0, 'old', NULL), (9, 'z', 9, 'old', NULL)")
			o := postgres.SinkOptions{Key: []string{"a", "b"}, Connections: connections, Bad: policy}
			must(t, d.load(
				table, o,
				batch(`{"a":1,"b":"x","v":1}`, `{"a":1,"b":"y","v":2}`, `{"a":1,"b":"x","v":3}`, `{"a":null,"b":"x","v":4}`, `{"b":"x","v":5}`),
				batch(`{"a":1,"b":"y","v":6,"at":"tomorrow"}`, `{"a":2,"b":"y","v":7}`, `{"v":8}`, `{"a":2,"b":"y","v":7,"kept":"new"}`),
			))
			same(t, fmt.Sprint(connections), d.rows("SELECT a, b, v, kept, at IS NOT NULL FROM "+table+" ORDER BY a, b, v"), []string{
				"1|x|3|old|f", "1|y|6|kept|t", "2|y|7|new|f", "9|z|9|old|f", "∅|x|4|kept|f", "∅|x|5|kept|f", "∅|∅|8|kept|f",
			})
		}
	}
	table := d.table("k int PRIMARY KEY")
	must(t, d.load(table, postgres.SinkOptions{Key: []string{"k"}}, batch(`{"k":1}`, `{"k":1}`), batch(`{"k":1}`)))
	same(t, "a table that is all key", d.rows("SELECT * FROM "+table), []string{"1"})
}

// Against a map, with records that the server refuses among them.
func TestUpsertAgreesWithAMap(t *testing.T) {
	d := start(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		table := d.table("k int PRIMARY KEY, v int CHECK (v >= 0), note text DEFAULT 'none'")
		want, refused := map[int]string{}, 0
		var batches []*weir.Batch
		for range 1 + r.IntN(5) {
			var records []string
			for range 1 + r.IntN(200) {
				k, v, note := r.IntN(60), r.IntN(1000), ""
				if r.IntN(40) == 0 {
					v = -1
				}
				if r.IntN(20) == 0 {
					note = fmt.Sprintf(`,"note":"n%d"`, v)
				}
				records = append(records, fmt.Sprintf(`{"k":%d,"v":%d%s}`, k, v, note))
				if v < 0 {
					refused++
					continue
				}
				_, before, _ := strings.Cut(want[k], "|")
				switch {
				case note != "":
					before = fmt.Sprintf("n%d", v)
				case before == "":
					before = "none"
				}
				want[k] = fmt.Sprintf("%d|%s", v, before)
			}
			batches = append(batches, batch(records...))
		}
		given := 0
		must(t, d.load(table, postgres.SinkOptions{Key: []string{"k"}, Bad: func(context.Context, *weir.BadRecord) (weir.Fate, error) {
			given++
			return weir.Skipped, nil
		}}, batches...))
		if given > refused {
			t.Errorf("%d were given up on, %d are wrong", given, refused)
		}
		for _, row := range d.rows("SELECT k, v, note FROM " + table) {
			var k int
			_, err := fmt.Sscanf(row, "%d|", &k)
			must(t, err)
			if got := row[strings.IndexByte(row, '|')+1:]; got != want[k] {
				t.Errorf("key %d: %s; want %s", k, got, want[k])
			}
			delete(want, k)
		}
		if len(want) > 0 {
			t.Errorf("missing: %v", want)
		}
	}
}
