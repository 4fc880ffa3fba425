package weir_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

// A sink that hangs among eight pipelines that share one budget: the other seven
// keep at least half of their speed.
func TestHungSinkLeavesTheOthersHalfOfTheirSpeed(t *testing.T) {
	const pipelines, batch = 8, 64 << 10
	const untilHang, total = 3 * time.Second, 13 * time.Second
	run := func(t *testing.T, hangs bool) (healthy int64) {
		synctest.Test(t, func(t *testing.T) {
			budget := weir.NewBudget(16<<20, weir.BudgetOptions{})
			ctx, cancel := context.WithTimeout(t.Context(), total)
			defer cancel()
			began, results := time.Now(), make(chan weir.Result, pipelines)
			for i := range pipelines {
				dst := concurrentSink(func(ctx context.Context) error {
					// Of different lengths: in lockstep one pipeline at a time
					// would hold far more than its share.
					d := time.Duration(50+rand.IntN(100)) * time.Millisecond
					if hangs && i == 0 && time.Since(began) > untilHang {
						d = time.Hour
					}
					if !pause(ctx, d) {
						return context.Cause(ctx)
					}
					return nil
				})
				go func() {
					res, err := weir.Ingest(ctx, weir.FromReader(zeros{}), dst, weir.Options{Budget: budget, Batch: batch})
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					if i > 0 {
						results <- res
					}
				}()
			}
			for range pipelines - 1 {
				healthy += (<-results).Written.Bytes
			}
			synctest.Wait()
			checkHome(t, budget)
		})
		return healthy
	}
	without, beside := run(t, false), run(t, true)
	if without == 0 || beside < without/2 {
		t.Errorf("beside a hung pipeline the other seven moved %d bytes, without it %d", beside, without)
	}
	t.Logf("the other seven keep %d %% of their speed", 100*beside/without)
}

// concurrentSink takes 256 writes of a stream at once; each is a call of it.
type concurrentSink func(ctx context.Context) error

func (s concurrentSink) Footprint() weir.Footprint { return weir.Footprint{MaxInFlight: 256} }
func (s concurrentSink) Open(context.Context, weir.StreamInfo) (weir.Writer, error) {
	return concurrentWriter{s}, nil
}
func (s concurrentSink) Close() error { return nil }

type concurrentWriter struct{ write concurrentSink }

func (w concurrentWriter) Write(ctx context.Context, _ *weir.Batch) error { return w.write(ctx) }
func (w concurrentWriter) Commit(context.Context) error                   { return nil }
func (w concurrentWriter) Abort(context.Context, error) error             { return nil }

// Trap 10 and invariant 8: an instant source and sink, or a sink that stands
// still, do not hold up timers and cancellation of the process.
func TestHeartbeatBeatsBesideAPipeline(t *testing.T) {
	for name, write := range map[string]func(context.Context, *weir.Batch) error{
		"full speed": func(context.Context, *weir.Batch) error { return nil },
		"stopped":    func(ctx context.Context, _ *weir.Batch) error { <-ctx.Done(); return context.Cause(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			beats := make(chan int)
			go func() {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for range 20 {
					<-tick.C
				}
				cancel()
				beats <- 20
			}()
			_, err := weir.Ingest(ctx, weir.FromReader(zeros{}), weir.SinkFunc(write), weir.Options{})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
			select {
			case <-beats:
			case <-time.After(10 * time.Second):
				t.Error("the heartbeat stopped")
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

var _ io.Reader = zeros{}

// Trap 15: a source that has everything ready is read batch by batch.
func TestABatchIsNeverLargerThanItsLease(t *testing.T) {
	largest := 0
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		largest = max(largest, b.Len())
		return nil
	})
	src := weir.FromReader(bytes.NewReader(make([]byte, 16<<20)))
	if _, err := weir.Ingest(t.Context(), src, sink, weir.Options{Batch: 64 << 10}); err != nil {
		t.Fatal(err)
	}
	if largest != 64<<10 {
		t.Errorf("the largest batch held %d bytes", largest)
	}
}
