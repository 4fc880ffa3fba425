package file

import (
	"fmt"
	"strconv"
	"time"
)

// A series is where the division of a stream stands. Parts are counted from 1 over the
// whole stream, and within each window for their names.
//
//   - public <= part: the parts before public have their names;
//   - first <= part: the parts from first on are in the window that is written;
//   - pastFirst <= public: those before first that have no name yet are in one window,
//     so that few numbers say which name each gets.
type series struct {
	part   int64 // the one that is written, or the next, if there is none
	public int64

	window, first   int64 // the window in Unix seconds, and its first part
	past, pastFirst int64 // the one before
}

func newSeries(window int64) series {
	return series{part: 1, public: 1, window: window, first: 1, past: window, pastFirst: 1}
}

// place returns the window of a part and its number there.
func (s *series) place(part int64) (window, number int64) {
	if part >= s.first {
		return s.window, part - s.first + 1
	}
	return s.past, part - s.pastFirst + 1
}

// leaves reports whether the next part can be in another window: everything before
// this one has its name.
func (s *series) leaves() bool { return s.public >= s.first }

// enter goes on to a later window. The part that is next is its first.
func (s *series) enter(window int64) {
	if s.part > s.first {
		s.past, s.pastFirst = s.window, s.first
	}
	s.window, s.first = window, s.part
}

// A rollMark is the state of a stream's parts. Its text is
//
//	part=7,public=6,first=5,win=1795662000,past=1795658400,from=1,dev=2049,ino=131075,len=1048576
//
// The last three are of the temporary file of the part that is written; they are 0 if
// nothing is in it.
type rollMark struct {
	series
	dev, ino uint64
	length   int64
}

func (m rollMark) String() string {
	return fmt.Sprintf("part=%d,public=%d,first=%d,win=%d,past=%d,from=%d,dev=%d,ino=%d,len=%d",
		m.part, m.public, m.first, m.window, m.past, m.pastFirst, m.dev, m.ino, m.length)
}

func parseRollMark(text []byte) (rollMark, error) {
	const most = 1<<63 - 1
	s := scanner{rest: string(text)}
	number := func(label string) int64 { return int64(s.decimal(label, most)) }
	m := rollMark{}
	m.part, m.public, m.first = number("part="), number(",public="), number(",first=")
	m.window, m.past, m.pastFirst = number(",win="), number(",past="), number(",from=")
	m.dev, m.ino, m.length = s.decimal(",dev=", 1<<64-1), s.decimal(",ino=", 1<<64-1), number(",len=")
	ordered := 1 <= m.pastFirst && m.pastFirst <= m.first && m.pastFirst <= m.public && m.public <= m.part && m.first <= m.part && m.past <= m.window
	if s.failed || s.rest != "" || !ordered || m.part == most {
		return m, invalid("the checkpoint's mark %s is not of a file in parts; start over with --fresh", strconv.Quote(string(text)))
	}
	return m, nil
}

// asMark returns what the mark of one file would say of the part that is written.
func (m rollMark) asMark() mark { return mark{dev: m.dev, ino: m.ino, length: m.length} }

// over reports whether the window of s has passed and can be left.
func (s *series) over(r Roll, now func() time.Time) bool {
	return r.Every > 0 && r.window(now()) > s.window && s.leaves()
}
