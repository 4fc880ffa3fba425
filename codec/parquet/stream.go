package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// recordFormat is what the records are.
const recordFormat = "ndjson"

// stream reads the rows of one file.
type stream struct {
	inner weir.Stream
	src   io.ReaderAt // of inner; nil: it cannot be read at any place
	info  weir.StreamInfo
	size  int64 // of the file, in bytes
	o     Options

	plan    *plan
	meta    *metadata
	pages   pages
	chunks  []chunk
	record  record
	row     int64 // rows before the next one
	left    int64 // rows of the row group that are not yet written
	pending bool  // the columns are at the next row already
	failed  error
	text    [weir.MaxPosition]byte
}

var (
	_ weir.Stream   = (*stream)(nil)
	_ weir.Reserver = (*stream)(nil)
)

// newStream wraps inner, whose Close it owns. What is wrong with inner, or with the
// options, is the error of everything that is asked of the stream.
func newStream(inner weir.Stream, o Options) *stream {
	info := inner.Info()
	s := &stream{inner: inner, size: info.Size, o: o}
	if src, ok := inner.(io.ReaderAt); ok && info.Size >= 0 {
		s.src = src
	}
	if err := o.validate(); err != nil {
		s.failed = invalid("%w", err)
	}
	s.info = info
	s.info.Size = weir.UnknownSize
	s.info.Name = o.name(info.Name)
	return s
}

// Info describes the stream of records; their size is not known ahead.
func (s *stream) Info() weir.StreamInfo { return s.info }

// Reserve reads the headers of all pages of the file.
func (s *stream) Reserve(ctx context.Context) (int64, error) {
	n, err := s.reserve(ctx)
	if r, ok := s.inner.(weir.Reserver); ok && err == nil {
		inner, err := r.Reserve(ctx)
		return n + inner, err
	}
	return n, s.wrap("open", err)
}

func (s *stream) reserve(ctx context.Context) (n int64, err error) {
	defer s.settle(&err)
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	m, p, err := s.open(ctx)
	if err != nil {
		return 0, err
	}
	s.plan = p
	return p.held(m.schema), nil
}

// open reads what the file says of itself, and how much room reading it takes.
func (s *stream) open(ctx context.Context) (*metadata, *plan, error) {
	m, err := openMetadata(ctx, s.src, s.size, s.o.Columns)
	if err != nil {
		return nil, nil, err
	}
	p := s.plan
	if p == nil {
		p, err = newPlan(ctx, m)
	}
	return m, p, err
}

// usable returns why the stream cannot go on, or cannot begin.
func (s *stream) usable(ctx context.Context) error {
	if s.failed != nil || s.src != nil {
		return s.failed
	}
	// A file that could not be opened says so whatever it is asked.
	var e *weir.Error
	if err := s.inner.Seek(ctx, nil); errors.As(err, &e) && e.Op == "open" {
		return err
	}
	return invalid("parquet needs a file that can be read at any place, whose size is known; download it first")
}

// settle is deferred: it turns a panic over what is in the file into an error, and
// remembers an error after which the stream cannot go on.
func (s *stream) settle(err *error) {
	if v := recover(); v != nil {
		*err = fault(v)
	}
	if _, need := (*err).(*weir.NeedError); *err != nil && *err != io.EOF && !need {
		s.failed = *err
	}
}

func (s *stream) wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return newError(op, s.info.Name, err)
}

// start makes the room for reading, once.
func (s *stream) start(ctx context.Context) error {
	if s.meta != nil {
		return nil
	}
	m, p, err := s.open(ctx)
	if err != nil {
		return err
	}
	if len(p.columns) != len(m.schema.leaves) {
		return corrupt("%w", errPlanned)
	}
	s.chunks = make([]chunk, len(p.columns))
	s.pages = pages{src: s.src, limit: m.pages, compressed: make([]byte, p.compressed)}
	s.pages.headers = compact{src: s.src, window: make([]byte, headerWindow)}
	s.record.pages, s.record.limit = &s.pages, s.o.MaxRecord
	for i, l := range m.schema.leaves {
		c := newColumn(l, p.columns[i])
		s.record.columns = append(s.record.columns, c)
		if l.maxRep > 0 {
			s.record.lists = append(s.record.lists, c)
		}
	}
	s.meta, s.plan = m, p
	return nil
}

// nextGroup goes to the next row group. It returns io.EOF behind the last one.
func (s *stream) nextGroup(ctx context.Context) error {
	for i, c := range s.record.columns {
		if s.chunks[i] != (chunk{}) && (c.entries > 0 || c.after > 0 || c.leaf.maxRep > 0 && c.there) {
			return corrupt("column %q has more values than the rows of its row group need", c.leaf.path)
		}
	}
	rows, err := s.meta.nextGroup(ctx, s.chunks)
	if err != nil {
		return err
	}
	for i, c := range s.record.columns {
		if c.leaf.maxRep == 0 && s.chunks[i].values != rows {
			return corrupt("column %q has %d values in a row group of %d rows", c.leaf.path, s.chunks[i].values, rows)
		}
		if err := codecError(s.chunks[i].codec); err != nil {
			return err
		}
		c.open(s.chunks[i])
		if c.leaf.maxRep > 0 {
			if err := c.advance(ctx, &s.pages); err != nil {
				return err
			}
		}
	}
	s.left = rows
	return nil
}

