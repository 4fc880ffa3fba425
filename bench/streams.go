package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/weirflow/weir/connector/sim"
)

const (
	streamsDelay = 50 * time.Millisecond
	streamsCap   = "96MiB"
)

// runStreams moves many streams side by side into a sink that serves one write
// of each at a time. The limit is the same source and sink, joined by a loop a
// stream with a buffer of its own.
func runStreams(ctx context.Context, b *bench) ([]table, error) {
	writes := 80
	if b.quick {
		writes = 20
	}
	ideal := time.Duration(writes) * streamsDelay
	var all []table
	for _, streams := range []int{1, 100, 1000} {
		bytes := int64(streams) * int64(writes) * chunk
		loop := command{args: []string{b.self, childArg, "streams", strconv.Itoa(streams), strconv.Itoa(writes)}}
		moved := command{args: []string{
			b.weir, "cp", "--quiet", "--memory", streamsCap,
			"--streams", strconv.Itoa(streams), "--in-flight", "1", "--batch", fmt.Sprintf("%dKiB", chunk>>10),
			fmt.Sprintf("gen://?size=%dKiB&streams=%d&opaque=1&format=zeros", bytes>>10, streams),
			fmt.Sprintf("slow://?delay=%v&concurrency=%d", streamsDelay, streams),
		}}
		contestants := []contestant{of("loops", loop), of("weir cp", moved), of("loops, again", loop)}
		results, err := race(ctx, b.roundsOr(3, 1), contestants, nil)
		if err != nil {
			return nil, err
		}
		t := compareSeconds(fmt.Sprintf("STREAMS: %d at once, %d writes of 64 KiB each, %v a write, cap %s", streams, writes, streamsDelay, streamsCap),
			"loops", contestants, results)
		took := results[1].of(wallSeconds).median
		t.note("ideal: %d writes × %v = %s s; weir took %s times that, and moved %s MiB/s", writes, streamsDelay,
			number(ideal.Seconds()), times(took/ideal.Seconds()), number(float64(bytes)/(1<<20)/took))
		peak := results[1].of(peakMiB).most
		t.target(peak <= 96, "weir's memory at most its cap of 96 MiB: %s MiB", number(peak))
		t.target(speed(results[0], results[1]) >= 0.9, "weir at least 0.9 times as fast as the loops: %s", times(speed(results[0], results[1])))
		all = append(all, t)
	}
	return all, nil
}

// of returns a contestant that is one process.
func of(name string, c command) contestant {
	return contestant{name, func(ctx context.Context) (sample, error) { return processes(ctx, c) }}
}

// streamsChild joins the same source and sink by a loop for each stream.
func streamsChild(args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	streams, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	writes, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	src, err := sim.NewGenerator(sim.GeneratorOptions{
		Size: int64(streams) * int64(writes) * chunk, Streams: streams, Format: sim.Zeros, Opaque: true,
	})
	if err != nil {
		return err
	}
	dst, err := sim.NewSlow(sim.SlowOptions{Delay: streamsDelay, Concurrency: streams})
	if err != nil {
		return err
	}
	if err := join(context.Background(), src, dst, moveLoop); err != nil {
		return err
	}
	if got := dst.Writes(); got != int64(streams)*int64(writes) {
		return fmt.Errorf("%d writes of %d arrived", got, streams*writes)
	}
	return nil
}
