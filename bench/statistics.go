package main

import (
	"math"
	"slices"
	"time"
)

// sample is what one run of a contestant took.
type sample struct {
	wall, cpu time.Duration
	peak      int64   // resident memory, bytes; 0: not measured
	allocs    float64 // allocations of the whole run
	units     int64   // what the run did that many times; 0: once
}

// series is the runs of one contestant.
type series []sample

// spread is the least, the middle and the most of a quantity.
type spread struct{ least, median, most float64 }

func spreadOf(xs []float64) spread {
	if len(xs) == 0 {
		return spread{}
	}
	return spread{slices.Min(xs), median(xs), slices.Max(xs)}
}

// median returns the middle of xs, or the mean of the two in the middle; 0 if
// there are none. It leaves xs as it is.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(xs))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// ratio returns a/b, and NaN, which is shown as a dash, if that says nothing.
func ratio(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return math.NaN()
	}
	return a / b
}

// of returns the spread of a quantity over the runs.
func (s series) of(quantity func(sample) float64) spread {
	xs := make([]float64, len(s))
	for i, x := range s {
		xs[i] = quantity(x)
	}
	return spreadOf(xs)
}

// Quantities of a sample: seconds of the run, and nanoseconds of one unit.
func wallSeconds(s sample) float64 { return s.wall.Seconds() }
func cpuSeconds(s sample) float64  { return s.cpu.Seconds() }
func wallEach(s sample) float64    { return float64(s.wall) / float64(max(s.units, 1)) }
func cpuEach(s sample) float64     { return float64(s.cpu) / float64(max(s.units, 1)) }
func allocsEach(s sample) float64  { return s.allocs / float64(max(s.units, 1)) }
func peakMiB(s sample) float64     { return float64(s.peak) / (1 << 20) }