// Seek continues behind the row of p, if the file is the one that p is of.
func (s *stream) Seek(ctx context.Context, p weir.Position) error {
	err := s.wrap("seek", s.seek(ctx, p))
	var e *weir.Error
	if errors.As(err, &e) && e.Position == nil {
		e.Position = p
	}
	return err
}

func (s *stream) seek(ctx context.Context, p weir.Position) (err error) {
	defer s.settle(&err)
	if err := s.usable(ctx); err != nil {
		return err
	}
	row, file, err := parsePosition(p)
	if err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if file != s.meta.id {
		return corrupt("replaced: it is another file than the one the position is of; read it from its beginning")
	}
	for s.row < row {
		if s.left == 0 {
			if err := s.nextGroup(ctx); errors.Is(err, io.EOF) {
				return invalid("the position is behind row %d and the file has %d", row, s.row)
			} else if err != nil {
				return err
			}
		}
		n := min(s.left, row-s.row)
		if n < s.left {
			for _, c := range s.record.columns {
				if err := c.skip(ctx, &s.pages, n); err != nil {
					return err
				}
			}
		} else {
			clear(s.chunks) // the columns are not at their ends
		}
		s.row += n
		s.left -= n
	}
	return nil
}

// Read writes rows as JSON into b as long as they fit.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := s.fill(ctx, b)
	switch err.(type) {
	case nil, *weir.NeedError:
		return err
	}
	if err == io.EOF {
		return err
	}
	err = s.wrap("read", err)
	var e *weir.Error
	if errors.As(err, &e) && e.Position == nil && s.meta != nil {
		e.Position = appendPosition(nil, s.row, s.meta.id)
	}
	return err
}

func (s *stream) fill(ctx context.Context, b *weir.Batch) (err error) {
	defer s.settle(&err)
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	b.SetFirstRecord(s.row + 1)
	b.SetFormat(recordFormat)
	s.record.ctx = ctx
	for {
		for s.left == 0 {
			if err := s.nextGroup(ctx); err != nil {
				if err == io.EOF {
					s.mark(b)
				}
				return err
			}
		}
		if err := s.begin(ctx); err != nil {
			return err
		}
		s.record.out.reset(roomFor(b.Space()))
		err := s.record.write(&s.meta.schema.root)
		switch {
		case err == errTooLong:
			if more, err := s.tooLong(ctx, b); err != nil || !more {
				return err
			}
			continue
		case err != nil:
			return err
		case !s.record.out.fits():
			return s.full(ctx, b)
		}
		b.Advance(s.record.out.n)
		b.EndRecord()
		s.next()
	}
}

// mark sets the position after b.
func (s *stream) mark(b *weir.Batch) {
	b.SetPosition(appendPosition(s.text[:0], s.row, s.meta.id))
}

// roomFor is the part of a batch's space that one more record may take.
func roomFor(space []byte) []byte {
	return space[:max(0, len(space)-weir.RecordSize(0))]
}

// begin takes every column to its first entry of the next row. It does nothing if
// they are there already.
func (s *stream) begin(ctx context.Context) error {
	if s.pending {
		return nil
	}
	for _, c := range s.record.columns {
		if c.leaf.maxRep == 0 {
			if err := c.advance(ctx, &s.pages); err != nil {
				return err
			}
		}
		if !c.there {
			return corrupt("column %q ends before row %d", c.leaf.path, s.row)
		}
		if c.leaf.maxRep > 0 {
			if c.rep != 0 {
				return corrupt("column %q: %w", c.leaf.path, errDisagree)
			}
			c.save()
		}
	}
	s.pending = true
	return nil
}

// tooLong has the policy decide about the row, and goes on behind it. It reports
// false when that must wait for the next batch, so that the records of one follow each
// other.
func (s *stream) tooLong(ctx context.Context, b *weir.Batch) (more bool, err error) {
	for _, c := range s.record.lists {
		if err := c.restore(ctx, &s.pages); err != nil {
			return false, err
		}
	}
	if b.Records() > 0 {
		s.mark(b)
		return false, nil
	}
	r := weir.BadRecord{
		Stage: "parquet", Stream: s.info.Name, Record: s.row + 1, Offset: -1, Size: int64(s.record.out.n),
		Reason: fmt.Errorf("%w (%d bytes)", errTooLong, s.o.MaxRecord),
	}
	if err := s.o.Bad.Decide(ctx, &r, b); err != nil {
		return false, err
	}
	for _, c := range s.record.lists {
		if err := c.skip(ctx, &s.pages, 1); err != nil {
			return false, err
		}
	}
	s.next()
	b.SetFirstRecord(s.row + 1)
	return true, nil
}

// next counts a row.
func (s *stream) next() {
	s.pending = false
	s.row++
	s.left--
}

// full ends a batch that the row did not fit, with the columns at the row again.
func (s *stream) full(ctx context.Context, b *weir.Batch) error {
	need := s.record.out.n
	for _, c := range s.record.lists {
		if err := c.restore(ctx, &s.pages); err != nil {
			return err
		}
	}
	if b.Records() == 0 && b.Noted(weir.Skipped).Records+b.Noted(weir.DeadLettered).Records == 0 {
		return &weir.NeedError{Size: weir.RecordSize(need)}
	}
	s.mark(b)
	return nil
}

// Close closes the file.
func (s *stream) Close() error { return s.inner.Close() }
