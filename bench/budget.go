package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/weirflow/weir"
)

// runBudget lets pipelines that do nothing share one budget. The limit is the same
// pipelines with a budget each: the difference is what sharing costs.
func runBudget(ctx context.Context, b *bench) ([]table, error) {
	n := int64(640_000)
	if b.quick {
		n /= 4
	}
	var all []table
	for _, pipelines := range []int{1, 8, 64} {
		t, err := shareBudget(ctx, b, pipelines, n)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// Batches that a pipeline of this scenario has in flight at most, and what a tight
// budget has for each.
const (
	budgetDepth = 5
	budgetTight = 1
)

func shareBudget(ctx context.Context, b *bench, pipelines int, n int64) (table, error) {
	s := &sharing{pipelines: pipelines, each: n / int64(pipelines)}
	contestants := []contestant{
		{"a budget each", s.private},
		{"one budget with room for all", s.shared(budgetDepth)},
		{"one budget too small for all", s.shared(budgetTight)},
		{"a budget each, again", s.private},
		{"an atomic add, and another, of one number", s.atomic},
		{"a mutex locked, and again", s.mutex},
	}
	results, err := race(ctx, b.roundsOr(7, 3), contestants, nil)
	if err != nil {
		return table{}, err
	}
	t := compareEach(fmt.Sprintf("BUDGET: %d pipelines side by side that do nothing, 4 writes in flight each", pipelines),
		"batch", "private", contestants, results)
	private := results[0].of(wallEach).median
	t.note("with room for all %s of the batches had to wait for memory, with too little %s", percent(s.waited(budgetDepth)), percent(s.waited(budgetTight)))
	t.note("sharing costs %s ns a batch with room for all, and %s ns when they wait for each other; an atomic pair takes %s ns, a mutex pair %s ns",
		number(results[1].of(wallEach).median-private), number(results[2].of(wallEach).median-private),
		number(results[4].of(wallEach).median), number(results[5].of(wallEach).median))
	return t, nil
}

// sharing is pipelines that move so many batches each.
type sharing struct {
	pipelines int
	each      int64
	shares    [budgetDepth + 1]struct{ waits, batches int64 } // by batches of the budget for each
}

// waited returns the share of batches that had to wait for memory, of the shared
// budgets with room for so many for each pipeline.
func (s *sharing) waited(room int) float64 {
	return float64(s.shares[room].waits) / float64(max(s.shares[room].batches, 1))
}

// private gives every pipeline a budget of its own.
func (s *sharing) private(ctx context.Context) (sample, error) {
	budgets := make([]*weir.Budget, s.pipelines)
	for i := range budgets {
		budgets[i] = weir.NewBudget(budgetDepth*chunk, weir.BudgetOptions{})
	}
	return s.move(ctx, budgets, func(i int) *weir.Budget { return budgets[i] })
}

// shared gives all pipelines one budget of so many batches for each of them.
func (s *sharing) shared(room int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		budget := weir.NewBudget(int64(s.pipelines)*int64(room)*chunk, weir.BudgetOptions{})
		result, err := s.move(ctx, []*weir.Budget{budget}, func(int) *weir.Budget { return budget })
		s.shares[room].waits += budget.Stats().Waits
		s.shares[room].batches += result.units
		return result, err
	}
}

// move runs the pipelines, and closes the budgets.
func (s *sharing) move(ctx context.Context, budgets []*weir.Budget, of func(i int) *weir.Budget) (sample, error) {
	var failed failure
	result, err := s.together(func(i int) {
		_, err := weir.Ingest(ctx, &idleSource{batches: s.each}, idleSink{weir.Footprint{MaxInFlight: budgetDepth - 1}},
			weir.Options{Budget: of(i), Batch: chunk, Guarantee: chunk})
		failed.note(err)
	})
	for _, budget := range budgets {
		err = errors.Join(err, budget.Close())
	}
	return result, errors.Join(failed.err, err)
}

// together runs f once for each pipeline, side by side.
func (s *sharing) together(f func(i int)) (sample, error) {
	return measure(s.each*int64(s.pipelines), func() error {
		var all sync.WaitGroup
		for i := range s.pipelines {
			all.Go(func() { f(i) })
		}
		all.Wait()
		return nil
	})
}

// atomic is the least that two changes of a shared number cost.
func (s *sharing) atomic(context.Context) (sample, error) {
	var used atomic.Int64
	return s.together(func(int) {
		for range s.each {
			used.Add(chunk)
			used.Add(-chunk)
		}
	})
}

// mutex is the least that two changes cost when more than a number must agree.
func (s *sharing) mutex(context.Context) (sample, error) {
	var mu sync.Mutex
	var used int64
	add := func(n int64) {
		mu.Lock()
		used += n
		mu.Unlock()
	}
	return s.together(func(int) {
		for range s.each {
			add(chunk)
			add(-chunk)
		}
	})
}
