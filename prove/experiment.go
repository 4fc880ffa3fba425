package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/weirflow/weir/observe"
)

// An Experiment runs scenarios, each in a process of its own, and watches them.
type Experiment struct {
	Scenarios []Scenario
	Settings  Settings
	// Version of the program, for the report.
	Version string
	// Launch returns the command of a process that calls Serve with the control
	// descriptor and its standard output.
	Launch func(context.Context) *exec.Cmd
	// RSSLimit ends a scenario that is not controlled when its resident memory
	// reaches it, in bytes: what is shown must not take the machine down.
	RSSLimit int64
	// Origins are stopped after the scenarios, side by side.
	Origins []OriginCase
	// Watch, if not nil, is called every SampleEvery with where each scenario
	// stands; a scenario that has not begun has no samples.
	Watch func([]Result)
}

// Run runs the experiment. The report is complete unless err is not nil: a
// scenario that failed is part of what was found.
func (e *Experiment) Run(ctx context.Context) (*Report, error) {
	began := time.Now()
	r := &Report{Version: e.Version, Began: began.Truncate(time.Second), Machine: thisMachine(), Settings: e.Settings}
	r.Settings.SampleEveryMS = int(SampleEvery.Milliseconds())
	r.Settings.BeatEveryMS = int(HeartbeatEvery.Milliseconds())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	idle, err := start(ctx, e.Launch, Scenario{ID: "idle", Strategy: Idle}, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range e.Scenarios {
		r.Scenarios = append(r.Scenarios, Result{ID: s.ID, Name: s.Name, Strategy: s.Strategy, Chunk: s.Chunk, Again: s.Again})
	}
	if e.Settings.SideBySide {
		err = e.watch(ctx, r.Scenarios, 0, len(r.Scenarios))
	} else {
		for i := range r.Scenarios {
			if err = e.watch(ctx, r.Scenarios, i, i+1); err != nil {
				break
			}
		}
	}
	if err == nil && len(e.Origins) > 0 {
		r.Origins, err = e.origins(ctx)
	}
	if err != nil {
		idle.kill()
		return nil, err
	}
	if err := e.endIdle(idle, r); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(began).Seconds()
	r.judge()
	return r, nil
}

// endIdle takes the heartbeat of the process that did nothing.
func (e *Experiment) endIdle(idle *process, r *Report) error {
	if err := idle.order(order{Open: &struct{}{}}); err != nil {
		idle.kill()
		return err
	}
	err := idle.until(func(s state) bool { return s.ended != nil })
	if ended := idle.state().ended; ended != nil {
		r.Idle = ended.Heartbeat
	}
	return errors.Join(err, idle.end())
}

// watch runs the scenarios from to to side by side, and fills their results.
func (e *Experiment) watch(ctx context.Context, results []Result, from, to int) error {
	running := map[int]*process{}
	defer func() {
		for _, p := range running {
			p.kill()
		}
	}()
	for i := from; i < to; i++ {
		p, err := start(ctx, e.Launch, e.Scenarios[i], nil)
		if err != nil {
			return err
		}
		running[i] = p
	}
	tick := time.NewTicker(SampleEvery)
	defer tick.Stop()
	for len(running) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for i, p := range running {
			over, err := e.look(p, &results[i])
			if over {
				delete(running, i)
			}
			if err != nil {
				return err
			}
		}
		if e.Watch != nil {
			e.Watch(results)
		}
	}
	return nil
}

// look takes a sample of p into r, and reports whether it is over.
func (e *Experiment) look(p *process, r *Result) (over bool, err error) {
	s := p.state()
	rss, err := p.memory.RSS()
	if err != nil && !s.left {
		return false, err
	}
	if err == nil && rss > 0 && !s.started.IsZero() {
		at := time.Since(s.started).Seconds()
		if s.ended != nil {
			at = s.ended.TotalSeconds
		}
		r.Series.add(at, rss, s.inside)
	}
	if peak := p.peak(); peak > r.PeakRSS {
		r.PeakRSS = peak
	}
	switch {
	case s.ended != nil:
		r.fill(s.ended)
		return true, p.end()
	case s.left:
		r.Error = p.failure(errors.Join(errors.New("it ended without a word"), p.end())).Error()
		return true, nil
	case e.RSSLimit > 0 && rss > e.RSSLimit && p.scenario.Strategy != Controlled:
		p.kill()
		r.Stopped = fmt.Sprintf("its resident memory had reached %s, the limit of the experiment", mib(e.RSSLimit))
		r.Read, r.Finished, r.PeakInFlight = s.inside.Read, s.inside.Finished, s.inside.Read-s.inside.Finished
		r.TotalSeconds, r.WritingMax = time.Since(s.started).Seconds(), s.inside.Writing
		return true, nil
	}
	return false, nil
}

func (r *Result) fill(o *outcome) {
	r.PeakInFlight, r.WritingMax = o.PeakInFlight, o.PeakWriting
	r.LoopSeconds, r.TotalSeconds = o.LoopSeconds, o.TotalSeconds
	r.Read, r.Finished, r.Unfinished = o.Read, o.Finished, o.Read-o.FinishedAtLoop
	if o.TotalSeconds > 0 {
		r.BytesPerSec = float64(o.Finished) / o.TotalSeconds
	}
	r.Heartbeat, r.LateP99 = o.Heartbeat, o.Heartbeat.P99
	r.SHA256, r.Error = o.SHA256, o.Error
	if o.LimitReached {
		r.Stopped, r.SHA256 = "the time limit", ""
	}
}

// until waits for a state of p, or for its end.
func (p *process) until(reached func(state) bool) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s := p.state()
		switch {
		case reached(s):
			return nil
		case s.left:
			return p.failure(errors.New("it ended too early"))
		}
		select {
		case <-p.changed:
		case <-timeout.C:
			return p.failure(errors.New("it says nothing"))
		}
	}
}

// thisMachine describes this machine as far as the system tells.
func thisMachine() Machine {
	m := Machine{OS: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version()}
	m.CPU = field("/proc/cpuinfo", "model name")
	m.MemoryBytes, _, _ = observe.MachineMemory()
	return m
}

// field returns the value of the first line "name : value" of a file, "" if
// there is none.
func field(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "" // another system
	}
	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
