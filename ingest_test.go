package weir_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/weirtest"
)

func poisoned(limit int64) *weir.Budget {
	return weir.NewBudget(limit, weir.BudgetOptions{Poison: true})
}

// ingest runs src into dst in the bubble of t and checks that everything ended
// as it must.
func ingest(t *testing.T, ctx context.Context, src *fakeSource, dst *fakeSink, o weir.Options) (weir.Result, error) {
	t.Helper()
	if o.Budget == nil {
		o.Budget = poisoned(1 << 20)
	}
	res, err := weir.Ingest(ctx, src, dst, o)
	synctest.Wait()
	checkEnds(t, src, dst, o.Budget)
	return res, err
}

func TestEveryRecordOfEveryStreamArrivesInOrder(t *testing.T) {
	for _, workers := range []int{0, 1, 3} {
		for _, inFlight := range []int{1, 4} {
			t.Run(fmt.Sprintf("workers=%d/inflight=%d", workers, inFlight), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					src := &fakeSource{streams: 5, records: 1000, perRead: 7, readTime: time.Millisecond}
					dst := &fakeSink{fp: weir.Footprint{MaxInFlight: inFlight}, writeTime: 2 * time.Millisecond}
					o := weir.Options{Streams: 3}
					if workers > 0 {
						o.Workers = workers
						o.Steps = []weir.Step{{Do: func(ctx context.Context, in, out *weir.Batch) error {
							pause(ctx, time.Duration(in.Len()%5)*time.Millisecond)
							return copyRecords(in, out)
						}}}
					}
					res, err := ingest(t, t.Context(), src, dst, o)
					if err != nil || res.Status != weir.Succeeded {
						t.Fatalf("Ingest = %v, %v", res.Status, err)
					}
					for i := range 5 {
						dst.wantAll(t, fmt.Sprint("s", i), 1000, inFlight == 1)
					}
					if res.Read != res.Written || res.Written != res.Acknowledged || res.Read.Records != 5000 {
						t.Errorf("read %v, written %v, acknowledged %v", res.Read, res.Written, res.Acknowledged)
					}
					if res.Streams != (weir.StreamCounts{Opened: 5, Committed: 5}) {
						t.Errorf("streams: %+v", res.Streams)
					}
				})
			})
		}
	}
}

func copyRecords(in, out *weir.Batch) error {
	for i := range in.Records() {
		if !out.Append(in.Record(i)) {
			return weir.ErrBatchFull
		}
	}
	return nil
}

func TestOneWriteInFlightWhileTheNextBatchIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 100, perRead: 1, readTime: 10 * time.Millisecond}
		dst := &fakeSink{writeTime: 10 * time.Millisecond}
		start := time.Now()
		if _, err := ingest(t, t.Context(), src, dst, weir.Options{}); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(start), 1020*time.Millisecond; got > want+10*time.Millisecond {
			t.Errorf("took %v; overlapping reads and writes take %v", got, want)
		}
		if dst.maxBusy != 1 {
			t.Errorf("%d writes at once on an ordered sink", dst.maxBusy)
		}
	})
}

func TestConcurrentSinkHasSeveralWritesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 400, perRead: 1}
		dst := &fakeSink{fp: weir.Footprint{MaxInFlight: 8}, writeTime: 10 * time.Millisecond}
		start := time.Now()
		if _, err := ingest(t, t.Context(), src, dst, weir.Options{Budget: poisoned(8 << 20)}); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 500*time.Millisecond {
			t.Errorf("400 writes of 10 ms, 8 at once, took %v", got)
		}
		dst.wantAll(t, "s0", 400, false)
		if dst.maxBusy != 8 {
			t.Errorf("%d writes at once, want 8", dst.maxBusy)
		}
	})
}

