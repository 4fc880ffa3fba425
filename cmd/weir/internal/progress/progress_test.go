package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// running is a transfer in its middle.
func running() Snapshot {
	return Snapshot{
		Stats: weir.Stats{
			Elapsed:         21 * time.Second,
			Read:            weir.Count{Bytes: 440 << 20, Records: 1_802_240},
			Written:         weir.Count{Bytes: 428 << 20, Records: 1_753_088},
			Acknowledged:    weir.Count{Bytes: 420 << 20, Records: 1_720_320},
			ReadTotal:       1 << 30,
			SourceEnded:     true,
			Streams:         weir.StreamCounts{Opened: 8, Active: 5, Committed: 3},
			InFlightBytes:   12 << 20,
			InFlightBatches: 12,
			Bottleneck: weir.Bottleneck{
				Stage: "sink", Name: "slow://", Busy: 0.97, Headroom: 410,
				Text: "sink slow://: 97 % of the time waiting for its writes, p50 50ms; the source could go 410 × faster",
			},
		},
		RSS: 41 << 20, Peak: 43 << 20, Cap: 64 << 20,
		ReadRate: 21.1 * (1 << 20), WriteRate: 20 * (1 << 20),
	}
}

// unknown is a transfer whose size is not known, with trouble.
func unknown() Snapshot {
	s := running()
	s.Stats.ReadTotal = weir.UnknownSize
	s.Stats.Streams.Failed = 2
	s.Stats.Bottleneck = weir.Bottleneck{}
	s.RSS = 62 << 20
	s.Draining = true
	return s
}

// resumedAt61 is a transfer that goes on where an earlier run was.
func resumedAt61() Snapshot {
	s := running()
	s.Stats.Resumed.Bytes, s.Stats.ReadTotal = 611<<20, 1000<<20
	s.Stats.Read.Bytes = 100 << 20
	return s
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s\n(go test -update rewrites it)", path, got, want)
	}
}

func TestTerminalDrawing(t *testing.T) {
	for _, c := range []struct {
		name   string
		s      Snapshot
		width  int
		colors bool
	}{
		{"wide", running(), 160, false},
		{"usual", running(), 80, false},
		{"middle", running(), 60, false},
		{"narrow", running(), 40, false},
		{"narrow-unknown", unknown(), 40, false},
		{"colors", running(), 120, true},
		{"unknown", unknown(), 120, true},
		{"resumed", resumedAt61(), 120, false},
		{"resumed-usual", resumedAt61(), 80, false},
		{"start", Snapshot{Cap: 64 << 20}, 80, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			NewTerminal(&out, func() int { return c.width }, c.colors).Progress(c.s)
			plain := out.String()
			for _, code := range []color{bold, green, yellow, red, reset} {
				plain = strings.ReplaceAll(plain, string(code), "")
			}
			for line := range strings.Lines(plain) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n >= c.width {
					t.Errorf("a line has %d columns; the terminal has %d: %q", n, c.width, line)
				}
			}
			golden(t, "terminal-"+c.name, visible(out.String()))
		})
	}
}

// visible shows control characters.
func visible(s string) string { return strings.ReplaceAll(s, "\x1b", "ESC") }

// Whatever the numbers, 40 columns have room for how much, how fast, and what is
// slow.
func TestNarrowTerminalKeepsWhatMatters(t *testing.T) {
	s := running()
	s.Stats.Read.Bytes, s.Stats.ReadTotal = 999<<30, 4<<40
	s.ReadRate, s.WriteRate = 999*(1<<20), 999*(1<<20)
	s.RSS, s.Cap = 1023<<20, 1024<<20
	s.Stats.Bottleneck.Stage, s.Stats.Bottleneck.Name = "transform", "a name that takes forty columns by itself"
	var out bytes.Buffer
	NewTerminal(&out, func() int { return 40 }, false).Progress(s)
	for _, want := range []string{"999 GiB", "999 MiB/s", "bottleneck: transform"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not show %q:\n%s", want, &out)
		}
	}
}

func TestTerminalDrawsInPlace(t *testing.T) {
	var out bytes.Buffer
	width := 100
	term := NewTerminal(&out, func() int { return width }, false)
	term.Progress(running())
	out.Reset()
	width = 40 // the lines on the screen wrap now
	term.Progress(running())
	if first, _, _ := strings.Cut(out.String(), "J"); visible(first) != "\rESC[6AESC[" {
		t.Errorf("redrawing begins with %q; want six rows up", visible(first))
	}
	out.Reset()
	term.Notice("draining")
	if text := visible(out.String()); !strings.HasPrefix(text, "\rESC[3AESC[Jweir: draining\n") || strings.Count(text, "\n") != 4 {
		t.Errorf("a notice prints %q; want it above the display", text)
	}
	out.Reset()
	term.End(End{Snapshot: running(), Status: "done"})
	if text := visible(out.String()); !strings.HasPrefix(text, "\rESC[3AESC[Jweir: done: ") {
		t.Errorf("the end prints %q; want it in the place of the display", text)
	}
	out.Reset()
	term.Progress(running())
	if out.Len() > 0 {
		t.Errorf("after the end it drew %q", visible(out.String()))
	}
}

