package weirtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

func limitsHold(t testing.TB, h SourceHarness) error {
	for _, size := range []int{h.Batch, h.Batch + 1, h.Batch + 1000, large} {
		err := withSource(t, h.Open, func(s weir.Source) error {
			return eachStream(t.Context(), s, func(st weir.Stream) error {
				return limitsHoldFor(t.Context(), st, size, h.Limit)
			})
		})
		if err != nil {
			return fmt.Errorf("batch of %d bytes: %w", size, err)
		}
	}
	return nil
}

func limitsHoldFor(ctx context.Context, st weir.Stream, size int, limit int64) error {
	total := int64(0)
	for total < limit {
		b, err := Read(ctx, st, weir.NewBatch(size))
		switch {
		case err != nil && !isEOF(err):
			return fmt.Errorf("Read: %w", err)
		case err == nil && empty(b):
			return errors.New("Read returned neither bytes nor an error")
		}
		if e := wellFormed(b); e != nil {
			return e
		}
		if isEOF(err) {
			return nil
		}
		total += int64(b.Len())
	}
	return nil
}

// wellFormed checks what a batch must look like.
func wellFormed(b *weir.Batch) error {
	entry := weir.RecordSize(0)
	if used := b.Len() + entry*b.Records(); used > b.Cap() {
		return fmt.Errorf("%d bytes and %d records take %d of %d bytes", b.Len(), b.Records(), used, b.Cap())
	}
	sum := 0
	for i := range b.Records() {
		sum += len(b.Record(i))
	}
	if b.Records() > 0 && sum != b.Len() {
		return fmt.Errorf("the records hold %d of %d bytes", sum, b.Len())
	}
	return nil
}

func sourceCancelHolds(t testing.TB, h SourceHarness) error {
	if h.Idle == nil {
		return untested("the harness offers no idle source")
	}
	return withSource(t, h.Idle, func(s weir.Source) error {
		ctx := cancelledSoon(t)
		return within("a cancelled Next or Read", func() error {
			st, err := s.Next(ctx)
			if err != nil {
				return cancelledError("Next", err)
			}
			return withStream(st, func(st weir.Stream) error {
				return cancelledError("Read", st.Read(ctx, weir.NewBatch(large)))
			})
		})
	})
}

// cancelledError returns nil if err is how a cancelled call ends.
func cancelledError(call string, err error) error {
	if err == nil {
		return fmt.Errorf("%s returned nil", call)
	}
	if !isCancelled(err) {
		return fmt.Errorf("%s returned another error than the cause of its context: %w", call, err)
	}
	return nil
}

func continuityHolds(t testing.TB, h SourceHarness) error {
	want, err := readAll(t, h, fixed(large))
	if err != nil {
		return err
	}
	for name, size := range map[string]sizes{"the smallest": fixed(h.Batch), "changing": cycling(h.Batch)} {
		got, err := readAll(t, h, size)
		if err == nil {
			err = sameReadings(want, got, reading.same)
		}
		if err != nil {
			return fmt.Errorf("with %s batches: %w", name, err)
		}
	}
	if h.Want == nil {
		return nil
	}
	for _, r := range want {
		if err := sameBytes(h.Want(r.info.Name), r.data, r.cut); err != nil {
			return fmt.Errorf("stream %s: its content, and what was read: %w", r.info.Name, err)
		}
	}
	return nil
}

// sameReadings compares the readings of two sources, stream by stream, by the
// streams' IDs: their order is the source's affair.
func sameReadings(want, got []reading, same func(a, b reading) error) error {
	byID := map[string]reading{}
	for _, r := range want {
		if _, twice := byID[r.info.ID]; twice {
			return fmt.Errorf("two streams have the ID %q", r.info.ID)
		}
		byID[r.info.ID] = r
	}
	if len(want) != len(got) {
		return fmt.Errorf("%d streams and then %d", len(want), len(got))
	}
	for _, r := range got {
		w, ok := byID[r.info.ID]
		if !ok {
			return fmt.Errorf("stream %s has an ID that was not there before: %q", r.info.Name, r.info.ID)
		}
		if err := same(w, r); err != nil {
			return fmt.Errorf("stream %s: %w", r.info.Name, err)
		}
	}
	return nil
}

