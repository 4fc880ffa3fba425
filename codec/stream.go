package codec

import (
	"context"
	"errors"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
)

// stream is a stream with records.
//
// What it reads goes through three hands. The origin gives bytes, decompressed.
// The framer says where records end. The carry holds what is left of a batch when
// no further record fits. A batch is filled like this:
//
//	take what is carried -> { look for records -> read on } -> carry the rest
//
// Between two calls all bytes that were read and not delivered are in the carry,
// or in the batch itself if a NeedError asked for a larger one.
type stream struct {
	inner weir.Stream
	o     *SourceOptions
	info  weir.StreamInfo
	spec  string // for positions

	intake *intake
	opener opener
	origin origin
	primed bool
	carry  carry
	end    bool  // the origin has no more
	part   bool  // something of its own comes next: see part.go
	parted bool  // and what came before it is delivered
	broken error // why it has no more, if that is not its end
	err    error // that ended the stream

	format  Format
	guessed bool // it is that of a table, by its first bytes

	formatText string // of format, once it is known

	strict  bool // a short record may be bad
	framer  framer
	check   func(record []byte) error // nil: none
	payload func(record []byte) []byte
	excerpt []byte // room for that of a bad record
	header  []byte
	fields  int // of the header

	off     int64 // of the first record that is not delivered, in decompressed bytes
	rec     int64 // its number, from 1
	line    int64 // where it begins, with the empty lines before it, from 1; 0: not known, or Lines
	scanned int   // of its carried bytes, those that the framer has seen
	bad     badRecord

	batch window      // the batch that is being filled
	mean  int         // size of a record, lately
	want  int         // the inner stream asked for so much room
	ends  [512]uint32 // room for the framer
	text  []byte      // room for a position
	pos   position
}

var (
	_ weir.Stream    = (*stream)(nil)
	_ weir.Reserver  = (*stream)(nil)
	_ weir.Committer = (*stream)(nil)
)

func newStream(inner weir.Stream, o *SourceOptions) *stream {
	s := &stream{inner: inner, o: o, info: inner.Info(), intake: newIntake(inner), rec: 1}
	f, m, found, sure := o.specOf(s.info.Name)
	s.format = f
	s.opener = opener{o: o, method: m, found: found, plain: found && !sure, text: f.Name == Auto || isText(f.Name), grows: s.info.Endless}
	if !found || m != compress.None {
		s.info.Size = weir.UnknownSize
	}
	if o.Rename != nil {
		s.info.Name = o.Rename(s.info.Name)
	}
	return s
}

func isText(name string) bool {
	row, ok := lookup(name)
	return ok && row.text
}

// Info describes the inner stream. The size is known where the name or the options
// say that it is not compressed.
func (s *stream) Info() weir.StreamInfo { return s.info }

// Reserve finds out what the decoder will hold, and adds what the inner stream
// does.
func (s *stream) Reserve(ctx context.Context) (n int64, err error) {
	if inner, ok := s.inner.(weir.Reserver); ok {
		if n, err = inner.Reserve(ctx); err != nil {
			return 0, err
		}
	}
	if err := s.opener.open(ctx, s.intake); err != nil {
		return 0, s.wrap("open", err)
	}
	n += s.opener.memory() + int64(s.carrySize())
	if s.format.Name != Bytes {
		n += weir.MaxExcerpt
	}
	if s.format.Name == Auto || s.format.hasHeader() {
		n += int64(s.carrySize())
	}
	return n, nil
}

// carrySize is less for streams that are known to be short.
func (s *stream) carrySize() int {
	most := s.o.Carry
	if s.format.Name == Bytes {
		most = minCarry
	}
	if s.info.Size == weir.UnknownSize {
		return most
	}
	return int(min(int64(most), max(s.info.Size, minCarry)))
}

// Close closes the inner stream.
func (s *stream) Close() error { return s.inner.Close() }

// Committed passes on the inner stream's part of the position.
func (s *stream) Committed(ctx context.Context, upTo weir.Position) error {
	inner, ok := s.inner.(weir.Committer)
	if !ok {
		return nil
	}
	p, err := parsePosition(upTo)
	if err != nil || len(p.inner) == 0 {
		return err
	}
	return inner.Committed(ctx, p.inner)
}

// Read fills b with records.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if s.err != nil {
		return s.err
	}
	s.intake.waited = 0 // what was waited before is none of this Read's time
	err := s.prime(ctx)
	if err == nil && s.parted {
		err = s.beginPart(ctx)
	}
	if err == nil {
		err = s.batch.begin(b, s.scanned)
	}
	if err != nil {
		return s.wrap("read", err)
	}
	s.batch.noted = s.intake.pass(b) || s.batch.noted
	if s.framer == nil {
		return s.readBytes(ctx, b)
	}
	return s.fill(ctx, b)
}

// wrap returns err as a *weir.Error of this stream, with the Kind that its cause
// has. What the inner stream made one already is passed on.
func (s *stream) wrap(op string, err error) error {
	var known *weir.Error
	var window *compress.WindowError
	var damaged *compress.Error
	var kind weir.Kind
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		if known.Op != "" {
			return err
		}
		kind, err = known.Kind, known.Err
	case errors.As(err, &window), errors.Is(err, compress.ErrRatio):
		kind = weir.Rejected
	case errors.As(err, &damaged):
		kind = weir.Corrupt
	default:
		return err
	}
	return &weir.Error{Op: op, Stream: s.info.Name, Kind: kind, Err: err}
}
