package codec

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/weirflow/weir"
)

// frame ends the records that are in b, up to the first bad one.
func (s *stream) frame(b *weir.Batch) error {
	w := &s.batch
	for w.at < b.Len() {
		room := len(b.Space()) / entry
		if room == 0 {
			return nil
		}
		first, mark := w.start, s.framer.mark()
		n, next, err := s.framer.frame(b.Bytes(), w.at, s.ends[:min(len(s.ends), room)])
		w.at = next
		good, reason, err := s.judge(b.Bytes(), s.ends[:n], err)
		s.accept(b, s.ends[:good])
		switch {
		case err != nil:
			return s.corrupt(next-w.start, lineFeeds(b.Bytes()[:next]), err)
		case reason == nil:
			continue
		}
		end := int(s.ends[good])
		if next > end { // the framer has seen more than can be used now
			s.framer.restore(mark)
			_, _, _ = s.framer.frame(b.Bytes(), first, s.ends[:good+1]) // what it has to say it has said
		}
		return s.setBad(b, reason, end-w.start, false)
	}
	if size := max(int64(w.tail(b)), s.framer.size()); w.tail(b) > 0 && size > int64(s.o.MaxRecord) {
		return s.setBad(b, s.errTooLong(), w.tail(b), true)
	}
	return nil
}

// accept ends records in b at ends.
func (s *stream) accept(b *weir.Batch, ends []uint32) {
	if len(ends) == 0 {
		return
	}
	w := &s.batch
	b.EndRecords(ends)
	size := int(ends[len(ends)-1]) - w.start
	s.mean += (size/len(ends) - s.mean) / 4
	s.off += int64(size)
	s.rec += int64(len(ends))
	w.start += size
}

// judge looks at the records of data that end at ends, of which err is what the
// framer said. It returns how many can be used, and why the one behind them cannot
// if there is one.
func (s *stream) judge(data []byte, ends []uint32, err error) (good int, reason, fatal error) {
	if bad, ok := err.(*malformed); ok {
		ends, reason, err = ends[:len(ends)-1], bad.reason, nil
	}
	for i := s.suspect(data, ends); i < len(ends); i++ {
		start := s.batch.start
		if i > 0 {
			start = int(ends[i-1])
		}
		if e := s.inspect(data[start:ends[i]]); e != nil {
			return i, e, nil
		}
	}
	return len(ends), reason, err
}

// suspect returns the first record that has to be looked at for itself.
func (s *stream) suspect(data []byte, ends []uint32) int {
	if len(ends) == 0 {
		return 0
	}
	all := data[s.batch.start:ends[len(ends)-1]]
	if s.check != nil || len(all) > s.o.MaxRecord || s.o.UTF8 != AnyBytes && !utf8.Valid(all) {
		return 0
	}
	return len(ends)
}

// inspect returns why a record cannot be used. It replaces what is not UTF-8 if it
// must.
func (s *stream) inspect(rec []byte) error {
	if len(rec) > s.o.MaxRecord {
		return s.errTooLong()
	}
	switch s.o.UTF8 {
	case RejectInvalid:
		if !utf8.Valid(rec) {
			return errUTF8
		}
	case ReplaceInvalid:
		replaceInvalid(rec)
	}
	if s.check != nil {
		return s.check(rec)
	}
	return nil
}

// ErrTooLong is the reason of a bad record that is larger than
// SourceOptions.MaxRecord.
var ErrTooLong = errors.New("it is longer than")

var errUTF8 = errors.New("it is not valid UTF-8")

func (s *stream) errTooLong() error {
	return fmt.Errorf("%w %d bytes", ErrTooLong, s.o.MaxRecord)
}

// replaceInvalid puts a question mark in the place of every byte of text that is
// not UTF-8.
func replaceInvalid(text []byte) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			text[i] = '?'
		}
		i += size
	}
}

// corrupt is err, n bytes behind the last record, and so many line feeds behind
// what was delivered.
func (s *stream) corrupt(n, lines int, err error) error {
	at := fmt.Sprintf("at offset %d", s.off+int64(n))
	if s.line > 0 {
		at = fmt.Sprintf("at line %d, offset %d", s.line+int64(lines), s.off+int64(n))
	}
	return &weir.Error{Kind: weir.Corrupt, Err: fmt.Errorf("%s: %s: %w", s.format.Name, at, err)}
}

// finish sees to what is behind the last record of the stream.
func (s *stream) finish(b *weir.Batch) error {
	w := &s.batch
	tail := w.tail(b)
	record, err := s.framer.finish()
	bad, ok := err.(*malformed)
	switch {
	case ok && tail > 0:
		return s.setBad(b, bad.reason, tail, false)
	case err != nil && !ok:
		return s.corrupt(tail, lineFeeds(b.Bytes()), err)
	case tail == 0:
		return nil
	case !record:
		b.Drop(tail)
		s.off += int64(tail)
		w.extra = tail
		w.at = w.start
		return nil
	}
	if reason := s.inspect(b.Bytes()[w.start:]); reason != nil {
		return s.setBad(b, reason, tail, false)
	}
	s.ends[0] = uint32(b.Len())
	s.accept(b, s.ends[:1])
	return nil
}
