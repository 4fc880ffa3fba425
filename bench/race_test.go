package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func recorder(name string, order *strings.Builder) contestant {
	return contestant{name, func(context.Context) (sample, error) {
		order.WriteString(name)
		return sample{units: int64(order.Len())}, nil
	}}
}

func TestContestantsTakeTurnsInAlternatingOrder(t *testing.T) {
	var order strings.Builder
	before := 0
	results, err := race(t.Context(), 3, []contestant{recorder("a", &order), recorder("b", &order), recorder("c", &order)},
		func(context.Context) error { before++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, want := order.String(), "abccbaabc"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if before != 9 {
		t.Errorf("before was called %d times, want 9", before)
	}
	for i, want := range []int64{1, 6, 7} { // a's turns
		if got := results[0][i].units; got != want {
			t.Errorf("round %d of a was turn %d, want %d", i, got, want)
		}
	}
}

func TestAFailingContestantEndsTheRaceByName(t *testing.T) {
	boom := errors.New("boom")
	_, err := race(t.Context(), 3, []contestant{{"a", func(context.Context) (sample, error) { return sample{}, boom }}}, nil)
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "a: ") {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptedRaceEndsWithItsCause(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ran := 0
	_, err := race(ctx, 3, []contestant{{"a", func(context.Context) (sample, error) {
		ran++
		cancel()
		return sample{}, errors.New("killed")
	}}}, nil)
	if err != context.Canceled || ran != 1 {
		t.Errorf("got %v after %d runs", err, ran)
	}
}
