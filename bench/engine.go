package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/connector/sim"
)

// runEngine measures what the engine adds to a batch of 64 KiB: alone, between a
// source and a sink that do nothing, and beside work that is as little as a batch
// of that size can cost.
func runEngine(ctx context.Context, b *bench) ([]table, error) {
	alone, cost, err := engineAlone(ctx, b)
	if err != nil {
		return nil, err
	}
	e := &engineWork{b: b}
	defer e.close()
	beside, err := e.measure(ctx, cost)
	if err != nil {
		return nil, err
	}
	return append([]table{alone}, beside...), nil
}

// engineCost is the time and processor time that a batch costs, in ns.
type engineCost struct{ inline, lane float64 }

// engineAlone is the engine between ends that do nothing.
func engineAlone(ctx context.Context, b *bench) (table, engineCost, error) {
	n := int64(1_000_000)
	if b.quick {
		n /= 4
	}
	budget := weir.NewBudget(8<<20, weir.BudgetOptions{})
	ingest := func(fp weir.Footprint) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			return measure(n, func() error {
				_, err := weir.Ingest(ctx, &idleSource{batches: n}, idleSink{fp}, weir.Options{Budget: budget, Batch: chunk})
				return err
			})
		}
	}
	loop := func(ctx context.Context) (sample, error) {
		return measure(n, func() error { return join(ctx, &idleSource{batches: n}, idleSink{}, moveLoop) })
	}
	contestants := []contestant{
		{"loop", loop},
		{"weir, inline", ingest(weir.Footprint{})},
		{"weir, by a lane", ingest(weir.Footprint{MaxInFlight: 4})},
		{"loop, again", loop},
		{"weir, inline, again", ingest(weir.Footprint{})},
	}
	results, err := race(ctx, b.roundsOr(9, 5), contestants, nil)
	err = errors.Join(err, budget.Close())
	if err != nil {
		return table{}, engineCost{}, err
	}
	t := compareEach("ENGINE: lease, hand-over and ack of a batch of 64 KiB, between a source and a sink that do nothing",
		"batch", "loop", contestants, results)
	none := results[0].of(wallEach).median
	cost := engineCost{results[1].of(wallEach).median - none, results[2].of(wallEach).median - none}
	allocs := max(results[1].of(allocsEach).median, results[2].of(allocsEach).median)
	t.target(cost.inline <= 500, "inline at most 500 ns: %s ns", number(cost.inline))
	t.target(cost.lane <= 500, "by a lane at most 500 ns: %s ns", number(cost.lane))
	t.target(allocs < 0.005, "no allocation for a batch (those of a whole run, divided by its batches: %s)", number(allocs))
	return t, cost, nil
}

// engineWork is the least that a batch of 64 KiB costs in practice, with and
// without the engine.
type engineWork struct {
	b        *bench
	src, dst string
	n        int64
	copied   [chunk]byte
}

func (e *engineWork) close() { _ = discard(e.src, e.dst) } // the directory goes as well

