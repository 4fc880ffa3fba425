package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/codec/jsonscan"
)

// prime gets the stream ready for its first Read or Seek: everything that has to
// be known of its beginning is.
func (s *stream) prime(ctx context.Context) error {
	if s.primed {
		return nil
	}
	if err := s.opener.open(ctx, s.intake); err != nil {
		return err
	}
	err := s.openOrigin()
	if err == nil {
		err = s.openFormat(ctx)
	}
	for err == errPart { // nothing was found yet
		err = s.openFormat(ctx)
	}
	if err != nil {
		s.err = s.wrap("read", err)
		return err
	}
	s.setPrimed()
	return nil
}

// setPrimed notes that everything is known of the beginning.
func (s *stream) setPrimed() {
	s.spec = s.format.Name
	if m := s.opener.method; m != compress.None {
		s.spec += "+" + m.String()
	}
	s.primed = true
}

// openOrigin gives what was read of the beginning to whom it belongs.
func (s *stream) openOrigin() error {
	head := s.opener.takeHead()
	s.carry = newCarry(max(s.carrySize(), len(head)))
	if s.opener.method == compress.None {
		s.origin = plain{s.intake}
		s.carry.putBack(head)
		s.end = s.intake.end
		return nil
	}
	u, err := newUnpack(s.intake, head, s.opener.method, s.opener.limits)
	s.origin = u
	return err
}

// openFormat looks at the beginning of what is in the stream, and gets the framer
// ready for what follows.
func (s *stream) openFormat(ctx context.Context) error {
	if err := s.openText(ctx); err != nil {
		return err
	}
	if s.format.Name == Auto {
		if err := s.sniff(ctx); err != nil {
			return err
		}
	}
	s.countLines()
	if err := s.openFramer(); err != nil || s.framer == nil {
		return err
	}
	if !s.format.hasHeader() {
		return nil
	}
	if err := s.readHeader(ctx); err != nil {
		return err
	}
	if s.guessed {
		s.o.Table(s.info.Name, s.format, s.header)
	}
	return nil
}

// openText skips a byte order mark. Of what grows it makes sure here that it is not
// compressed, as far as it is text.
func (s *stream) openText(ctx context.Context) error {
	if !s.opener.text {
		return nil
	}
	enough := bomSettled
	if s.opener.grows {
		enough = func(head []byte) bool { return settled(head) && bomSettled(head) }
	}
	if err := s.look(ctx, enough); err != nil {
		return err
	}
	if m := compress.Detect(s.carry.bytes()); s.opener.grows && m != compress.None {
		return errGrowing(m)
	}
	n, err := bom(s.carry.bytes())
	if err != nil {
		return &weir.Error{Kind: weir.Invalid, Err: err}
	}
	s.skipCarried(n)
	return nil
}

// openFramer gets the framer of the format ready. There is none for bytes.
func (s *stream) openFramer() error {
	row, _ := lookup(s.format.Name)
	if row.framer == nil {
		return nil
	}
	s.framer = row.framer(s.format)
	s.payload = row.payload(s.format)
	s.excerpt = make([]byte, 0, weir.MaxExcerpt)
	if whole, ok := s.framer.(*wholeFramer); ok {
		if s.opener.grows {
			return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("what is followed has no end, so it cannot be one record (%s)", Whole)}
		}
		whole.bytes = max(s.info.Size, 0)
	}
	s.openChecks(row)
	return nil
}

// sniff finds the format by the first bytes.
func (s *stream) sniff(ctx context.Context) error {
	enough := func(head []byte) bool { _, ok := firstLine(head); return ok }
	if err := s.look(ctx, enough); err != nil {
		return err
	}
	s.format = sniffFormat(s.carry.bytes()).withDefaults()
	if s.format.Name != Lines || s.o.Table == nil {
		return nil
	}
	if err := s.look(ctx, enoughRows); err != nil {
		return err
	}
	head := s.carry.bytes()
	if f, ok := sniffTable(head[:min(len(head), sniffSize)], s.end && len(head) <= sniffSize); ok {
		s.format, s.guessed = f.withDefaults(), true
	}
	return nil
}

// openChecks says what is looked at in a record.
func (s *stream) openChecks(row *format) {
	if s.o.Validate {
		switch {
		case s.format.Name == NDJSON || s.format.Name == JSON:
			s.check = func(rec []byte) error { return jsonscan.Check(s.payload(rec)) }
		case s.format.hasHeader():
			s.check = s.checkFields
		}
	}
	s.strict = row.strict || s.check != nil || s.o.UTF8 == RejectInvalid
}

// look reads on, into the carry, until there is enough or no more.
func (s *stream) look(ctx context.Context, enough func([]byte) bool) error {
	for !enough(s.carry.bytes()) && !s.end {
		room := len(s.carry.slab.Space())
		if room == 0 {
			return nil
		}
		_, err := s.origin.read(ctx, s.carry.slab, min(room, sniffSize))
		if err == errPart { // what came before had no beginning
			s.skipCarried(s.carry.len())
			return err
		}
		if err != nil && err != io.EOF {
			return inputError(err)
		}
		s.end = err == io.EOF
	}
	return nil
}

// skipCarried leaves out the first n bytes that are carried.
func (s *stream) skipCarried(n int) {
	s.passLines(s.carry.bytes()[:n])
	s.carry.skip(n)
	s.off += int64(n)
}

// ErrLongHeader is the error of a stream whose header is larger than what is set aside
// for it, SourceOptions.Carry.
var ErrLongHeader = errors.New("the header is longer than")

// readHeader takes the first row.
func (s *stream) readHeader(ctx context.Context) error {
	at, end := 0, [1]uint32{}
	var bad error
	ended := func(head []byte) bool {
		var n int
		n, at, bad = s.framer.frame(head, at, end[:])
		return n > 0 || bad != nil
	}
	if err := s.look(ctx, ended); err != nil {
		return err
	}
	head := s.carry.bytes()
	switch {
	case bad == nil && end[0] == 0 && !s.end:
		return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf("%w %d bytes", ErrLongHeader, s.carry.room())}
	case bad == nil && end[0] == 0:
		end[0] = uint32(len(head))
		_, bad = s.framer.finish()
	}
	if bad != nil {
		return &weir.Error{Kind: weir.Corrupt, Err: fmt.Errorf("the header: %w", bad)}
	}
	if err := s.setHeader(head[:end[0]]); err != nil {
		return err
	}
	s.skipCarried(int(end[0]))
	s.framer.restore(0)
	return nil
}

// setHeader makes row the header. Batches may have the one before it.
func (s *stream) setHeader(row []byte) error {
	s.header = bytes.Clone(s.payload(row))
	if hasBareCR(s.header, s.format) {
		return headerError("a CR is in it that no LF follows: lines must end with LF or CRLF; make them so first (tr '\\r' '\\n')")
	}
	s.fields = countFields(s.header, s.format.Separator, !s.format.NoQuotes)
	return nil
}

var errFields = errors.New("it has not as many fields as the header")

func (s *stream) checkFields(rec []byte) error {
	n := countFields(s.payload(rec), s.format.Separator, !s.format.NoQuotes)
	if n == s.fields {
		return nil
	}
	return fmt.Errorf("%w: %d instead of %d", errFields, n, s.fields)
}
