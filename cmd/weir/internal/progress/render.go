package progress

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/size"
)

// segment is a piece of a line that is shown in one of its forms or not at all.
type segment struct {
	text    string
	color   color
	shorter []string // further forms, each shorter than the one before; "": left out
}

// form returns the text after so many steps of shortening.
func (s segment) form(step int) string {
	if step == 0 || len(s.shorter) == 0 {
		return s.text
	}
	return s.shorter[min(step, len(s.shorter))-1]
}

type color string

const (
	none   color = ""
	bold   color = "\x1b[1m"
	green  color = "\x1b[32m"
	yellow color = "\x1b[33m"
	red    color = "\x1b[31m"
	reset        = "\x1b[0m"
)

const gap = "   "

// fit joins the segments, in the longest forms that fit width together. If the
// shortest do not, it leaves out what does not fit behind those before it.
func fit(segments []segment, width int, colors bool) (line string, length int) {
	var b strings.Builder
	for i, text := range forms(segments, width) {
		s, before := segments[i], gap
		if length == 0 {
			before = ""
		}
		n := utf8.RuneCountInString(text)
		if n == 0 || n > width-length-len(before) {
			continue
		}
		length += len(before) + n
		b.WriteString(before)
		if colors && s.color != none {
			text = string(s.color) + text + reset
		}
		b.WriteString(text)
	}
	return b.String(), length
}

// forms returns a text for each segment: step by step, and in a step from the
// last to the first, they are shortened until they fit width.
func forms(segments []segment, width int) []string {
	texts := make([]string, len(segments))
	length, steps := -len(gap), 0
	for i, s := range segments {
		texts[i] = s.text
		length += extent(s.text)
		steps = max(steps, len(s.shorter))
	}
	for step := 1; step <= steps; step++ {
		for i := len(segments) - 1; i >= 0 && length > width; i-- {
			text := segments[i].form(step)
			length += extent(text) - extent(texts[i])
			texts[i] = text
		}
	}
	return texts
}

// extent returns how much longer text makes a line.
func extent(text string) int {
	if text == "" {
		return 0
	}
	return len(gap) + utf8.RuneCountInString(text)
}

// screen returns what a terminal shows: three lines of segments.
func screen(s Snapshot) [3][]segment {
	st := s.Stats
	first := []segment{{text: size.Format(s.Done()), color: bold}}
	if total, known := s.Total(); known {
		first = []segment{
			{text: fmt.Sprintf("%d%%", s.Done()*100/total), color: bold},
			{text: size.Format(s.Done()) + " of " + size.Format(total), shorter: []string{size.Format(s.Done())}},
		}
	}
	read, write := size.FormatRate(s.ReadRate), "write "+size.FormatRate(s.WriteRate)
	first = append(first, segment{text: "read " + read, shorter: []string{read}}, segment{text: write, shorter: []string{write, ""}})
	if s.Draining {
		first = append(first, segment{text: "draining", color: yellow})
	} else if eta, known := s.ETA(); known {
		first = append(first, segment{text: "ETA " + clock(eta)})
	}
	second := []segment{
		{text: streams(st.Streams), color: streamsColor(st.Streams)},
		{text: "in flight " + size.Format(st.InFlightBytes)},
		{text: "written " + size.Format(st.Written.Bytes)},
		{text: "acknowledged " + size.Format(st.Acknowledged.Bytes)},
		{text: clock(st.Elapsed)},
	}
	if st.Resumed.Bytes > 0 { // in a narrow window rather than what was written
		second[2].shorter = []string{""}
		second[3].shorter = []string{"acked " + size.Format(st.Acknowledged.Bytes)}
		second = slices.Insert(second, 1, segment{text: "resumed " + resumedAt(s), shorter: []string{""}})
	}
	third := []segment{}
	if s.RSS > 0 {
		third = append(third, memoryBar(s.RSS, s.Cap))
	}
	if st.Bottleneck.Stage != "" {
		const head = "bottleneck: "
		third = append(third, segment{text: head + verdict(st.Bottleneck), shorter: []string{
			head + shortVerdict(st.Bottleneck), head + stageAndName(st.Bottleneck), head + st.Bottleneck.Stage,
		}})
	}
	return [3][]segment{first, second, third}
}

