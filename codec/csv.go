package codec

import (
	"bytes"
	"errors"
)

var (
	errQuote        = errors.New("a quote inside a field in quotes is neither doubled nor at its end")
	errUnterminated = errors.New("a field in quotes has no end")
)

// csvState is where in a record a CSV framer is.
type csvState uint8

const (
	csvStart   csvState = iota // at the beginning of a line that may be empty
	csvCR                      // behind a CR there
	csvField                   // at the beginning of a further field
	csvPlain                   // in a field without quotes
	csvQuoted                  // in a field in quotes
	csvQuote                   // behind a quote there: the end, or the first of two
	csvQuoteCR                 // behind a CR after that
	csvBroken                  // behind something malformed, up to the end of the line
)

// csvFramer is the framer of CSV. A quote is special at the beginning of a field only.
type csvFramer struct {
	stateless
	sep   byte
	state csvState
}

func newCSV(f Format) framer {
	if f.NoQuotes {
		return newFilledLines(f)
	}
	return &csvFramer{sep: f.Separator}
}

func (c *csvFramer) frame(data []byte, at int, ends []uint32) (n, next int, err error) {
	look := csvLook{data: data, line: -1, quote: -1}
	for at < len(data) && n < len(ends) {
		var ended bool
		switch c.state {
		case csvStart, csvCR, csvField, csvPlain:
			at, ended = c.plain(&look, at)
		case csvQuoted:
			if at = look.nextQuote(at); at < len(data) {
				c.state = csvQuote
				at++
			}
		case csvQuote, csvQuoteCR:
			at, ended = c.quote(data[at], at)
		case csvBroken:
			if at = look.nextLine(at); at < len(data) {
				c.state, ended, err = csvStart, true, &malformed{errQuote}
				at++
			}
		}
		if ended {
			ends[n] = uint32(at)
			n++
		}
		if err != nil {
			return n, at, err
		}
	}
	return n, at, nil
}

// plain goes on, outside quotes, to the next quote that matters or to the end of
// the line.
func (c *csvFramer) plain(look *csvLook, at int) (next int, ended bool) {
	data, line, quote := look.data, look.nextLine(at), look.nextQuote(at)
	if quote < line {
		opens := c.state == csvStart || c.state == csvField
		if quote > at {
			opens = data[quote-1] == c.sep
		}
		c.state = csvPlain
		if opens {
			c.state = csvQuoted
		}
		return quote + 1, false
	}
	for _, b := range edge(data[at:line]) {
		switch {
		case b == c.sep:
			c.state = csvField
		case b == '\r' && c.state == csvStart:
			c.state = csvCR
		default:
			c.state = csvPlain
		}
	}
	if line == len(data) {
		return line, false
	}
	ended = c.state == csvField || c.state == csvPlain
	c.state = csvStart
	return line + 1, ended
}

// edge returns the end of a piece of a line, which is all that the state behind it
// depends on.
func edge(piece []byte) []byte { return piece[max(0, len(piece)-2):] }

// quote takes b, which follows a quote inside quotes and perhaps a CR.
func (c *csvFramer) quote(b byte, at int) (next int, ended bool) {
	switch {
	case b == '\n':
		c.state = csvStart
		return at + 1, true
	case c.state == csvQuoteCR:
	case b == '"':
		c.state = csvQuoted
		return at + 1, false
	case b == c.sep:
		c.state = csvField
		return at + 1, false
	case b == '\r':
		c.state = csvQuoteCR
		return at + 1, false
	}
	c.state = csvBroken
	return at, false
}

func (c *csvFramer) finish() (bool, error) {
	switch c.state {
	case csvStart, csvCR:
		return false, nil
	case csvQuoted:
		return true, &malformed{errUnterminated}
	case csvBroken:
		return true, &malformed{errQuote}
	}
	return true, nil
}

func (c *csvFramer) restore(mark uint8) bool {
	c.state = csvStart
	return c.known(mark)
}

// csvLook finds line ends and quotes and remembers the next ones.
type csvLook struct {
	data        []byte
	line, quote int // the next from where they were looked for last; len(data): none
}

func (l *csvLook) nextLine(at int) int {
	if l.line < at {
		l.line = l.next(at, '\n')
	}
	return l.line
}

func (l *csvLook) nextQuote(at int) int {
	if l.quote < at {
		l.quote = l.next(at, '"')
	}
	return l.quote
}

func (l *csvLook) next(at int, b byte) int {
	if i := bytes.IndexByte(l.data[at:], b); i >= 0 {
		return at + i
	}
	return len(l.data)
}

// countFields returns how many fields the row has, which is well formed.
func countFields(row []byte, sep byte, quotes bool) int {
	n, at := 1, 0
	for {
		if quotes && at < len(row) && row[at] == '"' {
			at = closingQuote(row, at+1)
		}
		i := bytes.IndexByte(row[at:], sep)
		if i < 0 {
			return n
		}
		n++
		at += i + 1
	}
}

// closingQuote returns the offset behind the quote that ends the field whose
// content begins at at.
func closingQuote(row []byte, at int) int {
	for {
		i := bytes.IndexByte(row[at:], '"')
		if i < 0 {
			return len(row)
		}
		at += i + 1
		if at == len(row) || row[at] != '"' {
			return at
		}
		at++
	}
}
