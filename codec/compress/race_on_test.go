//go:build race

package compress_test

// raceEnabled says that memory cannot be measured: the race detector has some
// of its own, and pools forget on purpose.
const raceEnabled = true
