package codec

import (
	"bytes"

	"github.com/weirflow/weir"
)

// Errors name the line of a record as an editor counts them. A record is a line of
// Lines, and there the number of the one is that of the other; in the other formats
// of text line feeds are counted, of what is delivered and of what is left out.

// countLines begins to count, at the beginning of the stream.
func (s *stream) countLines() {
	if isText(s.format.Name) && s.format.Name != Lines {
		s.line = 1
	}
}

// passLines counts those of bytes that follow each other.
func (s *stream) passLines(p []byte) {
	if s.line > 0 {
		s.line += int64(lineFeeds(p))
	}
}

// lineBefore is the line in which the last of some records, which are the last ones
// that were accepted, begin; with 0 of them, that of the next record. Where lines
// are counted they must not be passed yet.
func (s *stream) lineBefore(records int) int64 {
	if s.format.Name == Lines {
		return s.rec - int64(records)
	}
	return s.line
}

// lineAfter is the line in which what stands behind p begins, which follows what
// was passed.
func (s *stream) lineAfter(p []byte) int64 {
	switch {
	case s.format.Name == Lines:
		return s.rec
	case s.line == 0:
		return 0
	}
	return s.line + int64(lineFeeds(p))
}

// lineOfBad is the line in which the bad record has its first byte that is not of
// an empty line.
func (s *stream) lineOfBad() int64 {
	inner := s.payload(s.excerpt)
	if s.line == 0 || len(inner) == 0 {
		return s.lineBefore(0)
	}
	return s.lineAfter(s.excerpt[:cap(s.excerpt)-cap(inner)])
}

func lineFeeds(p []byte) int { return bytes.Count(p, []byte{'\n'}) }

// describePlace says where the first byte of b stands, whose records were accepted
// last, and passes its lines.
func (s *stream) describePlace(b *weir.Batch) {
	b.SetFirstByte(s.off-int64(s.batch.extra+b.Len()), s.lineBefore(b.Records()))
	s.passLines(b.Bytes())
}
