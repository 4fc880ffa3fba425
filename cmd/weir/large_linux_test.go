package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A largeRow is a record as it is written in two formats.
type largeRow struct {
	n         int
	json, csv string // the text, without its quotes
}

// largeRows are records of which the second one has 20 MiB, some of it in need of
// escapes.
func largeRows() []largeRow {
	row := func(n int, text string) largeRow {
		text = strings.TrimSpace(text)
		return largeRow{n, strings.ReplaceAll(text, `"`, `\"`), strings.ReplaceAll(text, `"`, `""`)}
	}
	const some = "twenty mebibytes of \"text\", with commas, é and so on; "
	rows := []largeRow{row(1, some), row(2, strings.Repeat(some, 20<<20/(len(some)+2)))}
	for n := range 5000 {
		rows = append(rows, row(n+3, "short, like most"))
	}
	return rows
}

// asNDJSON and asCSV are the content of files with the rows from number first on.
func asNDJSON(rows []largeRow, first int, more string) []byte {
	var b bytes.Buffer
	for _, r := range rows {
		if r.n >= first {
			fmt.Fprintf(&b, `{"n":%d,"x":"%s"%s}`+"\n", r.n, r.json, more)
		}
	}
	return b.Bytes()
}

func asCSV(rows []largeRow, first int) []byte {
	b := bytes.NewBufferString("n,x\n")
	for _, r := range rows {
		if r.n >= first {
			fmt.Fprintf(b, "%d,\"%s\"\n", r.n, r.csv)
		}
	}
	return b.Bytes()
}

// withoutN is the content of a file of records whose number was dropped.
func withoutN(rows []largeRow) []byte {
	var b bytes.Buffer
	for _, r := range rows {
		fmt.Fprintf(&b, `{"x":"%s"}`+"\n", r.json)
	}
	return b.Bytes()
}

// makeLarge writes the rows as files of all kinds.
func makeLarge(t *testing.T, dir string, rows []largeRow) {
	t.Helper()
	for name, data := range map[string][]byte{"large.ndjson": asNDJSON(rows, 1, ""), "large.csv": asCSV(rows, 1)} {
		put(t, dir, name, data)
		var gz, zst bytes.Buffer
		w, err := gzip.NewWriterLevel(&gz, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		z, err := zstd.NewWriter(&zst, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []io.WriteCloser{w, z} {
			if _, err := w.Write(data); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		put(t, dir, name+".gz", gz.Bytes())
		put(t, dir, name+".zst", zst.Bytes())
	}
}

// content reads a file, decompressed as its name says.
func content(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = bytes.NewReader(file)
	switch filepath.Ext(name) {
	case ".gz":
		r, err = gzip.NewReader(r)
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1)); err == nil {
			defer z.Close()
			r = z
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// below runs a copy with a cap, and checks that it was kept. It returns the exit
// code and what was said.
func below(t *testing.T, dir string, limit int64, args ...string) (code int, said string) {
	t.Helper()
	args = append([]string{"cp", "--state", "none", "--no-sync", "--memory", strconv.FormatInt(limit, 10)}, args...)
	p := start(t, dir, program(t), args...)
	code = p.wait(t, 60*time.Second)
	peak := p.peak
	if code == 0 {
		peak = max(peak, reportedPeak(t, p.stderr.String()))
	}
	t.Logf("peak %.1f of %d MiB", float64(peak)/mib, limit/mib)
	if peak > limit {
		t.Errorf("the peak was %.1f MiB; the cap is %d MiB\n%s", float64(peak)/mib, limit/mib, &p.stderr)
	}
	return code, p.stderr.String()
}

// A record of 20 MiB passes whatever is done to it within 64 MiB.
func TestLargeRecordPassesEveryRouteBelowTheCap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir, rows := t.TempDir(), largeRows()
	makeLarge(t, dir, rows)
	ndjson, csv := asNDJSON(rows, 1, ""), asCSV(rows, 1)
	tail := asNDJSON(rows, 2, "")
	for _, c := range []struct {
		route string // source, destination and flags, with | between them
		want  []byte
	}{
		{"large.ndjson|out.ndjson", ndjson},
		{"large.ndjson|out.ndjson|--where|n >= 2", tail},
		{"large.ndjson|out.ndjson|--where|n >= 1|--drop|n", withoutN(rows)},
		{"large.ndjson|out.ndjson|--mask|email", ndjson},
		{"large.ndjson|out.ndjson|--mask|email in n", ndjson},
		{"large.ndjson|out.ndjson|--set|m = 1", asNDJSON(rows, 1, `,"m":1`)},
		{"large.ndjson|out.csv", csv},
		{"large.ndjson|out.csv|--where|n >= 2", asCSV(rows, 2)},
		{"large.csv|out.ndjson", ndjson},
		{"large.csv|out.csv|--where|n >= 2", asCSV(rows, 2)},
		{"large.ndjson.gz|out.ndjson", ndjson},
		{"large.ndjson.gz|out.ndjson|--where|n >= 2", tail},
		{"large.ndjson.zst|out.csv", csv},
		{"large.csv.gz|out.ndjson", ndjson},
		{"large.csv.zst|out.ndjson", ndjson},
		{"large.ndjson|out.ndjson.gz", ndjson},
		{"large.ndjson|out.ndjson.zst", ndjson},
		{"large.ndjson.gz|out.ndjson.gz|--where|n >= 2", tail},
		{"large.csv.gz|out.ndjson.gz", ndjson},
		{"large.ndjson|out.ndjson|--exec|cat", ndjson},
	} {
		t.Run(strings.ReplaceAll(c.route, "|", " "), func(t *testing.T) {
			parts := strings.Split(c.route, "|")
			code, said := below(t, dir, 64*mib, append(parts, "--max-record", "24MiB", "--force")...)
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, said)
			}
			if got := content(t, filepath.Join(dir, parts[1])); !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes arrived, want %d", len(got), len(c.want))
			}
		})
	}
}