func (e *engineWork) measure(ctx context.Context, cost engineCost) ([]table, error) {
	bytes := int64(512 << 20)
	if e.b.quick {
		bytes /= 4
	}
	e.n = bytes / chunk
	e.dst = e.b.scratch.path("written")
	err := e.b.scratch.need(2 * bytes)
	if err == nil {
		e.src, err = e.b.scratch.random("read", bytes)
	}
	if err != nil {
		return nil, err
	}
	rounds := e.b.roundsOr(9, 3)
	shares := table{
		title:  "ENGINE: its cost of a batch as a share of what the batch takes without it",
		header: []string{"", "µs each batch", "inline", "by a lane", "weir, measured", "loop, again"},
	}
	for _, w := range e.works() {
		results, err := race(ctx, rounds, w.contestants(), nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		each := results[0].of(wallEach).median
		shares.row(w.name, number(each/1e3), percent(cost.inline/each), percent(cost.lane/each),
			more(results[1], results[0]), more(results[2], results[0]))
		if w.target > 0 {
			shares.target(cost.inline/each <= w.target, "at most %s of %s, inline: %s", percent(w.target), w.name, percent(cost.inline/each))
		}
	}
	shares.note("inline and by a lane: the cost above, divided by what the batch takes without an engine")
	shares.note("weir, measured: how much longer the same work took through weir and its file source or slow sink, medians of %d rounds", rounds)
	shares.note("loop, again: what the same figure is for the loop against itself, which is the noise")
	return []table{shares}, nil
}

// more says how much longer s took than limit.
func more(s, limit series) string {
	x := 100 * (ratio(s.of(wallEach).median, limit.of(wallEach).median) - 1)
	return fmt.Sprintf("%+.1f %%", x)
}

// work is something to do with batches, by a bare loop and through weir.
type work struct {
	name       string
	batches    int64
	loop, weir func(context.Context) error
	target     float64 // the share of it that the engine's cost may be; 0: any
}

func (w work) contestants() []contestant {
	measured := func(name string, f func(context.Context) error) contestant {
		return contestant{name, func(ctx context.Context) (sample, error) {
			return measure(w.batches, func() error { return f(ctx) })
		}}
	}
	return []contestant{measured("loop", w.loop), measured("weir", w.weir), measured("loop, again", w.loop)}
}

func (e *engineWork) works() []work {
	const slowWrites = 200
	slow := func(ctx context.Context, move func(context.Context, weir.Source, weir.Sink) error) error {
		dst, err := sim.NewSlow(sim.SlowOptions{Delay: time.Millisecond, Concurrency: 1})
		if err != nil {
			return err
		}
		return move(ctx, &idleSource{batches: slowWrites}, dst)
	}
	return []work{
		{"read from page cache, copy in memory", e.n, e.readLoop(e.keep), e.readWeir(e.keep), 0},
		{"read from page cache, write to page cache", e.n, e.writing(e.readLoop), e.writing(e.readWeir), 0.01},
		{"write to a sink of 1 ms", slowWrites, func(ctx context.Context) error {
			return slow(ctx, func(ctx context.Context, src weir.Source, dst weir.Sink) error { return join(ctx, src, dst, moveLoop) })
		}, func(ctx context.Context) error { return slow(ctx, ingestBatches) }, 0.01},
	}
}

func ingestBatches(ctx context.Context, src weir.Source, dst weir.Sink) error {
	_, err := weir.Ingest(ctx, src, dst, weir.Options{Batch: chunk})
	return err
}

// keep is the cheapest sink that takes every byte.
func (e *engineWork) keep(p []byte) error {
	copy(e.copied[:], p)
	return nil
}

// readLoop reads the file without an engine.
func (e *engineWork) readLoop(write func([]byte) error) func(context.Context) error {
	return func(context.Context) error {
		f, err := os.Open(e.src)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // it was only read
		buf := make([]byte, chunk)
		for {
			n, err := f.Read(buf)
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = write(buf[:n])
			}
			if err != nil {
				return err
			}
		}
	}
}

// readWeir reads the file through weir.
func (e *engineWork) readWeir(write func([]byte) error) func(context.Context) error {
	return func(ctx context.Context) error {
		src, err := file.NewSource([]string{e.src}, file.SourceOptions{})
		if err != nil {
			return err
		}
		return ingestBatches(ctx, src, weir.SinkFunc(func(_ context.Context, b *weir.Batch) error { return write(b.Bytes()) }))
	}
}

// writing gives read a sink that writes a file. It writes over the pages of the
// run before, so that taking pages from the system is not what is measured.
func (e *engineWork) writing(read func(func([]byte) error) func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		f, err := os.OpenFile(e.dst, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		err = read(func(p []byte) error {
			_, err := f.Write(p)
			return err
		})(ctx)
		return errors.Join(err, f.Close())
	}
}
