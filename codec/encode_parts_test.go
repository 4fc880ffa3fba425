package codec_test

import (
	stdjson "encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

// A shipment is a stream that is encoded into parts of a file, with runs that are cut
// short in between.
type shipment struct {
	from, to string
	header   string
	records  []string
	endless  bool

	dir  string
	last weir.Checkpoint
	at   int // records before it
}

var errStopped = errors.New("stopped")

// run writes the records that are missing, up to a stop after n batches.
func (x *shipment) run(t *testing.T, r *rand.Rand, n int) (whole bool) {
	t.Helper()
	to, err := codec.ParseSpec(x.to)
	must(t, err)
	e, err := codec.NewEncoder(format(t, x.from), to, codec.EncodeOptions{})
	must(t, err)
	disk, err := file.NewSink(filepath.Join(x.dir, "part"), file.SinkOptions{Job: "job", NoSync: true, Roll: file.Roll{Size: 700}})
	must(t, err)
	w, err := e.Sink(disk).Open(t.Context(), weir.StreamInfo{ID: "x", Size: weir.UnknownSize, Resumable: true, Endless: x.endless})
	must(t, err)
	resumer := w.(weir.Resumer)
	_, err = resumer.Resume(t.Context(), x.last)
	must(t, err)
	at := x.at
	checkpoint := func(whole bool) {
		mark, err := resumer.Flush(t.Context(), nil)
		must(t, err)
		x.at, x.last = at, weir.Checkpoint{Position: weir.Position("p"), Mark: mark, Whole: whole}
		must(t, w.(weir.Committer).Committed(t.Context(), nil))
	}
	for ; at < len(x.records); n-- {
		if n == 0 {
			must(t, resumer.Suspend(t.Context(), errStopped))
			return false
		}
		some := 1 + r.IntN(min(9, len(x.records)-at))
		must(t, w.Write(t.Context(), apply(t, e.Steps(), batchOf(x.header, x.records[at:at+some]...))))
		if at += some; r.IntN(3) == 0 {
			checkpoint(false)
		}
	}
	if !x.endless {
		must(t, w.(weir.Finisher).Finish(t.Context()))
	}
	checkpoint(!x.endless)
	must(t, w.Commit(t.Context()))
	return true
}

// parts returns what each part holds, decompressed.
func (x *shipment) parts(t *testing.T) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(x.dir)
	must(t, err)
	for _, e := range entries { // in the order of their names
		data, err := os.ReadFile(filepath.Join(x.dir, e.Name()))
		must(t, err)
		all = append(all, plainOf(t, x.to, data))
	}
	return all
}

// join returns the records that are in parts, and makes sure that each is whole.
func (x *shipment) join(t *testing.T, parts []string) string {
	t.Helper()
	var all strings.Builder
	format, _, _ := strings.Cut(x.to, "+")
	for _, part := range parts {
		switch format {
		case "json":
			inner, ok := strings.CutPrefix(part, "[\n")
			if !ok || !stdjson.Valid([]byte(part)) {
				t.Fatalf("a part is %.300q", part)
			}
			all.WriteString(strings.TrimSuffix(inner, "\n]\n") + ",\n")
		case "csv", "tsv":
			header, rows, _ := strings.Cut(part, "\n")
			if !strings.HasPrefix(header, "order_id") {
				t.Fatalf("a part has the header %q", header)
			}
			all.WriteString(rows)
		default:
			all.WriteString(part)
		}
	}
	return all.String()
}

// shipments are streams in and out of every kind of format.
func shipments(t *testing.T) []shipment {
	t.Helper()
	header, rest, _ := strings.Cut(orders(60), "\n")
	rest = strings.ReplaceAll(rest, "two\nlines", "two lines") // a row is a line
	rows := strings.SplitAfter(strings.TrimSuffix(rest, "\n"), "\n")
	rows[len(rows)-1] += "\n"
	objects := recordsOf(apply(t, stepsOf(t, "csv", "ndjson", codec.ConvertOptions{}), batchOf(header, rows...)))
	return []shipment{
		{from: "csv", to: "csv", header: header, records: rows},
		{from: "csv", to: "ndjson", header: header, records: rows},
		{from: "csv", to: "json", header: header, records: rows},
		{from: "csv", to: "json+gzip", header: header, records: rows},
		{from: "csv", to: "tsv+zstd", header: header, records: rows},
		{from: "ndjson", to: "csv", records: objects},
		{from: "ndjson", to: "csv+lz4", records: objects},
		{from: "lines", to: "lines+gzip", records: objects},
	}
}

