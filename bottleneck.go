package weir

import (
	"fmt"
	"time"
)

// A Bottleneck names the stage that limits a run.
type Bottleneck struct {
	// Stage is "source", "upstream" (the source's origin has no data),
	// "transform", "sink", "budget", "rate" or "" (not known yet).
	Stage string `json:"stage"`
	// Name is what the stage calls itself.
	Name string `json:"name"`
	// Busy is the share of its time that the stage was at work or, for
	// upstream, budget and rate, that the source waited for it; 0 to 1.
	Busy float64 `json:"busy"`
	// Headroom is how many times faster the next slowest stage could go.
	// 0: not known.
	Headroom float64 `json:"headroom"`
	// Text is the verdict in a sentence.
	Text string `json:"text"`
}

// Thresholds of the attribution rule: a source that waits for its origin, or
// for memory, more than the first share is limited by that, unless another
// stage is busier than the second.
const (
	upstreamWait, upstreamBusy = 0.15, 0.85
	budgetWait, budgetBusy     = 0.10, 0.80
	rateWait                   = 0.50
)

// attribute names the stage that limits the pipeline: the busiest one, unless
// nobody is busy and the source waits for something else. Busy time is useful
// time (Kalavri et al., "Three steps is all you need", OSDI 2018).
func attribute(source, transform, sink Stage) (stage string, share float64) {
	total := float64(source.Total())
	if total == 0 {
		return "", 0
	}
	stage, share = "source", float64(source.Work)/total
	for _, other := range []struct {
		name string
		Stage
	}{{"transform", transform}, {"sink", sink}} {
		if t := other.Total(); t > 0 && float64(other.Work)/float64(t) > share {
			stage, share = other.name, float64(other.Work)/float64(t)
		}
	}
	waits := func(d time.Duration) float64 { return float64(d) / total }
	switch {
	case waits(source.WaitRate) > rateWait:
		return "rate", waits(source.WaitRate)
	case waits(source.WaitInput) > upstreamWait && share < upstreamBusy:
		return "upstream", waits(source.WaitInput)
	case waits(source.WaitBudget) > budgetWait && share < budgetBusy:
		return "budget", waits(source.WaitBudget)
	}
	return stage, share
}

// bottleneck gives the verdict on what s measured.
func (r *run) bottleneck(s *Stats) Bottleneck {
	stage, share := attribute(s.Source, s.Transform, s.Sink)
	b := Bottleneck{Stage: stage, Busy: share}
	if stage == "" || s.Read.Bytes == 0 {
		return Bottleneck{}
	}
	percent := int(share*100 + 0.5)
	switch stage {
	case "sink":
		b.Name = s.Sink.Name
		b.Text = fmt.Sprintf("sink %s: %d %% of the time waiting for its writes", b.Name, percent)
		if s.WriteLatency.Count > 0 {
			b.Text += fmt.Sprintf(", p50 %v", round(s.WriteLatency.P50))
		}
	case "source":
		b.Name = s.Source.Name
		b.Text = fmt.Sprintf("source %s: %d %% of the time reading", b.Name, percent)
	case "transform":
		b.Name = s.Transform.Name
		b.Text = fmt.Sprintf("%s: its workers are busy %d %% of the time", b.Name, percent)
	case "upstream":
		b.Name = s.Source.Name
		b.Text = fmt.Sprintf("source %s: %d %% of the time waiting for data from its origin", b.Name, percent)
		return b
	case "rate":
		b.Name = "rate limit"
		b.Text = fmt.Sprintf("rate limit: %d %% of the time waiting for it", percent)
		return b
	case "budget":
		b.Name = "memory"
		b.Text = fmt.Sprintf("memory: %d %% of the time waiting for budget; more of it would help", percent)
		return b
	}
	next, name := slowestBut(stage, s)
	if top := capacity(stageOf(stage, s), s); next > 0 && top > 0 && next > top {
		b.Headroom = next / top
		b.Text += fmt.Sprintf("; the %s could go %s × faster", name, times(b.Headroom))
	}
	return b
}

func stageOf(name string, s *Stats) Stage {
	switch name {
	case "source":
		return s.Source
	case "transform":
		return s.Transform
	}
	return s.Sink
}

// capacity is what the stage could do if it never waited, relative to the
// other stages: its workers for each second of work.
func capacity(st Stage, s *Stats) float64 {
	if st.Work <= 0 || s.Elapsed <= 0 {
		return 0
	}
	return float64(st.Total()) / float64(st.Work)
}

// slowestBut returns the smallest capacity among the other stages.
func slowestBut(top string, s *Stats) (least float64, name string) {
	for _, other := range []string{"source", "transform", "sink"} {
		c := capacity(stageOf(other, s), s)
		if other != top && c > 0 && (name == "" || c < least) {
			least, name = c, other
		}
	}
	return least, name
}

// round keeps three digits of d.
func round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// times formats a ratio for people.
func times(x float64) string {
	if x < 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}
