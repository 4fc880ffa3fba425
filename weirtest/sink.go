package weirtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/weirflow/weir"
)

// SinkHarness is what a sink brings to be tested. Only Open is required. What
// its functions open must be closed by the Close of what they return, or it
// counts as a leak; what all of them need is opened before, in the function
// given to TestSink.
type SinkHarness struct {
	// Open opens the sink. The kit closes it.
	Open func(testing.TB) weir.Sink

	// Read returns, if not nil, what is stored of the stream of this name, and
	// whether it is visible at all. It is called after a Commit or Abort,
	// before the sink is closed.
	Read func(t testing.TB, name string) (data []byte, visible bool)

	// Stored returns, if not nil, what the store has of a stream of this name
	// that has not ended, looked at past the sink: what would be there if the
	// sink's process died now.
	Stored func(t testing.TB, name string) []byte

	// InMemory says that the store lives in the memory of this process, so that
	// memory cannot be measured.
	InMemory bool

	// Kept says that an Abort cannot take back what was written: a pipe, an
	// API that has acted on it.
	Kept bool

	// Fails opens, if not nil, a sink whose Write fails, and Hangs one whose
	// Write does not end before its context.
	Fails, Hangs func(testing.TB) weir.Sink

	// Record returns record i of stream number stream, if the sink does not
	// take everything. No two are equal, and none is empty. Default: a line of
	// text.
	Record func(stream, i int) []byte

	// Opaque leaves out the record boundaries.
	Opaque bool
}

func (h SinkHarness) withDefaults() SinkHarness {
	if h.Record == nil {
		h.Record = func(stream, i int) []byte { return fmt.Appendf(nil, "{\"stream\":%d,\"record\":%d}\n", stream, i) }
	}
	return h
}

var sinkRules = []rule[SinkHarness]{
	{"K2.1", "Durable", "what Write returned nil for is stored, if the Footprint promises it, before Commit", durableHolds},
	{"K2.2", "Retention", "Write neither modifies the batch nor keeps any of it", sinkRetentionHolds},
	{"K2.5", "Cancel", "Write returns an error soon after its context is done, and Abort works then", sinkCancelHolds},
	{"K2.6", "Idempotence", "the same write twice does no harm, if the Footprint promises it", idempotenceHolds},
	{"K2.7", "Footprint", "the Footprint is not negative, stays the same, and covers the memory that a Writer holds however much is written", footprintHolds},
	{"K2.8", "Order", "a stream is stored in order if one write is in flight at a time, and whole if more are", orderHolds},
	{"K2.11", "Leaks", "no goroutine and no descriptor is left after Close, however the streams ended", sinkLeaksHold},
	{"K2.12", "Commit", "after Commit all that was written is there, also of an empty stream", commitHolds},
	{"K2.13", "Abort", "after Abort it is as if the stream had never happened", abortHolds},
	{"K2.14", "FailedWrite", "Abort works after a Write that failed", failedWriteHolds},
	{"K2.15", "Replace", "an aborted stream leaves alone what one of the same name had stored", replaceHolds},
	{"K2.16", "SideBySide", "several Writers, as many as the Footprint allows, do not disturb each other", sideBySideHolds},
}

// TestSink checks every rule of the contract that the harness gives the means
// to check, each against a fresh harness.
func TestSink(t *testing.T, harness func(*testing.T) SinkHarness) {
	t.Helper()
	run(t, sinkRules, func(t *testing.T) SinkHarness { return harness(t).withDefaults() })
}

// perBatch is the number of records in a batch the kit writes.
const perBatch = 10

// batch returns batch i of a stream. It respects the sink's MaxWrite as far as
// one record does.
func (h SinkHarness) batch(stream, i int, fp weir.Footprint) *weir.Batch {
	size := 0
	for j := range perBatch {
		size += weir.RecordSize(len(h.Record(stream, i*perBatch+j)))
	}
	b := weir.NewBatch(size)
	for j := range perBatch {
		rec := h.Record(stream, i*perBatch+j)
		if fp.MaxWrite > 0 && j > 0 && b.Len()+len(rec) > fp.MaxWrite {
			break
		}
		if h.Opaque {
			b.Advance(copy(b.Space(), rec))
		} else {
			b.Append(rec)
		}
	}
	b.SetPosition(fmt.Appendf(nil, "batch=%d", i))
	return b
}

