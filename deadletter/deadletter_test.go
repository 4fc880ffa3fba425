package deadletter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/deadletter"
	"github.com/weirflow/weir/weirtest"
)

// bad returns record n of a stream.
func bad(n int) *weir.BadRecord {
	rec := fmt.Appendf(nil, `{"n":%d}`+"\n", n)
	return &weir.BadRecord{
		Stage: "csv", Stream: "orders.csv", Record: int64(n), Offset: -1, Size: int64(len(rec)),
		Reason: errors.New("3 fields, want 4"), Excerpt: rec, Whole: rec,
	}
}

// fill puts n letters into a box in a new directory.
func fill(t *testing.T, n int, o deadletter.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dead")
	b, err := deadletter.Open(dir, o)
	must(t, err)
	for i := range n {
		must(t, b.Put(bad(i+1)))
	}
	must(t, b.Sync())
	must(t, b.Close())
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func letters(t *testing.T, dir string) []deadletter.Letter {
	t.Helper()
	var all []deadletter.Letter
	must(t, deadletter.Read(dir, func(l deadletter.Letter) bool { all = append(all, l); return true }))
	return all
}

func TestLettersComeBackInOrderOverSegmentsAndProcesses(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := fill(t, 50, deadletter.Options{SegmentBytes: 1 << 10})
	b, err := deadletter.Open(dir, deadletter.Options{})
	must(t, err)
	must(t, b.Put(bad(51)))
	must(t, b.Close())
	all := letters(t, dir)
	if len(all) != 51 || all[50].Segment < 5 {
		t.Fatalf("%d letters, the last in segment %d", len(all), all[len(all)-1].Segment)
	}
	for i, l := range all {
		if l.Record != int64(i+1) || l.Stage != "csv" || l.Reason != "3 fields, want 4" || !l.Whole || string(l.Content()) != fmt.Sprintf(`{"n":%d}`+"\n", i+1) {
			t.Errorf("letter %d is %+v", i, l)
		}
	}
	c, err := deadletter.Survey(dir)
	if err != nil || c.Letters != 51 || c.ByReason["csv: 3 fields, want 4"] != 51 || c.First.After(c.Last) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhatIsNotTextOrNotWholeIsKeptAsItIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dead")
	b, err := deadletter.Open(dir, deadletter.Options{})
	must(t, err)
	binary, long := []byte{0, 0xff, '\n'}, bytes.Repeat([]byte("x"), 3<<20)
	must(t, b.Put(&weir.BadRecord{Reason: errors.New("no JSON"), Offset: 7, Size: 3, Excerpt: binary, Whole: binary}))
	must(t, b.Put(&weir.BadRecord{Reason: errors.New("too long"), Offset: 10, Size: 3 << 20, Excerpt: long[:9000], Whole: long}))
	must(t, b.Close())
	all := letters(t, dir)
	if !bytes.Equal(all[0].Content(), binary) || !all[0].Whole || all[0].Offset != 7 {
		t.Errorf("%+v", all[0])
	}
	if len(all[1].Content()) != weir.MaxExcerpt || all[1].Whole {
		t.Errorf("%d bytes, whole %t", len(all[1].Content()), all[1].Whole)
	}
}

// Whatever a crash leaves of the last letter, those before it are there; damage
// anywhere else is an error with its place.
func TestTornEndIsCutOffAndDamageIsAnError(t *testing.T) {
	dir := fill(t, 3, deadletter.Options{})
	path := filepath.Join(dir, "000001.letters")
	whole, err := os.ReadFile(path)
	must(t, err)
	ends := []int{0}
	for i, c := range whole {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	for n := range len(whole) {
		must(t, os.WriteFile(path, whole[:n], 0o600))
		want := 0
		for want+1 < len(ends) && ends[want+1] <= n {
			want++
		}
		if got := len(letters(t, dir)); got != want {
			t.Fatalf("cut to %d of %d bytes: %d letters, want %d", n, len(whole), got, want)
		}
	}
	for at := range ends[2] {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1
		must(t, os.WriteFile(path, damaged, 0o600))
		n := 0
		err := deadletter.Read(dir, func(deadletter.Letter) bool { n++; return true })
		if weir.KindOf(err) != weir.Corrupt || !strings.Contains(err.Error(), "000001.letters is damaged at offset") {
			t.Fatalf("bit flipped at %d: %v after %d letters", at, err, n)
		}
	}
}

func TestFullBoxFailsTheStreamAndDropsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dead")
	b, err := deadletter.Open(dir, deadletter.Options{MaxBytes: 500})
	must(t, err)
	n := 0
	for ; err == nil; n++ {
		err = b.Put(bad(n + 1))
	}
	if weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), "the box is full") {
		t.Errorf("err = %v", err)
	}
	must(t, b.Close())
	if got := len(letters(t, dir)); got != n-1 || got == 0 {
		t.Errorf("%d letters, %d were taken", got, n-1)
	}
	b, err = deadletter.Open(dir, deadletter.Options{MaxBytes: 500})
	must(t, err)
	if b.Put(bad(1)) == nil {
		t.Error("a full box takes more when it is opened again")
	}
	must(t, b.Close())
	if b.Put(bad(1)) == nil {
		t.Error("a closed box takes letters")
	}
}

