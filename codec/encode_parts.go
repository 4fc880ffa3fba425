package codec

import (
	"context"

	"github.com/weirflow/weir"
)

// divide writes b to one or more parts of the stream. Each begins and ends as a stream
// does, and is divided from the next behind a record, or behind a batch that is
// compressed as a whole.
func (w *encodedWriter) divide(ctx context.Context, b *weir.Batch) error {
	for from := 0; from < b.Len(); {
		if w.parts.Room() == 0 {
			if err := w.endPart(ctx); err != nil {
				return err
			}
		}
		if err := w.before(ctx, b); err != nil {
			return err
		}
		if from > 0 {
			from += w.apart()
		}
		to := b.Len()
		if w.e.method == 0 {
			to = b.Cut(from, max(1, w.parts.Room()))
		}
		b.View(&w.view, from, to)
		if err := w.Writer.Write(ctx, &w.view); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// apart is how many bytes in a batch stand before each of its records but the first,
// which the first one of a part does not have.
func (w *encodedWriter) apart() int {
	if w.e.method == 0 {
		return len(w.e.pieces.between)
	}
	return 0
}

// endPart writes what stands behind the last record of a part and ends it.
func (w *encodedWriter) endPart(ctx context.Context) error {
	if err := w.put(ctx, w.e.pieces.end); err != nil {
		return err
	}
	return w.parts.End(ctx)
}
