package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/weirflow/weir"
)

// writerBytes is what a Writer takes beside the pieces and the header.
const writerBytes = 1 << 10

// pieceBytes is the largest write of what stands around records, in bytes.
const pieceBytes = 4 << 10

// errOtherHeader is the error of a stream whose batches have different headers.
var errOtherHeader = errors.New("the columns have changed within the stream")

// An encodedSink adds to each stream what stands around its records.
type encodedSink struct {
	weir.Sink
	e *Encoder
}

// String names the inner sink.
func (s *encodedSink) String() string {
	if named, ok := s.Sink.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", s.Sink)
}

// Footprint is the inner sink's, and what the Writers hold.
func (s *encodedSink) Footprint() weir.Footprint {
	fp := s.Sink.Footprint()
	if s.e.ordered() {
		fp.MaxInFlight = 1
	}
	if s.e.joint != nil {
		fp.MaxWriters, fp.Resumes = 1, weir.ResumesNot
	}
	fp.PerWriter += writerBytes
	if s.e.surrounds() {
		fp.PerWriter += pieceBytes
	}
	if s.e.to.hasHeader() {
		fp.PerWriter += 4 * maxHeader
	}
	if s.e.finder != nil {
		fp.PerWriter += foundMemory
	}
	return fp
}

// Open opens a Writer of the inner sink, under the name that the stream has there.
func (s *encodedSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	stream, watched := info.Name, s.e.watch.of(watchKey(info))
	if s.e.joint != nil && watched == nil {
		return nil, &weir.Error{Kind: weir.Invalid, Err: errNotWatched}
	}
	info.Name = s.e.Rename(stream)
	if s.e.finder != nil {
		if err := s.e.finder.open(stream); err != nil {
			return nil, err
		}
	}
	inner, err := s.Sink.Open(ctx, info)
	if err != nil {
		if s.e.finder != nil {
			s.e.finder.close(stream)
		}
		return nil, err
	}
	limit := pieceBytes
	if most := s.Sink.Footprint().MaxWrite; most > 0 {
		limit = min(limit, most)
	}
	w := &encodedWriter{Writer: inner, e: s.e, stream: stream, watched: watched, giveUp: inner.Abort}
	if d, ok := inner.(weir.Divider); ok {
		w.parts = d.Divide()
	}
	if s.e.surrounds() || s.e.to.hasHeader() {
		w.piece = weir.NewBatch(limit)
	}
	if s.e.joint != nil {
		return w, nil
	}
	switch inner := inner.(type) {
	case weir.Resumer:
		w.giveUp = inner.Suspend
		return &resumableWriter{flushingWriter{w, inner}, inner}, nil
	case weir.Flusher:
		return &flushingWriter{w, inner}, nil
	}
	return w, nil
}

// An encodedWriter writes what stands around the records of one stream.
type encodedWriter struct {
	weir.Writer
	e       *Encoder
	stream  string                             // its name
	watched *watched                           // nil: it is not
	piece   *weir.Batch                        // for what stands around records; nil: nothing does
	giveUp  func(context.Context, error) error // ends Writer if Commit cannot be called
	parts   weir.Parts                         // nil: the stream is one
	view    weir.Batch                         // of what goes into a part

	begun    atomic.Bool // something was written
	finished bool        // the end was written
	header   []byte      // that was written, or nil
	sum      uint32      // of the header that an earlier run wrote; 0: none
}

// Write writes what stands before b, and b.
func (w *encodedWriter) Write(ctx context.Context, b *weir.Batch) error {
	if w.parts != nil {
		return w.divide(ctx, b)
	}
	if err := w.before(ctx, b); err != nil {
		return err
	}
	return w.Writer.Write(ctx, b)
}

// fresh reports whether nothing stands yet where b will: in the stream, or in the part.
func (w *encodedWriter) fresh() bool {
	if w.parts != nil {
		return !w.parts.Begun()
	}
	return !w.begun.Load()
}

