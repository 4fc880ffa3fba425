package progress

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/size"
)

// segment is a piece of a line that is shown whole, or as its short form, or not
// at all.
type segment struct {
	text  string
	color color
	short string
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

// fit joins as many segments as width has room for.
func fit(segments []segment, width int, colors bool) (line string, length int) {
	var b strings.Builder
	for _, s := range segments {
		before := gap
		if length == 0 {
			before = ""
		}
		room := width - length - len(before)
		text := s.text
		if utf8.RuneCountInString(text) > room {
			text = s.short
		}
		n := utf8.RuneCountInString(text)
		if n > room || n == 0 {
			break
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

// screen returns what a terminal shows: three lines of segments.
func screen(s Snapshot) [3][]segment {
	st := s.Stats
	first := []segment{{text: size.Format(st.Read.Bytes), color: bold}}
	if total, known := s.Total(); known {
		first = []segment{
			{text: fmt.Sprintf("%d%%", st.Read.Bytes*100/total), color: bold},
			{text: size.Format(st.Read.Bytes) + " of " + size.Format(total)},
		}
	}
	first = append(first, segment{text: "read " + size.FormatRate(s.ReadRate)}, segment{text: "write " + size.FormatRate(s.WriteRate)})
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
	third := []segment{}
	if s.RSS > 0 {
		third = append(third, memoryBar(s.RSS, s.Cap))
	}
	if st.Bottleneck.Stage != "" {
		third = append(third, segment{
			text:  "bottleneck: " + verdict(st.Bottleneck),
			short: "bottleneck: " + shortVerdict(st.Bottleneck),
		})
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
	return segment{text: "memory [" + bar + "] " + ofCap(rss, capBytes), color: c, short: ofCap(rss, capBytes)}
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
	return strings.TrimSpace(b.Stage + " " + b.Name)
}

// shortVerdict names the bottleneck without a sentence.
func shortVerdict(b weir.Bottleneck) string {
	if b.Stage == "" {
		return "not known yet"
	}
	text := b.Stage
	if b.Name != "" && b.Name != b.Stage {
		text += " " + b.Name
	}
	return fmt.Sprintf("%s (%.0f %% busy)", text, b.Busy*100)
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
	amount := size.Format(st.Read.Bytes)
	if total, known := s.Total(); known {
		amount = fmt.Sprintf("%d%% %s of %s", st.Read.Bytes*100/total, amount, size.Format(total))
	}
	parts := []string{
		clock(st.Elapsed) + " " + amount,
		"read " + size.FormatRate(s.ReadRate),
		"write " + size.FormatRate(s.WriteRate),
		"acknowledged " + size.Format(st.Acknowledged.Bytes),
		"in flight " + size.Format(st.InFlightBytes),
		streams(st.Streams),
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
	head := fmt.Sprintf("%s: %s", e.Status, size.Format(st.Acknowledged.Bytes))
	if st.Acknowledged.Records > 0 {
		head += ", " + Thousands(st.Acknowledged.Records) + " " + plural(st.Acknowledged.Records, "record")
	}
	head += fmt.Sprintf(" in %s %s, %s", Thousands(st.Streams.Committed), plural(st.Streams.Committed, "stream"), seconds(st.Elapsed))
	if st.Elapsed >= telling {
		head += ", " + size.FormatRate(float64(st.Acknowledged.Bytes)/st.Elapsed.Seconds())
	}
	lines := []string{head}
	if unfinished := unfinished(st); unfinished != "" {
		lines = append(lines, unfinished)
	}
	if st.Filtered.Bytes > 0 || st.Filtered.Records > 0 {
		lines = append(lines, fmt.Sprintf("filtered: %s, %s records", size.Format(st.Filtered.Bytes), Thousands(st.Filtered.Records)))
	}
	if e.Peak > 0 {
		lines = append(lines, "memory: peak "+size.InMiB(e.Peak)+" of "+size.Format(e.Cap)+", in flight at most "+size.Format(st.PeakInFlightBytes)+braked(e.Brakes))
	}
	if st.Bottleneck.Stage != "" && st.Elapsed >= telling {
		lines = append(lines, "bottleneck: "+verdict(st.Bottleneck))
	}
	return lines
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
