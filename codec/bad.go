package codec

import (
	"context"
	"errors"

	"github.com/weirflow/weir"
)

// A badRecord waits until it is the first thing of a batch.
type badRecord struct {
	reason error // nil: there is none
	size   int64 // bytes seen of it
	lines  int   // line feeds in them
	open   bool  // its end was not seen
}

// setBad takes the record that begins where the last one ended, of which size bytes
// are there, out of b, and puts what follows it back. If it is open its end is not
// there.
func (s *stream) setBad(b *weir.Batch, reason error, size int, open bool) error {
	w := &s.batch
	rec, rest := b.Bytes()[w.start:w.start+size], b.Bytes()[w.start+size:]
	s.bad = badRecord{reason: reason, size: int64(size), lines: lineFeeds(rec), open: open}
	s.excerpt = append(s.excerpt[:0], rec[:min(size, weir.MaxExcerpt)]...)
	if !s.carry.putBack(rest) {
		return errPiece(len(rest))
	}
	b.Drop(w.tail(b))
	w.at = w.start
	return nil
}

// settle lets the policy decide about the bad record. b is empty.
func (s *stream) settle(ctx context.Context, b *weir.Batch) error {
	for s.bad.open {
		if err := s.discard(ctx, b); err != nil {
			return err
		}
	}
	r := weir.BadRecord{
		Stage: s.format.Name, Stream: s.info.Name, Record: s.rec, Offset: s.off,
		Line: s.lineOfBad(), Size: s.bad.size, Reason: s.bad.reason, Excerpt: s.excerpt,
	}
	if err := s.o.Bad.Decide(ctx, &r, b); err != nil {
		return err
	}
	s.batch.noted = true
	s.off += s.bad.size
	if s.line > 0 {
		s.line += int64(s.bad.lines)
	}
	s.rec++
	s.bad = badRecord{}
	return nil
}

var errSmallBatch = errors.New("the batch is too small to skip a record in")

// discard goes on to the end of the bad record, with b as room.
func (s *stream) discard(ctx context.Context, b *weir.Batch) error {
	n := max(min(space(b), s.carry.room()), s.want)
	if n <= 0 || n > space(b) {
		return &weir.Error{Kind: weir.Invalid, Err: errSmallBatch}
	}
	if s.carry.len() > 0 {
		s.carry.take(b, min(n, s.carry.len()))
	} else if !s.end && !s.part && s.broken == nil {
		s.readOn(ctx, b, n)
	}
	if b.Len() == 0 {
		s.bad.open = !s.end && !s.part
		return s.broken
	}
	data := b.Bytes()
	ended, next, err := s.framer.frame(data, 0, s.ends[:1])
	if _, ok := err.(*malformed); err != nil && !ok {
		return s.corrupt(int(s.bad.size)+next, s.bad.lines+lineFeeds(data[:next]), err)
	}
	s.excerpt = append(s.excerpt, data[:min(next, cap(s.excerpt)-len(s.excerpt))]...)
	s.bad.size += int64(next)
	s.bad.lines += lineFeeds(data[:next])
	s.bad.open = ended == 0
	if !s.carry.putBack(data[next:]) {
		return errPiece(len(data) - next)
	}
	b.Drop(b.Len())
	return nil
}
