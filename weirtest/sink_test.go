package weirtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/weirflow/weir"
)

// brokenSink is a MemSink whose Writers a test can break.
type brokenSink struct {
	*MemSink
	write  func(w weir.Writer, ctx context.Context, b *weir.Batch) error
	commit func(w weir.Writer, ctx context.Context) error
	abort  func(w weir.Writer, ctx context.Context, cause error) error
}

func (s *brokenSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	w, err := s.MemSink.Open(ctx, info)
	return &brokenWriter{w, s}, err
}

type brokenWriter struct {
	weir.Writer
	s *brokenSink
}

func (w *brokenWriter) Write(ctx context.Context, b *weir.Batch) error {
	if w.s.write != nil {
		return w.s.write(w.Writer, ctx, b)
	}
	return w.Writer.Write(ctx, b)
}

func (w *brokenWriter) Commit(ctx context.Context) error {
	if w.s.commit != nil {
		return w.s.commit(w.Writer, ctx)
	}
	return w.Writer.Commit(ctx)
}

func (w *brokenWriter) Abort(ctx context.Context, cause error) error {
	if w.s.abort != nil {
		return w.s.abort(w.Writer, ctx, cause)
	}
	return w.Writer.Abort(ctx, cause)
}

var errFull = errors.New("disk full")

// sinkHarness offers s, also failing and hanging, with what it committed.
func sinkHarness(s *brokenSink) SinkHarness {
	failing, hanging := *s, *s
	failing.write = func(weir.Writer, context.Context, *weir.Batch) error { return errFull }
	hanging.write = func(_ weir.Writer, ctx context.Context, _ *weir.Batch) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return SinkHarness{
		Open:  func(testing.TB) weir.Sink { return s },
		Fails: func(testing.TB) weir.Sink { return &failing },
		Hangs: func(testing.TB) weir.Sink { return &hanging },
		Read:  func(_ testing.TB, name string) ([]byte, bool) { return s.Committed(name) },
		Stored: func(_ testing.TB, name string) (data []byte) {
			for _, st := range s.Streams() {
				if st.Info.Name == name {
					data = st.Data
				}
			}
			return data
		},
		InMemory: true,
	}
}

func TestHonestSinksPass(t *testing.T) {
	CheckLeaks(t)
	for _, fp := range []weir.Footprint{{}, {MaxInFlight: 8, Durable: true}, {MaxWriters: 1, MaxWrite: 30}} {
		TestSink(t, func(*testing.T) SinkHarness { return sinkHarness(&brokenSink{MemSink: NewMemSink(fp)}) })
	}
}

// hoard makes s keep everything until it commits.
func hoard(s *brokenSink) {
	var all []byte
	s.write = func(_ weir.Writer, _ context.Context, b *weir.Batch) error {
		all = append(all, b.Bytes()...)
		return nil
	}
	s.commit = func(w weir.Writer, ctx context.Context) error {
		b := weir.NewBatch(len(all))
		b.Advance(copy(b.Space(), all))
		return errors.Join(w.Write(ctx, b), w.Commit(ctx))
	}
}

// The bubble's clock makes the waiting for what never comes short.
func TestBrokenSinksFail(t *testing.T) { synctest.Test(t, brokenSinksFail) }

