package prove

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
)

// checkPage wants a page that a browser can read without a network.
func checkPage(t *testing.T, r *Report) string {
	t.Helper()
	page, err := r.page()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, bad := range []string{"NaN", "Inf", "<no value>", "ZgotmplZ", "%!"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
	if m := regexp.MustCompile(`(?i)(src|href)\s*=|@import|url\(|<script`).FindString(text); m != "" {
		t.Errorf("the page refers to something with %q", m)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
	}
	return text
}

func TestPageOfWhateverWasMeasured(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	numbers := []int64{0, 1, -5, 4096, 20 << 20, 9 << 30, math.MaxInt64}
	number := func() int64 { return numbers[r.IntN(len(numbers))] }
	texts := []string{"", "A", `<script>alert("x")</script>`, strings.Repeat("long name ", 30), "ä&\"'<"}
	text := func() string { return texts[r.IntN(len(texts))] }
	strategies := []Strategy{Controlled, Unbounded, CountBounded, Unlimited, ReadAll, "strange"}
	for range 60 {
		report := &Report{Version: text(), Settings: Settings{Source: text(), Sink: text(), Cap: number(), Command: text(), SideBySide: r.IntN(2) == 0}}
		for range r.IntN(4) {
			s := Result{
				ID: text(), Name: text(), Strategy: strategies[r.IntN(len(strategies))], Again: r.IntN(4) == 0, Error: text(), Stopped: text(),
				PeakRSS: number(), Read: number(), Finished: number(), TotalSeconds: r.Float64() * 1e6,
			}
			for i := range []int{0, 1, 2, 50, 900}[r.IntN(5)] {
				s.Series.add(float64(i)*r.Float64(), number(), inside{Read: number(), Finished: number()})
			}
			report.Scenarios = append(report.Scenarios, s)
		}
		for range r.IntN(3) {
			o := Origin{Name: text(), Bytes: number(), Figures: []string{text(), text()}, Standing: []int64{number()}, StoppedAt: r.Float64(), StoodFor: r.Float64(), Error: text()}
			for i := range r.IntN(5) {
				o.Samples = append(o.Samples, OriginSample{Seconds: float64(i), Values: []int64{number()}[:r.IntN(2)]})
			}
			report.Origins = append(report.Origins, o)
		}
		report.judge()
		page := checkPage(t, report)
		_ = report.String()
		if strings.Contains(page, `<script>`) {
			t.Fatal("a name was not escaped")
		}
	}
}

func TestPageSaysWhatWasFound(t *testing.T) {
	r := honest()
	r.Began = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	r.Scenarios = append(r.Scenarios, Result{ID: "D", Name: "unlimited", Strategy: Unlimited, WritingMax: 615})
	r.Origins = []Origin{{Name: "pipe", Figures: []string{"bytes written"}, Standing: []int64{1234567}, After: []int64{7654321}, Stood: true, WentOn: true}}
	r.judge()
	page := checkPage(t, r)
	for _, want := range []string{
		r.Verdict.Text, "memory is flat", "24 November 2026", "cap 20.0 MiB", "served 615 writes", "1\u202f234\u202f567", "A: peak resident memory",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	r.Scenarios[0].PeakRSS = 1 << 30
	r.Verdict = Verdict{}
	r.judge()
	if page := checkPage(t, r); !strings.Contains(page, "✗ not flat") {
		t.Error("the page hides that it is not flat")
	}
}

func TestNiceSteps(t *testing.T) {
	for end, want := range map[float64]float64{1: 0.2, 6: 1, 31: 10, 39: 10, 160: 50, 7e5: 2e5, 0: 1, math.Inf(1): 1, math.NaN(): 1, -3: 1} {
		if got := niceStep(end, 6); math.Abs(got-want) > want/1e9 {
			t.Errorf("%g: steps of %g, want %g", end, got, want)
		}
	}
}