// before writes what stands before b.
func (w *encodedWriter) before(ctx context.Context, b *weir.Batch) error {
	fresh := w.fresh()
	if w.e.to.hasHeader() {
		if err := w.checkHeader(b.Header()); err != nil {
			return err
		}
		if fresh {
			if err := w.writeHeader(ctx, b.Header()); err != nil {
				return err
			}
		}
	}
	w.begun.Store(true)
	if fresh && !w.e.joint.begin() {
		return w.put(ctx, w.e.pieces.begin)
	}
	return w.put(ctx, w.e.pieces.between)
}

// checkHeader makes sure that the header is the same all over the stream.
func (w *encodedWriter) checkHeader(header []byte) error {
	switch {
	case w.header != nil:
		if !bytes.Equal(header, w.header) {
			return &weir.Error{Kind: weir.Rejected, Err: errOtherHeader}
		}
	case len(header) == 0:
		return &weir.Error{Kind: weir.Rejected, Err: errors.New("the stream has no header")}
	case w.begun.Load() && headerSum(header) != w.sum:
		return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf("%w since an earlier run wrote them; start over with --fresh", errOtherHeader)}
	}
	w.header = header
	return nil
}

// writeHeader writes the header, if no stream before has written it to the same output.
func (w *encodedWriter) writeHeader(ctx context.Context, header []byte) error {
	shared, err := w.e.joint.share(w.stream, header, w.e.to, w.e.packer != nil)
	if err != nil || shared {
		return err
	}
	if err := w.put(ctx, header); err != nil {
		return err
	}
	if w.e.packer == nil && header[len(header)-1] != '\n' {
		return w.put(ctx, []byte{'\n'})
	}
	return nil
}

// put writes bytes that are not of a batch.
func (w *encodedWriter) put(ctx context.Context, piece []byte) error {
	for len(piece) > 0 {
		w.piece.Reset()
		n := copy(w.piece.Space(), piece)
		w.piece.Advance(n)
		if err := w.Writer.Write(ctx, w.piece); err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}

// Finish writes what stands behind the last record, once.
func (w *encodedWriter) Finish(ctx context.Context) error {
	if w.finished {
		return nil
	}
	if err := w.after(ctx); err != nil {
		return err
	}
	w.finished = true
	return nil
}

// after writes what stands behind the last record.
func (w *encodedWriter) after(ctx context.Context) error {
	begun := w.begun.Load()
	if begun && w.fresh() {
		return nil // there are parts, and each has its end
	}
	if w.e.to.hasHeader() {
		if begun {
			return nil
		}
		header, err := w.lonelyHeader()
		switch {
		case err != nil:
			return err
		case len(header) == 0:
			return w.put(ctx, w.e.pieces.empty)
		}
		return w.writeHeader(ctx, header)
	}
	if w.e.joint != nil {
		var broken bool
		if begun, broken = w.e.joint.state(); broken || w.watched.isFollowed() {
			return nil
		}
	}
	if !begun {
		return w.put(ctx, w.e.pieces.empty)
	}
	return w.put(ctx, w.e.pieces.end)
}

// lonelyHeader returns the header of a stream without records as it is written, or
// nothing if it is not known.
func (w *encodedWriter) lonelyHeader() ([]byte, error) {
	if w.e.given {
		return w.e.pieces.empty, nil
	}
	header, format := w.watched.headerAndFormat()
	if !w.e.headers || len(header) == 0 {
		return nil, nil
	}
	made, err := w.e.convertHeader(header, format)
	if err != nil || w.e.packer == nil {
		return made, err
	}
	return w.e.packer.lonely(made)
}

// Commit writes what stands behind the last record and commits.
func (w *encodedWriter) Commit(ctx context.Context) error {
	defer w.close()
	if err := w.Finish(ctx); err != nil {
		w.e.joint.fail()
		return errors.Join(err, w.giveUp(ctx, err))
	}
	return w.Writer.Commit(ctx)
}

// Abort aborts.
func (w *encodedWriter) Abort(ctx context.Context, cause error) error {
	defer w.close()
	w.e.joint.fail()
	return w.Writer.Abort(ctx, cause)
}

// close forgets what was found of the stream.
func (w *encodedWriter) close() {
	if w.e.finder != nil {
		w.e.finder.close(w.stream)
	}
}