func recordsHold(t testing.TB, h SourceHarness) error {
	want, err := readAll(t, h, fixed(large))
	if err != nil {
		return err
	}
	got, err := readAll(t, h, cycling(h.Batch))
	if err != nil {
		return err
	}
	return sameReadings(want, got, func(a, b reading) error {
		n := min(len(a.records), len(b.records))
		if len(a.records) != len(b.records) && !a.cut && !b.cut {
			return fmt.Errorf("%d records and then %d", len(a.records), len(b.records))
		}
		for i := range n {
			if a.records[i] != b.records[i] {
				return fmt.Errorf("record %d has %d bytes and then %d", i, a.records[i], b.records[i])
			}
		}
		return nil
	})
}

func resumeHolds(t testing.TB, h SourceHarness) error {
	all, err := readAll(t, h, cycling(h.Batch))
	if err != nil {
		return err
	}
	resumed := 0
	for _, r := range all[:min(len(all), 3)] {
		for _, m := range sample(r.marks, 8) {
			err := withSource(t, h.Open, func(s weir.Source) error { return resumesAt(t, h, s, r, m) })
			if errors.Is(err, weir.ErrNotResumable) {
				continue
			}
			if err != nil {
				return fmt.Errorf("stream %s at %q: %w", r.info.Name, m.position, err)
			}
			resumed++
		}
	}
	if resumed == 0 {
		return untested("the streams cannot resume")
	}
	return nil
}

// sample returns at most n of all, the first and the last among them.
func sample(all []mark, n int) []mark {
	if len(all) <= n {
		return all
	}
	some := make([]mark, n)
	for i := range some {
		some[i] = all[i*(len(all)-1)/(n-1)]
	}
	return some
}

// resumesAt looks for the stream of r in s and continues it at m.
func resumesAt(t testing.TB, h SourceHarness, s weir.Source, r reading, m mark) error {
	if len(m.position) == 0 {
		return weir.ErrNotResumable
	}
	found := false
	err := eachStream(t.Context(), s, func(st weir.Stream) error {
		if st.Info().ID != r.info.ID {
			return nil
		}
		found = true
		if err := st.Seek(t.Context(), m.position); err != nil {
			return fmt.Errorf("Seek: %w", err)
		}
		limit := max(h.Limit-int64(m.data), 1)
		rest, err := readStream(t.Context(), st, limit, fixed(h.Batch+4000))
		if err != nil {
			return err
		}
		return sameBytes(r.data[m.data:], rest.data, r.cut || rest.cut)
	})
	if err == nil && !found {
		err = fmt.Errorf("the source opened again has no stream with the ID %q", r.info.ID)
	}
	return err
}

func creditHolds(t testing.TB, h SourceHarness) error {
	if h.Taken == nil {
		return untested("the harness cannot see what is taken from the origin")
	}
	return withSource(t, h.Open, func(s weir.Source) error {
		delivered := int64(0)
		return eachStream(t.Context(), s, func(st weir.Stream) error {
			for delivered < h.Limit {
				b, err := Read(t.Context(), st, weir.NewBatch(h.Batch))
				delivered += int64(b.Len())
				if over := h.Taken() - delivered; over > h.Ahead {
					return fmt.Errorf("%d bytes were taken and not delivered, %d are allowed", over, h.Ahead)
				}
				if isEOF(err) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("Read: %w", err)
				}
			}
			return nil
		})
	})
}

func sourceRetentionHolds(t testing.TB, h SourceHarness) error {
	want, err := readAll(t, h, fixed(h.Batch+500))
	if err != nil {
		return err
	}
	var got []reading
	err = withSource(t, h.Open, func(s weir.Source) error {
		return eachStream(t.Context(), s, func(st weir.Stream) error {
			r, err := readPoisoned(t.Context(), st, h)
			got = append(got, r)
			return err
		})
	})
	if err != nil {
		return err
	}
	return sameReadings(want, got, reading.same)
}

// readPoisoned reads st with one batch again and again, as the engine may, and
// overwrites it between two reads.
func readPoisoned(ctx context.Context, st weir.Stream, h SourceHarness) (reading, error) {
	r := reading{info: st.Info()}
	b := weir.NewBatch(h.Batch + 500)
	for {
		var err error
		if b, err = Read(ctx, st, b); err != nil && !isEOF(err) {
			return r, fmt.Errorf("Read: %w", err)
		}
		r.add(b)
		if r.cut = int64(len(r.data)) >= h.Limit; r.cut || isEOF(err) {
			return r, nil
		}
		poison(b)
		b.Reset()
	}
}

