package sim_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/weirtest"
)

func TestGeneratorConforms(t *testing.T) {
	for _, o := range []sim.GeneratorOptions{
		{Size: 300_000, Streams: 3},
		{Size: 300_000, Opaque: true},
		{Size: 300_000, Format: sim.NDJSON, Record: 333},
		{Size: 300_000, Format: sim.Zeros, Opaque: true},
		{},
	} {
		t.Run(fmt.Sprintf("%v/size=%d/streams=%d/opaque=%v", o.Format, o.Size, o.Streams, o.Opaque), func(t *testing.T) {
			weirtest.TestSource(t, func(*testing.T) weirtest.SourceHarness {
				return weirtest.SourceHarness{
					Limit: 1 << 20,
					Open:  func(t testing.TB) weir.Source { return newGenerator(t, o) },
					Idle: func(t testing.TB) weir.Source { // a megabyte a month
						return newGenerator(t, sim.GeneratorOptions{Record: 1 << 19, Rate: 1})
					},
				}
			})
		})
	}
}

func TestChaosSourceConformsWhenNothingBreaks(t *testing.T) {
	weirtest.TestSource(t, func(*testing.T) weirtest.SourceHarness {
		over := func(o sim.ChaosSourceOptions) func(t testing.TB) weir.Source {
			return func(t testing.TB) weir.Source {
				return newChaosSource(t, newGenerator(t, sim.GeneratorOptions{Size: 100_000}), o)
			}
		}
		return weirtest.SourceHarness{
			Open:      over(sim.ChaosSourceOptions{Short: 1000, EOFAlone: true}),
			Idle:      over(sim.ChaosSourceOptions{Hang: sim.Fault{On: sim.OnRead}}),
			Truncated: over(sim.ChaosSourceOptions{Short: 1000, Fail: sim.Fault{After: 3}, Error: "cut off"}),
		}
	})
}

func TestNullConforms(t *testing.T) {
	weirtest.TestSink(t, func(*testing.T) weirtest.SinkHarness {
		return weirtest.SinkHarness{Open: func(testing.TB) weir.Sink { return sim.NewNull() }}
	})
}

func TestSlowConforms(t *testing.T) {
	for _, concurrency := range []int{1, 4, sim.Unlimited} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			slow := func(o sim.SlowOptions) func(t testing.TB) weir.Sink {
				o.Concurrency = concurrency
				return func(t testing.TB) weir.Sink { return newSlow(t, o) }
			}
			weirtest.TestSink(t, func(*testing.T) weirtest.SinkHarness {
				return weirtest.SinkHarness{
					Open:  slow(sim.SlowOptions{Delay: 10 * time.Microsecond, Jitter: 10 * time.Microsecond, Rate: 1 << 30}),
					Hangs: slow(sim.SlowOptions{Delay: time.Hour}),
				}
			})
		})
	}
}

func TestChaosConformsAndBreaksOnlyAsTold(t *testing.T) {
	weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
		store := weirtest.NewMemSink(weir.Footprint{})
		t.Cleanup(func() {
			if err := store.CheckEndings(); err != nil {
				t.Error(err)
			}
		})
		into := func(o sim.ChaosOptions) func(t testing.TB) weir.Sink {
			o.Into = store
			return func(t testing.TB) weir.Sink { return newChaos(t, o) }
		}
		return weirtest.SinkHarness{
			Open:  into(sim.ChaosOptions{}),
			Fails: into(sim.ChaosOptions{Partial: 1}),
			Hangs: into(sim.ChaosOptions{Hang: sim.Fault{After: 2}}),
			Read:  func(_ testing.TB, name string) ([]byte, bool) { return store.Committed(name) },

			InMemory: true,
		}
	})
}

// A sink that hangs for good must be found by the kit, and be released.
func TestChaosHangIsReleased(t *testing.T) {
	weirtest.CheckLeaks(t)
	s := newChaos(t, sim.ChaosOptions{Hang: sim.Fault{On: sim.OnWrite}, IgnoreContext: true})
	w := open(t, s)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() { done <- w.Write(ctx, batchOf(1)) }()
	cancel(errors.New("enough"))
	s.Release()
	if err := <-done; err != nil {
		t.Errorf("Write = %v after Release", err)
	}
}
