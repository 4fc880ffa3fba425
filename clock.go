package weir

import "time"

// waitState is what a reader is doing.
type waitState uint8

const (
	working waitState = iota
	waitingInput
	waitingDownstream
	waitingBudget
	waitingRate
)

// readerClock is the state machine of one worker: it is always in exactly one
// state, so the states add up to the time it exists. The lock of its owner
// guards it.
type readerClock struct {
	state waitState
	since time.Duration
	spent [waitingRate + 1]time.Duration
}

// to enters state at the time now, since the start of the run.
func (c *readerClock) to(state waitState, now time.Duration) {
	c.spent[c.state] += now - c.since
	c.state, c.since = state, now
}

// shift moves d of the time spent working to waiting for input, as far as there
// is so much.
func (c *readerClock) shift(d time.Duration) {
	d = min(d, c.spent[working])
	c.spent[working] -= d
	c.spent[waitingInput] += d
}

// addTo adds what was spent up to now to s.
func (c *readerClock) addTo(s *Stage, now time.Duration) {
	spent := c.spent
	spent[c.state] += now - c.since
	s.Work += spent[working]
	s.WaitInput += spent[waitingInput]
	s.WaitDownstream += spent[waitingDownstream]
	s.WaitBudget += spent[waitingBudget]
	s.WaitRate += spent[waitingRate]
}

// poolClock integrates how many of a fixed number of workers are busy. The lock
// of its owner guards it.
type poolClock struct {
	workers int
	busy    int
	since   time.Duration
	work    time.Duration
	wait    time.Duration
}

// add changes the number of busy workers by n, at the time now.
func (c *poolClock) add(n int, now time.Duration) {
	c.settle(now)
	c.busy += n
}

func (c *poolClock) settle(now time.Duration) {
	d := now - c.since
	c.work += d * time.Duration(c.busy)
	c.wait += d * time.Duration(c.workers-c.busy)
	c.since = now
}

// addTo adds what was spent up to now to s.
func (c *poolClock) addTo(s *Stage, now time.Duration) {
	at := *c
	at.settle(now)
	s.Work += at.work
	s.WaitInput += at.wait
}
