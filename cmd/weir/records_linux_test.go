package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// put writes a file into dir.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// makeRecords makes the data for the tests of what records cost.
func makeRecords(t *testing.T, dir string) {
	t.Helper()
	run := func(args ...string) {
		cmd := weirCommand(t, dir, append([]string{args[0], "-q"}, args[1:]...)...)
		cmd.Env = append(cmd.Env, "WEIR_STATE=none")
		mustRun(t, cmd)
	}
	run("gen", "--format", "ndjson", "--size", "96MiB", "-o", "a.ndjson")
	run("cp", "a.ndjson", "a.ndjson.gz")
	run("cp", "a.ndjson", "a.ndjson.zst")
	run("cp", "a.ndjson", "a.csv")
	put(t, dir, "large.ndjson", []byte(`{"n":1}`+"\n"+`{"n":2,"x":"`+strings.Repeat("y", 20<<20)+`"}`+"\n"+`{"n":3}`+"\n"))
	run("gen", "--format", "ndjson", "--size", "256KiB", "-o", "small.ndjson")
	run("cp", "small.ndjson", "small.ndjson.gz")
	small, err := os.ReadFile(filepath.Join(dir, "small.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "many"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		put(t, dir, fmt.Sprintf("many/%d.ndjson.gz", i), small)
	}
}

// What is done to records is paid for out of the cap too.
func TestRecordsStayBelowTheCap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := t.TempDir()
	makeRecords(t, dir)
	const slow = "slow://?delay=1ms&concurrency=500"
	for _, c := range []struct {
		name string
		cap  int64
		args []string
	}{
		{"framing", 32 * mib, []string{"a.ndjson", slow, "--from", "ndjson"}},
		{"where and drop", 64 * mib, []string{"a.ndjson", slow, "--where", "status >= 200", "--drop", "path"}},
		{"mask and an expression", 64 * mib, []string{"a.ndjson", slow, "--mask", "email", "--set", "x = upper(method)"}},
		{"gzip", 64 * mib, []string{"a.ndjson.gz", slow, "--from", "ndjson+gzip"}},
		{"zstd", 64 * mib, []string{"a.ndjson.zst", slow, "--from", "ndjson+zstd"}},
		{"CSV to NDJSON", 64 * mib, []string{"a.csv", slow, "--to", "ndjson"}},
		{"NDJSON to CSV, zstd", 64 * mib, []string{"a.ndjson", slow, "--to", "csv+zstd"}},
		{"a record of 20 MiB", 64 * mib, []string{"large.ndjson", slow, "--from", "ndjson", "--max-record", "24MiB"}},
		{"500 gzip streams at once", 64 * mib, []string{"many", slow, "--from", "ndjson", "--streams", "500"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"cp", "--state", "none", "--memory", strconv.FormatInt(c.cap, 10)}, c.args...)
			p := start(t, dir, program(t), args...)
			if code := p.wait(t, 60*time.Second); code != 0 {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			peak := max(p.peak, reportedPeak(t, p.stderr.String()))
			t.Logf("peak %.1f of %d MiB", float64(peak)/mib, c.cap/mib)
			if peak > c.cap {
				t.Errorf("the peak was %.1f MiB; the cap is %d MiB\n%s", float64(peak)/mib, c.cap/mib, &p.stderr)
			}
		})
	}
}

// A window that does not fit is refused with the figures, before it is there.
func TestWindowThatDoesNotFitIsRefused(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(128<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.Write(bytes.Repeat([]byte("a line\n"), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "wide.zst", b.Bytes())
	p := start(t, dir, program(t), "cp", "--state", "none", "--memory", "64MiB", "wide.zst", "null://", "--from", "lines+zstd")
	if code := p.wait(t, 30*time.Second); code != 1 || !strings.Contains(p.stderr.String(), "it needs a window of 128 MiB") {
		t.Errorf("exit code %d: %s", code, &p.stderr)
	}
	if peak := p.peak; peak > 64*mib {
		t.Errorf("the peak was %.1f MiB", float64(peak)/mib)
	}
}
