package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	originSampleEvery = 100 * time.Millisecond
	// originSettle is how long figures must be unchanged to count as standing,
	// originSettleMax how long that may take to come about.
	originSettle    = time.Second
	originSettleMax = 15 * time.Second
	// originHold is how long the sink stays stopped after that.
	originHold = 5 * time.Second
)

// An OriginCase is a source whose origin can be watched from outside, while the
// sink stops and goes on.
type OriginCase struct {
	Name string
	// Scenario is of the strategy Gated; StopAfter says when the sink stops.
	Scenario Scenario
	// Bytes is how much the origin has.
	Bytes int64
	open  func() (origin, error)
}

// An origin is where data comes from, outside of the process that reads it.
type origin interface {
	// attach prepares s and how its process is started.
	attach(s *Scenario, in *startInput)
	// look returns the origin's own figures; the first is the number of bytes
	// that have left it. pid is the process that reads.
	look(pid int) ([]int64, error)
	// names are the names of the figures.
	names() []string
	// kernel is what may be on its way in the kernel, in bytes, and why.
	kernel() (int64, string)
	close() error
}

// Origin is what was seen of one.
type Origin struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	// Figures are the names of the origin's own figures. The first is the number
	// of bytes that have left it.
	Figures []string `json:"figures"`
	// Samples are of the time from the start to the end.
	Samples []OriginSample `json:"samples"`
	// StoppedAt and StoodFor are the seconds at which the sink stopped, and for
	// which the figures did not change after that.
	StoppedAt float64 `json:"stopped_at_seconds"`
	StoodFor  float64 `json:"stood_for_seconds"`
	// Taken is what the sink had taken when it stopped, Left what had left the
	// origin when it stood.
	Taken int64 `json:"sink_had_taken_bytes"`
	Left  int64 `json:"left_the_origin_bytes"`
	// Bound is the most that Left may be beyond Taken: the cap and what the
	// kernel holds, which BoundText explains.
	Bound     int64    `json:"bound_bytes"`
	BoundText string   `json:"bound"`
	Standing  []int64  `json:"standing"` // the figures while they stood
	After     []int64  `json:"after"`    // the figures when they were last seen
	Stood     bool     `json:"stood"`
	WentOn    bool     `json:"went_on"`
	Heartbeat Lateness `json:"heartbeat"`
	Error     string   `json:"error,omitempty"`
}

// OriginSample is one look at an origin.
type OriginSample struct {
	Seconds float64 `json:"seconds"`
	Values  []int64 `json:"values"`
}

// origins runs all cases side by side.
func (e *Experiment) origins(ctx context.Context) ([]Origin, error) {
	all := make([]Origin, len(e.Origins))
	errs := make([]error, len(e.Origins))
	var group sync.WaitGroup
	for i, c := range e.Origins {
		group.Go(func() { all[i], errs[i] = e.origin(ctx, c) })
	}
	group.Wait()
	return all, errors.Join(errs...)
}

// origin runs one case. What goes wrong in it is part of what is found; an error
// is about the experiment.
func (e *Experiment) origin(ctx context.Context, c OriginCase) (found Origin, err error) {
	source, err := c.open()
	if err != nil {
		return Origin{}, err
	}
	defer func() { err = errors.Join(err, source.close()) }()
	found = Origin{Name: c.Name, Bytes: c.Bytes, Figures: source.names()}
	bound, text := source.kernel()
	found.Bound, found.BoundText = c.Scenario.Cap+bound, fmt.Sprintf("the cap of %s and %s", mib(c.Scenario.Cap), text)
	scenario, in := c.Scenario, startInput{}
	source.attach(&scenario, &in)
	p, err := start(ctx, e.Launch, scenario, in.stdin)
	if err != nil {
		return Origin{}, err
	}
	w := &originWatch{p: p, origin: source, found: &found}
	if err := w.run(ctx); err != nil {
		p.kill()
		return Origin{}, err
	}
	return found, p.end()
}

// originWatch watches one origin while its reader's sink stops and goes on.
type originWatch struct {
	p        *process
	origin   origin
	found    *Origin
	last     []int64
	since    time.Time // when last became what it is
	stopped  time.Time
	holdFrom time.Time // when the figures stood
	opened   bool
}

func (w *originWatch) run(ctx context.Context) error {
	tick := time.NewTicker(originSampleEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			over, err := w.step(now)
			if over || err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// step looks once, and tells the sink to go on when it is time.
func (w *originWatch) step(now time.Time) (over bool, err error) {
	s := w.p.state()
	if s.started.IsZero() && !s.left {
		return false, nil
	}
	if s.ended != nil || s.left {
		w.conclude(s)
		return true, nil
	}
	values, err := w.origin.look(w.p.cmd.Process.Pid)
	if err != nil {
		return false, fmt.Errorf("watching the origin %s: %w", w.found.Name, err)
	}
	at := now.Sub(s.started).Seconds()
	w.found.Samples = append(w.found.Samples, OriginSample{Seconds: at, Values: values})
	if !slices.Equal(values, w.last) {
		w.last, w.since = values, now
	}
	switch {
	case w.opened || !s.stopped:
	case w.stopped.IsZero():
		w.stopped, w.found.StoppedAt = now, at
	case w.holdFrom.IsZero() && now.Sub(w.since) >= originSettle:
		w.holdFrom, w.found.Stood = w.since, true
		w.found.Standing, w.found.Left, w.found.Taken = values, values[0], s.inside.Finished
	case w.holdFrom.IsZero() && now.Sub(w.stopped) > originSettleMax:
		return false, w.goOn()
	case !w.holdFrom.IsZero():
		w.found.StoodFor = now.Sub(w.holdFrom).Seconds()
		w.found.Stood = w.found.Stood && w.since.Equal(w.holdFrom)
		if now.Sub(w.holdFrom) >= originSettle+originHold {
			return false, w.goOn()
		}
	}
	return false, nil
}

func (w *originWatch) goOn() error {
	w.opened = true
	return w.p.order(order{Open: &struct{}{}})
}

func (w *originWatch) conclude(s state) {
	w.found.After = w.last
	if values, err := w.origin.look(w.p.cmd.Process.Pid); err == nil {
		w.found.After = values // else the process has gone
	}
	if s.ended == nil {
		w.found.Error = "its process ended without a word"
		return
	}
	w.found.Heartbeat, w.found.Error = s.ended.Heartbeat, s.ended.Error
	w.found.WentOn = w.opened && s.ended.Finished == w.found.Bytes
}