// Trap 16: one write in flight and no way to have more.
func TestInFlightOptionBoundsTheWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 100, perRead: 1}
		dst := &fakeSink{fp: weir.Footprint{MaxInFlight: 64}, writeTime: 10 * time.Millisecond}
		if _, err := ingest(t, t.Context(), src, dst, weir.Options{InFlight: 3}); err != nil {
			t.Fatal(err)
		}
		if dst.maxBusy != 3 {
			t.Errorf("%d writes at once, want 3", dst.maxBusy)
		}
	})
}

// Invariant 2 and trap 14: with a stopped sink, a source reads its granted leases
// and then no more; the bound is in bytes.
func TestSlowSinkHoldsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 1 << 30, size: 1000}
		dst := &fakeSink{fp: weir.Footprint{MaxInFlight: 16}, write: func(ctx context.Context, _ string, _ int) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		budget := poisoned(1 << 20)
		var c weir.Control
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(time.Minute)
			synctest.Wait()
			s := c.Stats()
			if s.InFlightBytes != 1<<20 || s.Read.Bytes > 1<<20 {
				t.Errorf("in flight %d, read %d with a budget of %d", s.InFlightBytes, s.Read.Bytes, 1<<20)
			}
			before := src.readCount()
			time.Sleep(time.Hour)
			if got := src.readCount(); got != before {
				t.Errorf("the source was read %d times while the sink stood still", got-before)
			}
			if p := c.Stats().Bottleneck; p.Stage != "sink" {
				t.Errorf("bottleneck: %+v", p)
			}
			cancel(errors.New("enough"))
		}()
		_, err := ingest(t, ctx, src, dst, weir.Options{Budget: budget, Guarantee: 1 << 20, Control: &c})
		if err == nil || err.Error() != "enough" {
			t.Errorf("err = %v", err)
		}
	})
}

// Invariant 1.
func TestBudgetHoldsWithManyPipelines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := poisoned(4 << 20)
		done := make(chan error)
		for i := range 20 {
			src := &fakeSource{streams: 3, records: 3000, size: 100 + i}
			dst := &fakeSink{fp: weir.Footprint{MaxInFlight: 1 + i%4}, writeTime: time.Duration(1+i) * time.Millisecond}
			go func() {
				_, err := weir.Ingest(t.Context(), src, dst, weir.Options{Budget: budget})
				checkEnds(t, src, dst, nil)
				for k := range 3 {
					dst.wantAll(t, fmt.Sprint("s", k), 3000, false)
				}
				done <- err
			}()
		}
		for range 20 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if s := budget.Stats(); s.Peak > s.Limit || s.Peak == 0 {
			t.Errorf("peak %d of a budget of %d", s.Peak, s.Limit)
		}
		checkHome(t, budget)
	})
}

func TestRecordLargerThanABatchIsLeasedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 5, size: 300 << 10}
		dst := &fakeSink{}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{Guarantee: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		dst.wantAll(t, "s0", 5, true)
		if res.PeakInFlightBytes < 300<<10 {
			t.Errorf("peak in flight %d", res.PeakInFlightBytes)
		}
	})
}

func TestRecordThatCanNeverFitIsRefusedWithTheArithmetic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 5, size: 2 << 20}
		dst := &fakeSink{}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{Guarantee: 1 << 20})
		if err == nil || weir.KindOf(err) != weir.Rejected || !strings.Contains(err.Error(), "2097156") || !strings.Contains(err.Error(), "1048576") {
			t.Errorf("err = %v", err)
		}
		if res.Status != weir.Failed || dst.writers["s0"].aborts != 1 {
			t.Errorf("status %v, aborts %d", res.Status, dst.writers["s0"].aborts)
		}
	})
}

