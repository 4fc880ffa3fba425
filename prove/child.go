package prove

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

// SampleEvery is how often memory and progress are looked at.
const SampleEvery = 50 * time.Millisecond

// ControlFD is the descriptor from which a process that Serve runs in is
// controlled. It is inherited.
const ControlFD = 3

// A Subject is the pipeline of an experiment: it opens what a Scenario names,
// in the process that runs it.
type Subject struct {
	Source func(Scenario) (weir.Source, error)
	Sink   func(Scenario) (weir.Sink, error) // not called for Gated
	// Ingest runs the controlled way and closes both ends. Nil: weir.Ingest with
	// a budget of a third of Scenario.Cap and batches of Scenario.Chunk.
	Ingest func(ctx context.Context, s Scenario, source weir.Source, sink weir.Sink) error
}

// event is what the process of a scenario says: one JSON object a line.
type event struct {
	Started *struct{} `json:"started,omitempty"`
	Stopped *struct{} `json:"stopped,omitempty"` // the gate of a Gated scenario
	Inside  *inside   `json:"inside,omitempty"`
	Ended   *outcome  `json:"ended,omitempty"`
}

// inside is what only the process itself can know, at one moment.
type inside struct {
	Read     int64 `json:"read"`
	Finished int64 `json:"finished"`
	Writing  int64 `json:"writing"`
	Heap     int64 `json:"heap"`
}

// outcome is how a scenario ended.
type outcome struct {
	LoopSeconds    float64  `json:"loop_seconds"`
	TotalSeconds   float64  `json:"total_seconds"`
	Read           int64    `json:"read"`
	Finished       int64    `json:"finished"`
	FinishedAtLoop int64    `json:"finished_at_loop"`
	PeakInFlight   int64    `json:"peak_in_flight"`
	PeakWriting    int64    `json:"peak_writing"`
	Heartbeat      Lateness `json:"heartbeat"`
	SHA256         string   `json:"sha256"`
	LimitReached   bool     `json:"limit_reached"`
	Error          string   `json:"error,omitempty"`
}

// order is what the process is told on its control descriptor: the scenario
// first, then to open the gate. The end of the descriptor ends the process.
type order struct {
	Scenario *Scenario `json:"scenario,omitempty"`
	Open     *struct{} `json:"open,omitempty"`
}

// Serve runs the one scenario that control names, tells about it on events, and
// returns when control ends. An error is about the conversation; how the scenario
// itself ended is told as an event.
func Serve(ctx context.Context, subject Subject, control io.Reader, events io.Writer) error {
	orders := json.NewDecoder(bufio.NewReader(control))
	var first order
	if err := orders.Decode(&first); err != nil || first.Scenario == nil {
		return fmt.Errorf("prove: the first order is not a scenario: %w", err)
	}
	c := &child{scenario: *first.Scenario, subject: subject, probe: newProbe(), out: events}
	c.heap[0].Name = "/memory/classes/heap/objects:bytes"
	c.gate = newGate(c.scenario.StopAfter, func() { c.tell(event{Stopped: &struct{}{}}) })
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { c.scenarioRun(ctx) })
	for {
		var next order
		if err := orders.Decode(&next); err != nil {
			if err == io.EOF {
				err = nil
			}
			return err
		}
		if next.Open != nil {
			c.gate.open()
		}
	}
}

// child is the process of a scenario.
type child struct {
	scenario Scenario
	subject  Subject
	probe    *probe
	gate     *gate
	began    time.Time

	heap [1]metrics.Sample // of whoever samples

	mu struct { // guards out too: a line is written whole
		sync.Mutex
		loopSeconds    float64
		finishedAtLoop int64
	}
	out io.Writer
}

// tell sends e. If nobody listens any more, the end of control says so too.
func (c *child) tell(e event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = json.NewEncoder(c.out).Encode(e)
}

