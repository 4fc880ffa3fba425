package parquet

import (
	"context"

	"github.com/weirflow/weir"
)

// outputBytes is the size of the writes to the sink underneath, if it takes them.
const outputBytes = 128 << 10

// An output passes bytes on to a Writer in batches of its own.
type output struct {
	w     weir.Writer
	batch *weir.Batch
	off   int64 // bytes written
}

func newOutput(w weir.Writer, size int) *output {
	return &output{w: w, batch: weir.NewBatch(size)}
}

// write takes all of p.
func (o *output) write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		n := copy(o.batch.Space(), p)
		o.batch.Advance(n)
		o.off += int64(n)
		if p = p[n:]; len(o.batch.Space()) == 0 {
			if err := o.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush passes on what is in the batch.
func (o *output) flush(ctx context.Context) error {
	if o.batch.Len() == 0 {
		return nil
	}
	err := o.w.Write(ctx, o.batch)
	o.batch.Reset()
	return err
}
