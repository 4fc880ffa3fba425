package progress

import (
	"time"

	"github.com/weirflow/weir"
)

// window is how far back a rate looks: long enough for a sink whose writes
// take seconds, short enough to follow a change.
const window = 10 * time.Second

// Meter computes the present rates from what has been counted in all.
type Meter struct {
	samples [int(window/Every) + 1]sample // ring
	n       int                           // samples seen
}

type sample struct {
	at            time.Duration
	read, written int64
}

// Rates takes the counts of a run and returns the rates over the last seconds,
// in bytes a second. It is called every Every.
func (m *Meter) Rates(s weir.Stats) (read, written float64) {
	now := sample{s.Elapsed, s.Read.Bytes, s.Written.Bytes}
	m.samples[m.n%len(m.samples)] = now
	m.n++
	oldest := sample{} // the start of the run
	if m.n >= len(m.samples) {
		oldest = m.samples[m.n%len(m.samples)]
	}
	seconds := (now.at - oldest.at).Seconds()
	if seconds <= 0 {
		return 0, 0
	}
	return float64(now.read-oldest.read) / seconds, float64(now.written-oldest.written) / seconds
}
