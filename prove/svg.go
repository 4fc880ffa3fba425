package prove

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// maxPoints is how many points of a line are drawn.
const maxPoints = 400

// box is a drawing and the plot inside of it, in pixels.
type box struct {
	width, height            float64
	left, right, top, bottom float64 // margins
}

func sizeOf(wide bool) box {
	if wide {
		return box{width: 1040, height: 420, left: 64, right: 150, top: 16, bottom: 36}
	}
	return box{width: 350, height: 320, left: 50, right: 44, top: 12, bottom: 34}
}

// x and y map a part of the plot, from 0 to 1, to pixels.
func (b box) x(part float64) float64 {
	return b.left + clamp(part)*(b.width-b.left-b.right)
}

func (b box) y(part float64) float64 {
	return b.height - b.bottom - clamp(part)*(b.height-b.top-b.bottom)
}

// clamp keeps a drawing inside its plot, whatever was measured.
func clamp(part float64) float64 {
	if math.IsNaN(part) {
		return 0
	}
	return min(max(part, 0), 1)
}

// drawing is an SVG that is being written. Text that comes from outside is
// escaped.
type drawing struct {
	box
	strings.Builder
}

func newDrawing(b box, title string) *drawing {
	d := &drawing{box: b}
	d.printf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s" preserveAspectRatio="xMidYMid meet">`, b.width, b.height, template.HTMLEscapeString(title))
	return d
}

// printf writes to memory, which cannot fail.
func (d *drawing) printf(format string, args ...any) { _, _ = fmt.Fprintf(&d.Builder, format, args...) }

func (d *drawing) end() template.HTML {
	d.WriteString("</svg>")
	return template.HTML(d.String()) // numbers, and text that was escaped
}

func (d *drawing) text(x, y float64, class, anchor, text string) {
	d.printf(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, template.HTMLEscapeString(text))
}