func TestPlainPrintsAfterOneSecondThenEveryFive(t *testing.T) {
	var out bytes.Buffer
	p := NewPlain(&out)
	s := running()
	for s.Stats.Elapsed = 0; s.Stats.Elapsed < 12*time.Second; s.Stats.Elapsed += Every {
		p.Progress(s)
	}
	p.Progress(unknown())
	golden(t, "plain", out.String())
}

func TestPlaceWhereARunResumedIsShown(t *testing.T) {
	known, unknown := resumedAt61(), resumedAt61()
	unknown.Stats.ReadTotal = weir.UnknownSize
	for want, s := range map[string]Snapshot{", resumed at 61 %, ": known, ", resumed after 611 MiB, ": unknown} {
		if got := line(s); !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	if got := line(running()); strings.Contains(got, "resumed") {
		t.Errorf("a new run: %q", got)
	}
}

func TestSummary(t *testing.T) {
	done := End{Snapshot: running(), Status: "done"}
	done.Stats.Acknowledged = weir.Count{Bytes: 1 << 30, Records: 4_194_304}
	done.Stats.Streams = weir.StreamCounts{Opened: 1, Committed: 1}
	failed := End{
		Snapshot: unknown(), Status: "failed", Err: errors.New("x"),
	}
	failed.Stats.Streams.Aborted = 1
	failed.Stats.Filtered = weir.Count{Bytes: 2048, Records: 1234}
	failed.Brakes = 3
	failed.Stats.Elapsed = 3700 * time.Second
	nothing := End{Status: "failed", Snapshot: Snapshot{Cap: 64 << 20}}
	drained := End{Snapshot: running(), Status: "interrupted"}
	drained.Stats.Streams = weir.StreamCounts{Opened: 8, Aborted: 8}
	resumed := End{Snapshot: running(), Status: "done"}
	resumed.Stats.Resumed.Bytes, resumed.Stats.ReadTotal = 600<<20, 1040<<20
	resumed.Stats.Skipped, resumed.Stats.DeadLettered = weir.Count{Records: 1, Bytes: 100}, weir.Count{Records: 25, Bytes: 4000}
	already := End{Snapshot: running(), Status: "done"}
	already.Stats.Streams = weir.StreamCounts{Opened: 3, Committed: 3, Already: 3}
	quiet := End{Quiet: true}
	golden(t, "summary", summaryText(done)+summaryText(failed)+summaryText(nothing)+summaryText(drained)+summaryText(resumed)+summaryText(already)+summaryText(quiet))
}

func TestEventsAreJSONLines(t *testing.T) {
	var out bytes.Buffer
	e := NewEvents(&out)
	e.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	s := running()
	s.Stats.Bottleneck.Headroom = math.Inf(1)
	e.Start(Start{Version: "v1", Sources: []string{"gen://"}, Destination: "null://", Plan: memory.Plan{Cap: 64 << 20}})
	e.Progress(Snapshot{Stats: weir.Stats{Elapsed: 250 * time.Millisecond}})
	e.Progress(s)
	e.Stream(weir.StreamResult{Name: "a<b", Status: weir.Failed, Err: errors.New("broken"), Position: weir.Position("off=7")})
	e.Notice("draining")
	e.End(End{Snapshot: s, Status: "failed", ExitCode: 1, Err: errors.New("broken")})
	var events []string
	for line := range strings.Lines(out.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		events = append(events, event["event"].(string))
	}
	if got := strings.Join(events, " "); got != "start progress stream notice end" {
		t.Errorf("events: %s", got)
	}
	golden(t, "events", out.String())
}

func TestNobodyWatchesIsNoFailure(t *testing.T) {
	e := NewEvents(closed{})
	e.Notice("a")
	e.Notice("b")
	NewPlain(closed{}).Notice("a")
	NewTerminal(closed{}, func() int { return 80 }, true).Progress(running())
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestMeterFollowsTheLastSeconds(t *testing.T) {
	var m Meter
	var s weir.Stats
	var read, written float64
	step := func(bytes int64) {
		s.Elapsed += Every
		s.Read.Bytes += bytes
		s.Written.Bytes += bytes / 2
		read, written = m.Rates(s)
	}
	perStep := int64(Every/time.Millisecond) * 1000 // 1 MB/s
	for range 100 {
		step(perStep)
	}
	if read != 1e6 || written != 5e5 {
		t.Errorf("rates %v and %v; want 1e6 and 5e5", read, written)
	}
	for range int(window / Every) {
		step(0)
	}
	if read != 0 || written != 0 {
		t.Errorf("rates %v and %v after ten silent seconds; want 0", read, written)
	}
	if r, w := (&Meter{}).Rates(weir.Stats{}); r != 0 || w != 0 {
		t.Errorf("rates at the start: %v, %v", r, w)
	}
}

func TestTotalIsNotOfTheStreamsOpenedSoFar(t *testing.T) {
	s := running()
	s.Stats.SourceEnded = false
	if n, known := s.Total(); known {
		t.Errorf("total %d while the source may give more streams; want none", n)
	}
	if eta, known := s.ETA(); known {
		t.Errorf("ETA %v while the source may give more streams; want none", eta)
	}
	s.Foreseen = 2 << 30
	if n, known := s.Total(); !known || n != 2<<30 {
		t.Errorf("total %d, %v; want what was foreseen", n, known)
	}
	s.Stats.SourceEnded = true
	if n, known := s.Total(); !known || n != 1<<30 {
		t.Errorf("total %d, %v; want what the source says at its end", n, known)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %s; want %s", n, got, want)
		}
	}
}
