package codec_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/weirtest"
)

// batchOf returns a batch with these records and a header.
func batchOf(header string, records ...string) *weir.Batch {
	size := 64
	for _, rec := range records {
		size += weir.RecordSize(len(rec))
	}
	b := weir.NewBatch(size)
	for _, rec := range records {
		b.Append([]byte(rec))
	}
	if header != "" {
		b.SetHeader([]byte(header))
	}
	b.SetFirstRecord(1)
	return b
}

// apply takes a batch through steps, with room for all that they make.
func apply(tb testing.TB, steps []weir.Step, in *weir.Batch) *weir.Batch {
	tb.Helper()
	for _, step := range steps {
		out := weir.NewBatch(16*in.Cap() + 1<<10)
		out.SetHeader(in.Header())
		if err := step.Do(tb.Context(), in, out); err != nil {
			tb.Fatalf("%s: %v", step.Name, err)
		}
		in = out
	}
	return in
}

// recordsOf returns the records of a batch as text.
func recordsOf(b *weir.Batch) []string {
	records := make([]string, b.Records())
	for i := range records {
		records[i] = string(b.Record(i))
	}
	return records
}

// stepsOf returns the steps between two formats, as people write them.
func stepsOf(tb testing.TB, from, to string, o codec.ConvertOptions) []weir.Step {
	tb.Helper()
	steps, err := codec.Convert(format(tb, from), format(tb, to), o)
	must(tb, err)
	return steps
}

func format(tb testing.TB, text string) codec.Format {
	tb.Helper()
	spec, err := codec.ParseSpec(text)
	must(tb, err)
	return spec.Format
}

// reasons is a policy that skips bad records and keeps why.
type reasons struct{ all []weir.BadRecord }

func (r *reasons) policy(_ context.Context, bad *weir.BadRecord) (weir.Fate, error) {
	kept := *bad
	kept.Excerpt = slices.Clone(bad.Excerpt)
	r.all = append(r.all, kept)
	return weir.Skipped, nil
}

// A copying is one run from bytes of a format to bytes of another.
type copying struct {
	from, to  string // as people write them
	encode    codec.EncodeOptions
	options   weir.Options
	footprint weir.Footprint
}

// run copies the streams and returns the sink.
func (c copying) run(tb testing.TB, streams ...weirtest.BytesStream) (*weirtest.MemSink, weir.Result, error) {
	tb.Helper()
	spec, err := codec.ParseSpec(c.from)
	must(tb, err)
	src, err := codec.NewSource(weirtest.NewBytesSource(streams...), codec.SourceOptions{Format: spec.Format, Compression: spec.Compression})
	must(tb, err)
	to, err := codec.ParseSpec(c.to)
	must(tb, err)
	encoder, err := codec.NewEncoder(spec.Format, to, c.encode)
	must(tb, err)
	sink := weirtest.NewMemSink(c.footprint)
	c.options.Steps = append(c.options.Steps, encoder.Steps()...)
	result, err := weir.Ingest(tb.Context(), encoder.Source(src), encoder.Sink(sink), c.options)
	if endings := sink.CheckEndings(); endings != nil {
		tb.Error(endings)
	}
	return sink, result, err
}

// data copies one stream and returns what was committed.
func (c copying) data(tb testing.TB, name, data string) string {
	tb.Helper()
	c.encode.KeepNames = true
	sink, _, err := c.run(tb, weirtest.BytesStream{Name: name, Data: []byte(data)})
	must(tb, err)
	got, ok := sink.Committed(name)
	if !ok {
		tb.Fatal("nothing was committed")
	}
	return string(got)
}

// reasonOf returns the bad record in an error.
func reasonOf(tb testing.TB, err error) *weir.BadRecord {
	tb.Helper()
	var bad *weir.BadRecord
	if !errors.As(err, &bad) {
		tb.Fatalf("%v is not of a bad record", err)
	}
	return bad
}