// scenarioRun runs the scenario beside a heartbeat and a sampler, and tells how
// it ended.
func (c *child) scenarioRun(ctx context.Context) {
	side, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	beat := newHeartbeat()
	c.began = time.Now()
	c.tell(event{Started: &struct{}{}})
	group.Go(func() { beat.run(side) })
	group.Go(func() { c.sample(side) })
	limitReached, err := c.move(ctx)
	total := time.Since(c.began).Seconds()
	stop()
	group.Wait()
	c.loopEnded() // where nothing said so: it ends with the scenario

	o := &outcome{
		TotalSeconds: total, Read: c.probe.read.Load(), Finished: c.probe.finished.Load(),
		PeakInFlight: c.probe.peakInFlight.Load(), PeakWriting: c.probe.peakWriting.Load(),
		Heartbeat: beat.lateness(), SHA256: c.probe.content(), LimitReached: limitReached,
	}
	if err != nil {
		o.Error = err.Error()
	}
	c.mu.Lock()
	o.LoopSeconds, o.FinishedAtLoop = c.mu.loopSeconds, c.mu.finishedAtLoop
	c.mu.Unlock()
	last := c.inside()
	c.tell(event{Inside: &last, Ended: o})
}

// errLimit is the cause of a scenario that ran as long as it may.
var errLimit = errors.New("the time limit of the scenario")

// move runs the strategy.
func (c *child) move(ctx context.Context) (limitReached bool, err error) {
	if c.scenario.Strategy == Idle {
		select {
		case <-c.gate.opened:
		case <-ctx.Done():
		}
		return false, nil
	}
	if c.scenario.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.scenario.Limit, errLimit)
		defer cancel()
	}
	err = c.join(ctx)
	if limitReached = errors.Is(context.Cause(ctx), errLimit); limitReached {
		err = nil // what the strategy makes of that is not the question
	}
	return limitReached, err
}

func (c *child) join(ctx context.Context) error {
	source, err := c.subject.Source(c.scenario)
	if err != nil {
		return err
	}
	var sink weir.Sink = c.gate
	if c.scenario.Strategy != Gated {
		if sink, err = c.subject.Sink(c.scenario); err != nil {
			return errors.Join(err, source.Close())
		}
	}
	source = c.probe.source(source)
	if c.scenario.Strategy == Controlled || c.scenario.Strategy == Gated {
		defer c.loopEnded()
		return c.ingest(ctx, source, c.probe.sink(sink, true))
	}
	l := &loop{scenario: c.scenario, probe: c.probe, ended: c.loopEnded}
	way := l.way()
	if way == nil {
		return errors.Join(fmt.Errorf("prove: unknown strategy %q", c.scenario.Strategy), source.Close(), sink.Close())
	}
	fires := c.scenario.Strategy == Unbounded || c.scenario.Strategy == Unlimited
	l.sink = c.probe.sink(sink, !fires)
	return errors.Join(l.run(ctx, source, way), source.Close(), sink.Close())
}

func (c *child) ingest(ctx context.Context, source weir.Source, sink weir.Sink) error {
	if c.subject.Ingest != nil {
		return c.subject.Ingest(ctx, c.scenario, source, sink)
	}
	budget := weir.NewBudget(c.scenario.Cap/3, weir.BudgetOptions{})
	defer func() { _ = budget.Close() }() // what an abandoned call holds goes with the process
	_, err := weir.Ingest(ctx, source, sink, weir.Options{
		Budget: budget, Guarantee: budget.Limit(), Batch: c.scenario.Chunk,
	})
	return err
}

// loopEnded notes when the loop had nothing more to read, the first time.
func (c *child) loopEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.loopSeconds == 0 {
		c.mu.loopSeconds = time.Since(c.began).Seconds()
		c.mu.finishedAtLoop = c.probe.finished.Load()
	}
}

// sample tells what only the process knows until ctx is done. It allocates
// nothing, so that watching does not disturb what is watched.
func (c *child) sample(ctx context.Context) {
	tick := time.NewTicker(SampleEvery)
	defer tick.Stop()
	var line []byte
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		in := c.inside()
		line = append(line[:0], `{"inside":{"read":`...)
		line = strconv.AppendInt(line, in.Read, 10)
		line = append(line, `,"finished":`...)
		line = strconv.AppendInt(line, in.Finished, 10)
		line = append(line, `,"writing":`...)
		line = strconv.AppendInt(line, in.Writing, 10)
		line = append(line, `,"heap":`...)
		line = strconv.AppendInt(line, in.Heap, 10)
		line = append(line, "}}\n"...)
		c.mu.Lock()
		_, _ = c.out.Write(line) // as in tell
		c.mu.Unlock()
	}
}

func (c *child) inside() inside {
	metrics.Read(c.heap[:])
	return inside{
		Read: c.probe.read.Load(), Finished: c.probe.finished.Load(), Writing: c.probe.writing.Load(),
		Heap: int64(c.heap[0].Value.Uint64()),
	}
}
