package job

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/weirflow/weir"
)

// Bounds of the pause before another attempt: a random time up to a limit that
// doubles ("full jitter": Brooker, "Exponential Backoff And Jitter", 2015).
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = 30 * time.Second
)

// pauseLimit is the longest pause before attempt n, from 1, that follows one
// without progress.
func pauseLimit(n int) time.Duration {
	return min(pauseFirst<<min(n-1, 16), pauseMost)
}

// attempts runs Ingest until it succeeds, cannot succeed, or has been tried often
// enough without progress. Each attempt continues where the checkpoints are.
func (w *watch) attempts(ctx context.Context, budget *weir.Budget) (weir.Result, error) {
	ends := w.job.Ends
	var before weir.Stats
	for idle := 0; ; {
		result, err := weir.Ingest(ctx, ends.Source, ends.Sink, w.options(budget, ends.Steps))
		addTotals(&result.Stats, before)
		before = result.Stats
		if err == nil || w.job.Reopen == nil || !w.passes(ctx, err) {
			return result, err
		}
		if w.progressed(result.Stats) {
			idle = 0
		}
		if idle++; idle > w.job.Retries {
			return result, fmt.Errorf("%w; it was tried %d times in a row without progress", err, idle)
		}
		pause := rand.N(pauseLimit(idle))
		w.job.Reporter.Notice(fmt.Sprintf("%v; going on from the last checkpoint in %v (try %d of %d without progress)",
			err, pause.Round(time.Millisecond), idle, w.job.Retries))
		if !w.pause(ctx, pause) {
			return result, err
		}
		if ends, err = w.job.Reopen(); err != nil {
			return result, err
		}
	}
}

// passes reports whether err may pass if the same is tried again, and nobody asked
// for the end.
func (w *watch) passes(ctx context.Context, err error) bool {
	kind := weir.KindOf(err)
	return (kind == weir.Transient || kind == weir.Throttled) && ctx.Err() == nil && !w.interrupted.Load()
}

// progressed reports whether more was stored than when it was last asked.
func (w *watch) progressed(s weir.Stats) bool {
	now := s.Checkpoints + s.Streams.Committed
	more := now > w.reached
	w.reached = now
	return more
}

// pause waits for d. It reports false if the end was asked for meanwhile.
func (w *watch) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.draining:
	case <-ctx.Done():
	}
	return false
}

// addTotals adds what earlier attempts did to s. What this one resumed of them is
// not counted twice: Resumed is what came before all of them.
func addTotals(s *weir.Stats, before weir.Stats) {
	if before.Elapsed == 0 {
		return // this is the first
	}
	for _, c := range []struct{ to, of *weir.Count }{
		{&s.Read, &before.Read},
		{&s.Written, &before.Written},
		{&s.Acknowledged, &before.Acknowledged},
		{&s.Filtered, &before.Filtered},
		{&s.Skipped, &before.Skipped},
		{&s.DeadLettered, &before.DeadLettered},
		{&s.Added, &before.Added},
	} {
		c.to.Bytes += c.of.Bytes
		c.to.Records += c.of.Records
	}
	s.Resumed = before.Resumed
	s.Elapsed += before.Elapsed
	s.Checkpoints += before.Checkpoints
	s.Streams.Committed += before.Streams.Committed - s.Streams.Already
	s.Streams.Already = before.Streams.Already
	s.PeakInFlightBytes = max(s.PeakInFlightBytes, before.PeakInFlightBytes)
	s.PeakInFlightBatches = max(s.PeakInFlightBatches, before.PeakInFlightBatches)
}
