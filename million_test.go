package weir_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// A million writes of 50 ms are 50,000 s, to the nanosecond: the engine adds
// nothing, and the clocks lose nothing.
func TestMillionSlowWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const writes = 1_000_000
		left, n := writes, 0
		src := &opaqueSource{read: func(_ context.Context, b *weir.Batch) bool {
			left--
			b.Advance(100)
			return left == 0
		}}
		dst := &opaqueSink{write: func(context.Context, *weir.Batch) error {
			n++
			time.Sleep(50 * time.Millisecond)
			return nil
		}}
		b := weir.NewBudget(1<<20, weir.BudgetOptions{})
		began := time.Now()
		res, err := weir.Ingest(t.Context(), src, dst, weir.Options{Budget: b})
		took := time.Since(began)
		if want := writes * 50 * time.Millisecond; err != nil || n != writes || took != want || res.Elapsed != want {
			t.Errorf("%d writes in %v of virtual time, want %d in %v: %v", n, took, writes, want, err)
		}
		if res.Sink.Work != took || res.Written.Bytes != 100*writes || res.WriteLatency.Count != writes {
			t.Errorf("sink %+v, written %v, latency %+v", res.Sink, res.Written, res.WriteLatency)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		checkHome(t, b)
	})
}

// opaqueSource is one stream of opaque bytes. read fills a batch and reports
// whether that was the last.
type opaqueSource struct {
	read  func(ctx context.Context, b *weir.Batch) bool
	given bool
}

func (s *opaqueSource) String() string { return "opaque source" }

func (s *opaqueSource) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	return opaqueStream{s}, nil
}

func (s *opaqueSource) Close() error { return nil }

type opaqueStream struct{ s *opaqueSource }

func (s opaqueStream) Info() weir.StreamInfo {
	return weir.StreamInfo{Name: "o", Size: weir.UnknownSize}
}

func (s opaqueStream) Seek(context.Context, weir.Position) error { return weir.ErrNotResumable }

func (s opaqueStream) Read(ctx context.Context, b *weir.Batch) error {
	if s.s.read(ctx, b) {
		return io.EOF
	}
	return nil
}

func (s opaqueStream) Close() error { return nil }

// opaqueSink gives every batch to write.
type opaqueSink struct {
	fp    weir.Footprint
	write func(ctx context.Context, b *weir.Batch) error
}

func (s *opaqueSink) String() string { return "opaque sink" }

func (s *opaqueSink) Footprint() weir.Footprint { return s.fp }

func (s *opaqueSink) Open(context.Context, weir.StreamInfo) (weir.Writer, error) { return s, nil }

func (s *opaqueSink) Close() error { return nil }

func (s *opaqueSink) Write(ctx context.Context, b *weir.Batch) error { return s.write(ctx, b) }

func (s *opaqueSink) Commit(context.Context) error { return nil }

func (s *opaqueSink) Abort(context.Context, error) error { return nil }