func streams(c weir.StreamCounts) string {
	text := fmt.Sprintf("streams %d/%d", c.Committed, c.Opened)
	if c.Failed > 0 {
		text += fmt.Sprintf(" (%d failed)", c.Failed)
	}
	return text
}

func streamsColor(c weir.StreamCounts) color {
	if c.Failed > 0 {
		return red
	}
	return none
}

// memoryBar shows how much of the cap is resident.
func memoryBar(rss, capBytes int64) segment {
	const width = 12
	filled := int(min(max(rss*width/max(capBytes, 1), 0), width))
	bar := strings.Repeat("#", filled) + strings.Repeat(".", width-filled)
	c := green
	switch share := rss * 100 / max(capBytes, 1); {
	case share > 95:
		c = red
	case share > 85:
		c = yellow
	}
	return segment{text: "memory [" + bar + "] " + ofCap(rss, capBytes), color: c, shorter: []string{ofCap(rss, capBytes)}}
}

// ofCap shows two amounts in the cap's own unit: "41.2/64 MiB".
func ofCap(n, capBytes int64) string {
	mib := strconv.FormatFloat(float64(n)/float64(size.MiB), 'f', 1, 64)
	return mib + "/" + strconv.FormatFloat(float64(capBytes)/float64(size.MiB), 'f', -1, 64) + " MiB"
}

// verdict names the bottleneck in a few words.
func verdict(b weir.Bottleneck) string {
	if b.Text != "" {
		return b.Text
	}
	return stageAndName(b)
}

// shortVerdict names the bottleneck without a sentence.
func shortVerdict(b weir.Bottleneck) string {
	if b.Stage == "" {
		return "not known yet"
	}
	return fmt.Sprintf("%s (%.0f %% busy)", stageAndName(b), b.Busy*100)
}

func stageAndName(b weir.Bottleneck) string {
	if b.Name == "" || b.Name == b.Stage {
		return b.Stage
	}
	return b.Stage + " " + b.Name
}

// clock shows a duration as people read a clock: "0:07", "1:02:03".
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// line returns one line for a log.
func line(s Snapshot) string {
	st := s.Stats
	amount := size.Format(s.Done())
	if total, known := s.Total(); known {
		amount = fmt.Sprintf("%d%% %s of %s", s.Done()*100/total, amount, size.Format(total))
	}
	parts := []string{
		clock(st.Elapsed) + " " + amount,
		"read " + size.FormatRate(s.ReadRate),
		"write " + size.FormatRate(s.WriteRate),
		"acknowledged " + size.Format(st.Acknowledged.Bytes),
		"in flight " + size.Format(st.InFlightBytes),
		streams(st.Streams),
	}
	if st.Resumed.Bytes > 0 {
		parts = append(parts, "resumed "+resumedAt(s))
	}
	if s.RSS > 0 {
		parts = append(parts, "memory "+ofCap(s.RSS, s.Cap))
	}
	if eta, known := s.ETA(); known {
		parts = append(parts, "ETA "+clock(eta))
	}
	parts = append(parts, "bottleneck: "+shortVerdict(st.Bottleneck))
	return strings.Join(parts, ", ")
}

// telling is how long a transfer must take for its rate and its bottleneck to
// say anything.
const telling = 100 * time.Millisecond

