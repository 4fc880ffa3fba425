package weirtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

var errGivenUp = errors.New("given up by weirtest")

func sinkRetentionHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		var want []byte
		err := withWriter(t, s, 0, func(w weir.Writer) error {
			for i := range 20 {
				b := h.batch(0, i, fp)
				data, records, position := slices.Clone(b.Bytes()), b.Records(), slices.Clone(b.Position())
				want = append(want, data...)
				if err := write(t, w, b); err != nil {
					return err
				}
				if !bytes.Equal(b.Bytes(), data) || b.Records() != records || !bytes.Equal(b.Position(), position) {
					return errors.New("the batch is not what it was before Write")
				}
				poison(b)
				b.Reset()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if fp.MaxInFlight > 1 {
			return h.storedAnyOrder(t, 0, want)
		}
		return h.stored(t, 0, want)
	})
}

func sinkCancelHolds(t testing.TB, h SinkHarness) error {
	if h.Hangs == nil {
		return untested("the harness offers no sink that hangs")
	}
	return withSink(t, h.Hangs, func(s weir.Sink, fp weir.Footprint) error {
		w, err := s.Open(t.Context(), info(0))
		if err != nil {
			return fmt.Errorf("Open: %w", err)
		}
		ctx := cancelledSoon(t)
		err = within("a cancelled Write", func() error {
			for i := 0; ; i++ { // until the peer takes no more
				if err := w.Write(ctx, h.batch(0, i, fp)); err != nil || ctx.Err() != nil {
					return cancelledError("Write", err)
				}
			}
		})
		return errors.Join(err, abort(t, w, errGivenUp), h.gone(t, 0))
	})
}

func durableHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		switch {
		case !fp.Durable:
			return untested("the Footprint does not promise it")
		case h.Stored == nil:
			return untested("the harness cannot look past the sink")
		}
		return withWriter(t, s, 0, func(w weir.Writer) error {
			var want []byte
			for i := range 5 {
				b := h.batch(0, i, fp)
				want = append(want, b.Bytes()...)
				if err := write(t, w, b); err != nil {
					return err
				}
				if err := sameBytes(want, h.Stored(t, info(0).Name), false); err != nil {
					return fmt.Errorf("after %d writes, what was written and what is stored: %w", i+1, err)
				}
			}
			return nil
		})
	})
}

func idempotenceHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		if !fp.Idempotent {
			return untested("the Footprint does not promise it")
		}
		var want []byte
		err := withWriter(t, s, 0, func(w weir.Writer) error {
			for i := range 5 {
				b := h.batch(0, i, fp)
				want = append(want, b.Bytes()...)
				if err := errors.Join(write(t, w, b), write(t, w, b)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return h.stored(t, 0, want)
	})
}

func footprintHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		if min(fp.PerWrite, fp.PerWriter, fp.Static) < 0 || min(fp.MaxWrite, fp.MaxInFlight, fp.MaxWriters) < 0 {
			return fmt.Errorf("the Footprint has a negative field: %+v", fp)
		}
		if again := s.Footprint(); again != fp {
			return fmt.Errorf("the Footprint is %+v and then %+v", fp, again)
		}
		if h.InMemory {
			return nil
		}
		return withWriter(t, s, 0, func(w weir.Writer) error { return h.memoryHolds(t, w, fp) })
	})
}

// memoryHolds writes for a while and compares what the heap has grown by with
// the Footprint.
func (h SinkHarness) memoryHolds(t testing.TB, w weir.Writer, fp weir.Footprint) error {
	const enough, least, slack = 4 << 20, 1 << 20, 256 << 10
	deadline := time.Now().Add(3 * time.Second)
	b := h.batch(0, 0, fp)
	before, written := heap(), 0
	for written < enough && time.Now().Before(deadline) {
		if err := write(t, w, b); err != nil {
			return err
		}
		written += b.Len()
	}
	allowed := fp.Static + fp.PerWriter + fp.PerWrite*int64(max(fp.MaxInFlight, 1)) + slack
	if grown := heap() - before; written >= least && grown > allowed {
		return fmt.Errorf("the heap grew by %d bytes while %d were written; the Footprint and some slack allow %d", grown, written, allowed)
	}
	return nil
}

func orderHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		const batches = 60
		var want []byte
		if fp.MaxInFlight <= 1 {
			err := withWriter(t, s, 0, func(w weir.Writer) (err error) {
				want, err = h.writeN(t, w, fp, 0, batches)
				return err
			})
			return errors.Join(err, h.stored(t, 0, want))
		}
		for i := range batches {
			want = append(want, h.batch(0, i, fp).Bytes()...)
		}
		err := withWriter(t, s, 0, func(w weir.Writer) error {
			return h.writeAtOnce(t, w, fp, batches, min(fp.MaxInFlight, 8))
		})
		return errors.Join(err, h.storedAnyOrder(t, 0, want))
	})
}

// writeAtOnce writes batches of stream 0 with as many writes in flight.
func (h SinkHarness) writeAtOnce(t testing.TB, w weir.Writer, fp weir.Footprint, batches, inFlight int) error {
	var wg sync.WaitGroup
	errs := make([]error, inFlight)
	for k := range inFlight {
		wg.Go(func() {
			for i := k; i < batches && errs[k] == nil; i += inFlight {
				errs[k] = write(t, w, h.batch(0, i, fp))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func commitHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		if err := withWriter(t, s, 0, func(weir.Writer) error { return nil }); err != nil {
			return fmt.Errorf("an empty stream: %w", err)
		}
		if err := h.stored(t, 0, nil); err != nil {
			return err
		}
		var want []byte
		err := withWriter(t, s, 1, func(w weir.Writer) (err error) {
			want, err = h.writeN(t, w, fp, 1, 3)
			return err
		})
		if err != nil {
			return err
		}
		return h.stored(t, 1, want)
	})
}

func abortHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		for i, batches := range []int{0, 3} {
			w, err := s.Open(t.Context(), info(i))
			if err != nil {
				return fmt.Errorf("Open: %w", err)
			}
			_, err = h.writeN(t, w, fp, i, batches)
			if err = errors.Join(err, abort(t, w, errGivenUp), h.gone(t, i)); err != nil {
				return fmt.Errorf("after %d writes: %w", batches, err)
			}
		}
		return nil
	})
}

func failedWriteHolds(t testing.TB, h SinkHarness) error {
	if h.Fails == nil {
		return untested("the harness offers no sink that fails")
	}
	return withSink(t, h.Fails, func(s weir.Sink, fp weir.Footprint) error {
		w, err := s.Open(t.Context(), info(0))
		if err != nil {
			return fmt.Errorf("Open: %w", err)
		}
		failed := false
		for i := 0; i < 1000 && !failed; i++ {
			failed = w.Write(t.Context(), h.batch(0, i, fp)) != nil
		}
		if !failed {
			err = errors.New("1000 writes to a sink that fails returned nil")
		}
		return errors.Join(err, abort(t, w, errGivenUp), h.gone(t, 0))
	})
}

func replaceHolds(t testing.TB, h SinkHarness) error {
	if h.Read == nil || h.Kept {
		return untested("the harness cannot read back, or keeps what was aborted")
	}
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		var want []byte
		err := withWriter(t, s, 0, func(w weir.Writer) (err error) {
			want, err = h.writeN(t, w, fp, 0, 2)
			return err
		})
		if err != nil {
			return err
		}
		if w, err := s.Open(t.Context(), info(0)); err == nil { // it may well refuse
			err := errors.Join(write(t, w, h.batch(1, 0, fp)), abort(t, w, errGivenUp))
			if err != nil {
				return err
			}
		}
		return h.stored(t, 0, want)
	})
}

func sideBySideHolds(t testing.TB, h SinkHarness) error {
	return withSink(t, h.Open, func(s weir.Sink, fp weir.Footprint) error {
		n := 4
		if fp.MaxWriters > 0 {
			n = min(n, fp.MaxWriters)
		}
		if n == 1 {
			return untested("the Footprint allows one Writer at a time")
		}
		var wg sync.WaitGroup
		want, errs := make([][]byte, n), make([]error, n)
		for i := range n {
			wg.Go(func() {
				errs[i] = withWriter(t, s, i, func(w weir.Writer) (err error) {
					want[i], err = h.writeN(t, w, fp, i, 20)
					return err
				})
			})
		}
		wg.Wait()
		for i := range n {
			errs = append(errs, h.stored(t, i, want[i]))
		}
		return errors.Join(errs...)
	})
}

func sinkLeaksHold(t testing.TB, h SinkHarness) error {
	h.Read = nil // what is stored is the business of other rules
	before := takeSnapshot()
	for _, rule := range []func(testing.TB, SinkHarness) error{commitHolds, abortHolds, failedWriteHolds, sinkCancelHolds} {
		if err := rule(t, h); err != nil && !errors.Is(err, errUntested) {
			return err
		}
	}
	return before.leaks()
}
