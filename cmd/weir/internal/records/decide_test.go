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
		"said to be bytes":     {Ask{From: "bytes"}, file("a.csv"), Destination{Name: "b.ndjson"}, recompress, "bytes", "ndjson+none"},
		"wanted as bytes":      {Ask{To: "bytes"}, file("a.csv.gz"), Destination{Name: "b.ndjson"}, recompress, "csv+gzip", "bytes"},
		"a pipe to JSON":       {Ask{}, []Source{{Piped: true}}, Destination{Name: "b.ndjson.gz"}, convert, "found by content", "ndjson+gzip"},
		"a pipe to a table":    {Ask{}, []Source{{Piped: true}}, Destination{Name: "b.csv"}, asIs, "found by content", "csv+none"},
		"a pipe to lines":      {Ask{}, []Source{{Piped: true}}, Destination{Name: "b.log"}, asIs, "found by content", "lines+none"},
		"a pipe as it is":      {Ask{To: "bytes"}, []Source{{Piped: true}}, Destination{Name: "b.ndjson"}, recompress, "found by content", "bytes"},
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
		"parquet asked for":    {Ask{To: "parquet,row-group=1MiB+snappy"}, file("a.parquet"), Destination{Name: "b.parquet"}, convert, "parquet", "parquet"},
		"parquet again":        {Ask{From: "parquet"}, file("a"), Destination{Name: "b.parquet"}, asIs, "parquet", ""},
		"columns of parquet":   {Ask{Columns: []string{"x"}}, file("a.parquet"), Destination{Name: "b.parquet"}, convert, "parquet", "parquet"},
		"policy for parquet":   {Ask{OnError: Skip}, file("a.parquet"), Destination{Name: "b.parquet"}, convert, "parquet", "parquet"},
		"schema":               {Ask{Schema: "x string"}, file("a.parquet"), Destination{Name: "b.parquet"}, convert, "parquet", "parquet"},
		"level":                {Ask{Level: 9}, file("a.csv.gz"), Destination{Name: "b.csv.gz"}, recompress, "csv+gzip", "csv+gzip"},
		"level of records":     {Ask{Level: 9}, file("a.csv"), Destination{Name: "b.ndjson.gz"}, convert, "csv+none", "ndjson+gzip"},
		"columns":              {Ask{Columns: []string{"x"}}, file("a.csv"), Destination{Name: "b.csv"}, convert, "csv+none", "csv+none"},
		"text":                 {Ask{UTF8: Replace}, file("a.csv"), Destination{Name: "b.csv"}, convert, "csv+none", "csv+none"},
		"text as it is":        {Ask{UTF8: Keep}, file("a.csv"), Destination{Name: "b.csv"}, asIs, "csv+none", "csv+none"},
		"joined tables":        {Ask{}, file("a.csv", "b.csv"), Destination{Joins: true}, convert, "csv+none", "csv+none"},
		"joined, compressed":   {Ask{}, file("a.csv.gz", "b.csv.gz"), Destination{Joins: true}, convert, "csv+gzip", "csv+gzip"},
		"joined, bzip2":        {Ask{}, file("a.csv.bz2", "b.csv.bz2"), Destination{Joins: true}, convert, "csv+bzip2", "csv+none"},
		"joined arrays":        {Ask{}, file("a.json", "b.json"), Destination{Joins: true}, convert, "json+none", "json+none"},
		"joined lines":         {Ask{}, file("a.ndjson", "b.ndjson"), Destination{Joins: true}, asIs, "ndjson+none", ""},
		"joined, as they are":  {Ask{From: "bytes"}, file("a.csv", "b.csv"), Destination{Joins: true}, recompress, "bytes", ""},
		"policy":               {Ask{OnError: Skip}, file("a.ndjson"), Destination{}, convert, "ndjson+none", "ndjson+none"},
		"divided":              {Ask{}, file("a.csv"), Destination{Name: "b.csv", Divided: true}, convert, "csv+none", "csv+none"},
		"divided, compressed":  {Ask{}, file("a.log"), Destination{Name: "b.log.gz", Divided: true}, convert, "lines+none", "lines+gzip"},
		"divided directory":    {Ask{}, file("a.csv.gz"), Destination{Divided: true}, convert, "csv+gzip", "csv+gzip"},
		"divided by its name":  {Ask{}, file("-"), Destination{Name: "b.ndjson", Divided: true}, convert, "found by content", "ndjson+none"},
		"divided bytes":        {Ask{}, file("dump.gz"), Destination{Name: "b.gz", Divided: true}, recompress, "+gzip", "+gzip"},
		"divided unknown":      {Ask{}, file("a"), Destination{Name: "b", Divided: true}, asIs, "found by content", ""},
		"divided records":      {Ask{}, []Source{{Yields: "ndjson"}}, Destination{Name: "b.ndjson", Divided: true}, convert, "records", "ndjson+none"},
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
		"bytes":           {Ask{From: "bytes", Stages: []Stage{where}}, nil, Destination{}, "bytes without records"},
		"to":              {Ask{To: "csv"}, nil, Destination{Takes: "ndjson"}, "takes records and has no format"},
		"from":            {Ask{From: "cvs"}, nil, Destination{}, "--from cvs"},
		"kinds":           {Ask{}, []Source{{Name: "a.parquet"}, {Name: "b.csv"}}, Destination{}, "different kinds"},
		"columns":         {Ask{From: "ndjson", Columns: []string{"a"}}, nil, Destination{}, "--columns is about CSV"},
		"columns alone":   {Ask{Columns: []string{"a"}}, []Source{{Name: "a.ndjson"}}, Destination{}, "--columns is about CSV"},
		"drop others":     {Ask{DropOthers: true}, []Source{{Name: "a.csv"}}, Destination{Name: "b.ndjson"}, "--drop-others is about CSV"},
		"strings":         {Ask{Strings: true}, []Source{{Name: "a.csv"}}, Destination{Name: "b.csv"}, "--strings is about CSV"},
		"message":         {Ask{Message: "m"}, []Source{{Name: "a.csv"}}, Destination{Name: "b.ndjson"}, "--message-field is about records such as lines"},
		"base64":          {Ask{UTF8: Base64}, []Source{{Name: "a.csv"}}, Destination{Name: "b.ndjson"}, "--utf8 base64 is about records such as lines"},
		"schema":          {Ask{Schema: "x string"}, []Source{{Name: "a.csv"}}, Destination{Name: "b.ndjson"}, "--schema is about Parquet"},
		"level":           {Ask{Level: 1}, []Source{{Name: "a.csv"}}, Destination{Name: "b.csv"}, "--level is about compression"},
		"level, parquet":  {Ask{Level: 1}, []Source{{Name: "a.csv"}}, Destination{Name: "b.parquet"}, "--level is about compression"},
		"level, too high": {Ask{Level: 10}, []Source{{Name: "a.csv"}}, Destination{Name: "b.csv.gz"}, "the level of gzip is 10: it must be 1 to 9"},
		"parquet, from":   {Ask{From: "parquet+gzip"}, nil, Destination{}, "Parquet that is read has no settings"},
		"parquet, with":   {Ask{To: "parquet+lzo"}, nil, Destination{}, `the compression of Parquet cannot be "lzo": it is one of zstd`},
		"parquet, +":      {Ask{To: "parquet+"}, nil, Destination{}, `the compression of Parquet cannot be ""`},
		"parquet, rows":   {Ask{To: "parquet,rows=1"}, nil, Destination{}, `no setting is called "rows": it is one of row-group, footer, columns`},
		"parquet, none":   {Ask{To: "parquet,columns=0"}, nil, Destination{}, `the setting "columns" cannot be "0": it must be 1 or more`},
		"parquet, large":  {Ask{To: "parquet,row-group=2GiB"}, nil, Destination{}, `the setting "row-group" cannot be "2GiB": it must be up to 1GiB`},
		"parquets":        {Ask{To: "parquets"}, nil, Destination{}, `no format is called "parquets"`},
		"no box":          {Ask{OnError: DeadLetter}, nil, Destination{}, "--dead-letters, the directory"},
		"bytes to rows":   {Ask{From: "bytes", To: "csv"}, nil, Destination{}, "bytes without records"},
		"parquet parts":   {Ask{}, []Source{{Name: "a.csv"}}, Destination{Name: "b.parquet", Divided: true}, "a Parquet file is not divided"},
		"parquet as is":   {Ask{}, []Source{{Name: "a.parquet"}}, Destination{Divided: true}, "a Parquet file is not divided"},
		"parquet in one":  {Ask{To: "parquet"}, []Source{{Name: "a.csv"}}, Destination{Joins: true}, "one Parquet file"},
		"box for nobody":  {Ask{DeadLetters: "x"}, nil, Destination{}, "needs --on-error deadletter"},
	} {
		if _, err := New(c.ask, c.from, c.to); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// What is asked for and changes what is written makes another job.
func TestJobsAreToldApartByWhatTheyWrite(t *testing.T) {
	seen := map[string]string{}
	for name, a := range map[string]Ask{
		"nothing": {}, "strings": {Strings: true}, "drop others": {DropOthers: true}, "level": {Level: 1}, "another level": {Level: 11},
		"message": {Message: "x"}, "schema": {Schema: "x"}, "columns": {Columns: []string{"x"}}, "utf8": {UTF8: Base64},
	} {
		id := strings.Join(a.Parts(), "\x00")
		if other, twice := seen[id]; twice {
			t.Errorf("%s and %s are the same job", name, other)
		}
		seen[id] = name
	}
	if got := strings.Join((Ask{}).Parts(), ","); got != "from,,to,,columns," {
		t.Errorf("a job without wishes is %q: one that was begun before would begin again", got)
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