// Summary returns what is said at the end of a transfer.
func Summary(e End) []string {
	st := e.Stats
	if already := st.Streams.Already; already > 0 && already == st.Streams.Committed && e.ExitCode == 0 {
		return []string{fmt.Sprintf("nothing to do: an earlier run finished %s; --fresh starts over", these(already))}
	}
	head := fmt.Sprintf("%s: %s", e.Status, size.Format(st.Acknowledged.Bytes))
	if st.Acknowledged.Records > 0 {
		head += ", " + Thousands(st.Acknowledged.Records) + " " + plural(st.Acknowledged.Records, "record")
	}
	head += finished(st.Streams) + ", " + seconds(st.Elapsed)
	if st.Elapsed >= telling {
		head += ", " + size.FormatRate(float64(st.Acknowledged.Bytes)/st.Elapsed.Seconds())
	}
	lines := []string{head}
	if unfinished := unfinished(st); unfinished != "" {
		lines = append(lines, unfinished)
	}
	if st.Resumed.Bytes > 0 {
		lines = append(lines, "resumed: "+resumed(e.Snapshot))
	}
	lines = append(lines, fates(st)...)
	if e.Peak > 0 {
		lines = append(lines, "memory: peak "+size.InMiB(e.Peak)+" of "+size.Format(e.Cap)+", in flight at most "+size.Format(st.PeakInFlightBytes)+braked(e.Brakes))
	}
	if st.Bottleneck.Stage != "" && st.Elapsed >= telling {
		lines = append(lines, "bottleneck: "+verdict(st.Bottleneck))
	}
	return lines
}

// these names n streams.
func these(n int64) string {
	if n == 1 {
		return "it"
	}
	return "all " + Thousands(n) + " streams"
}

// resumed says where a run went on: "at 61 %, after 1.20 GiB".
func resumed(s Snapshot) string {
	text := "after " + size.Format(s.Stats.Resumed.Bytes)
	if _, known := s.Total(); known {
		text = resumedAt(s) + ", " + text
	}
	return text
}

// resumedAt says it shorter: "at 61 %", or "after 1.20 GiB" where that is not known.
func resumedAt(s Snapshot) string {
	if total, known := s.Total(); known {
		return fmt.Sprintf("at %d %%", s.Stats.Resumed.Bytes*100/total)
	}
	return "after " + size.Format(s.Stats.Resumed.Bytes)
}

// fates says what became of records that are not at the destination as they were
// read, a line each.
func fates(st weir.Stats) []string {
	var lines []string
	for _, f := range []struct {
		name string
		n    weir.Count
	}{
		{"filtered", st.Filtered}, {"added", st.Added}, {"skipped", st.Skipped}, {"dead letters", st.DeadLettered},
	} {
		if f.n.Records > 0 { // bytes alone are what a compressor saved
			lines = append(lines, fmt.Sprintf("%s: %s, %s %s", f.name, size.Format(f.n.Bytes), Thousands(f.n.Records), plural(f.n.Records, "record")))
		}
	}
	return lines
}

// finished says how many streams were committed.
func finished(c weir.StreamCounts) string {
	switch {
	case c.Committed > 0:
		return " in " + Thousands(c.Committed) + " " + plural(c.Committed, "stream")
	case c.Opened+c.Failed+c.Aborted > 0:
		return ", no stream finished"
	}
	return ", there was no stream"
}

// unfinished says what became of data and streams that were not committed.
func unfinished(st weir.Stats) string {
	var parts []string
	if st.Streams.Failed > 0 {
		parts = append(parts, Thousands(st.Streams.Failed)+" failed")
	}
	if st.Streams.Aborted > 0 {
		parts = append(parts, Thousands(st.Streams.Aborted)+" cut short")
	}
	if len(parts) == 0 {
		return ""
	}
	return "streams: " + strings.Join(parts, ", ") + "; read " + size.Format(st.Read.Bytes) + ", written " + size.Format(st.Written.Bytes)
}

func braked(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; near the cap %d %s, memory was given back", n, plural(n, "time"))
}

func seconds(d time.Duration) string {
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	}
	return clock(d)
}

func plural(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// Thousands returns n with commas.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
