//go:build race

package transform_test

// raceEnabled says that allocations cannot be counted: the race detector makes
// pools forget.
const raceEnabled = true
