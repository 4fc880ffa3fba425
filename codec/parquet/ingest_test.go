package parquet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

// Files through the engine: Parquet to records, records to Parquet, and back again.
func TestIngestFromAndToParquet(t *testing.T) {
	dir := t.TempDir()
	data, lines := sample(t, 20_000)
	must(t, os.Mkdir(filepath.Join(dir, "in"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "in", "a.parquet"), data, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "in", "b.parquet"), data, 0o600))

	src, err := file.NewSource([]string{filepath.Join(dir, "in")}, file.SourceOptions{})
	must(t, err)
	dst, err := file.NewSink(filepath.Join(dir, "out")+string(os.PathSeparator), file.SinkOptions{})
	must(t, err)
	res, err := weir.Ingest(t.Context(), parquet.NewSource(src, parquet.Options{}), parquet.NewSink(dst, parquet.Options{}), weir.Options{})
	must(t, err)
	if res.Stats.Read.Records != 40_000 || res.Stats.Written.Records != 40_000 {
		t.Errorf("read %d records and wrote %d", res.Stats.Read.Records, res.Stats.Written.Records)
	}
	for _, name := range []string{"a.parquet", "b.parquet"} {
		out, err := os.ReadFile(filepath.Join(dir, "out", name))
		must(t, err)
		if got := toJSON(t, out, parquet.Options{}); got != string(lines) {
			t.Errorf("%s holds other records", name)
		}
	}
}

func TestIngestCountsBadRecords(t *testing.T) {
	lines := strings.Repeat(`{"n":1}`+"\n"+`{"n":"x"}`+"\n", 500)
	inner := weirtest.NewMemSink(weir.Footprint{})
	res, err := weir.Ingest(t.Context(),
		weirtest.NewBytesSource(weirtest.BytesStream{Name: "a", Data: []byte(lines), Lines: true}),
		parquet.NewSink(inner, parquet.Options{Schema: "n int64", Bad: weir.SkipBad}), weir.Options{})
	must(t, err)
	if res.Stats.Written.Records != 500 || res.Stats.Skipped.Records != 500 {
		t.Errorf("written %d, skipped %d", res.Stats.Written.Records, res.Stats.Skipped.Records)
	}
	data, _ := inner.Committed("a")
	if got := toJSON(t, data, parquet.Options{}); got != strings.Repeat(`{"n":1}`+"\n", 500) {
		t.Errorf("it holds %.100q", got)
	}
}

// A file that needs more than the pipeline has is refused before a page is read.
func TestIngestRefusesWhatDoesNotFitTheBudget(t *testing.T) {
	data := writeRows(t, wideRows(20_000), 20_000)
	inner := weirtest.NewMemSink(weir.Footprint{})
	_, err := weir.Ingest(t.Context(), parquet.NewSource(diskOf("a.parquet", data), parquet.Options{}), inner,
		weir.Options{Budget: weir.NewBudget(1<<20, weir.BudgetOptions{})})
	refused(t, err, weir.Rejected, "stream a.parquet", "raise the memory")
	if got, ok := inner.Committed("a.parquet"); ok {
		t.Errorf("%d bytes were committed", len(got))
	}
}

func TestOpaqueBytesAreRefused(t *testing.T) {
	inner := weirtest.NewMemSink(weir.Footprint{})
	_, err := weir.Ingest(t.Context(), weir.FromReader(strings.NewReader("{}\n")), parquet.NewSink(inner, parquet.Options{}), weir.Options{})
	refused(t, err, weir.Invalid, "parquet needs records and these are bytes")
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		o    parquet.Options
		says []string
	}{
		{
			parquet.Options{RowGroupBytes: 1, FooterBytes: 1, MaxColumns: -1, Compression: "lzo", MaxRecord: -1},
			[]string{"RowGroupBytes is 1", "FooterBytes is 1", "MaxColumns is -1", `Compression is "lzo"`, "MaxRecord is -1"},
		},
		{parquet.Options{Schema: "a"}, []string{"has no type"}},
		{parquet.Options{Schema: "a int64, b int64", MaxColumns: 1}, []string{"2 columns", "MaxColumns is 1"}},
	} {
		s := parquet.NewSink(weirtest.NewMemSink(weir.Footprint{}), c.o)
		s.Footprint()
		_, err := s.Open(t.Context(), weir.StreamInfo{Name: "a"})
		refused(t, err, weir.Invalid, append(c.says, "stream a")...)
		must(t, s.Close())
	}
	st := openStream(t, nil, parquet.Options{MaxRecord: -1})
	refused(t, st.Read(t.Context(), weir.NewBatch(100)), weir.Invalid, "MaxRecord is -1")
}