func brokenSinksFail(t *testing.T) {
	var kept []byte
	block := make(chan struct{})
	defer close(block)
	var held *weir.Batch

	for name, c := range map[string]struct {
		rule   string
		fp     weir.Footprint
		change func(*brokenSink, *SinkHarness)
	}{
		"writes the batch later": {"K2.2", weir.Footprint{}, func(s *brokenSink, _ *SinkHarness) {
			held = weir.NewBatch(1)
			var late []byte
			s.write = func(_ weir.Writer, _ context.Context, b *weir.Batch) error {
				late = b.Bytes()
				return nil
			}
			s.commit = func(w weir.Writer, ctx context.Context) error {
				b := weir.NewBatch(len(late))
				b.Advance(copy(b.Space(), late))
				return errors.Join(w.Write(ctx, b), w.Commit(ctx))
			}
		}},
		"stores at the end": {"K2.1", weir.Footprint{Durable: true}, func(s *brokenSink, _ *SinkHarness) { hoard(s) }},
		"hoards": {"K2.7", weir.Footprint{}, func(s *brokenSink, h *SinkHarness) {
			hoard(s)
			h.InMemory = false
		}},
		"changes the batch": {"K2.2", weir.Footprint{}, func(s *brokenSink, _ *SinkHarness) {
			s.write = func(w weir.Writer, ctx context.Context, b *weir.Batch) error {
				err := w.Write(ctx, b)
				b.Bytes()[0]++
				return err
			}
		}},
		"deaf": {"K2.5", weir.Footprint{}, func(_ *brokenSink, h *SinkHarness) {
			h.Hangs = func(testing.TB) weir.Sink {
				return &brokenSink{MemSink: NewMemSink(weir.Footprint{}), write: func(weir.Writer, context.Context, *weir.Batch) error {
					<-block
					return nil
				}}
			}
		}},
		"cancelled is written": {"K2.5", weir.Footprint{}, func(_ *brokenSink, h *SinkHarness) {
			h.Hangs = func(testing.TB) weir.Sink {
				return &brokenSink{MemSink: NewMemSink(weir.Footprint{}), write: func(_ weir.Writer, ctx context.Context, _ *weir.Batch) error {
					<-ctx.Done()
					return nil
				}}
			}
		}},
		"not idempotent": {"K2.6", weir.Footprint{Idempotent: true}, func(*brokenSink, *SinkHarness) {}},
		"negative":       {"K2.7", weir.Footprint{PerWrite: -1}, func(*brokenSink, *SinkHarness) {}},
		"reorders": {"K2.8", weir.Footprint{MaxInFlight: 1}, func(s *brokenSink, _ *SinkHarness) {
			s.write = func(w weir.Writer, ctx context.Context, b *weir.Batch) error {
				late := held
				held = weir.NewBatch(b.Len())
				held.Advance(copy(held.Space(), b.Bytes()))
				if late == nil {
					return nil
				}
				h := held
				held = nil
				return errors.Join(w.Write(ctx, h), w.Write(ctx, late))
			}
			held = nil
		}},
		"loses when busy": {"K2.8", weir.Footprint{MaxInFlight: 4}, func(s *brokenSink, _ *SinkHarness) {
			lost := make(chan struct{}, 1)
			s.write = func(w weir.Writer, ctx context.Context, b *weir.Batch) error {
				select {
				case lost <- struct{}{}:
					return nil
				default:
					return w.Write(ctx, b)
				}
			}
		}},
		"leaks": {"K2.11", weir.Footprint{}, func(s *brokenSink, _ *SinkHarness) {
			s.abort = func(w weir.Writer, ctx context.Context, cause error) error {
				go func() { <-block }()
				return w.Abort(ctx, cause)
			}
		}},
		"loses the last flush": {"K2.12", weir.Footprint{}, func(s *brokenSink, _ *SinkHarness) {
			s.write = func(w weir.Writer, ctx context.Context, b *weir.Batch) error {
				half := weir.NewBatch(b.Cap())
				half.Advance(copy(half.Space(), b.Bytes()[:b.Len()-1]))
				return w.Write(ctx, half)
			}
		}},
		"abort commits": {"K2.13", weir.Footprint{}, func(s *brokenSink, _ *SinkHarness) {
			s.abort = func(w weir.Writer, ctx context.Context, _ error) error { return w.Commit(ctx) }
		}},
		"abort fails after a failed write": {"K2.14", weir.Footprint{}, func(s *brokenSink, h *SinkHarness) {
			h.Fails = func(testing.TB) weir.Sink {
				return &brokenSink{
					MemSink: NewMemSink(weir.Footprint{}),
					write:   func(weir.Writer, context.Context, *weir.Batch) error { return errFull },
					abort:   func(weir.Writer, context.Context, error) error { return errFull },
				}
			}
		}},
		"abort destroys the old": {"K2.15", weir.Footprint{}, func(_ *brokenSink, h *SinkHarness) {
			read := h.Read
			reads := 0
			h.Read = func(t testing.TB, name string) ([]byte, bool) {
				if reads++; reads == 1 {
					return nil, false
				}
				return read(t, name)
			}
		}},
		"mixes streams": {"K2.16", weir.Footprint{}, func(s *brokenSink, _ *SinkHarness) {
			s.write = func(w weir.Writer, ctx context.Context, b *weir.Batch) error {
				s.mu.Lock()
				kept = append(kept, b.Bytes()...)
				mixed := weir.NewBatch(len(kept))
				mixed.Advance(copy(mixed.Space(), slices.Clone(kept)))
				s.mu.Unlock()
				return w.Write(ctx, mixed)
			}
		}},
	} {
		s := &brokenSink{MemSink: NewMemSink(c.fp)}
		h := sinkHarness(s)
		c.change(s, &h)
		mustBreak(t, name, sinkRules, c.rule, h.withDefaults())
	}
}