// Each part is a file of its format by itself, and together they are the stream, also
// if it was cut short. What is not compressed is divided in the same places then.
func TestPartsAreWholeByThemselves(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 7))
	for _, c := range shipments(t) {
		c.dir = t.TempDir()
		whole := c
		if !whole.run(t, r, -1) {
			t.Fatal("it was cut short")
		}
		parts := whole.parts(t)
		if len(parts) < 3 {
			t.Fatalf("%s to %s: %d parts", c.from, c.to, len(parts))
		}
		want := c.join(t, parts)
		for range 5 {
			x := c
			x.dir = t.TempDir()
			for n := 5; !x.run(t, r, r.IntN(n)); n++ {
			}
			got := x.parts(t)
			if joined := x.join(t, got); joined != want {
				t.Fatalf("%s to %s\n got %.300q\nwant %.300q", c.from, c.to, joined, want)
			}
			if !strings.Contains(c.to, "+") && !slices.Equal(got, parts) {
				t.Fatalf("%s to %s: %d parts, %d without being cut short, or others", c.from, c.to, len(got), len(parts))
			}
		}
	}
}

// An endless stream that is stopped shows a whole part, and goes on in another one.
func TestStoppedStreamsBeginAnotherPart(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 8))
	for _, c := range shipments(t) {
		x := c
		x.dir, x.endless = t.TempDir(), true
		x.records = c.records[:3]
		x.run(t, r, -1)
		if n := len(x.parts(t)); n == 0 {
			t.Fatalf("%s to %s: nothing is seen", c.from, c.to)
		}
		before := x.parts(t)
		x.run(t, r, -1) // nothing came meanwhile
		if got := x.parts(t); !slices.Equal(got, before) {
			t.Fatalf("%s to %s: there are %d parts, and were %d", c.from, c.to, len(got), len(before))
		}
		x.records = c.records
		x.run(t, r, -1)
		if got := x.parts(t); !slices.Equal(got[:len(before)], before) {
			t.Fatalf("%s to %s: a part that was seen has changed", c.from, c.to)
		}
		whole := c
		whole.dir = t.TempDir()
		whole.run(t, r, -1)
		if c.join(t, x.parts(t)) != c.join(t, whole.parts(t)) {
			t.Fatalf("%s to %s: the stream is not what it was", c.from, c.to)
		}
	}
}

func TestColumnsThatChangeBetweenPartsAreRefused(t *testing.T) {
	e, err := codec.NewEncoder(format(t, "csv"), codec.Spec{Format: format(t, "csv")}, codec.EncodeOptions{})
	must(t, err)
	disk, err := file.NewSink(filepath.Join(t.TempDir(), "part"), file.SinkOptions{NoSync: true, Roll: file.Roll{Size: 1}})
	must(t, err)
	w, err := e.Sink(disk).Open(t.Context(), weir.StreamInfo{ID: "x", Name: "x"})
	must(t, err)
	must(t, w.Write(t.Context(), batchOf("a,b", "1,2\n", "3,4\n")))
	failed(t, w.Write(t.Context(), batchOf("a,c", "5,6\n")), weir.Rejected, "columns have changed")
	must(t, w.Abort(t.Context(), errStopped))
}

// An array without elements is one, and it has one part.
func TestEmptyStreamIsOnePart(t *testing.T) {
	x := shipment{from: "ndjson", to: "json", dir: t.TempDir()}
	x.run(t, rand.New(rand.NewPCG(1, 1)), -1)
	if got := x.parts(t); !slices.Equal(got, []string{"[]\n"}) {
		t.Errorf("the parts are %q", got)
	}
}

func TestEncodedPartsConform(t *testing.T) {
	weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
		dir := t.TempDir() + string(os.PathSeparator)
		return weirtest.SinkHarness{
			Kept: true, // parts that ended before
			Open: func(tb testing.TB) weir.Sink {
				e, err := codec.NewEncoder(codec.Format{Name: codec.Lines}, codec.Spec{Format: codec.Format{Name: codec.Lines}}, codec.EncodeOptions{KeepNames: true})
				must(tb, err)
				disk, err := file.NewSink(dir, file.SinkOptions{Force: true, NoSync: true, Roll: file.Roll{Size: 1000}})
				must(tb, err)
				return e.Sink(disk)
			},
			Read: func(tb testing.TB, name string) (all []byte, visible bool) {
				paths, err := filepath.Glob(dir + strings.TrimSuffix(name, ".ndjson") + "-*.ndjson")
				must(tb, err)
				for _, path := range paths {
					part, err := os.ReadFile(path)
					must(tb, err)
					all = append(all, part...)
				}
				return all, len(paths) > 0
			},
		}
	})
}
