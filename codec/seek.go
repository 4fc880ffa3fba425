package codec

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// Seek continues at p.
func (s *stream) Seek(ctx context.Context, p weir.Position) error {
	err := s.seek(ctx, p)
	if err == nil {
		return nil
	}
	if s.err == nil && s.primed { // it stands nowhere
		s.err = s.wrap("seek", err)
	}
	return s.wrap("seek", err)
}

func (s *stream) seek(ctx context.Context, text weir.Position) error {
	p, err := parsePosition(text)
	if err != nil {
		return &weir.Error{Kind: weir.Invalid, Err: err}
	}
	if len(p.inner) > 0 && s.canAdopt() {
		err = s.adopt(&p)
	} else {
		err = s.prime(ctx)
	}
	if err != nil {
		return err
	}
	if p.spec != s.spec {
		return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("the position is of a stream of %s; this one is %s", p.spec, s.spec)}
	}
	if len(p.inner) > 0 {
		err = s.comeBack(ctx, &p)
	} else {
		err = s.startAgain(ctx, &p)
	}
	if err != nil {
		return err
	}
	if s.framer != nil && !s.framer.restore(p.state) || s.framer == nil && p.state != 0 {
		return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("%w: %s", errNotPosition, text)}
	}
	s.off, s.rec, s.line = p.off, p.rec, p.line
	return nil
}

// comeBack goes to a position of the inner stream and skips from there.
func (s *stream) comeBack(ctx context.Context, p *position) error {
	if err := s.origin.rewind(ctx, p); err != nil {
		return err
	}
	s.end, s.part, s.parted = false, false, p.state == partBegins
	if s.parted {
		p.state = 0
	}
	s.carry.skip(s.carry.len())
	if err := s.findHeader(ctx); err != nil {
		return err
	}
	return s.skip(ctx, p)
}

// startAgain skips from the beginning.
func (s *stream) startAgain(ctx context.Context, p *position) error {
	if p.off < s.off {
		return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("the position is at offset %d; the records begin at %d", p.off, s.off)}
	}
	p.skip = p.off - s.off
	if err := s.skip(ctx, p); err != nil {
		return err
	}
	if s.intake.fingerprint(p.head.bytes) != p.head {
		return &weir.Error{Kind: weir.Corrupt, Err: errors.New("replaced: its first bytes have changed; read it from its beginning")}
	}
	return nil
}

// skip leaves out the bytes that p says, or less if a part begins among them: then p
// is there.
func (s *stream) skip(ctx context.Context, p *position) error {
	for n := p.skip; ; {
		k := min(n, int64(s.carry.len()))
		s.carry.skip(int(k))
		if n -= k; n == 0 {
			return nil
		}
		if s.end {
			return endsEarly(io.EOF)
		}
		s.carry.reset()
		_, err := s.origin.read(ctx, s.carry.slab, s.carry.room())
		if err == errPart {
			s.parted, p.state, p.off = true, 0, p.off-n
			return nil
		}
		if err != nil && err != io.EOF {
			return inputError(err)
		}
		s.end = err == io.EOF
	}
}

// setPosition gives b the position behind it, if there is one.
func (s *stream) setPosition(b *weir.Batch) {
	p := &s.pos
	if !s.origin.locate(s.off, p) {
		return
	}
	p.spec, p.state, p.rec, p.off, p.line = s.spec, 0, s.rec, s.off, s.line
	switch {
	case s.parted:
		p.state = partBegins
	case s.framer != nil:
		p.state = s.framer.mark()
	}
	if s.text = p.append(s.text[:0]); len(s.text) <= weir.MaxPosition {
		b.SetPosition(s.text)
	}
}
