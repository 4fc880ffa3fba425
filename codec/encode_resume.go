package codec

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/weirflow/weir"
)

// A flushingWriter is an encodedWriter whose inner Writer is a Flusher.
type flushingWriter struct {
	*encodedWriter
	inner weir.Flusher
}

// Flush flushes and returns the inner mark behind that of the encoding.
func (w *flushingWriter) Flush(ctx context.Context, upTo weir.Position) ([]byte, error) {
	if w.parts != nil && w.parts.Room() == 0 && !w.finished {
		if err := w.endPart(ctx); err != nil {
			return nil, err
		}
	}
	mark, err := w.inner.Flush(ctx, upTo)
	if err != nil {
		return nil, err
	}
	return w.mark(mark), nil
}

// Committed tells the inner Writer.
func (w *flushingWriter) Committed(ctx context.Context, upTo weir.Position) error {
	if inner, ok := w.inner.(weir.Committer); ok {
		return inner.Committed(ctx, upTo)
	}
	return nil
}

// Overdue asks the inner Writer.
func (w *flushingWriter) Overdue() bool {
	inner, ok := w.inner.(weir.Timely)
	return ok && inner.Overdue()
}

// A resumableWriter is an encodedWriter whose inner Writer is a Resumer.
type resumableWriter struct {
	flushingWriter
	inner weir.Resumer
}

var _ weir.Resumer = (*resumableWriter)(nil)

// Resume goes back to the last mark. Without what it needs to go on there, the
// stream begins again.
func (w *resumableWriter) Resume(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	if len(last.Mark) == 0 {
		return w.inner.Resume(ctx, last)
	}
	state, inner, err := parseMark(last.Mark)
	if err != nil {
		return nil, err
	}
	if w.e.finder != nil && state.begun && state.header == "" {
		if w.parts != nil {
			return nil, &weir.Error{Kind: weir.Invalid, Err: errors.New("the columns are too many to be kept in a checkpoint: name them with --columns, and start over with --fresh")}
		}
		return w.inner.Resume(ctx, weir.Checkpoint{})
	}
	if state.header != "" {
		if err := w.e.finder.set(w.stream, state.header, w.e.to); err != nil {
			return nil, err
		}
	}
	w.begun.Store(state.begun)
	w.finished, w.sum = state.finished, state.sum
	last.Mark = inner
	return w.inner.Resume(ctx, last)
}

// Suspend suspends.
func (w *resumableWriter) Suspend(ctx context.Context, cause error) error {
	defer w.close()
	return w.inner.Suspend(ctx, cause)
}

// markState is the state of an encodedWriter in a mark.
type markState struct {
	begun, finished bool
	sum             uint32
	header          string // of columns that were found, if there is room for it
}

// Bits of the first byte of a mark.
const (
	markKnown = 1 << iota // always
	markBegun
	markFinished
)

// markHead is how many bytes of a mark are before the header: the bits, the sum,
// and the length of the header.
const markHead = 1 + 4 + 1

// mark returns the mark of the encoder with the inner one behind it.
func (w *encodedWriter) mark(inner []byte) []byte {
	bits := byte(markKnown)
	if w.begun.Load() {
		bits |= markBegun
	}
	if w.finished {
		bits |= markFinished
	}
	sum, header := w.sum, ""
	if w.header != nil {
		sum = headerSum(w.header)
	}
	if w.e.finder != nil {
		header = w.e.finder.header(w.stream)
	}
	if markHead+len(header)+len(inner) > weir.MaxPosition {
		header = ""
	}
	mark := binary.LittleEndian.AppendUint32([]byte{bits}, sum)
	mark = append(mark, byte(len(header)))
	return append(append(mark, header...), inner...)
}

// parseMark returns what a mark says and the inner one.
func parseMark(mark []byte) (s markState, inner []byte, err error) {
	if len(mark) < markHead || mark[0]&markKnown == 0 || mark[0] >= markFinished<<1 || len(mark) < markHead+int(mark[markHead-1]) {
		return s, nil, &weir.Error{Kind: weir.Invalid, Err: errors.New("the checkpoint's mark is not of an encoder: start over with --fresh")}
	}
	s.begun, s.finished = mark[0]&markBegun != 0, mark[0]&markFinished != 0
	s.sum = binary.LittleEndian.Uint32(mark[1:])
	rest := mark[markHead:]
	n := mark[markHead-1]
	s.header = string(rest[:n])
	return s, rest[n:], nil
}

func headerSum(header []byte) uint32 {
	return crc32.Checksum(header, crc32.MakeTable(crc32.Castagnoli))
}
