package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir/prove"
)

// proofOf runs weir prove as it is shipped, in a directory of its own, and
// returns the report and what was printed. Where it is to be flat it may take three
// tries: what is measured is also what else the machine does.
func proofOf(t *testing.T, code int, args ...string) (*prove.Report, string) {
	t.Helper()
	var dir string
	var p *process
	for try := 1; ; try++ {
		dir = t.TempDir()
		p = start(t, dir, program(t), append([]string{"prove"}, args...)...)
		got := p.wait(t, 2*time.Minute)
		if got == code {
			break
		}
		if code != 0 || try == 3 {
			t.Fatalf("%q: exit %d, want %d\n%s\n%s", args, got, code, &p.stdout, &p.stderr)
		}
		t.Logf("try %d: exit %d\n%s", try, got, &p.stdout)
	}
	data, err := os.ReadFile(filepath.Join(dir, "weir-proof", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r prove.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "weir-proof", "report.html")); err != nil || !strings.Contains(string(page), r.Verdict.Text) {
		t.Errorf("report.html does not say the verdict: %v", err)
	}
	if left := list(t, filepath.Join(dir, "weir-proof")); len(left) != 2 {
		t.Errorf("left beside the report: %q", left)
	}
	return &r, p.stderr.String()
}

// The proof on the program as it is shipped: small, and with the classic's
// shape.
func TestProveShowsFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const bytes = 50_000_000
	r, printed := proofOf(t, 0, "--size", "50MB", "--delay", "5ms", "--origin")
	if !r.Verdict.Flat || r.Settings.Cap > 32*mib || r.Settings.Bytes != bytes || !r.Settings.SideBySide {
		t.Errorf("%+v, %+v", r.Verdict, r.Settings)
	}
	if !strings.Contains(printed, "A ") {
		t.Errorf("it did not show how it goes: %q", printed)
	}
	for _, o := range r.Origins {
		if !o.Stood || !o.WentOn || o.StoodFor < 3 || o.Left == 0 || o.Left-o.Taken > o.Bound || len(o.Standing) != len(o.Figures) {
			t.Errorf("origin %s: %+v", o.Name, o)
		}
	}
	if len(r.Origins) != 3 {
		t.Errorf("%d origins, want 3", len(r.Origins))
	}
	by := map[string]prove.Result{}
	for _, s := range r.Scenarios {
		by[s.ID] = s
		if s.Error != "" || s.Finished != bytes {
			t.Errorf("%s: %d bytes, %s", s.ID, s.Finished, s.Error)
		}
		if s.SHA256 != r.Settings.SHA256 && s.ID != "D" {
			t.Errorf("%s has other content", s.ID)
		}
	}
	if a, c4 := by["A"], by["C4"]; a.PeakRSS > r.Settings.Cap || !a.Flat || a.WritingMax != 1 || c4.Chunk != 16<<10 {
		t.Errorf("A: %+v", a)
	}
	// Where nobody waits, memory holds what was read and not written; how much
	// that is depends on how fast this machine reads at the moment.
	for _, id := range []string{"B", "C", "E"} {
		s := by[id]
		if s.PeakInFlight < bytes/2 || s.PeakRSS < s.PeakInFlight || s.Flat {
			t.Errorf("%s: %d in flight, peak %d, flat %t", id, s.PeakInFlight, s.PeakRSS, s.Flat)
		}
	}
	// The queue of 1,000 holds a thousand items, whatever their size.
	if c, c4 := by["C"].PeakInFlight, by["C4"].PeakInFlight; c4 > c/2 || c4 < 16<<20*9/10 {
		t.Errorf("in flight: %d with items of 64 KiB, %d with 16 KiB", c, c4)
	}
	// Writes that overlap have no order and so no checksum.
	if by["B"].SHA256 == "" || by["D"].SHA256 != "" {
		t.Errorf("checksums: %q where one write runs at a time, %q where any number does", by["B"].SHA256, by["D"].SHA256)
	}
}

// What cannot be told is not shown.
func TestProveFailsWhereItCannotTell(t *testing.T) {
	if r, _ := proofOf(t, 1, "--size", "1MB", "--delay", "1ms"); r.Verdict.Flat || !strings.Contains(r.Verdict.Text, "too short") {
		t.Errorf("%+v", r.Verdict)
	}
}

func TestProveOnAPipelineOfOnesOwn(t *testing.T) {
	r, _ := proofOf(t, 0, "--source", "gen://?size=2GB&format=zeros", "--sink", "slow://?delay=10ms&rate=20MiB/s",
		"--limit", "3s", "--memory", "32MiB", "--unbounded-limit", "200MiB")
	if len(r.Scenarios) != 3 || !r.Verdict.Flat || r.Settings.SideBySide {
		t.Fatalf("%d scenarios, %+v", len(r.Scenarios), r.Verdict)
	}
	if a, b := r.Scenarios[0], r.Scenarios[2]; a.Stopped != "the time limit" || !strings.Contains(b.Stopped, "the limit of the experiment") {
		t.Errorf("A was stopped by %q, B by %q", a.Stopped, b.Stopped)
	}
}

func TestProveInterruptedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, program(t), "prove", "--size", "20MB")
	p.until(t, "progress", p.says(" s  "))
	signal(t, p, syscall.SIGINT)
	if code := p.wait(t, 30*time.Second); code != 130 || !strings.Contains(p.stderr.String(), "no report") {
		t.Errorf("exit %d: %s", code, &p.stderr)
	}
	if left := list(t, filepath.Join(dir, "weir-proof")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}