// A record that cannot pass is refused with the smallest cap that would do, and then
// it does.
func TestRefusalOfALargeRecordNamesTheCapThatDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir, rows := t.TempDir(), largeRows()
	makeLarge(t, dir, rows)
	for _, c := range []struct {
		cap   int64
		route string
		want  []byte // nil: it is not looked at
	}{
		{32 * mib, "large.ndjson|out.ndjson|--validate", asNDJSON(rows, 1, "")},
		{48 * mib, "large.ndjson|out.ndjson|--where|n >= 2", asNDJSON(rows, 2, "")},
		{48 * mib, "large.ndjson|out.csv", asCSV(rows, 1)},
		{48 * mib, "large.csv.gz|out.ndjson", asNDJSON(rows, 1, "")},
		{48 * mib, "large.ndjson|out.ndjson|--exec|cat", asNDJSON(rows, 1, "")},
		{60 * mib, "large.csv|out.ndjson.zst", asNDJSON(rows, 1, "")},
		{64 * mib, "large.ndjson|out.ndjson|--set|x = upper(x)", nil},
		{64 * mib, "large.csv|sqlite://out.db?table=t|--create", nil},
		{64 * mib, "large.ndjson|out.ndjson|--mask|/text/ in x", nil},
	} {
		t.Run(strings.ReplaceAll(c.route, "|", " "), func(t *testing.T) {
			parts := append(strings.Split(c.route, "|"), "--max-record", "21MiB", "--force")
			code, said := below(t, dir, c.cap, parts...)
			m := regexp.MustCompile(`hint: --memory (\d+)MiB would do`).FindStringSubmatch(said)
			if code != 1 || m == nil {
				t.Fatalf("exit code %d: %s", code, said)
			}
			n, err := strconv.ParseInt(m[1], 10, 64)
			if err != nil || n*mib <= c.cap {
				t.Fatalf("%d MiB would do, it says, %v", n, err)
			}
			if code, said = below(t, dir, n*mib, parts...); code != 0 {
				t.Fatalf("with %d MiB: exit code %d: %s", n, code, said)
			}
			if c.want == nil {
				return
			}
			if got := content(t, filepath.Join(dir, parts[1])); !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes arrived, want %d", len(got), len(c.want))
			}
		})
	}
}

// Many compressed streams at once are converted within 64 MiB.
func TestManyStreamsAreConvertedBelowTheCap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := t.TempDir()
	rows := largeRows()[2:]
	for format, data := range map[string][]byte{"ndjson": asNDJSON(rows, 1, ""), "csv": asCSV(rows, 1)} {
		var gz bytes.Buffer
		w := gzip.NewWriter(&gz)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, format), 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range 500 {
			put(t, dir, fmt.Sprintf("%s/%d.%s.gz", format, i, format), gz.Bytes())
		}
	}
	for from, to := range map[string]string{"ndjson": "csv", "csv": "ndjson"} {
		t.Run(from+" to "+to, func(t *testing.T) {
			out := filepath.Join(dir, "to-"+to)
			if err := os.Mkdir(out, 0o700); err != nil {
				t.Fatal(err)
			}
			if code, said := below(t, dir, 64*mib, from, "to-"+to, "--to", to, "--streams", "500"); code != 0 {
				t.Fatalf("exit code %d: %s", code, said)
			}
			want := map[string][]byte{"csv": asCSV(rows, 1), "ndjson": asNDJSON(rows, 1, "")}[to]
			for i := range 500 {
				if got := content(t, filepath.Join(out, fmt.Sprintf("%d.%s", i, to))); !bytes.Equal(got, want) {
					t.Fatalf("stream %d: %d bytes arrived, want %d", i, len(got), len(want))
				}
			}
		})
	}
}
