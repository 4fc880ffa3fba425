package main

import (
	"context"
	"fmt"
)

// heavy is a transform that costs far more than reading what it is applied to.
var heavy = []string{
	"--mask", "email, ipv4, ipv6, card", "--hash", "note with sha256(pepper)",
	"--set", "summary = method + ' ' + path, slow = ms > 400", "--parse-time", "time to unix_ms",
}

// working lets one and two workers do a heavy transform, and sees that the order of
// the records is the same.
func (r *recording) working(ctx context.Context) (table, error) {
	if err := r.sameOrder(ctx); err != nil {
		return table{}, err
	}
	args := append([]string{r.ndjson, "null://"}, heavy...)
	t, s, err := r.compare(ctx, "four patterns masked, a hash, a time, two new fields, to null", []string{"weir, 1 worker", "weir, 2 workers"},
		r.weir(append(args, "--workers", "1")...), r.weir(append(args, "--workers", "2")...))
	if err != nil {
		return t, err
	}
	t.note("before, a file was written by each, and the two were the same byte for byte")
	t.note("at %.2f GB for each second of CPU with one worker", float64(r.b.size)/1e9/s[0].of(cpuSeconds).median)
	t.target(speed(s[0], s[1]) >= 1.8, "two workers at least 1.8 times as fast as one, with the order kept: %s", times(speed(s[0], s[1])))
	return t, nil
}

// sameOrder returns an error if two workers write anything else than one.
func (r *recording) sameOrder(ctx context.Context) error {
	one, two := r.target, r.b.scratch.path("r.out2")
	for i, to := range []string{one, two} {
		args := append([]string{r.ndjson, to}, heavy...)
		if _, err := process(ctx, r.weir(append(args, "--workers", fmt.Sprint(i+1))...)); err != nil {
			return err
		}
	}
	if _, err := process(ctx, command{args: []string{"cmp", one, two}}); err != nil {
		return fmt.Errorf("what two workers write is not what one writes: %w", err)
	}
	return discard(one, two)
}
