// Package progress shows people and programs how a transfer stands: in place on
// a terminal, as lines in a log, or as JSON events.
//
// What is shown is computed from a Snapshot by pure functions; the Reporters
// only decide when and where.
package progress

import (
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/memory"
)

// Every is how often a Reporter is given a Snapshot.
const Every = 250 * time.Millisecond

// Start says what a transfer is about to do.
type Start struct {
	Version     string
	Sources     []string // without secrets
	Destination string   // without secrets
	Plan        memory.Plan
}

// Snapshot is one look at a transfer.
type Snapshot struct {
	Stats weir.Stats
	// Foreseen is the number of bytes to read, if that was known before the
	// start; 0: not known.
	Foreseen int64

	RSS    int64 // resident memory, in bytes; 0: not known
	Peak   int64 // the highest so far; 0: not known
	Cap    int64
	Brakes int64 // times that memory was so near the cap that some was given back

	ReadRate  float64 // bytes a second, over the last seconds
	WriteRate float64
	Draining  bool
}

// Total returns the number of bytes that will be read, if it is known: streams
// that are still to be opened count too.
func (s Snapshot) Total() (int64, bool) {
	n := s.Foreseen
	if s.Stats.SourceEnded {
		n = s.Stats.ReadTotal
	}
	return n, n > 0 && n >= s.Done()
}

// Done is how many bytes were read, by earlier runs too.
func (s Snapshot) Done() int64 { return s.Stats.Resumed.Bytes + s.Stats.Read.Bytes }

// ETA returns how long the rest will take at the present rate, if that is
// known.
func (s Snapshot) ETA() (time.Duration, bool) {
	total, known := s.Total()
	const slowest = 1 // bytes a second
	if !known || s.ReadRate < slowest || s.Draining {
		return 0, false
	}
	seconds := float64(total-s.Done()) / s.ReadRate
	const week = 7 * 24 * 3600
	if seconds > week {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// Failure is a stream that failed.
type Failure struct {
	Stream string
	Err    error
}

// End says how a transfer ended.
type End struct {
	Snapshot
	Status    string // "done", "failed", "timed out", "interrupted", "reader gone"
	ExitCode  int
	Err       error    // nil if it succeeded
	Abandoned []string // calls that ignored their cancellation; Err names them too
	Quiet     bool     // people need not be told
}

// Reporter shows a transfer. Its methods are safe for concurrent use. What it
// cannot write is lost: a transfer does not fail because nobody watches.
type Reporter interface {
	Start(Start)
	// Progress is called every Every; a Reporter shows as much of it as suits.
	Progress(Snapshot)
	Stream(weir.StreamResult)
	Notice(text string)
	End(End)
}

// Silent is a Reporter that shows nothing.
type Silent struct{}

// Start implements Reporter.
func (Silent) Start(Start) {}

// Progress implements Reporter.
func (Silent) Progress(Snapshot) {}

// Stream implements Reporter.
func (Silent) Stream(weir.StreamResult) {}

// Notice implements Reporter.
func (Silent) Notice(string) {}

// End implements Reporter.
func (Silent) End(End) {}
