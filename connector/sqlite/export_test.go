package sqlite

import "fmt"

// LimitPages has the database of s take at most n pages, as if the disk were full
// then. It keeps the connection for the next Open.
func LimitPages(s *Sink, n int) {
	c, err := s.take(nil) //nolint:staticcheck // it waits for nothing
	if err == nil {
		err = c.exec(fmt.Sprintf("PRAGMA max_page_count=%d", n))
	}
	if err != nil {
		panic(err)
	}
	s.giveBack(c)
}

// Numbers.
var (
	ParseInt      = parseInt
	ParseFloat    = parseFloat
	ParsePosition = parsePosition
)

// FormatPosition is the reverse of ParsePosition.
func FormatPosition(k bookmark, byRowid bool) []byte { return k.appendTo(nil, byRowid) }
