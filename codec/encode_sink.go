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
	fp.PerWriter += writerBytes
	if s.e.surrounds() {
		fp.PerWriter += pieceBytes
	}
	if s.e.to.hasHeader() {
		fp.PerWriter += 2 * maxHeader
	}
	if s.e.finder != nil {
		fp.PerWriter += foundMemory
	}
	return fp
}

// Open opens a Writer of the inner sink, under the name that the stream has there.
func (s *encodedSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	stream := info.Name
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
	w := &encodedWriter{Writer: inner, e: s.e, stream: stream, giveUp: inner.Abort}
	if d, ok := inner.(weir.Divider); ok {
		w.parts = d.Divide()
	}
	if s.e.surrounds() || s.e.to.hasHeader() {
		w.piece = weir.NewBatch(limit)
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
	e      *Encoder
	stream string                             // its name
	piece  *weir.Batch                        // for what stands around records; nil: nothing does
	giveUp func(context.Context, error) error // ends Writer if Commit cannot be called
	parts  weir.Parts                         // nil: the stream is one
	view   weir.Batch                         // of what goes into a part

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
	if fresh {
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

// writeHeader writes the header.
func (w *encodedWriter) writeHeader(ctx context.Context, header []byte) error {
	if err := w.put(ctx, header); err != nil {
		return err
	}
	if w.e.method == 0 && header[len(header)-1] != '\n' {
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
	piece := w.e.pieces.end
	if w.fresh() {
		piece = w.e.pieces.empty
		if w.begun.Load() {
			piece = nil // there are parts, and each has its end
		}
	}
	if err := w.put(ctx, piece); err != nil {
		return err
	}
	w.finished = true
	return nil
}

// Commit writes what stands behind the last record and commits.
func (w *encodedWriter) Commit(ctx context.Context) error {
	defer w.close()
	if err := w.Finish(ctx); err != nil {
		return errors.Join(err, w.giveUp(ctx, err))
	}
	return w.Writer.Commit(ctx)
}

// Abort aborts.
func (w *encodedWriter) Abort(ctx context.Context, cause error) error {
	defer w.close()
	return w.Writer.Abort(ctx, cause)
}

// close forgets what was found of the stream.
func (w *encodedWriter) close() {
	if w.e.finder != nil {
		w.e.finder.close(w.stream)
	}
}
