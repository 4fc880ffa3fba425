package prove

import (
	"fmt"
	"math"
	"strings"
)

// Chart draws resident memory over time as text, a letter a scenario, over a
// logarithmic axis with the cap in it. It has height lines and one for the time.
func Chart(results []Result, capBytes int64, width, height int) string {
	const axis = 11 // columns before the plot
	plot := max(width-axis, 10)
	g := newGrid(results, capBytes, plot, height)
	for i := len(results) - 1; i >= 0; i-- { // the first on top
		g.draw(results[i])
	}
	var b strings.Builder
	for row := range height {
		label := ""
		switch {
		case row == g.capRow:
			label = "cap " + short(capBytes)
		case row == 0, row == height-1, row == height/2 && abs(row-g.capRow) > 1:
			label = short(g.value(row))
		}
		fmt.Fprintf(&b, "%*s │%s\n", axis-2, label, strings.TrimRight(string(g.cells[row]), " "))
	}
	fmt.Fprintf(&b, "%*s └%s %.1f s\n", axis-2, "", strings.Repeat("─", max(plot-8, 2)), g.end)
	return b.String()
}

// grid maps time and memory to cells.
type grid struct {
	cells      [][]rune
	end        float64 // seconds
	low, high  float64 // log2 of bytes
	width, top int
	capRow     int
}

func newGrid(results []Result, capBytes int64, width, height int) *grid {
	g := &grid{width: width, top: height - 1, end: 1}
	most := capBytes * 2
	for _, r := range results {
		most = max(most, r.PeakRSS)
		if n := len(r.Series.Seconds); n > 0 {
			g.end = max(g.end, r.Series.Seconds[n-1])
		}
	}
	const floor = 4 << 20
	g.low, g.high = math.Log2(floor), math.Log2(float64(max(most, 2*floor)))
	g.capRow = g.row(capBytes)
	for row := range height {
		blank := " "
		if row == g.capRow {
			blank = "╌"
		}
		g.cells = append(g.cells, []rune(strings.Repeat(blank, width)))
	}
	return g
}

// row returns the line of n bytes; 0 is the highest.
func (g *grid) row(n int64) int {
	at := (math.Log2(float64(max(n, 1))) - g.low) / (g.high - g.low)
	return g.top - min(max(int(math.Round(at*float64(g.top))), 0), g.top)
}

func (g *grid) value(row int) int64 {
	return int64(math.Exp2(g.low + (g.high-g.low)*float64(g.top-row)/float64(max(g.top, 1))))
}

func (g *grid) draw(r Result) {
	s := r.Series
	for i, t := range s.Seconds {
		column := min(int(t/g.end*float64(g.width)), g.width-1)
		g.cells[g.row(s.RSS[i])][column] = []rune(r.ID)[0]
	}
}

func abs(n int) int { return max(n, -n) }

// short shows n bytes in few characters.
func short(n int64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%.1fM", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0fM", float64(n)/(1<<20))
}

// Line shows in one line how much memory each scenario has at this moment.
func Line(results []Result) string {
	var b strings.Builder
	seconds := 0.0
	for _, r := range results {
		n := len(r.Series.Seconds)
		if n == 0 {
			continue
		}
		seconds = max(seconds, r.Series.Seconds[n-1])
		if r.TotalSeconds > 0 {
			fmt.Fprintf(&b, "  %s done", r.ID)
			continue
		}
		fmt.Fprintf(&b, "  %s %s", r.ID, short(r.Series.RSS[n-1]))
	}
	return fmt.Sprintf("%6.1f s%s", seconds, b.String())
}

// String returns the report as text: what was run, the table, the origins, the
// verdict.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s, %scap %s\n\n", r.Settings.Source, r.Settings.Sink, r.Settings.writes(), mib(r.Settings.Cap))
	fmt.Fprintf(&b, "%-4s %-33s %9s %9s %9s %9s %8s %7s %8s  %s\n",
		"", "scenario", "peak RSS", "in flight", "loop", "sink done", "MiB/s", "writes", "late p99", "flat")
	for _, s := range r.Scenarios {
		flat := "no"
		if s.Flat {
			flat = "yes"
		}
		fmt.Fprintf(&b, "%-4s %-33s %9s %9s %8.2fs %8.2fs %8.1f %7d %6.2fms  %s\n", s.ID, s.Name, short(s.PeakRSS), short(s.PeakInFlight),
			s.LoopSeconds, s.TotalSeconds, s.BytesPerSec/(1<<20), s.WritingMax, s.LateP99, flat)
	}
	if r.Idle.Beats > 0 {
		fmt.Fprintf(&b, "%-4s %-33s %69.2fms\n", "", "a process that does nothing", r.Idle.P99)
	}
	for _, s := range r.Scenarios {
		if s.Stopped != "" {
			fmt.Fprintf(&b, "%s was stopped: %s\n", s.ID, s.Stopped)
		}
		if s.Error != "" {
			fmt.Fprintf(&b, "%s failed: %s\n", s.ID, s.Error)
		}
	}
	if ideal := r.Settings.IdealSeconds; ideal > 0 {
		fmt.Fprintf(&b, "the sink alone needs %.2f s\n", ideal)
	}
	for _, s := range r.Scenarios {
		if s.Strategy == Unlimited {
			b.WriteString("D looks cheap and fast because its sink serves any number of writes at once; no real one does\n")
		}
	}
	if same := r.sameContent(); same != "" {
		b.WriteString(same + "\n")
	}
	for _, o := range r.Origins {
		b.WriteString("\n" + o.text())
	}
	b.WriteString("\n" + r.Verdict.Text + "\n")
	for _, c := range r.Verdict.Checks {
		mark := "ok    "
		if !c.OK {
			mark = "FAILED"
		}
		fmt.Fprintf(&b, "  %s %s: %s\n", mark, c.Name, c.Detail)
	}
	return b.String()
}

// writes says how large a write is, "" if that is left to weir.
func (s Settings) writes() string {
	if s.Chunk == 0 {
		return ""
	}
	return "writes of " + kib(s.Chunk) + ", "
}

// sameContent says which scenarios wrote what is in the source, by checksum; ""
// if that is not known.
func (r *Report) sameContent() string {
	var same, other []string
	for _, s := range r.Scenarios {
		switch {
		case s.SHA256 == "": // it had no order, or did not end
		case s.SHA256 == r.Settings.SHA256:
			same = append(same, s.ID)
		default:
			other = append(other, s.ID)
		}
	}
	switch {
	case r.Settings.SHA256 == "":
		return ""
	case len(other) > 0:
		return strings.Join(other, ", ") + " wrote other bytes than the source has"
	case len(same) == 0:
		return ""
	}
	return fmt.Sprintf("%s wrote the bytes of the source, in order: SHA-256 %.16s…", strings.Join(same, ", "), r.Settings.SHA256)
}

func (o Origin) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "origin %s, %s: ", o.Name, mib(o.Bytes))
	switch {
	case o.Error != "":
		fmt.Fprintf(&b, "failed: %s\n", o.Error)
	case !o.Stood:
		b.WriteString("did not stand still while the sink was stopped\n")
	default:
		fmt.Fprintf(&b, "stood still for %.1f s after %s had left it and %s had reached the sink; heartbeat p99 %.2f ms late\n",
			o.StoodFor, mib(o.Left), mib(o.Taken), o.Heartbeat.P99)
	}
	for i, name := range o.Figures {
		if i < len(o.Standing) && i < len(o.After) {
			fmt.Fprintf(&b, "  %-46s %12d standing, %12d last\n", name, o.Standing[i], o.After[i])
		}
	}
	return b.String()
}