func TestTransformChangesDropsAndAdds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 900, perRead: 10}
		dst := &fakeSink{}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{
			Workers: 3,
			Steps: []weir.Step{{Do: func(_ context.Context, in, out *weir.Batch) error {
				for i := range in.Records() {
					var n int
					if _, err := fmt.Sscan(string(in.Record(i)), &n); err != nil {
						return err
					}
					if n%3 != 0 {
						continue
					}
					if !out.Append(fmt.Appendf(nil, "%d\n", n/3)) {
						return weir.ErrBatchFull
					}
				}
				return nil
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		dst.wantAll(t, "s0", 300, true)
		if res.Filtered.Records != 600 || res.Read.Records != 900 || res.Written.Records != 300 {
			t.Errorf("read %v, filtered %v, written %v", res.Read, res.Filtered, res.Written)
		}
	})
}

func TestTransformThatDropsEverythingCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 900, perRead: 10}
		dst := &fakeSink{}
		var last weir.StreamResult
		res, err := ingest(t, t.Context(), src, dst, weir.Options{
			Steps:    []weir.Step{{Do: func(context.Context, *weir.Batch, *weir.Batch) error { return nil }}},
			OnStream: func(r weir.StreamResult) { last = r },
		})
		if err != nil || res.Filtered.Records != 900 || dst.writers["s0"].writes != 0 || dst.writers["s0"].commits != 1 {
			t.Errorf("%+v, %v", res, err)
		}
		if string(last.Position) != "900" {
			t.Errorf("position %q, want 900: what was dropped is done", last.Position)
		}
	})
}

// Trap 26: a failing or panicking transform fails its stream, with position, and
// is never followed by Commit.
func TestTransformFailureNamesItsPlaceAndAborts(t *testing.T) {
	boom := errors.New("boom")
	for name, f := range map[string]func() error{
		"error": func() error { return boom },
		"panic": func() error { panic(boom) },
		"full":  func() error { return weir.ErrBatchFull },
	} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprint(name, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					src := &fakeSource{records: 100, perRead: 10}
					dst := &fakeSink{writeTime: time.Second}
					_, err := ingest(t, t.Context(), src, dst, weir.Options{
						Workers: workers,
						Steps: []weir.Step{{Do: func(_ context.Context, in, out *weir.Batch) error {
							if string(in.Position()) == "50" {
								return f()
							}
							return copyRecords(in, out)
						}}},
					})
					if err == nil || !strings.Contains(err.Error(), "transform: stream s0 at 50") {
						t.Fatalf("err = %v", err)
					}
					if name == "error" && !errors.Is(err, boom) {
						t.Errorf("cause lost: %v", err)
					}
					var p *weir.PanicError
					if name == "panic" && (!errors.As(err, &p) || len(p.Stack) == 0) {
						t.Errorf("panic lost: %v", err)
					}
					if w := dst.writers["s0"]; w.commits != 0 || w.aborts != 1 {
						t.Errorf("%d commits, %d aborts", w.commits, w.aborts)
					}
				})
			})
		}
	}
}

// What a source gave before it failed arrives, however slow the steps and the sink.
func TestFailedReadComesAfterWhatWasReadBefore(t *testing.T) {
	boom := errors.New("boom")
	for _, workers := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &fakeSource{records: 100, perRead: 10, read: func(_ context.Context, _, record int) error {
					if record == 50 {
						return boom
					}
					return nil
				}}
				dst := &fakeSink{writeTime: time.Second}
				o := weir.Options{Workers: workers}
				if workers > 0 {
					o.Steps = []weir.Step{{Do: func(_ context.Context, in, out *weir.Batch) error {
						time.Sleep(time.Second)
						return copyRecords(in, out)
					}}}
				}
				res, err := ingest(t, t.Context(), src, dst, o)
				if !errors.Is(err, boom) || !strings.Contains(err.Error(), "read: stream s0 at 50: boom") {
					t.Errorf("err = %v", err)
				}
				if n := res.Undelivered.Records; n != 0 {
					t.Errorf("%d records were read and not delivered", n)
				}
				dst.wantAll(t, "s0", 50, true)
			})
		})
	}
}

