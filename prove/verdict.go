package prove

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const (
	// warmUp is the part of a run that is left out of the trend, and least and
	// most what that comes to.
	warmUp    = 0.2
	warmUpMin = time.Second
	warmUpMax = 10 * time.Second
	// enoughSamples is how many a trend needs.
	enoughSamples = 20
	// toleranceMin and toleranceMax bound the growth that counts as flat.
	toleranceMin = 1 << 20
	toleranceMax = 2 << 20
)

// A Verdict says whether the controlled way was flat, and why.
type Verdict struct {
	Flat   bool    `json:"flat"`
	Text   string  `json:"text"`
	Checks []Check `json:"checks"`
	// Tolerance is the growth that still counts as flat: twice what the two
	// controlled runs differ by, at least 1 MiB and at most 2 MiB.
	Tolerance float64 `json:"tolerance_bytes"`
	// Noise is what the controlled runs differ by, in growth and in peak.
	NoiseGrowth float64 `json:"noise_growth_bytes"`
	NoisePeak   int64   `json:"noise_peak_bytes"`
}

// A Check is one condition of the verdict.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// growth returns the trend of resident memory in bytes a second, by the
// Theil-Sen estimator over the samples after the warm-up (a fifth of the run, at
// least 1 s, at most 10 s), and what it comes to from there to the end. ok is
// false when there are too few samples to tell.
func growth(s Series) (slope, total float64, ok bool) {
	if len(s.Seconds) == 0 {
		return 0, 0, false
	}
	end := s.Seconds[len(s.Seconds)-1]
	from := min(max(end*warmUp, warmUpMin.Seconds()), warmUpMax.Seconds())
	first := 0
	for first < len(s.Seconds) && s.Seconds[first] < from {
		first++
	}
	if len(s.Seconds)-first < enoughSamples {
		return 0, 0, false
	}
	slope = theilSen(s.Seconds[first:], s.RSS[first:])
	return slope, slope * (end - s.Seconds[first]), true
}

// judge fills what follows from the measurements: the trend of each scenario,
// whether it was flat, and the verdict.
func (r *Report) judge() {
	enough := map[string]bool{}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		s.Slope, s.Growth, enough[s.ID] = growth(s.Series)
	}
	v := &r.Verdict
	v.Tolerance = toleranceMin
	first, again := r.controlled()
	if first != nil && again != nil {
		v.NoiseGrowth = math.Abs(first.Growth - again.Growth)
		v.NoisePeak = max(first.PeakRSS-again.PeakRSS, again.PeakRSS-first.PeakRSS)
		v.Tolerance = min(max(toleranceMin, 2*v.NoiseGrowth), toleranceMax)
	}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		s.Flat = s.PeakRSS <= r.Settings.Cap && (!enough[s.ID] || s.Growth <= v.Tolerance)
	}
	v.Flat = first != nil
	for _, s := range []*Result{first, again} {
		if s != nil {
			r.check(s, enough[s.ID])
		}
	}
	for i := range r.Origins {
		r.checkOrigin(&r.Origins[i])
	}
	v.Text = r.sentence(first)
}

// checkOrigin adds the conditions that an origin must meet.
func (r *Report) checkOrigin(o *Origin) {
	v := &r.Verdict
	ahead := o.Left - o.Taken
	for _, c := range []Check{
		{"it stood still while the sink was stopped", o.Stood && o.Error == "", fmt.Sprintf("for %.1f s%s", o.StoodFor, because(o.Error))},
		{"a bounded number of bytes had left it", o.Stood && ahead <= o.Bound, fmt.Sprintf("%s more than the sink had taken; bound %s: %s", mib(ahead), mib(o.Bound), o.BoundText)},
		{"it went on when the sink did", o.WentOn, fmt.Sprintf("%s in all", mib(o.Bytes))},
	} {
		c.Name = "origin " + o.Name + ": " + c.Name
		v.Checks = append(v.Checks, c)
		v.Flat = v.Flat && c.OK
	}
}

func because(err string) string {
	if err == "" {
		return ""
	}
	first, _, _ := strings.Cut(err, "\n")
	return "; " + first
}

// controlled returns the controlled run and its repetition, nil where there is
// none.
func (r *Report) controlled() (first, again *Result) {
	for i := range r.Scenarios {
		switch s := &r.Scenarios[i]; {
		case s.Strategy != Controlled:
		case s.Again:
			again = s
		default:
			first = s
		}
	}
	return first, again
}

// check adds the conditions that a controlled run must meet.
func (r *Report) check(s *Result, enough bool) {
	v := &r.Verdict
	add := func(name string, ok bool, format string, args ...any) {
		v.Checks = append(v.Checks, Check{s.ID + ": " + name, ok, fmt.Sprintf(format, args...)})
		v.Flat = v.Flat && ok
	}
	if s.Error != "" {
		add("it ended well", false, "%s", s.Error)
	}
	add("peak resident memory within the cap", s.PeakRSS > 0 && s.PeakRSS <= r.Settings.Cap, "%s of %s", mib(s.PeakRSS), mib(r.Settings.Cap))
	if enough {
		add("slope about zero", s.Growth <= v.Tolerance, "%+.2f MiB from the warm-up to the end; up to %.2f MiB count as flat",
			s.Growth/(1<<20), v.Tolerance/(1<<20))
	} else {
		add("slope about zero", false, "the run was too short to tell: make it longer than two seconds, with --size or --delay")
	}
	if s.Stopped == "" && s.Error == "" {
		add("when the loop ended, the sink had finished everything", s.Unfinished == 0, "%s of %s were open", mib(s.Unfinished), mib(s.Read))
	}
	if want := r.Settings.SHA256; want != "" && s.Stopped == "" && s.Error == "" {
		add("what was written is what was read", s.SHA256 == want, "SHA-256 %.16s…, the file's is %.16s…", s.SHA256, want)
	}
}

// sentence is the verdict in words.
func (r *Report) sentence(first *Result) string {
	switch {
	case first == nil:
		return "There is no controlled run to judge."
	case !r.Verdict.Flat:
		for _, c := range r.Verdict.Checks {
			if !c.OK {
				return fmt.Sprintf("Not flat. %s: %s.", c.Name, c.Detail)
			}
		}
		return "Not flat."
	}
	text := fmt.Sprintf("Flat. The controlled way moved %s with at most %s resident, under a cap of %s", mib(first.Finished), mib(first.PeakRSS), mib(r.Settings.Cap))
	for _, s := range r.Scenarios {
		if s.Strategy == Unbounded && s.PeakRSS > 0 {
			return text + fmt.Sprintf("; without waiting it took %s, %.0f times as much.", mib(s.PeakRSS), float64(s.PeakRSS)/float64(max(first.PeakRSS, 1)))
		}
	}
	return text + "."
}

// mib shows n bytes in MiB.
func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
