package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestMedianIsTheMiddleAndChangesNothing(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{100, 3, 1, 2}, 2.5},
	} {
		before := slices.Clone(c.xs)
		if got := median(c.xs); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.xs, got, c.want)
		}
		if !slices.Equal(before, c.xs) {
			t.Errorf("median changed %v to %v", before, c.xs)
		}
	}
}

func TestSpreadIsOfAllRuns(t *testing.T) {
	s := series{{wall: 3 * time.Second}, {wall: time.Second}, {wall: 10 * time.Second}}
	if got, want := s.of(wallSeconds), (spread{1, 3, 10}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := (series{}).of(wallSeconds); got != (spread{}) {
		t.Errorf("of nothing: %v", got)
	}
}

func TestRatioOfWhatWasNotMeasuredSaysNothing(t *testing.T) {
	if got := ratio(3, 2); got != 1.5 {
		t.Errorf("ratio(3, 2) = %v", got)
	}
	for _, c := range [][2]float64{{0, 1}, {1, 0}, {0, 0}} {
		if got := ratio(c[0], c[1]); !math.IsNaN(got) {
			t.Errorf("ratio(%v, %v) = %v, want NaN", c[0], c[1], got)
		}
	}
}

func TestEachIsOfOneUnit(t *testing.T) {
	s := sample{wall: 8 * time.Microsecond, cpu: 4 * time.Microsecond, allocs: 2, units: 4}
	if wallEach(s) != 2000 || cpuEach(s) != 1000 || allocsEach(s) != 0.5 {
		t.Errorf("each: %v, %v, %v", wallEach(s), cpuEach(s), allocsEach(s))
	}
	if got := wallEach(sample{wall: time.Microsecond}); got != 1000 {
		t.Errorf("of a run that is one unit: %v", got)
	}
}