// Trap 25: a source that fails during a slow write has failed, whatever comes while
// the write ends.
func TestTrap25FailureOfTheSourceDuringAWriteIsTheCause(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 100, perRead: 10, read: func(_ context.Context, _, record int) error {
			if record == 20 {
				return boom
			}
			return nil
		}}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(90*time.Second, func() { cancel(errStop) }) // in the second write
		res, err := ingest(t, ctx, src, &fakeSink{writeTime: time.Minute}, weir.Options{ReadAhead: 3})
		if !errors.Is(err, boom) || res.Status != weir.Failed {
			t.Errorf("%v, %v", res.Status, err)
		}
		if n := src.readCount(); n > 3 {
			t.Errorf("read %d times", n)
		}
	})
}

// A record that a step cannot use comes before a place where the source fails.
func TestFailureOfAnEarlierRecordCounts(t *testing.T) {
	late, early := errors.New("late"), errors.New("early")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 100, perRead: 10, read: func(_ context.Context, _, record int) error {
			if record == 30 {
				return late
			}
			return nil
		}}
		_, err := ingest(t, t.Context(), src, &fakeSink{}, weir.Options{Workers: 2, Steps: []weir.Step{{
			Do: func(ctx context.Context, in, out *weir.Batch) error {
				time.Sleep(time.Second)
				if string(in.Position()) == "20" {
					return weir.BadPolicy(nil).Decide(ctx, &weir.BadRecord{Stage: "step", Record: 12, Offset: -1, Reason: early}, out)
				}
				return copyRecords(in, out)
			},
		}}})
		if !errors.Is(err, early) || errors.Is(err, late) || !strings.Contains(err.Error(), "stream s0: rejected: step: record 12: early") {
			t.Errorf("err = %v", err)
		}
	})
}

// Trap 5: a failed stream ends its own stream only.
func TestFailedStreamEndsAlone(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{streams: 6, records: 100, perRead: 10, read: func(_ context.Context, stream, record int) error {
			if stream == 2 && record == 50 {
				return boom
			}
			return nil
		}}
		dst := &fakeSink{writeTime: time.Millisecond}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{})
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), "fake source: read: stream s2") {
			t.Errorf("err = %v", err)
		}
		if res.Status != weir.Failed || res.Streams.Committed != 5 || res.Streams.Failed != 1 {
			t.Errorf("%v %+v", res.Status, res.Streams)
		}
	})
}

func TestFailFastCancelsTheRest(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{streams: 6, records: 1000, perRead: 1, read: func(_ context.Context, stream, record int) error {
			if stream == 2 && record == 50 {
				return boom
			}
			return nil
		}}
		dst := &fakeSink{writeTime: time.Second}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{FailFast: true})
		if !errors.Is(err, boom) || res.Status != weir.Failed || res.Streams.Committed != 0 || res.Streams.Aborted != 5 {
			t.Errorf("%v %v %+v", err, res.Status, res.Streams)
		}
	})
}

// Trap 1: a destination that cannot be opened.
func TestOpenErrorFailsTheStreamAndNothingIsRead(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 10}
		dst := &fakeSink{opening: func(context.Context, string) error { return boom }}
		_, err := ingest(t, t.Context(), src, dst, weir.Options{})
		if !errors.Is(err, boom) || src.reads != 0 {
			t.Errorf("err = %v after %d reads", err, src.reads)
		}
	})
}

// Trap 3 and trap 23: a failed Commit fails the run, is not followed by Abort, and
// its outcome is said to be unknown.
func TestCommitErrorIsTheResult(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 10}
		dst := &fakeSink{commit: func(context.Context) error { return boom }}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{})
		if !errors.Is(err, boom) || !errors.Is(err, weir.ErrUnknown) || res.Status != weir.Failed {
			t.Errorf("%v, %v", res.Status, err)
		}
		if res.Acknowledged.Records != 0 || res.Written.Records != 10 {
			t.Errorf("written %v, acknowledged %v", res.Written, res.Acknowledged)
		}
	})
}

