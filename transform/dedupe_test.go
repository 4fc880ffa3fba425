package transform_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

func mustParse(t testing.TB, text string, o transform.Options) *transform.Program {
	t.Helper()
	p, err := transform.Parse(text, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// through returns what p makes of the records in text.
func through(t testing.TB, p *transform.Program, text string) string {
	t.Helper()
	out := weir.NewBatch(8*len(text) + 1024)
	if err := p.Batch(context.Background(), batchOf(t, text), out); err != nil {
		t.Fatal(err)
	}
	return string(out.Bytes())
}

func TestDedupeLeavesOutWhatItHasSeen(t *testing.T) {
	p := mustParse(t, "dedupe by a, b.c within 1h; keep n", transform.Options{})
	got := through(t, p, `{"n":1,"a":"x","b":{"c":1}}
{"n":2,"a":"x","b":{"c":1}}
{"n":3,"a":"\u0078","b":{"c":1}}
{"n":4,"a":"x","b":{"c":"1"}}
{"n":5,"a":"x"}
{"n":6,"a":"x","b":{"c":null}}
{"n":7}
{"n":8}
{"n":9,"a":"x1","b":{"c":1}}
{"n":10,"a":"x","b":{"c":1}}
`)
	want := ""
	for _, n := range []int{1, 4, 5, 6, 7, 8, 9} {
		want += fmt.Sprintf(`{"n":%d}`+"\n", n)
	}
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestDedupeForgetsAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := mustParse(t, "dedupe by a within 10m", transform.Options{})
		passes := func(a string) bool { return through(t, p, `{"a":"`+a+`"}`) != "" }
		if !passes("x") || passes("x") {
			t.Fatal("the second is a duplicate")
		}
		time.Sleep(9 * time.Minute)
		if passes("x") || !passes("y") {
			t.Error("within ten minutes it is remembered")
		}
		time.Sleep(time.Minute)
		if !passes("x") {
			t.Error("ten minutes after the one that passed, it passes again")
		}
		time.Sleep(8 * time.Minute)
		if passes("x") || passes("y") {
			t.Error("each key has a time of its own")
		}
		time.Sleep(90 * time.Second)
		if passes("x") || !passes("y") {
			t.Error("each key has a time of its own")
		}
		if p.Forgotten() != 0 {
			t.Errorf("%d keys were forgotten early", p.Forgotten())
		}
	})
}

func TestDedupeIsBounded(t *testing.T) {
	const keys = 1000
	p := mustParse(t, fmt.Sprintf("dedupe by a within 1h max %d", keys), transform.Options{})
	for i := range 10 * keys {
		if through(t, p, fmt.Sprintf(`{"a":%d}`, i)) == "" {
			t.Fatalf("%d is no duplicate", i)
		}
	}
	for i := 9 * keys; i < 10*keys; i++ {
		if through(t, p, fmt.Sprintf(`{"a":%d}`, i)) != "" {
			t.Fatalf("%d of %d keys is forgotten: it is one of the last %d", i, 10*keys, keys)
		}
	}
	if n := p.Forgotten(); n < 6*keys || n > 9*keys {
		t.Errorf("%d keys were forgotten early", n)
	}
	static := p.Footprint(64 << 10).Static
	if per := static / keys; per < 64 || per > 200 {
		t.Errorf("the table has %d bytes for a key", per)
	}
}

func TestADuplicatePassesOnceAmongWorkers(t *testing.T) {
	const workers, keys = 8, 500
	p := mustParse(t, "dedupe by a within 1h", transform.Options{})
	var text strings.Builder
	for i := range keys {
		fmt.Fprintf(&text, `{"a":"k%d"}`+"\n", i)
	}
	outs := make([]string, workers)
	var wg sync.WaitGroup
	for i := range outs {
		wg.Go(func() { outs[i] = through(t, p, text.String()) })
	}
	wg.Wait()
	seen := map[string]int{}
	for line := range strings.Lines(strings.Join(outs, "")) {
		seen[line]++
	}
	if len(seen) != keys {
		t.Errorf("%d keys passed; want %d", len(seen), keys)
	}
	for line, n := range seen {
		if n != 1 {
			t.Errorf("%s passed %d times", line, n)
		}
	}
}

func TestARecordThatComesAgainIsNoDuplicateOfItself(t *testing.T) {
	p := mustParse(t, "explode a; dedupe by a within 1h", transform.Options{})
	read := func(first int64) int {
		in, out := batchOf(t, `{"a":[1,1,2]}`+"\n"), weir.NewBatch(1024)
		in.SetFirstRecord(first)
		if err := p.Batch(context.Background(), in, out); err != nil {
			t.Fatal(err)
		}
		return out.Records()
	}
	if n := read(7); n != 2 {
		t.Errorf("%d of three pass; want 2", n)
	}
	if n := read(7); n != 2 {
		t.Errorf("the batch comes again after a failure: %d pass; want 2", n)
	}
	if n := read(8); n != 0 {
		t.Errorf("another record with the same keys: %d pass", n)
	}
}

func TestSampleIsTheSameInEachRun(t *testing.T) {
	var text strings.Builder
	const n = 20_000
	for i := range n {
		fmt.Fprintf(&text, `{"id":%d,"user":%d}`+"\n", i, i/100)
	}
	lines := func(program string, o transform.Options) int {
		return strings.Count(through(t, mustParse(t, program, o), text.String()), "\n")
	}
	for _, x := range []struct {
		program string
		share   float64
	}{
		{"sample 1%", 0.01}, {"sample 0.01", 0.01}, {"sample 0.5%", 0.005}, {"sample 50% seed 3", 0.5}, {"sample 100%", 1}, {"sample 0%", 0}, {"sample 20% by user", 0.2},
	} {
		got := float64(lines(x.program, transform.Options{})) / n
		if got < x.share*0.7 || got > x.share*1.3 {
			t.Errorf("%s takes %g", x.program, got)
		}
	}
	a := through(t, mustParse(t, "sample 10%", transform.Options{}), text.String())
	b := through(t, mustParse(t, "sample 10%", transform.Options{}), text.String())
	c := through(t, mustParse(t, "sample 10%", transform.Options{Seed: 9}), text.String())
	d := through(t, mustParse(t, "sample 10% seed 9", transform.Options{}), text.String())
	if a != b || a == c || c != d {
		t.Error("the seed decides which records a sample takes, and nothing else")
	}
	if larger := through(t, mustParse(t, "sample 20%", transform.Options{}), text.String()); !contains(larger, a) {
		t.Error("a larger sample has what a smaller one has")
	}
	users := map[string]int{}
	for line := range strings.Lines(through(t, mustParse(t, "sample 20% by user; keep user", transform.Options{}), text.String())) {
		users[line]++
	}
	for user, count := range users {
		if count != 100 {
			t.Errorf("%s: %d of 100 records; by a field takes all or none", user, count)
		}
	}
}

// contains reports whether the lines of b are among those of a, in order.
func contains(a, b string) bool {
	for line := range strings.Lines(b) {
		_, rest, found := strings.Cut(a, line)
		if !found {
			return false
		}
		a = rest
	}
	return true
}

func TestSampleTellsTheRecordsOfExplodeApart(t *testing.T) {
	p := mustParse(t, "explode a; sample 50%", transform.Options{})
	got := strings.Count(through(t, p, `{"a":[`+strings.Repeat("1,", 999)+"1]}\n"), "\n")
	if got < 400 || got > 600 {
		t.Errorf("%d of 1000", got)
	}
}
