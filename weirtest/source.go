package weirtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/weirflow/weir"
)

// SourceHarness is what a source brings to be tested. Only Open is required.
// What its functions open must be closed by the Close of what they return, or
// it counts as a leak; what all of them need is opened before, in the function
// given to TestSource.
type SourceHarness struct {
	// Open opens the source over content that is the same at every call and
	// ends, or is longer than Limit. The kit closes it.
	Open func(testing.TB) weir.Source

	// Limit is how many bytes of a stream are read where a rule reads to the
	// end: what an endless stream needs. Default: 16 MiB.
	Limit int64

	// Batch is the smallest batch the source is tried with, in bytes of batch
	// memory. Default: 64.
	Batch int

	// Want returns, if not nil, the content that the stream of this name must
	// have.
	Want func(name string) []byte

	// Idle opens, if not nil, a source that has nothing to read: its Next or
	// the first Read of its stream would wait.
	Idle func(testing.TB) weir.Source

	// Truncated opens, if not nil, a source whose origin breaks off in the
	// middle of a stream.
	Truncated func(testing.TB) weir.Source

	// Taken returns, if not nil, how many bytes were taken from the origin
	// since the last Open, and Ahead how many of those may be more than what
	// was delivered: buffers of the kernel and of a client.
	Taken func() int64
	Ahead int64

	// Growth is how much the heap may grow over 10,000 batches, in bytes.
	// Default: 512 KiB.
	Growth int64
}

func (h SourceHarness) withDefaults() SourceHarness {
	if h.Limit == 0 {
		h.Limit = 16 << 20
	}
	if h.Batch == 0 {
		h.Batch = 64
	}
	if h.Growth == 0 {
		h.Growth = 512 << 10
	}
	return h
}

var sourceRules = []rule[SourceHarness]{
	{"S1.1", "Limits", "Read fills the batch with at least one byte, within its limits, and ends the last record where the data ends", limitsHold},
	{"S1.2", "Cancel", "Next and Read return the cause once ctx is done, also when there is nothing to read", sourceCancelHolds},
	{"S1.3", "Continuity", "the bytes of a stream are the same whatever the sizes of the batches", continuityHolds},
	{"S1.4", "Resume", "a stream that is opened again and told to Seek to any position it gave continues with the same bytes", resumeHolds},
	{"S1.5", "Credit", "Read takes no more from the origin than it delivers", creditHolds},
	{"S1.6", "Retention", "Read keeps no slice of a batch", sourceRetentionHolds},
	{"S1.7", "Close", "Close returns promptly, also while a cancelled Read is running", sourceCloseHolds},
	{"S1.8", "Truncation", "an origin that breaks off is an error, not the end of the stream", truncationHolds},
	{"S1.9", "Growth", "memory does not grow with the number of batches", growthHolds},
	{"S1.10", "Records", "the records of a stream are the same whatever the sizes of the batches", recordsHold},
	{"S1.11", "Need", "a record that does not fit is a NeedError for a larger batch, empty or with what there is of it, and is delivered to a batch of that size", needHolds},
	{"S1.12", "Leaks", "no goroutine and no descriptor is left after Close", sourceLeaksHold},
}

// TestSource checks every rule of the contract that the harness gives the
// means to check, each against a fresh harness.
func TestSource(t *testing.T, harness func(*testing.T) SourceHarness) {
	t.Helper()
	run(t, sourceRules, func(t *testing.T) SourceHarness { return harness(t).withDefaults() })
}

// reading is what was read of one stream.
type reading struct {
	info    weir.StreamInfo
	data    []byte
	records []int // their sizes
	cut     bool  // Limit was reached before the end
	marks   []mark
}

// mark is where a batch ended.
type mark struct {
	position weir.Position
	data     int // bytes before it
	records  int // records before it
}

// sizes tells how large the next batch is.
type sizes func() int

func fixed(n int) sizes { return func() int { return n } }

// cycling returns sizes that do not repeat soon and are never below least.
func cycling(least int) sizes {
	i := 0
	return func() int {
		i++
		return least + i*i*37%4099
	}
}

const large = 1 << 20

// source opens the harness's source and has it closed at the end of the rule.
func withSource(t testing.TB, open func(testing.TB) weir.Source, f func(weir.Source) error) (err error) {
	s := open(t)
	defer func() {
		if e := within("Source.Close", s.Close); e != nil && err == nil {
			err = fmt.Errorf("Source.Close: %w", e)
		}
	}()
	return f(s)
}

// eachStream calls f for every stream of s and closes it.
func eachStream(ctx context.Context, s weir.Source, f func(weir.Stream) error) error {
	for {
		st, err := s.Next(ctx)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("Next: %w", err)
		}
		if err := withStream(st, f); err != nil {
			return fmt.Errorf("stream %s: %w", st.Info().Name, err)
		}
	}
}

func withStream(st weir.Stream, f func(weir.Stream) error) (err error) {
	defer func() {
		if e := within("Stream.Close", st.Close); e != nil && err == nil {
			err = fmt.Errorf("Close: %w", e)
		}
	}()
	return f(st)
}

// readAll reads every stream of a fresh source.
func readAll(t testing.TB, h SourceHarness, size sizes) (all []reading, err error) {
	err = withSource(t, h.Open, func(s weir.Source) error {
		return eachStream(t.Context(), s, func(st weir.Stream) error {
			r, err := readStream(t.Context(), st, h.Limit, size)
			all = append(all, r)
			return err
		})
	})
	if err == nil && len(all) == 0 {
		err = errors.New("the harness's source has no stream")
	}
	return all, err
}

// readStream reads st to its end or limit.
func readStream(ctx context.Context, st weir.Stream, limit int64, size sizes) (reading, error) {
	r := reading{info: st.Info()}
	for {
		b, err := Read(ctx, st, weir.NewBatch(size()))
		if err != nil && !isEOF(err) {
			return r, fmt.Errorf("Read: %w", err)
		}
		if err == nil && empty(b) {
			return r, errors.New("Read returned neither bytes nor an error")
		}
		r.add(b)
		if isEOF(err) {
			return r, nil
		}
		if int64(len(r.data)) >= limit {
			r.cut = true
			return r, nil
		}
	}
}

func (r *reading) add(b *weir.Batch) {
	r.data = append(r.data, b.Bytes()...)
	for i := range b.Records() {
		r.records = append(r.records, len(b.Record(i)))
	}
	r.marks = append(r.marks, mark{slices.Clone(b.Position()), len(r.data), len(r.records)})
}

// same returns an error unless two readings hold the same bytes, as far as
// neither was cut.
func (r reading) same(o reading) error {
	if r.info != o.info {
		return fmt.Errorf("Info is %+v and then %+v", r.info, o.info)
	}
	return sameBytes(r.data, o.data, r.cut || o.cut)
}

func sameBytes(want, got []byte, cut bool) error {
	if cut {
		n := min(len(want), len(got))
		want, got = want[:n], got[:n]
	}
	if bytes.Equal(want, got) {
		return nil
	}
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	return fmt.Errorf("%d bytes and then %d, different from byte %d on: %.40q and %.40q",
		len(want), len(got), at, want[at:], got[at:])
}

// isEOF says that err is the end. Like an io.Reader, a source returns io.EOF
// itself: wrapped, it would be a failure that has io.EOF as its cause.
func isEOF(err error) bool { return err == io.EOF }