// Trap 4: Abort itself fails or panics.
func TestAbortErrorIsJoinedBehindTheCause(t *testing.T) {
	boom, worse := errors.New("boom"), errors.New("worse")
	for _, f := range []func() error{func() error { return worse }, func() error { panic(worse) }} {
		synctest.Test(t, func(t *testing.T) {
			src := &fakeSource{records: 10}
			dst := &fakeSink{
				write: func(context.Context, string, int) error { return boom },
				abort: func(context.Context, error) error { return f() },
			}
			_, err := ingest(t, t.Context(), src, dst, weir.Options{})
			if !errors.Is(err, boom) || !strings.Contains(err.Error(), "worse") || strings.Index(err.Error(), "worse") < strings.Index(err.Error(), "boom") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func TestPanicsOfConnectorsFailTheRun(t *testing.T) {
	oops := func() error { panic("oops") }
	for name, c := range map[string]struct {
		src *fakeSource
		dst *fakeSink
	}{
		"next":   {&fakeSource{next: func(context.Context) error { return oops() }}, &fakeSink{}},
		"read":   {&fakeSource{records: 5, read: func(context.Context, int, int) error { return oops() }}, &fakeSink{}},
		"open":   {&fakeSource{records: 5}, &fakeSink{opening: func(context.Context, string) error { return oops() }}},
		"write":  {&fakeSource{records: 5}, &fakeSink{write: func(context.Context, string, int) error { return oops() }}},
		"commit": {&fakeSource{records: 5}, &fakeSink{commit: func(context.Context) error { return oops() }}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				res, err := ingest(t, t.Context(), c.src, c.dst, weir.Options{})
				var p *weir.PanicError
				if !errors.As(err, &p) || p.Value != "oops" || res.Status != weir.Failed {
					t.Errorf("%v, %v", res.Status, err)
				}
			})
		})
	}
}

// Validation errors close both ends too.
func TestInvalidOptionsCloseBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := &fakeSource{}, &fakeSink{}
		_, err := ingest(t, t.Context(), src, dst, weir.Options{Streams: -1, Batch: 7})
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "option Streams is -1") || !strings.Contains(err.Error(), "option Batch is 7") {
			t.Errorf("err = %v", err)
		}
		if src.reads != 0 {
			t.Error("the source was read")
		}
	})
}

func TestGuaranteeThatCannotHoldABatchIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := ingest(t, t.Context(), &fakeSource{}, &fakeSink{fp: weir.Footprint{Static: 1 << 20}}, weir.Options{})
		if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "sink 1048576") {
			t.Errorf("err = %v", err)
		}
	})
}

// Traps 20 and 22: the cancel's cause keeps its identity, and what goes wrong
// while cleaning up does not replace it.
func TestCancelReturnsItsCause(t *testing.T) {
	cause := errors.New("the user said so")
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{streams: 3, records: 1 << 20, perRead: 1}
		dst := &fakeSink{writeTime: 10 * time.Millisecond, abort: func(context.Context, error) error { return errors.New("cleanup failed") }}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		start := time.Now()
		res, err := ingest(t, ctx, src, dst, weir.Options{})
		if !errors.Is(err, cause) || res.Status != weir.Aborted {
			t.Errorf("%v, %v", res.Status, err)
		}
		if time.Since(start) != time.Second {
			t.Errorf("returned %v after the cancel", time.Since(start)-time.Second)
		}
		for _, w := range dst.writers {
			if w.cause != cause {
				t.Errorf("Abort got %v", w.cause)
			}
		}
	})
}

