package main

import (
	"context"
	"fmt"
)

// contestant is one way to do the work of a table.
type contestant struct {
	name string
	run  func(context.Context) (sample, error)
}

// race lets the contestants take turns, in every other round in the opposite
// order, so that what changes on the machine meanwhile meets them all alike.
// before is called before each run, unmeasured; it may be nil.
func race(ctx context.Context, rounds int, contestants []contestant, before func(context.Context) error) ([]series, error) {
	results := make([]series, len(contestants))
	for round := range rounds {
		for turn := range contestants {
			i := turn
			if round%2 == 1 {
				i = len(contestants) - 1 - turn
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if before != nil {
				if err := before(ctx); err != nil {
					return nil, err
				}
			}
			s, err := contestants[i].run(ctx)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx) // it was interrupted: its error says no more
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contestants[i].name, err)
			}
			results[i] = append(results[i], s)
		}
	}
	return results, nil
}