func TestMoreFieldsThanColumnsAreRefused(t *testing.T) {
	inner := weirtest.NewMemSink(weir.Footprint{})
	w, err := parquet.NewSink(inner, parquet.Options{MaxColumns: 2}).Open(t.Context(), weir.StreamInfo{Name: "a"})
	must(t, err)
	err = w.Write(t.Context(), batchOf(`{"a":1,"b":2,"c":3}`+"\n"))
	refused(t, err, weir.Invalid, "more than 2 fields", "MaxColumns")
	must(t, w.Abort(t.Context(), err))
}

func TestNamesOfStreams(t *testing.T) {
	for in, want := range map[string][2]string{
		"x/a.parquet": {"x/a.ndjson", "x/a.parquet"}, "a.ndjson": {"a.ndjson", "a.parquet"},
		"a.jsonl": {"a.jsonl", "a.parquet"}, "a.json": {"a.json", "a.parquet"}, "a": {"a", "a.parquet"},
	} {
		if got := [2]string{parquet.RenameRecords(in), parquet.RenameFile(in)}; got != want {
			t.Errorf("%s becomes %q, want %q", in, got, want)
		}
	}
	inner := weirtest.NewMemSink(weir.Footprint{})
	w, err := parquet.NewSink(inner, parquet.Options{Rename: parquet.RenameFile}).Open(t.Context(), weir.StreamInfo{Name: "a.ndjson", Size: 5})
	must(t, err)
	must(t, w.Commit(t.Context()))
	if st := inner.Streams()[0]; st.Info.Name != "a.parquet" || st.Info.Size != weir.UnknownSize {
		t.Errorf("the sink is told of %+v", st.Info)
	}
}

func TestAnEmptyStreamBecomesAFileWithoutRows(t *testing.T) {
	for _, schema := range []string{"", "a int64, b string"} {
		inner := weirtest.NewMemSink(weir.Footprint{})
		w, err := parquet.NewSink(inner, parquet.Options{Schema: schema}).Open(t.Context(), weir.StreamInfo{Name: "a"})
		must(t, err)
		must(t, w.Commit(t.Context()))
		data, _ := inner.Committed("a")
		if got := toJSON(t, data, parquet.Options{}); got != "" {
			t.Errorf("it reads %q", got)
		}
		if !bytes.HasPrefix(data, []byte("PAR1")) || !bytes.HasSuffix(data, []byte("PAR1")) {
			t.Errorf("it is %q", data)
		}
	}
}

func TestACommitThatFailsAborts(t *testing.T) {
	inner := weirtest.NewMemSink(weir.Footprint{})
	w, err := parquet.NewSink(faulty{inner, failingWrite}, parquet.Options{}).Open(t.Context(), weir.StreamInfo{Name: "a"})
	must(t, err)
	must(t, w.Write(t.Context(), batchOf(`{"a":1}`+"\n")))
	err = w.Commit(t.Context())
	refused(t, err, weir.Other, "commit: stream a: no space left on device")
	if st := inner.Streams()[0]; st.Aborts != 1 || st.Commits != 0 {
		t.Errorf("%d aborts and %d commits", st.Aborts, st.Commits)
	}
}

func TestSchemas(t *testing.T) {
	for text, says := range map[string]string{
		`id int64, name string, "first seen" timestamp(ms), price decimal(12, 2), tags json`: "",
		"a bool":                               "",
		` "a\"b"  uuid `:                       "",
		"":                                     "want the name of a column",
		"a":                                    `the column "a" has no type`,
		"a int":                                `unknown type "int"; want one of json, bool`,
		"a int64 b int64":                      "want a comma or the end",
		"a int64,":                             "want the name of a column",
		"a int64, a bool":                      `two columns "a"`,
		"a int64(3)":                           "takes nothing in brackets",
		"a timestamp(s)":                       `unit "s"; want ms, us or ns`,
		"a timestamp(ms":                       "want a closing bracket",
		"a decimal":                            "without the number of its digits",
		"a decimal(39)":                        "from 1 to 38",
		"a decimal(3,4)":                       "from 0 to 3",
		`"a int64`:                             "invalid JSON",
		strings.Repeat("x", 300_000) + " bool": "more than 262144 bytes",
	} {
		err := parquet.CheckSchema(text)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, want %q", text, err, says)
		}
	}
}
