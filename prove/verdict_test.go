package prove

import (
	"strings"
	"testing"
)

const mebibyte = 1 << 20

// honest returns a report of a controlled run, its repetition and an unbounded
// one, as they should be.
func honest() *Report {
	r := &Report{Settings: Settings{Cap: 20 * mebibyte, SHA256: "aa"}}
	for _, s := range []Result{
		{ID: "A", Strategy: Controlled}, {ID: "A2", Strategy: Controlled, Again: true}, {ID: "B", Strategy: Unbounded},
	} {
		s.PeakRSS, s.Read, s.Finished, s.SHA256 = 9*mebibyte, 100*mebibyte, 100*mebibyte, "aa"
		if s.Strategy == Unbounded {
			s.PeakRSS = 108 * mebibyte
		}
		for i := range 200 {
			rss := int64(9 * mebibyte)
			if i < 10 {
				rss = int64(i) * mebibyte // the warm-up
			}
			s.Series.add(float64(i)/20, rss, inside{})
		}
		r.Scenarios = append(r.Scenarios, s)
	}
	return r
}

func TestVerdict(t *testing.T) {
	grow := func(s *Result, total int64) {
		n := int64(len(s.Series.RSS))
		for i := range s.Series.RSS {
			s.Series.RSS[i] += total * int64(i) / n
		}
	}
	for _, c := range []struct {
		name string
		make func(r *Report)
		want string // in the text; "": flat
	}{
		{"as it should be", func(*Report) {}, ""},
		{"little growth", func(r *Report) { grow(&r.Scenarios[0], mebibyte/2) }, ""},
		{"over the cap", func(r *Report) { r.Scenarios[0].PeakRSS = 21 * mebibyte }, "A: peak resident memory within the cap: 21.0 MiB of 20.0 MiB"},
		{"the repetition over the cap", func(r *Report) { r.Scenarios[1].PeakRSS = 21 * mebibyte }, "A2: peak"},
		{"peak not known", func(r *Report) { r.Scenarios[0].PeakRSS = 0 }, "A: peak"},
		{"growth", func(r *Report) { grow(&r.Scenarios[0], 5*mebibyte) }, "A: slope about zero: +3.97"},
		{"both grow alike", func(r *Report) {
			grow(&r.Scenarios[0], 5*mebibyte)
			grow(&r.Scenarios[1], 5*mebibyte)
		}, "A: slope about zero"},
		{"too short", func(r *Report) { r.Scenarios[0].Series = Series{} }, "too short"},
		{"unfinished", func(r *Report) { r.Scenarios[0].Unfinished = 3 * mebibyte }, "3.0 MiB of 100.0 MiB were open"},
		{"other content", func(r *Report) { r.Scenarios[1].SHA256 = "bb" }, "A2: what was written is what was read"},
		{"it failed", func(r *Report) { r.Scenarios[0].Error = "disk full" }, "A: it ended well: disk full"},
		{"none to judge", func(r *Report) { r.Scenarios = r.Scenarios[2:] }, "no controlled run"},
		{"an origin moved on", func(r *Report) { r.Origins = []Origin{{Name: "file", WentOn: true}} }, "origin file: it stood still"},
		{"an origin ran ahead", func(r *Report) {
			r.Origins = []Origin{{Name: "tcp", Stood: true, WentOn: true, Left: 9, Taken: 4, Bound: 4}}
		}, "origin tcp: a bounded number"},
		{"an origin did not go on", func(r *Report) { r.Origins = []Origin{{Name: "pipe", Stood: true}} }, "origin pipe: it went on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := honest()
			c.make(r)
			r.judge()
			if r.Verdict.Flat != (c.want == "") || !strings.Contains(r.Verdict.Text, c.want) {
				t.Errorf("flat %t: %q; want %q", r.Verdict.Flat, r.Verdict.Text, c.want)
			}
			failed := 0
			for _, check := range r.Verdict.Checks {
				if !check.OK {
					failed++
				}
			}
			if len(r.Scenarios) == 3 && (failed == 0) != r.Verdict.Flat {
				t.Errorf("flat %t with %d failed checks", r.Verdict.Flat, failed)
			}
		})
	}
}

func TestWhichScenariosAreFlat(t *testing.T) {
	r := honest()
	r.judge()
	for _, s := range r.Scenarios {
		if want := s.Strategy == Controlled; s.Flat != want {
			t.Errorf("%s: flat %t", s.ID, s.Flat)
		}
	}
	if text := r.String(); !strings.Contains(text, "12 times as much") || !strings.Contains(text, "ok     A: peak") {
		t.Error(text)
	}
}

func TestTheReportSaysWhoseContentIsWhole(t *testing.T) {
	r := honest()
	r.Settings.Source, r.Settings.Sink, r.Settings.Chunk = "a file", "slow://", 64<<10
	for _, c := range []struct {
		sums []string
		want string
	}{
		{[]string{"aa", "aa", "aa"}, "A, A2, B wrote the bytes of the source, in order: SHA-256 aa"},
		{[]string{"aa", "aa", ""}, "A, A2 wrote the bytes"},
		{[]string{"aa", "aa", "bb"}, "B wrote other bytes"},
	} {
		for i, sum := range c.sums {
			r.Scenarios[i].SHA256 = sum
		}
		r.judge()
		for _, text := range []string{r.String(), checkPage(t, r)} {
			if !strings.Contains(text, c.want) || !strings.Contains(text, "64 KiB") || !strings.Contains(text, "slow://") {
				t.Errorf("%q is not in:\n%s", c.want, text)
			}
		}
	}
}

func TestSeriesAreBounded(t *testing.T) {
	var s Series
	for i := range 3*maxSamples + 7 {
		s.add(float64(i), int64(i), inside{Read: int64(i)})
		if n := len(s.Seconds); n > maxSamples || n != len(s.RSS) || n != len(s.Writing) || s.Seconds[n-1] != float64(i) {
			t.Fatalf("after %d samples: %d, %d, the last of %g", i+1, n, len(s.RSS), s.Seconds[n-1])
		}
	}
	for i := 1; i < len(s.Seconds); i++ {
		if s.Seconds[i] <= s.Seconds[i-1] || s.Read[i] != int64(s.Seconds[i]) {
			t.Fatalf("sample %d is of second %g and has %d", i, s.Seconds[i], s.Read[i])
		}
	}
}

func TestChart(t *testing.T) {
	r := honest()
	for _, c := range []struct {
		results       []Result
		cap           int64
		width, height int
	}{{nil, 0, 0, 1}, {r.Scenarios, 20 * mebibyte, 80, 14}, {r.Scenarios, 1 << 50, 5, 2}, {[]Result{{ID: "A"}}, 1, 100, 3}} {
		text := Chart(c.results, c.cap, c.width, c.height)
		if n := strings.Count(text, "\n"); n != c.height+1 {
			t.Errorf("%d lines, want %d:\n%s", n, c.height+1, text)
		}
	}
	text := Chart(r.Scenarios, 20*mebibyte, 80, 14)
	if !strings.Contains(text, "A") || !strings.Contains(text, "cap 20M") || !strings.Contains(text, "9.9 s") {
		t.Error(text)
	}
	if line := Line(r.Scenarios); line != "   9.9 s  A 9.0M  A2 9.0M  B 9.0M" {
		t.Errorf("%q", line)
	}
}
