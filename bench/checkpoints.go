package main

import (
	"context"
	"fmt"
)

// runCheckpoints copies a file with and without storing how far it has come.
func runCheckpoints(ctx context.Context, b *bench) ([]table, error) {
	n := int64(b.size)
	if err := b.scratch.need(2 * n); err != nil {
		return nil, err
	}
	src, err := b.scratch.random("source", n)
	if err != nil {
		return nil, err
	}
	state := b.scratch.path("state")
	c := copying{src: src, dst: b.scratch.path("target"), state: state, size: n, b: b}
	defer func() { _ = discard(c.src, c.dst) }() // the directory goes as well
	var all []table
	for _, kind := range []struct{ title, flag string }{
		{"to the page cache, not durable", "--no-sync"}, {"to the disk, durable", "--no-sync=false"},
	} {
		args := func(state string) command {
			return command{args: []string{b.weir, "cp", "--quiet", kind.flag, "--state", state, c.src, c.dst}}
		}
		contestants := []contestant{
			c.contestant("no checkpoints", args("none")), c.contestant("checkpoints", args(state)),
			c.contestant("none, again", args("none")), c.contestant("checkpoints, again", args(state)),
		}
		results, err := race(ctx, b.roundsOr(15, 3), contestants, nil)
		if err != nil {
			return nil, err
		}
		t := compareSeconds(fmt.Sprintf("CHECKPOINTS: %s, file to file, %s", b.size.String(), kind.title), "none", contestants, results)
		without, with := append(results[0], results[2]...), append(results[1], results[3]...)
		wall := ratio(with.of(wallSeconds).median, without.of(wallSeconds).median)
		cpu := ratio(with.of(cpuSeconds).median, without.of(cpuSeconds).median)
		t.note("the targets are of both rows of each together; every second a checkpoint, and one when the file is whole")
		t.target(wall <= 1.02, "checkpoints take at most 2 %% of the time: %s", percent(wall-1))
		t.target(cpu <= 1.02, "and at most 2 %% of the CPU: %s", percent(cpu-1))
		all = append(all, t)
	}
	return all, nil
}