// poison overwrites all data of b.
func poison(b *weir.Batch) {
	for i := range b.Bytes() {
		b.Bytes()[i] = 0xdb
	}
}

func sourceCloseHolds(t testing.TB, h SourceHarness) error {
	// After a Read, in the middle of the stream.
	err := withSource(t, h.Open, func(s weir.Source) error {
		return eachStream(t.Context(), s, func(st weir.Stream) error {
			err := st.Read(t.Context(), weir.NewBatch(large))
			if isEOF(err) {
				return nil
			}
			return err
		})
	})
	if err != nil || h.Idle == nil {
		return err
	}
	// While a Read that was cancelled is perhaps still running.
	return withSource(t, h.Idle, func(s weir.Source) error {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		start := cancelledSoon(t)
		st, err := s.Next(start)
		if err != nil {
			return nil // it is idle in Next; withSource closes it
		}
		ended := make(chan error, 1) // one result, so that the Read can end after we gave up
		go func() { ended <- st.Read(ctx, weir.NewBatch(large)) }()
		<-start.Done()
		cancel(errCancelled)
		if err := within("Close during a cancelled Read", st.Close); err != nil {
			return err
		}
		return within("the Read of a closed stream", func() error {
			if <-ended == nil {
				return errors.New("Read returned nil from an idle origin")
			}
			return nil
		})
	})
}

func truncationHolds(t testing.TB, h SourceHarness) error {
	if h.Truncated == nil {
		return untested("the harness offers no truncated source")
	}
	return withSource(t, h.Truncated, func(s weir.Source) error {
		err := eachStream(t.Context(), s, func(st weir.Stream) error {
			_, err := readStream(t.Context(), st, h.Limit, fixed(large))
			return err
		})
		if err == nil {
			return errors.New("every stream ended with io.EOF")
		}
		return nil
	})
}

const growthBatches = 10_000

func growthHolds(t testing.TB, h SourceHarness) error {
	b := weir.NewBatch(h.Batch + 1000)
	deadline := time.Now().Add(3 * time.Second)
	read, before := 0, int64(0)
	for read < growthBatches && time.Now().Before(deadline) {
		start := read
		err := withSource(t, h.Open, func(s weir.Source) error {
			return eachStream(t.Context(), s, func(st weir.Stream) error {
				for read < growthBatches {
					if read == growthBatches/10 {
						before = heap()
					}
					b.Reset()
					var err error
					if b, err = Read(t.Context(), st, b); err != nil && !isEOF(err) {
						return fmt.Errorf("Read: %w", err)
					}
					read++
					if isEOF(err) {
						return nil
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		if read == start {
			return errors.New("the harness's source has no stream")
		}
	}
	if before == 0 {
		return untested(fmt.Sprintf("only %d batches were read in the time there is", read))
	}
	if grown := heap() - before; grown > h.Growth {
		return fmt.Errorf("the heap grew by %d bytes over %d batches", grown, read-growthBatches/10)
	}
	return nil
}

// heap returns the bytes that are reachable on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the second one takes what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func needHolds(t testing.TB, h SourceHarness) error {
	needed := false
	err := withSource(t, h.Open, func(s weir.Source) error {
		return eachStream(t.Context(), s, func(st weir.Stream) error {
			for total := int64(0); total < h.Limit; {
				b, err := Read(t.Context(), st, weir.NewBatch(h.Batch))
				needed = needed || b.Cap() > h.Batch
				if isEOF(err) {
					return nil
				}
				if err != nil {
					return fmt.Errorf("Read: %w", err)
				}
				if b.Cap() > h.Batch && b.Len() == 0 {
					return errors.New("a NeedError was answered, and nothing came")
				}
				total += int64(b.Len())
			}
			return nil
		})
	})
	if err == nil && !needed {
		return untested(fmt.Sprintf("every record fits a batch of %d bytes", h.Batch))
	}
	return err
}

func sourceLeaksHold(t testing.TB, h SourceHarness) error {
	before := takeSnapshot()
	if _, err := readAll(t, h, fixed(large)); err != nil {
		return err
	}
	if h.Idle != nil {
		if err := sourceCancelHolds(t, h); err != nil {
			return err
		}
	}
	return before.leaks()
}
