package records

import (
	"strings"
	"testing"

	"github.com/weirflow/weir"
)

// What is done is decided by flags, by a destination that takes records, and by
// names that differ.
func TestWhatIsDoneFollowsFlagsAndNames(t *testing.T) {
	where, err := ParseStage("where", "a > 1")
	if err != nil {
		t.Fatal(err)
	}
	file := func(names ...string) (all []Source) {
		for _, n := range names {
			all = append(all, Source{Name: n})
		}
		return all
	}
	for name, c := range map[string]struct {
		ask      Ask
		from     []Source
		to       Destination
		mode     mode
		fromText string
		toText   string
	}{
		"same name":            {Ask{}, file("a.csv"), Destination{Name: "b.csv"}, asIs, "csv+none", "csv+none"},
		"no extension":         {Ask{}, file("a"), Destination{Name: "b.csv"}, asIs, "found by content", "csv+none"},
		"no file":              {Ask{}, file("a.csv.gz"), Destination{}, asIs, "csv+gzip", ""},
		"another format":       {Ask{}, file("a.csv.gz"), Destination{Name: "b.ndjson.zst"}, convert, "csv+gzip", "ndjson+zstd"},
		"another compression":  {Ask{}, file("a.csv.gz"), Destination{Name: "b.csv"}, recompress, "csv+gzip", "csv+none"},
		"compression alone":    {Ask{}, file("dump.gz"), Destination{Name: "dump.zst"}, recompress, "+gzip", "+zstd"},
		"asked to compress":    {Ask{To: "+zstd"}, file("big.bin"), Destination{Name: "x"}, recompress, "found by content", "+zstd"},
		"asked to decompress":  {Ask{From: "+gzip"}, file("x"), Destination{}, recompress, "+gzip", ""},
		"asked for records":    {Ask{From: "lines"}, file("x"), Destination{}, convert, "lines", "lines+none"},
		"transform keeps csv":  {Ask{Stages: []Stage{where}}, file("a.csv"), Destination{}, convert, "csv+none", "csv+none"},
		"transform of lines":   {Ask{Stages: []Stage{where}, From: "lines"}, file("a"), Destination{}, convert, "lines", "ndjson+none"},
		"transform of unknown": {Ask{Stages: []Stage{where}}, file("-"), Destination{}, convert, "found by content", "ndjson+none"},
		"different sources":    {Ask{Stages: []Stage{where}}, file("a.csv", "b.ndjson"), Destination{}, convert, "found by content", "ndjson+none"},
		"records of a source":  {Ask{}, []Source{{Yields: "ndjson"}}, Destination{Name: "b.csv"}, convert, "records", "csv+none"},
		"takes records":        {Ask{}, file("a.csv"), Destination{Takes: "ndjson"}, convert, "csv+none", "ndjson"},
		"to parquet":           {Ask{}, file("a.csv"), Destination{Name: "b.parquet"}, convert, "csv+none", "parquet"},
		"from parquet":         {Ask{}, file("a.parquet"), Destination{Name: "b.csv.gz"}, convert, "parquet", "csv+gzip"},
		"parquet as it is":     {Ask{}, file("a.parquet"), Destination{Name: "b.parquet"}, asIs, "parquet", ""},
		"columns":              {Ask{Columns: []string{"x"}}, file("a.csv"), Destination{Name: "b.csv"}, convert, "csv+none", "csv+none"},
		"text":                 {Ask{UTF8: Replace}, file("a.csv"), Destination{Name: "b.csv"}, convert, "csv+none", "csv+none"},
		"text as it is":        {Ask{UTF8: Keep}, file("a.csv"), Destination{Name: "b.csv"}, asIs, "csv+none", "csv+none"},
		"policy":               {Ask{OnError: Skip}, file("a.ndjson"), Destination{}, convert, "ndjson+none", "ndjson+none"},
	} {
		d, err := decide(c.ask, c.from, c.to)
		if err != nil || d.mode != c.mode || d.fromText() != c.fromText || d.toText() != c.toText {
			t.Errorf("%s: mode %d, from %q to %q, %v; want %d, %q, %q", name, d.mode, d.fromText(), d.toText(), err, c.mode, c.fromText, c.toText)
		}
	}
}

func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	where, err := ParseStage("where", "a > 1")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ask  Ask
		from []Source
		to   Destination
		want string
	}{
		"bytes":          {Ask{From: "bytes", Stages: []Stage{where}}, nil, Destination{}, "bytes without records"},
		"to":             {Ask{To: "csv"}, nil, Destination{Takes: "ndjson"}, "takes records and has no format"},
		"from":           {Ask{From: "cvs"}, nil, Destination{}, "--from cvs"},
		"kinds":          {Ask{}, []Source{{Name: "a.parquet"}, {Name: "b.csv"}}, Destination{}, "different kinds"},
		"columns":        {Ask{From: "ndjson", Columns: []string{"a"}}, nil, Destination{}, "--columns is about CSV"},
		"columns alone":  {Ask{Columns: []string{"a"}}, []Source{{Name: "a.ndjson"}}, Destination{}, "--columns is about CSV"},
		"no box":         {Ask{OnError: DeadLetter}, nil, Destination{}, "--dead-letters, the directory"},
		"box for nobody": {Ask{DeadLetters: "x"}, nil, Destination{}, "needs --on-error deadletter"},
	} {
		if _, err := New(c.ask, c.from, c.to); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestWeightIsThatOfBothPiecesOfMemory(t *testing.T) {
	steps := []weir.Step{{Expand: 3, PerWorker: 10}, {Static: 5}, {Expand: 0.5}}
	// 1 -> 3 -> 3 -> 1.5: the first piece holds 1 and 3, the second 3 and 1.5.
	if w, static := Weight(steps, 2); w != 6 || static != 25 {
		t.Errorf("weight %g, static %d", w, static)
	}
	if w, static := Weight(nil, 2); w != 1 || static != 0 {
		t.Errorf("without steps: weight %g, static %d", w, static)
	}
}

func TestStopBadIsTwoNumbersOrOff(t *testing.T) {
	for text, want := range map[string]StopBad{"25/30": {25, 30}, "off": {}, "1/1": {1, 1}} {
		if got, err := ParseStopBad(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "5/", "/5", "6/5", "0/5", "-1/5", "1/9999999", "a/b"} {
		if _, err := ParseStopBad(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
