package codec

import (
	"context"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// fill fills b with records. It returns what Read does.
func (s *stream) fill(ctx context.Context, b *weir.Batch) error {
	if err := s.askAhead(b); err != nil {
		return err
	}
	for {
		if s.bad.reason != nil {
			if b.Records() > 0 { // the records of a batch follow each other
				return s.seal(b)
			}
			if err := s.settle(ctx, b); err != nil {
				return s.fail(b, err)
			}
		}
		s.carry.take(b, min(s.carry.len(), max(space(b), 0)))
		if s.batch.at > b.Len() { // not even the part that is carried fits
			return s.larger(b)
		}
		if err := s.frame(b); err != nil {
			return s.fail(b, err)
		}
		switch {
		case s.bad.reason != nil:
			continue
		case s.batch.at < b.Len() || s.carry.len() > 0:
			return s.full(b)
		case s.broken != nil:
			return s.fail(b, s.broken)
		case s.part:
			if err := s.endPart(ctx, b); err != nil || b.Records() > 0 || s.batch.noted {
				return err
			}
			if err := s.beginPart(ctx); err != nil {
				return s.wrap("read", err)
			}
			continue
		case s.end:
			if s.batch.tail(b) > 0 && len(b.Space()) < entry {
				return s.full(b)
			}
			if err := s.finish(b); err != nil {
				return s.fail(b, err)
			}
			if s.bad.reason != nil {
				continue
			}
			s.describe(b)
			return io.EOF
		case s.enough(b):
			return s.seal(b)
		}
		n := s.step(b)
		if n <= 0 {
			return s.full(b)
		}
		s.readOn(ctx, b, n)
	}
}

// askAhead asks for a batch for the next record if that is known to need a larger
// one than b, which is new.
func (s *stream) askAhead(b *weir.Batch) error {
	size := s.framer.size()
	if b.Len() > 0 || s.bad.reason != nil || size > int64(s.o.MaxRecord) || weir.RecordSize(int(size)) <= b.Cap() {
		return nil
	}
	return &weir.NeedError{Size: weir.RecordSize(int(size))}
}

// readOn reads at most n bytes into b. What ends the stream is noted, to be seen to
// when the bytes before it have been.
func (s *stream) readOn(ctx context.Context, b *weir.Batch, n int) {
	_, err := s.origin.read(ctx, b, n)
	s.batch.noted = s.intake.pass(b) || s.batch.noted
	s.want = 0
	need, ok := err.(*weir.NeedError)
	switch {
	case err == io.EOF:
		s.end = true
	case err == errPart:
		s.part = true
	case ok && need.Size > n:
		s.want = need.Size
	case err != nil:
		s.broken = inputError(err)
	}
}

// step is how many bytes to read into b now, 0 if there is no room. What will
// remain of them when b is full must fit the carry, however short the records are:
// a byte that ends a record takes five of b.
func (s *stream) step(b *weir.Batch) int {
	left, tail, room := space(b), s.batch.tail(b), s.carry.room()
	n := room/5*4 + left/5 - entry
	if s.strict || tail+n > s.o.MaxRecord || max(tail, s.mean) > room/2 {
		// Behind a record that is bad, or that b is made larger for, may be all
		// the rest of a step.
		n = min(n, room)
	}
	if b.Records() > 0 && s.tight(left, tail) {
		n = room - tail
	}
	if s.want > 0 {
		if s.want > left {
			return 0
		}
		return s.want
	}
	return min(n, left)
}

// tight says that the record that has begun will probably not fit what is left, so
// that its beginning should be one that can be carried.
func (s *stream) tight(left, tail int) bool {
	return tail <= s.carry.room() && left < s.mean+s.mean/4-tail
}

// enough says that b should be delivered although there is room.
func (s *stream) enough(b *weir.Batch) bool {
	left, tail, room := space(b), s.batch.tail(b), s.carry.room()
	switch {
	case b.Records() == 0 && !s.batch.noted || tail > room:
		return false
	case s.batch.large && b.Records() > 0, s.origin.drained():
		return true
	}
	return left < b.Cap()/32 || s.tight(left, tail) && room-tail < room/8
}

// full delivers b, or asks for a larger one if there is nothing in it to deliver.
func (s *stream) full(b *weir.Batch) error {
	if (b.Records() > 0 || s.batch.noted) && s.batch.tail(b) <= s.carry.room() {
		return s.seal(b)
	}
	return s.larger(b)
}

// seal delivers b. The rest is carried.
func (s *stream) seal(b *weir.Batch) error {
	w := &s.batch
	tail := w.tail(b)
	if !s.carry.putBack(b.Bytes()[w.start:]) {
		return s.fail(b, errPiece(tail))
	}
	s.scanned = w.at - w.start
	b.Drop(tail)
	s.describe(b)
	return nil
}

func errPiece(n int) error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("%d bytes came at once behind a record and are to be carried: raise Carry", n)}
}

// describe says what the records of b are, and where it ends.
func (s *stream) describe(b *weir.Batch) {
	b.SetFirstRecord(s.rec - int64(b.Records()))
	b.SetHeader(s.header)
	if s.formatText == "" {
		s.formatText = s.format.String()
	}
	b.SetFormat(s.formatText)
	s.describePlace(b)
	s.setPosition(b)
}

// minNeed is the least that is asked for, so that short records do not ask often.
const minNeed = 4 << 10

// larger asks for a larger batch: an empty one if what there is can be carried.
func (s *stream) larger(b *weir.Batch) error {
	w := &s.batch
	tail := max(w.tail(b), w.at-w.start)
	size, least := int(s.framer.size()), 0
	around := w.start + entry*(b.Records()+1)
	if size <= tail { // it is not known
		size = min(max(2*tail, minNeed), s.o.MaxRecord+s.carry.room())
		least = around + tail + s.want + 1
	}
	need := around + max(size, tail+s.want+1)
	if need <= b.Cap() { // the table is what has no room
		need, least = 2*b.Cap(), 0
	}
	if b.Records() == 0 && !w.noted && s.carry.putBack(b.Bytes()[w.start:]) {
		s.scanned = w.at - w.start
		b.Drop(w.tail(b))
		w.asked = true
		return &weir.NeedError{Size: need, Least: least}
	}
	w.kept = true
	return &weir.NeedError{Size: need, Least: least}
}

// fail ends the stream with err. The records before it are delivered first.
func (s *stream) fail(b *weir.Batch, err error) error {
	s.err = s.wrap("read", err)
	if b.Records() == 0 && !s.batch.noted {
		return s.err
	}
	b.Drop(s.batch.tail(b))
	s.describe(b)
	return nil
}

// readBytes fills b with bytes that are no records.
func (s *stream) readBytes(ctx context.Context, b *weir.Batch) error {
	s.carry.take(b, min(s.carry.len(), b.Cap()))
	for !s.end && s.broken == nil && len(b.Space()) > 0 && (b.Len() == 0 || !s.origin.drained()) {
		s.readOn(ctx, b, len(b.Space()))
		s.part = false // bytes have none
		if s.want > 0 {
			break
		}
	}
	s.off += int64(b.Len())
	s.setPosition(b)
	switch {
	case s.broken != nil:
		s.err = s.wrap("read", s.broken)
		if b.Len() == 0 {
			return s.err
		}
	case s.want > 0 && b.Len() == 0:
		return &weir.NeedError{Size: s.want}
	case s.end && s.carry.len() == 0:
		return io.EOF
	}
	return nil
}