func TestPurgeRemovesWhatIsOlder(t *testing.T) {
	dir := fill(t, 20, deadletter.Options{SegmentBytes: 1 << 10})
	if n, err := deadletter.Purge(dir, time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := deadletter.Purge(dir, time.Time{}); n != 20 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if all := letters(t, dir); len(all) != 0 {
		t.Errorf("%d letters are left", len(all))
	}
}

func TestLettersAreASourceThatConforms(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		dir := fill(t, 2000, deadletter.Options{SegmentBytes: 32 << 10})
		var want []byte
		for _, l := range letters(t, dir) {
			want = append(want, l.Content()...)
		}
		return weirtest.SourceHarness{
			Open: func(testing.TB) weir.Source { return deadletter.Source(dir, deadletter.SourceOptions{}) },
			Want: func(string) []byte { return want },
		}
	})
}

// Letters that a run has kept again after it broke off can be left out, wherever the
// reading goes on; those that only look alike are not.
func TestRepeatedLettersAreLeftOut(t *testing.T) {
	make := func(t *testing.T) (dir string, want []byte) {
		dir = filepath.Join(t.TempDir(), "dead")
		put := func(from, to int, change func(*weir.BadRecord), news bool) {
			b, err := deadletter.Open(dir, deadletter.Options{SegmentBytes: 8 << 10})
			must(t, err)
			for i := from; i < to; i++ {
				r := bad(i)
				if change(r); news {
					want = append(want, r.Whole...)
				}
				must(t, b.Put(r))
			}
			must(t, b.Close())
		}
		put(1, 120, func(*weir.BadRecord) {}, true)
		put(100, 120, func(*weir.BadRecord) {}, false) // of the run that went on
		put(110, 170, func(r *weir.BadRecord) { r.Offset = r.Record }, true)
		put(110, 170, func(r *weir.BadRecord) { r.Offset = r.Record }, false)
		put(1, 20, func(r *weir.BadRecord) { r.Stream = "others.csv" }, true)
		put(1, 20, func(r *weir.BadRecord) { r.Stage = "sink" }, true)
		put(1, 20, func(r *weir.BadRecord) { r.Whole = []byte("another\n") }, true)
		put(1, 20, func(r *weir.BadRecord) { r.Record = 0 }, true)
		put(1, 20, func(r *weir.BadRecord) { r.Record = 0 }, true) // nobody knows
		return dir, want
	}
	dir, want := make(t)
	c, err := deadletter.Survey(dir)
	if must(t, err); c.Repeated != 20+60 || int(c.Letters-c.Repeated) != bytes.Count(want, []byte("\n")) {
		t.Errorf("%d of %d letters repeat an earlier one", c.Repeated, c.Letters)
	}
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		dir, want := make(t)
		return weirtest.SourceHarness{
			Open: func(testing.TB) weir.Source { return deadletter.Source(dir, deadletter.SourceOptions{Once: true}) },
			Want: func(string) []byte { return want },
		}
	})
	dst := weirtest.NewMemSink(weir.Footprint{})
	res, err := weir.Ingest(t.Context(), deadletter.Source(dir, deadletter.SourceOptions{Once: true}), dst, weir.Options{})
	if must(t, err); res.Filtered.Records != 80 || !bytes.Equal(dst.Streams()[0].Data, want) {
		t.Errorf("%d records were left out", res.Filtered.Records)
	}
}

func TestLetterWithoutItsWholeRecordIsABadRecordAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dead")
	b, err := deadletter.Open(dir, deadletter.Options{})
	must(t, err)
	must(t, b.Put(bad(1)))
	must(t, b.Put(&weir.BadRecord{Reason: errors.New("too long"), Size: 1 << 30, Excerpt: []byte("beginning")}))
	must(t, b.Put(bad(2)))
	must(t, b.Close())
	if _, err := weir.Ingest(t.Context(), deadletter.Source(dir, deadletter.SourceOptions{}), weirtest.NewMemSink(weir.Footprint{}), weir.Options{}); err == nil || !strings.Contains(err.Error(), "only 9 of its 1073741824 bytes were kept") {
		t.Errorf("err = %v", err)
	}
	dst := weirtest.NewMemSink(weir.Footprint{})
	res, err := weir.Ingest(t.Context(), deadletter.Source(dir, deadletter.SourceOptions{Bad: weir.SkipBad}), dst, weir.Options{})
	if err != nil || res.Written.Records != 2 || res.Skipped.Records != 1 {
		t.Errorf("%+v, %v", res.Stats, err)
	}
}

func TestTooManyOfTheLastRecordsStopTheStream(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []int64
		stops   bool
	}{
		"three in a row":         {[]int64{5, 6, 7}, true},
		"three of the last four": {[]int64{5, 6, 8}, true},
		"three of five":          {[]int64{5, 7, 9}, false},
		"not numbered":           {[]int64{0, 0, 0, 0}, false},
		"later":                  {[]int64{1, 10, 20, 21, 22}, true},
	} {
		p := deadletter.Window(3, 4, weir.SkipBad)
		var err error
		for _, n := range c.numbers {
			r := bad(int(n))
			r.Record = n
			if _, e := p(context.Background(), r); e != nil {
				err = e
			}
		}
		if stopped := err != nil; stopped != c.stops {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := deadletter.Window(2, 10, weir.SkipBad)
	for i := range 1000 { // streams do not count together
		r := bad(1)
		r.Stream = fmt.Sprint(i)
		if _, err := p(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzLetters(f *testing.F) {
	f.Add([]byte("00000000 {}\n"))
	f.Add([]byte("e3069283 {\"text\":\"x\"}\ntorn"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "000001.letters"), data, 0o600))
		err := deadletter.Read(dir, func(deadletter.Letter) bool { return true })
		if err != nil && weir.KindOf(err) != weir.Corrupt {
			t.Errorf("%v", err)
		}
	})
}