// info describes stream number i.
func info(i int) weir.StreamInfo {
	return weir.StreamInfo{
		ID: fmt.Sprintf("weirtest/%d", i), Name: fmt.Sprintf("weirtest-%d.ndjson", i), Size: weir.UnknownSize,
	}
}

// withSink opens a sink and has it closed at the end of the rule.
func withSink(t testing.TB, open func(testing.TB) weir.Sink, f func(weir.Sink, weir.Footprint) error) (err error) {
	s := open(t)
	defer func() {
		if e := within("Sink.Close", s.Close); e != nil && err == nil {
			err = fmt.Errorf("Sink.Close: %w", e)
		}
	}()
	return f(s, s.Footprint())
}

// withWriter opens a Writer for stream i, lets f write, and gives it its one
// ending: Commit if f returns nil, Abort if not.
func withWriter(t testing.TB, s weir.Sink, i int, f func(weir.Writer) error) error {
	w, err := s.Open(t.Context(), info(i))
	if err != nil {
		return fmt.Errorf("Open: %w", err)
	}
	if err := f(w); err != nil {
		return errors.Join(err, abort(t, w, err))
	}
	if err := within("Commit", func() error { return w.Commit(t.Context()) }); err != nil {
		return fmt.Errorf("Commit: %w", err)
	}
	return nil
}

func abort(t testing.TB, w weir.Writer, cause error) error {
	if err := within("Abort", func() error { return w.Abort(t.Context(), cause) }); err != nil {
		return fmt.Errorf("Abort: %w", err)
	}
	return nil
}

func write(t testing.TB, w weir.Writer, b *weir.Batch) error {
	if err := w.Write(t.Context(), b); err != nil {
		return fmt.Errorf("Write: %w", err)
	}
	return nil
}

// writeN writes n batches of stream i, one after another.
func (h SinkHarness) writeN(t testing.TB, w weir.Writer, fp weir.Footprint, i, n int) ([]byte, error) {
	var all []byte
	for j := range n {
		b := h.batch(i, j, fp)
		all = append(all, b.Bytes()...)
		if err := write(t, w, b); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// stored compares what the sink holds of stream i with want.
func (h SinkHarness) stored(t testing.TB, i int, want []byte) error {
	if h.Read == nil {
		return nil
	}
	got, visible := h.Read(t, info(i).Name)
	if !visible && len(want) > 0 {
		return fmt.Errorf("stream %s is not there", info(i).Name)
	}
	if err := sameBytes(want, got, false); err != nil {
		return fmt.Errorf("stream %s: what was written, and what is there: %w", info(i).Name, err)
	}
	return nil
}

// storedAnyOrder is stored for a sink that may reorder records.
func (h SinkHarness) storedAnyOrder(t testing.TB, i int, want []byte) error {
	if h.Read == nil {
		return nil
	}
	got, _ := h.Read(t, info(i).Name)
	if err := sameBytes(sortedLines(want), sortedLines(got), false); err != nil {
		return fmt.Errorf("stream %s: what was written, and what is there, sorted: %w", info(i).Name, err)
	}
	return nil
}

func sortedLines(data []byte) []byte {
	lines := bytes.SplitAfter(data, []byte("\n"))
	slices.SortFunc(lines, bytes.Compare)
	return bytes.Join(lines, nil)
}

// gone returns an error if anything of stream i is there.
func (h SinkHarness) gone(t testing.TB, i int) error {
	if h.Read == nil || h.Kept {
		return nil
	}
	if got, visible := h.Read(t, info(i).Name); visible {
		return fmt.Errorf("stream %s is there after Abort, with %d bytes", info(i).Name, len(got))
	}
	return nil
}
