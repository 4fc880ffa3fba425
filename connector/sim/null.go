package sim

import (
	"context"
	"sync/atomic"

	"github.com/weirflow/weir"
)

// Null is a sink that takes everything at once and keeps nothing. It counts
// what it took.
type Null struct {
	bytes, records atomic.Int64
}

var _ weir.Sink = (*Null)(nil)

// NewNull returns a sink that forgets.
func NewNull() *Null { return new(Null) }

func (*Null) String() string { return "null://" }

// Count returns what was written so far, whether or not it was committed.
func (s *Null) Count() weir.Count {
	return weir.Count{Bytes: s.bytes.Load(), Records: s.records.Load()}
}

// Footprint says: no memory, ordered, durable in the sense that nothing can be
// lost that was to be forgotten.
func (*Null) Footprint() weir.Footprint {
	return weir.Footprint{MaxInFlight: 1, Durable: true, Idempotent: true}
}

// Open returns at once.
func (s *Null) Open(context.Context, weir.StreamInfo) (weir.Writer, error) {
	return (*nullWriter)(s), nil
}

// Close does nothing.
func (*Null) Close() error { return nil }

// nullWriter is the sink itself: a stream has no state here.
type nullWriter Null

func (w *nullWriter) Write(_ context.Context, b *weir.Batch) error {
	w.bytes.Add(int64(b.Len()))
	w.records.Add(int64(b.Records()))
	return nil
}

func (*nullWriter) Commit(context.Context) error       { return nil }
func (*nullWriter) Abort(context.Context, error) error { return nil }