func (d *drawing) line(x1, y1, x2, y2 float64, class string) {
	d.printf(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

// path draws the points that at gives for 0 to n.
func (d *drawing) path(n int, class string, at func(i int) (x, y float64)) {
	if n == 0 {
		return
	}
	step := max(1, (n+maxPoints-1)/maxPoints)
	d.printf(`<path class="%s" d="`, class)
	for i := 0; i < n; i += step {
		x, y := at(i)
		command := "L"
		if i == 0 {
			command = "M"
		}
		d.printf("%s%.1f %.1f", command, d.x(x), d.y(y))
	}
	x, y := at(n - 1)
	d.printf(`L%.1f %.1f"/>`, d.x(x), d.y(y))
}

// times draws the axis of seconds.
func (d *drawing) times(end float64) {
	step := niceStep(end, 6)
	for t := 0.0; t <= end*1.0001; t += step {
		d.line(d.x(t/end), d.height-d.bottom, d.x(t/end), d.height-d.bottom+4, "tick")
		d.text(d.x(t/end), d.height-d.bottom+18, "axis", "middle", fmt.Sprintf("%g s", math.Round(t*100)/100))
	}
	d.line(d.left, d.height-d.bottom, d.width-d.right, d.height-d.bottom, "tick")
}

// niceStep is 1, 2 or 5 times a power of ten, so that most steps reach end.
func niceStep(end float64, most int) float64 {
	if !(end > 0) || math.IsInf(end, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(end/float64(most))))
	for _, n := range []float64{1, 2, 5, 10} {
		if end/(n*power) <= float64(most) {
			return n * power
		}
	}
	return 10 * power
}

// memoryChart draws resident memory over time of all scenarios, on a
// logarithmic axis on which a cap of tens and files of hundreds can be read.
func memoryChart(r *Report, b box) template.HTML {
	d := newDrawing(b, "Resident memory over time of each scenario, with the cap")
	end, most := 1.0, 2*r.Settings.Cap
	for _, s := range r.Scenarios {
		most = max(most, s.PeakRSS)
		if n := len(s.Series.Seconds); n > 0 {
			end = max(end, s.Series.Seconds[n-1])
		}
	}
	const low = 2.0 // log2 of MiB
	high := max(math.Ceil(math.Log2(float64(max(most, 1))/(1<<20))), low+1)
	y := func(bytes int64) float64 {
		return (math.Log2(float64(max(bytes, 1))/(1<<20)) - low) / (high - low)
	}
	for p := low; p <= high; p++ {
		if high-low > 8 && int(p)%2 == 1 {
			continue
		}
		d.line(d.left, d.y(y(1<<(20+int(p)))), d.width-d.right, d.y(y(1<<(20+int(p)))), "grid")
		d.text(d.left-8, d.y(y(1<<(20+int(p))))+4, "axis", "end", fmt.Sprintf("%d MiB", 1<<int(p)))
	}
	d.times(end)
	if r.Settings.Cap > 0 {
		at := d.y(y(r.Settings.Cap))
		d.line(d.left, at, d.width-d.right, at, "cap")
		d.text(d.left+8, at-6, "capname", "start", "cap "+mib(r.Settings.Cap))
	}
	labels := newLabels(d)
	for i := len(r.Scenarios) - 1; i >= 0; i-- { // the controlled one on top
		s := r.Scenarios[i]
		style := "line " + class(s)
		if s.Again {
			style += " again"
		}
		d.path(len(s.Series.Seconds), style, func(i int) (float64, float64) {
			return s.Series.Seconds[i] / end, y(s.Series.RSS[i])
		})
		if n := len(s.Series.RSS); n > 0 && !s.Again {
			labels.add(s, s.Series.Seconds[n-1]/end, y(s.Series.RSS[n-1]))
		}
	}
	labels.draw()
	return d.end()
}

// labels are names at the ends of lines, kept apart from each other.
type labels struct {
	d     *drawing
	all   []label
	short bool
}

type label struct {
	x, y  float64 // pixels
	class string
	text  string
}

func newLabels(d *drawing) *labels { return &labels{d: d, short: d.right < 100} }

func (l *labels) add(s Result, x, y float64) {
	text := s.ID
	if !l.short {
		text = s.ID + " " + shorten(s.Name, 18)
	}
	l.all = append(l.all, label{l.d.x(x) + 6, l.d.y(y) + 4, "name " + class(s), text})
}

// draw moves each label up until it touches none that was drawn before.
func (l *labels) draw() {
	const apart = 14
	for i := range l.all {
		for moved := true; moved; {
			moved = false
			for _, other := range l.all[:i] {
				if math.Abs(other.y-l.all[i].y) < apart && math.Abs(other.x-l.all[i].x) < 90 {
					l.all[i].y, moved = other.y-apart, true
				}
			}
		}
		l.d.text(l.all[i].x, l.all[i].y, l.all[i].class, "start", l.all[i].text)
	}
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// gapChart draws what was read above what the sink had finished: the gap is
// what memory holds.
func gapChart(s Result) template.HTML {
	d := newDrawing(box{width: 320, height: 150, left: 8, right: 8, top: 8, bottom: 26}, "Read and written over time: "+s.Name)
	n := len(s.Series.Seconds)
	end, most := 1.0, max(s.Read, 1)
	if n > 0 {
		end = max(s.Series.Seconds[n-1], s.TotalSeconds, 0.1)
	}
	step := max(1, (n+maxPoints-1)/maxPoints)
	if n > 1 {
		d.printf(`<path class="gap %s" d="`, class(s))
		for i := 0; i < n; i += step {
			command := "L"
			if i == 0 {
				command = "M"
			}
			d.printf("%s%.1f %.1f", command, d.x(s.Series.Seconds[i]/end), d.y(float64(s.Series.Read[i])/float64(most)))
		}
		for i := (n - 1) / step * step; i >= 0; i -= step {
			d.printf("L%.1f %.1f", d.x(s.Series.Seconds[i]/end), d.y(float64(s.Series.Finished[i])/float64(most)))
		}
		d.WriteString(`Z"/>`)
	}
	column := func(values []int64) func(i int) (float64, float64) {
		return func(i int) (float64, float64) {
			return s.Series.Seconds[i] / end, float64(values[i]) / float64(most)
		}
	}
	d.path(n, "read "+class(s), column(s.Series.Read))
	d.path(n, "done "+class(s), column(s.Series.Finished))
	d.line(d.left, d.height-d.bottom, d.width-d.right, d.height-d.bottom, "tick")
	d.text(d.left, d.height-8, "axis", "start", "0 s")
	d.text(d.width-d.right, d.height-8, "axis", "end", fmt.Sprintf("%.1f s", end))
	return d.end()
}

// originChart draws how much had left an origin, and shades the time for which
// it stood.
func originChart(o Origin) template.HTML {
	d := newDrawing(box{width: 320, height: 150, left: 8, right: 8, top: 8, bottom: 26}, "Bytes that had left the origin over time: "+o.Name)
	end, most := 1.0, max(o.Bytes, 1)
	if n := len(o.Samples); n > 0 {
		end = max(o.Samples[n-1].Seconds, 0.1)
	}
	if o.StoppedAt > 0 {
		from, to := d.x(o.StoppedAt/end), d.x((o.StoppedAt+o.StoodFor)/end)
		d.printf(`<rect class="stopped" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, from, d.top, max(to-from, 0), d.height-d.top-d.bottom)
		d.text((from+to)/2, d.top+14, "axis", "middle", "sink stopped")
	}
	d.path(len(o.Samples), "line controlled", func(i int) (float64, float64) {
		s := o.Samples[i]
		if len(s.Values) == 0 {
			return s.Seconds / end, 0
		}
		return s.Seconds / end, float64(s.Values[0]) / float64(most)
	})
	d.line(d.left, d.height-d.bottom, d.width-d.right, d.height-d.bottom, "tick")
	d.text(d.left, d.height-8, "axis", "start", "0 s")
	d.text(d.width-d.right, d.height-8, "axis", "end", fmt.Sprintf("%.1f s", end))
	return d.end()
}