// Trap 12: cancel during Commit: either committed, or not.
func TestCancelDuringCommit(t *testing.T) {
	for _, commits := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			src := &fakeSource{records: 10}
			dst := &fakeSink{commit: func(ctx context.Context) error {
				synctest.Wait() // the source has ended
				cancel()
				if commits {
					return nil
				}
				return ctx.Err()
			}}
			res, err := ingest(t, ctx, src, dst, weir.Options{})
			if commits && (err != nil || res.Status != weir.Succeeded || res.Acknowledged.Records != 10) {
				t.Errorf("committed before the cancel was seen: %v, %v", res.Status, err)
			}
			if !commits && (!errors.Is(err, context.Canceled) || !errors.Is(err, weir.ErrUnknown) || res.Acknowledged.Records != 0) {
				t.Errorf("not committed: %v, %v", res.Status, err)
			}
		})
	}
}

func TestDrainDeliversWhatIsInFlight(t *testing.T) {
	for _, endless := range []bool{false, true} {
		t.Run(fmt.Sprint("endless=", endless), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &fakeSource{records: 1 << 30, perRead: 1, endless: endless}
				dst := &fakeSink{fp: weir.Footprint{MaxInFlight: 4}, writeTime: 100 * time.Millisecond}
				var c weir.Control
				time.AfterFunc(time.Second+50*time.Millisecond, c.Drain)
				start := time.Now()
				res, err := ingest(t, t.Context(), src, dst, weir.Options{Control: &c})
				if got := time.Since(start); got > 1300*time.Millisecond {
					t.Errorf("drained after %v", got-1050*time.Millisecond)
				}
				if res.Read != res.Written {
					t.Errorf("read %v, written %v", res.Read, res.Written)
				}
				w := dst.writers["s0"]
				if endless && (err != nil || res.Status != weir.Succeeded || w.commits != 1) {
					t.Errorf("%v, %v, %d commits", res.Status, err, w.commits)
				}
				if !endless && (!errors.Is(err, weir.ErrDrained) || res.Status != weir.Aborted || w.aborts != 1) {
					t.Errorf("%v, %v, %d aborts", res.Status, err, w.aborts)
				}
			})
		})
	}
}

func TestDrainOfASilentSourceEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 10, read: func(ctx context.Context, _, _ int) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		var c weir.Control
		time.AfterFunc(time.Second, c.Drain)
		start := time.Now()
		_, err := ingest(t, t.Context(), src, &fakeSink{}, weir.Options{Control: &c})
		if !errors.Is(err, weir.ErrDrained) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestDrainHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 1000, perRead: 1}
		dst := &fakeSink{writeTime: time.Hour}
		var c weir.Control
		time.AfterFunc(time.Second, c.Drain)
		start := time.Now()
		res, err := ingest(t, t.Context(), src, dst, weir.Options{Control: &c, DrainTimeout: time.Minute})
		if !errors.Is(err, weir.ErrDrainTimeout) || res.Status != weir.Aborted || time.Since(start) != time.Minute+time.Second {
			t.Errorf("%v, %v after %v", res.Status, err, time.Since(start))
		}
	})
}

// Trap 13.
func TestIdleTimeoutFailsASilentSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 10, perRead: 1, read: func(ctx context.Context, _, record int) error {
			if record == 5 {
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}}
		dst := &fakeSink{writeTime: time.Hour} // a slow sink is not an idle source
		start := time.Now()
		res, err := ingest(t, t.Context(), src, dst, weir.Options{IdleTimeout: 10 * time.Minute})
		if !errors.Is(err, weir.ErrIdle) || res.Status != weir.Failed {
			t.Errorf("%v, %v", res.Status, err)
		}
		if got := time.Since(start); got < 10*time.Minute || got > 5*time.Hour {
			t.Errorf("after %v", got)
		}
	})
}

func TestIdleTimeoutFailsASourceThatGivesNoStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{next: func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		res, err := ingest(t, t.Context(), src, &fakeSink{}, weir.Options{IdleTimeout: time.Minute})
		if !errors.Is(err, weir.ErrIdle) || res.Status != weir.Failed {
			t.Errorf("%v, %v", res.Status, err)
		}
	})
}

func TestRateLimitsTheReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{streams: 4, records: 1000, size: 100}
		start := time.Now()
		res, err := ingest(t, t.Context(), src, &fakeSink{}, weir.Options{Rate: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got < 39*time.Second || got > 41*time.Second {
			t.Errorf("400,000 bytes at 10,000 a second took %v", got)
		}
		if res.Bottleneck.Stage != "rate" {
			t.Errorf("bottleneck: %+v", res.Bottleneck)
		}
	})
}

func TestEmptyStreamsCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst := &fakeSink{}
		res, err := ingest(t, t.Context(), &fakeSource{streams: 10}, dst, weir.Options{})
		if err != nil || res.Streams.Committed != 10 || res.Read.Bytes != 0 {
			t.Errorf("%+v, %v", res.Streams, err)
		}
	})
}

func TestReadThatGivesNothingForEverFails(t *testing.T) {
	_, err := weir.Ingest(t.Context(), weir.FromReader(emptyReader{}), weir.ToWriter(io.Discard), weir.Options{})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("err = %v", err)
	}
}

type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, nil }

func TestReaderToWriter(t *testing.T) {
	in := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	var out bytes.Buffer
	res, err := weir.Ingest(t.Context(), weir.FromReader(bytes.NewReader(in)), weir.ToWriter(&out), weir.Options{})
	if err != nil || !bytes.Equal(in, out.Bytes()) || res.Acknowledged.Bytes != int64(len(in)) {
		t.Errorf("%d bytes of %d, %v", out.Len(), len(in), err)
	}
}

func TestConcatReadsOneSourceAfterAnother(t *testing.T) {
	var out bytes.Buffer
	src := weir.Concat(weir.FromReader(strings.NewReader("a")), weir.FromReader(strings.NewReader("")), weir.FromReader(strings.NewReader("b")))
	res, err := weir.Ingest(t.Context(), src, weir.ToWriter(&out), weir.Options{})
	if err != nil || out.String() != "ab" || res.Streams.Committed != 3 {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestWriterThatFailsFailsTheRun(t *testing.T) {
	boom := errors.New("boom")
	_, err := weir.Ingest(t.Context(), weir.FromReader(strings.NewReader("a")), weir.SinkFunc(func(context.Context, *weir.Batch) error { return boom }), weir.Options{})
	if !errors.Is(err, boom) {
		t.Errorf("err = %v", err)
	}
}

// A step whose output is larger than it said gets more memory while there is some
// at hand, and what it has written stays.
func TestOutputGrowsWhileTheBudgetHasMemory(t *testing.T) {
	for name, c := range map[string]struct {
		budget int64
		fails  bool
	}{"room": {1 << 20, false}, "no room": {40 << 10, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := poisoned(c.budget)
				dst := weirtest.NewMemSink(weir.Footprint{})
				ten := weir.Step{Name: "ten", Do: func(_ context.Context, in, out *weir.Batch) error {
					for i := range in.Records() {
						for range 10 {
							if !out.Append(in.Record(i)) {
								return weir.ErrBatchFull
							}
						}
					}
					return nil
				}}
				same := weir.Step{Do: func(_ context.Context, in, out *weir.Batch) error { return copyRecords(in, out) }}
				res, err := weir.Ingest(t.Context(), &fakeSource{records: 500}, dst, weir.Options{
					Batch: 4 << 10, Budget: b, Workers: 1, Steps: []weir.Step{ten, same},
				})
				if c.fails {
					if !errors.Is(err, weir.ErrBatchFull) || !strings.Contains(err.Error(), "ten: stream s0") {
						t.Errorf("err = %v", err)
					}
				} else if err != nil || res.Written.Records != 5000 || res.Added.Records != 4500 {
					t.Errorf("written %v, added %v, %v", res.Written, res.Added, err)
				}
				if s := b.Stats(); s.Used != 0 {
					t.Errorf("%+v", s)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
