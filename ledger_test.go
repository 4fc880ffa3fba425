package weir_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/weirtest"
)

// refusing is a stage that gives up on the records whose number ends in 7, by the
// policy.
func refusing(p weir.BadPolicy) func(ctx context.Context, in, out *weir.Batch) error {
	return func(ctx context.Context, in, out *weir.Batch) error {
		for i := range in.Records() {
			rec := in.Record(i)
			if !strings.HasSuffix(string(rec), "7\n") {
				out.Append(rec)
				continue
			}
			err := p.Decide(ctx, &weir.BadRecord{
				Stage: "seven", Stream: in.Stream(), Record: in.FirstRecord() + int64(i), Offset: -1,
				Size: int64(len(rec)), Reason: errors.New("it ends in 7"), Excerpt: rec,
			}, out)
			if err != nil {
				return err
			}
		}
		if out.Records() == 0 && in.Records() > 0 && out.Noted(weir.Skipped).Records == 0 && out.Noted(weir.DeadLettered).Records == 0 {
			return errors.New("nothing")
		}
		return nil
	}
}

func TestBadRecordsAreCountedByTheirFate(t *testing.T) {
	var letters []int64
	for name, c := range map[string]struct {
		policy        weir.BadPolicy
		skipped, dead int64
		fails         bool
	}{
		"fail": {nil, 0, 0, true},
		"skip": {weir.SkipBad, 20, 0, false},
		"deadletter": {func(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
			letters = append(letters, r.Record)
			return weir.DeadLettered, nil
		}, 0, 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dst := weirtest.NewMemSink(weir.Footprint{})
				res, err := weir.Ingest(t.Context(), &fakeSource{records: 200, perRead: 9}, dst, weir.Options{
					Workers: 1, Steps: []weir.Step{{Name: "sevens", Do: refusing(c.policy)}},
				})
				if c.fails {
					if weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), "seven: record 8: it ends in 7") {
						t.Errorf("err = %v", err)
					}
					if res.Read.Records != res.Written.Records+res.Undelivered.Records {
						t.Errorf("%+v", res.Stats)
					}
					return
				}
				if err != nil || res.Skipped.Records != c.skipped || res.DeadLettered.Records != c.dead || res.Written.Records != 180 || res.Filtered.Records != 0 {
					t.Errorf("%+v, %v", res.Stats, err)
				}
			})
		})
	}
	if len(letters) != 20 || letters[0] != 8 || letters[19] != 198 {
		t.Errorf("letters %v; want the numbers of the records, from 1", letters)
	}
}

// A step that miscounts what it leaves out is found before anything is committed.
func TestLedgerThatDoesNotBalanceIsNotCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst := weirtest.NewMemSink(weir.Footprint{})
		_, err := weir.Ingest(t.Context(), &fakeSource{records: 30}, dst, weir.Options{
			Steps: []weir.Step{{Do: func(_ context.Context, _, out *weir.Batch) error {
				out.Note(weir.Filtered, 1, 0)
				return nil
			}}},
		})
		if err == nil || !strings.Contains(err.Error(), "30 records read + 0 added are not 0 written + 1 filtered") {
			t.Errorf("err = %v", err)
		}
		if _, ok := dst.Committed("s0"); ok {
			t.Error("committed")
		}
	})
}

// A sink gives up on records too, and a source on what it could not read.
func TestSourcesAndSinksNoteWhatTheyGiveUpOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst := &fakeSink{}
		src := &fakeSource{records: 50, perRead: 5}
		res, err := weir.Ingest(t.Context(), notingSource{src}, notingSink{dst}, weir.Options{Steps: []weir.Step{{Do: func(_ context.Context, in, out *weir.Batch) error {
			return copyRecords(in, out)
		}}}})
		// Of ten batches of five, the source notes two skipped on each, and the
		// sink one dead letter.
		if err != nil || res.Read.Records != 70 || res.Skipped.Records != 20 || res.DeadLettered.Records != 10 || res.Written.Records != 40 {
			t.Errorf("%+v, %v", res.Stats, err)
		}
	})
}

type notingSource struct{ weir.Source }

func (s notingSource) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	return notingStream{st}, nil
}

type notingStream struct{ weir.Stream }

func (s notingStream) Read(ctx context.Context, b *weir.Batch) error {
	err := s.Stream.Read(ctx, b)
	if b.Len() > 0 {
		b.Note(weir.Skipped, 2, 10)
	}
	return err
}

type notingSink struct{ weir.Sink }

func (s notingSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	w, err := s.Sink.Open(ctx, info)
	return notingWriter{w}, err
}

type notingWriter struct{ weir.Writer }

func (w notingWriter) Write(ctx context.Context, b *weir.Batch) error {
	if b.Noted(weir.Skipped).Records != 0 {
		return fmt.Errorf("the reader's notes are on the sink's batch: %v", b.Noted(weir.Skipped))
	}
	b.Note(weir.DeadLettered, 1, int64(len(b.Record(0))))
	return w.Writer.Write(ctx, b)
}
