package codec

import (
	"context"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// A stream that grows may be of several parts, such as the files that a followed name
// leads to: see weir.Batch.SetBegins. A record ends where its part does, and where
// there is a header each part has its own.

// partBegins is the state of a position where a part begins.
const partBegins = 255

// endPart delivers what there is before a part begins. The record that has begun ends.
func (s *stream) endPart(ctx context.Context, b *weir.Batch) error {
	if s.batch.tail(b) > 0 && len(b.Space()) < entry {
		return s.full(b)
	}
	if err := s.finish(b); err != nil {
		return s.fail(b, err)
	}
	if s.bad.reason != nil && b.Records() == 0 {
		if err := s.settle(ctx, b); err != nil {
			return s.fail(b, err)
		}
	}
	s.parted = s.bad.reason == nil
	s.describe(b)
	return nil
}

// beginPart reads what stands above the records of a part, once what came before it
// is delivered.
func (s *stream) beginPart(ctx context.Context) error {
	err := errPart
	for s.framer != nil && err == errPart {
		s.framer.restore(0)
		s.scanned = 0
		s.carry.reset()
		s.countLines()
		if err = s.openText(ctx); err == nil && s.format.hasHeader() {
			err = s.readHeader(ctx)
		}
	}
	if s.framer != nil && err != nil {
		return err
	}
	s.part, s.parted = false, false
	return nil
}

// canAdopt reports whether a position says all that has to be known of the stream's
// beginning: there may be something else by now where that is.
func (s *stream) canAdopt() bool {
	_, ok := s.inner.(io.ReaderAt)
	return ok && s.opener.grows && !s.primed
}

// adopt makes s the stream that p is of, without reading it.
func (s *stream) adopt(p *position) error {
	if err := s.opener.openGrowing(); err != nil {
		return err
	}
	if s.format.Name == Auto {
		spec, err := ParseSpec(p.spec)
		if err != nil || spec.Compression != "" {
			return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("the position is of a stream of %s, which cannot be followed", p.spec)}
		}
		s.format = spec.Format.withDefaults()
	}
	if err := s.openOrigin(); err != nil {
		return err
	}
	if err := s.openFramer(); err != nil {
		return err
	}
	s.setPrimed()
	return nil
}

// findHeader reads the header at the beginning of what the inner stream is at, if it
// was not read on the way.
func (s *stream) findHeader(ctx context.Context) error {
	src, ok := s.inner.(io.ReaderAt)
	if !ok || !s.opener.grows || s.framer == nil || !s.format.hasHeader() {
		return nil
	}
	head := make([]byte, s.carry.room())
	n, err := src.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	head = head[:n]
	mark, err := bom(head)
	if err != nil {
		return &weir.Error{Kind: weir.Invalid, Err: err}
	}
	var end [1]uint32
	ends, _, err := s.framer.frame(head, mark, end[:])
	s.framer.restore(0)
	switch {
	case err != nil:
		return &weir.Error{Kind: weir.Corrupt, Err: fmt.Errorf("the header: %w", err)}
	case ends > 0:
		return s.setHeader(head[mark:end[0]])
	default: // a part begins, with one that is not there yet
		s.header = nil
	}
	return nil
}
