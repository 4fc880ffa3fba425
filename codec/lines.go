package codec

import "bytes"

// lineFramer is the framer of records that end with a byte: lines and NUL.
type lineFramer struct {
	stateless
	end byte
}

func newLines(Format) framer { return &lineFramer{end: '\n'} }
func newNUL(Format) framer   { return &lineFramer{end: 0} }

func (d *lineFramer) frame(data []byte, at int, ends []uint32) (n, next int, err error) {
	for n < len(ends) {
		i := bytes.IndexByte(data[at:], d.end)
		if i < 0 {
			return n, len(data), nil
		}
		at += i + 1
		ends[n] = uint32(at)
		n++
	}
	return n, at, nil
}

// finish takes the last record without its end.
func (d *lineFramer) finish() (bool, error) { return true, nil }

func (d *lineFramer) restore(mark uint8) bool { return d.known(mark) }

// filledFramer is the framer of lines of which an empty one is no record, but part
// of the next one.
type filledFramer struct {
	stateless
	seen lineSeen // of the line that has begun, if all before it in its record are empty
}

// lineSeen is what there was of a line.
type lineSeen uint8

const (
	seenNothing lineSeen = iota
	seenCR
	seenContent // also of any line after another that has content
)

func newFilledLines(Format) framer { return new(filledFramer) }

func (f *filledFramer) frame(data []byte, at int, ends []uint32) (n, next int, err error) {
	for n < len(ends) {
		i := bytes.IndexByte(data[at:], '\n')
		if i < 0 {
			f.seen = f.seen.and(data[at:])
			return n, len(data), nil
		}
		if i > 1 || f.seen.and(data[at:at+i]) == seenContent {
			ends[n] = uint32(at + i + 1)
			n++
		}
		f.seen = seenNothing
		at += i + 1
	}
	return n, at, nil
}

// and returns what there was when rest, without a line feed, follows.
func (s lineSeen) and(rest []byte) lineSeen {
	switch {
	case len(rest) == 0:
		return s
	case s == seenNothing && len(rest) == 1 && rest[0] == '\r':
		return seenCR
	}
	return seenContent
}

func (f *filledFramer) finish() (bool, error) { return f.seen == seenContent, nil }

func (f *filledFramer) restore(mark uint8) bool {
	f.seen = seenNothing
	return f.known(mark)
}

func linePayload(Format) func([]byte) []byte { return trimLineEnd }

// trimLineEnd cuts an LF and a CR before it off. A CR alone is the last byte of a
// stream only.
func trimLineEnd(rec []byte) []byte {
	rec = bytes.TrimSuffix(rec, []byte{'\n'})
	return bytes.TrimSuffix(rec, []byte{'\r'})
}

func filledLinePayload(Format) func([]byte) []byte {
	return func(rec []byte) []byte { return trimLineEnd(trimEmptyLines(rec)) }
}

// trimEmptyLines cuts empty lines off the beginning.
func trimEmptyLines(rec []byte) []byte {
	for {
		switch {
		case len(rec) > 0 && rec[0] == '\n':
			rec = rec[1:]
		case len(rec) > 1 && rec[0] == '\r' && rec[1] == '\n':
			rec = rec[2:]
		default:
			return rec
		}
	}
}

func nulPayload(Format) func([]byte) []byte {
	return func(rec []byte) []byte { return bytes.TrimSuffix(rec, []byte{0}) }
}
