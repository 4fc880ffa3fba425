package weirtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirflow/weir"
)

// Read fills b from st as the engine does: while st returns a *weir.NeedError,
// it reads again into a larger batch that holds what b held. It returns the batch
// that was filled in the end, and the error of the last Read.
func Read(ctx context.Context, st weir.Stream, b *weir.Batch) (*weir.Batch, error) {
	for {
		err := st.Read(ctx, b)
		var need *weir.NeedError
		if !errors.As(err, &need) {
			return b, err
		}
		if need.Size <= b.Cap() {
			return b, fmt.Errorf("a batch of %d bytes was too small, a NeedError asked for %d", b.Cap(), need.Size)
		}
		b = b.Larger(need.Size)
	}
}

// empty reports whether b holds nothing and nothing was noted on it.
func empty(b *weir.Batch) bool {
	return b.Len() == 0 && b.Noted(weir.Filtered) == weir.Count{} &&
		b.Noted(weir.Skipped) == weir.Count{} && b.Noted(weir.DeadLettered) == weir.Count{}
}
