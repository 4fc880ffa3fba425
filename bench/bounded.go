package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

const boundedDelay = 2500 * time.Microsecond

// runBounded joins a fast source to a slow sink in several ways, each in a
// process of its own.
func runBounded(ctx context.Context, b *bench) ([]table, error) {
	bytes := int64(128 << 20)
	if b.quick {
		bytes /= 4
	}
	writes := bytes / chunk
	way := func(name, way string) contestant {
		return of(name, command{args: []string{b.self, childArg, "bounded", way, strconv.FormatInt(bytes, 10)}})
	}
	contestants := []contestant{
		way("loop: read, write, read, write", "loop"),
		way("weir.Ingest", "weir"),
		way(fmt.Sprintf("a channel of %d chunks", channelChunks), "channel"),
		way("a goroutine a write, none waited for", "fire"),
		way("loop, again", "loop"),
	}
	results, err := race(ctx, b.roundsOr(2, 1), contestants, nil)
	if err != nil {
		return nil, err
	}
	t := compareSeconds(fmt.Sprintf("BOUNDED: %s of 64 KiB chunks into a sink that serves one write at a time, %v each", mib(bytes), boundedDelay),
		"loop", contestants, results)
	ideal := float64(writes) * boundedDelay.Seconds()
	t.note("ideal: %d writes × %v = %s s", writes, boundedDelay, number(ideal))
	weir, loop := results[1].of(peakMiB).most, results[0].of(peakMiB).most
	t.note("above the loop, which holds one chunk: weir %s MiB, the channel %s MiB, a goroutine a write %s MiB", number(weir-loop),
		number(results[2].of(peakMiB).most-loop), number(results[3].of(peakMiB).most-loop))
	t.target(weir-loop <= 4, "weir's memory at most 4 MiB above the loop's: %s MiB", number(weir-loop))
	t.target(speed(results[0], results[1]) >= 0.98, "weir as fast as the loop: %s", times(speed(results[0], results[1])))
	return []table{t}, nil
}

func boundedChild(args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	ctx := context.Background()
	src, err := sim.NewGenerator(sim.GeneratorOptions{Size: n, Opaque: true})
	if err != nil {
		return err
	}
	dst, err := sim.NewSlow(sim.SlowOptions{Delay: boundedDelay, Concurrency: 1})
	if err != nil {
		return err
	}
	switch args[0] {
	case "weir":
		_, err = weir.Ingest(ctx, src, dst, weir.Options{Batch: chunk})
	case "loop":
		err = join(ctx, src, dst, moveLoop)
	case "channel":
		err = join(ctx, src, dst, moveChannel)
	case "fire":
		err = join(ctx, src, dst, moveFire)
	default:
		return errUsage
	}
	if got := dst.Count().Bytes; err == nil && got != n {
		err = fmt.Errorf("%d of %d bytes arrived", got, n)
	}
	return err
}
