package transform

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A timeReader reads a time. Its String says how, behind "no time".
type timeReader interface {
	read(s []byte) (time.Time, bool)
	String() string
}

// layouts are the layouts that have names. A time that says no zone is UTC.
var layouts = []struct{ name, layout string }{
	{"rfc3339", time.RFC3339},
	{"rfc1123", time.RFC1123Z},
	{"rfc822", time.RFC822Z},
	{"ansic", time.ANSIC},
	{"http", http},
	{"clf", "02/Jan/2006:15:04:05 -0700"},
	{"sql", "2006-01-02 15:04:05"},
	{"date", "2006-01-02"},
}

// http is the layout of times in HTTP.
const http = "Mon, 02 Jan 2006 15:04:05 GMT"

// units are the names of counts since 1970, and how many of each a second has.
var units = []struct {
	name string
	per  int64
}{
	{"unix", 1}, {"unix_ms", 1e3}, {"unix_us", 1e6}, {"unix_ns", 1e9},
}

// readerOf returns the reader for a name, a Go layout, or a strftime layout.
func readerOf(layout string) (timeReader, error) {
	if layout == "auto" {
		return autoReader{}, nil
	}
	for _, l := range layouts {
		if l.name == layout {
			return layoutReader{l.layout, l.name}, nil
		}
	}
	for _, u := range units {
		if u.name == layout {
			return unixReader{u.per, u.name}, nil
		}
	}
	if strings.Contains(layout, "%") {
		translated, err := fromStrftime(layout)
		return layoutReader{translated, strconv.Quote(layout)}, err
	}
	if time.Unix(0, 0).UTC().Format(layout) == layout {
		return nil, errors.New(`a layout is a name such as rfc3339, clf or unix_ms, "%Y-%m-%d" or "2006-01-02"`)
	}
	return layoutReader{layout, strconv.Quote(layout)}, nil
}

// fromStrftime translates a strftime layout into one of Go.
func fromStrftime(layout string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			b.WriteByte(layout[i])
			continue
		}
		i++
		if i == len(layout) {
			return "", errors.New("a layout cannot end with %")
		}
		if layout[i] == 'f' {
			seconds, ok := strings.CutSuffix(b.String(), "05.")
			if !ok {
				return "", errors.New("in a layout, %f follows the seconds and a point")
			}
			b.Reset()
			b.WriteString(seconds + "05") // decimals may follow, without being named
			continue
		}
		part, known := directives[layout[i]]
		if !known {
			return "", fmt.Errorf("the layout has %%%c, which is not known", layout[i])
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

var directives = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'j': "002",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
	'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06",
	'%': "%",
}

// layoutReader reads one layout of Go; fractions of a second may follow it.
type layoutReader struct{ layout, name string }

func (r layoutReader) read(s []byte) (time.Time, bool) {
	t, err := time.Parse(r.layout, string(s))
	if err != nil {
		return t, false
	}
	// A zone that is a word, such as EST, is not known to time.Parse, which takes
	// it for UTC.
	name, offset := t.Zone()
	return t, offset != 0 || name == "" || name == "UTC" || name == "GMT"
}

// String names the layout.
func (r layoutReader) String() string { return " as " + r.name }

// unixReader reads a count since 1970, with decimals or without.
type unixReader struct {
	per  int64 // counts in a second
	name string
}

func (r unixReader) read(s []byte) (time.Time, bool) {
	if len(s) == 0 || !isNumber(s) {
		return time.Time{}, false
	}
	v := value{kind: number}
	if v.readNumber(s); v.form == whole {
		return time.Unix(v.n/r.per, v.n%r.per*(1e9/r.per)), true
	}
	f := v.float() / float64(r.per)
	if math.Abs(f) > 1<<53 {
		return time.Time{}, false
	}
	sec, part := math.Modf(f)
	return time.Unix(int64(sec), int64(math.Round(part*1e6))*1e3), true
}

// String names the count.
func (r unixReader) String() string { return " as " + r.name }

// autoReader tries the usual layouts: RFC 3339 (also with a space, or without a
// zone), a date, the common log format, RFC 1123; and counts since 1970, whose
// unit their size tells.
type autoReader struct{}

func (autoReader) read(s []byte) (time.Time, bool) {
	if len(s) == 0 {
		return time.Time{}, false
	}
	if isNumber(s) {
		return autoUnix(s)
	}
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
		"2006-01-02", "02/Jan/2006:15:04:05 -0700", http, time.RFC1123Z,
		"2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-0700",
	} {
		if len(s) < len("2006-01-02") || layout[0] == '2' != (s[0]-'0' < 10 && s[4] == '-') {
			continue
		}
		if t, err := time.Parse(layout, string(s)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// autoUnix takes a count below 1e11 for seconds (up to the year 5138), then for
// milliseconds, microseconds and nanoseconds, each a thousand times as many.
func autoUnix(s []byte) (time.Time, bool) {
	v := value{kind: number}
	v.readNumber(s)
	f, limit := v.float(), 1e11
	for _, u := range units {
		if math.Abs(f) < limit {
			return unixReader{u.per, u.name}.read(s)
		}
		limit *= 1000
	}
	return time.Time{}, false
}

// String names the tries.
func (autoReader) String() string { return ` that is known (say which with as "layout")` }
