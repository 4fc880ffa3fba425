package prove

import (
	"math"
	"slices"
)

// theilSen returns the slope of y over x that half of all pairs of points lie
// above: a few outliers do not move it. At most maxPoints points are looked at,
// evenly spread. It is 0 for fewer than two points.
//
// Theil, "A rank-invariant method of linear and polynomial regression analysis",
// 1950; Sen, "Estimates of the regression coefficient based on Kendall's tau",
// 1968.
func theilSen(x []float64, y []int64) float64 {
	const maxPoints = 512
	step := max(1, (len(x)+maxPoints-1)/maxPoints)
	var slopes []float64
	for i := 0; i < len(x); i += step {
		for j := i + step; j < len(x); j += step {
			if dx := x[j] - x[i]; dx > 0 {
				slopes = append(slopes, float64(y[j]-y[i])/dx)
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	slices.Sort(slopes)
	mid := len(slopes) / 2
	if len(slopes)%2 == 0 {
		return (slopes[mid-1] + slopes[mid]) / 2
	}
	return slopes[mid]
}

// quantile returns the q-quantile of sorted by nearest rank, 0 if it is empty.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
