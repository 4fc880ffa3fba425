package receipt

import (
	"context"
	"errors"

	"github.com/weirflow/weir"
)

// Sink returns dst with the checksums of what its Writers are given recorded.
// Where several writes of a stream run at once there is no order, and no checksum.
func (r *Recorder) Sink(dst weir.Sink) weir.Sink {
	return &sink{Sink: dst, r: r, ordered: dst.Footprint().MaxInFlight <= 1}
}

type sink struct {
	weir.Sink
	r       *Recorder
	ordered bool
}

func (s *sink) String() string { return nameOf(s.Sink) }

func (s *sink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	inner, err := s.Sink.Open(ctx, info)
	if err != nil || !s.ordered {
		return inner, err
	}
	w := &writer{Writer: inner, r: s.r, id: info.ID, sum: newSummer()}
	if f, ok := inner.(weir.Resumer); ok {
		return &resumer{writer: w, inner: f}, nil
	}
	if f, ok := inner.(weir.Flusher); ok {
		return struct {
			*writer
			weir.Flusher
		}{w, f}, nil
	}
	return w, nil
}

// writer sums up what it is given.
type writer struct {
	weir.Writer
	r   *Recorder
	id  string
	sum *summer
}

func (w *writer) Write(ctx context.Context, b *weir.Batch) error {
	if err := w.Writer.Write(ctx, b); err != nil {
		return err
	}
	w.sum.add(b.Bytes())
	return nil
}

func (w *writer) Commit(ctx context.Context) error {
	err := w.Writer.Commit(ctx)
	status := "committed"
	if err != nil {
		status = "aborted"
	}
	w.r.written(w.id, w.sum.take(), status)
	return err
}

func (w *writer) Abort(ctx context.Context, cause error) error {
	w.r.written(w.id, w.sum.take(), "aborted")
	return w.Writer.Abort(ctx, cause)
}

// Divide asks the inner Writer.
func (w *writer) Divide() weir.Parts {
	if d, ok := w.Writer.(weir.Divider); ok {
		return d.Divide()
	}
	return nil
}

// resumer is a writer that can be continued.
type resumer struct {
	*writer
	inner weir.Resumer
}

func (w *resumer) Flush(ctx context.Context, upTo weir.Position) ([]byte, error) {
	return w.inner.Flush(ctx, upTo)
}

// Committed tells the inner Writer.
func (w *resumer) Committed(ctx context.Context, upTo weir.Position) error {
	if inner, ok := w.inner.(weir.Committer); ok {
		return inner.Committed(ctx, upTo)
	}
	return nil
}

// Overdue asks the inner Writer.
func (w *resumer) Overdue() bool {
	inner, ok := w.inner.(weir.Timely)
	return ok && inner.Overdue()
}

func (w *resumer) Resume(ctx context.Context, last weir.Checkpoint) (weir.Position, error) {
	from, err := w.inner.Resume(ctx, last)
	w.sum.resumed = len(from) > 0
	return from, err
}

func (w *resumer) Suspend(ctx context.Context, cause error) error {
	status := "suspended"
	if errors.Is(cause, weir.ErrCommitted) {
		status = "committed"
	}
	w.r.written(w.id, w.sum.take(), status)
	return w.inner.Suspend(ctx, cause)
}
