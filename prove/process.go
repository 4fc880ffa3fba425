package prove

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/weirflow/weir/observe"
)

// process is the process of a scenario, seen from outside. Its methods are
// called by one goroutine, except state.
type process struct {
	scenario Scenario
	cmd      *exec.Cmd
	control  *os.File
	memory   *observe.Memory
	stderr   tail

	mu struct {
		sync.Mutex
		state
	}
	changed chan struct{} // has an element when state has changed
	exited  chan exit     // gets one element
}

// exit is how the process ended.
type exit struct{ err error }

// state is the last that a process told.
type state struct {
	started time.Time
	stopped bool // the gate
	inside  inside
	ended   *outcome
	left    bool // its events ended
}

// start starts the process that runs s. launch returns its command; stdin may be
// nil.
func start(ctx context.Context, launch func(context.Context) *exec.Cmd, s Scenario, stdin *os.File) (*process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = read.Close() }() // the process has it
	p := &process{
		scenario: s, cmd: launch(ctx), control: write,
		changed: make(chan struct{}, 1), exited: make(chan exit, 1),
	}
	p.cmd.ExtraFiles = []*os.File{read} // becomes ControlFD
	p.cmd.Stderr = &p.stderr
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	events, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	p.memory, err = observe.OpenMemoryOf(p.cmd.Process.Pid)
	go p.listen(events)
	if err == nil {
		err = p.order(order{Scenario: &s})
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("scenario %s: %w", s.ID, err)
	}
	return p, nil
}

func (p *process) order(o order) error { return json.NewEncoder(p.control).Encode(o) }

// listen takes in what the process tells, until it has no more to tell.
func (p *process) listen(events io.Reader) {
	lines := json.NewDecoder(bufio.NewReader(events))
	for {
		var e event
		err := lines.Decode(&e)
		p.take(e, err)
		select {
		case p.changed <- struct{}{}:
		default:
		}
		if err != nil {
			p.exited <- exit{p.cmd.Wait()}
			return
		}
	}
}

func (p *process) take(e event, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Started != nil {
		p.mu.started = time.Now()
	}
	if e.Stopped != nil {
		p.mu.stopped = true
	}
	if e.Inside != nil {
		p.mu.inside = *e.Inside
	}
	if e.Ended != nil {
		p.mu.ended = e.Ended
	}
	p.mu.left = p.mu.left || err != nil
}

// state returns the last that the process told.
func (p *process) state() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.state
}

// peak returns the high-water mark of resident memory, 0 when the process is
// gone.
func (p *process) peak() int64 {
	n, err := observe.PeakRSSOf(p.cmd.Process.Pid)
	if err != nil {
		return 0
	}
	return n
}

// end asks the process to leave, and makes it leave when it does not.
func (p *process) end() error {
	_ = p.control.Close() // it is asked to leave by that
	select {
	case e := <-p.exited:
		_ = p.memory.Close() // it was only read
		if e.err != nil {
			return p.failure(e.err)
		}
		return nil
	case <-time.After(patience):
		p.kill()
		return p.failure(errors.New("it did not leave when it was asked to"))
	}
}

// patience is how long a process may take to leave.
const patience = 5 * time.Second

// kill ends the process at once and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have left by itself
	<-p.exited
	_ = p.control.Close() // nobody reads it any more
	if p.memory != nil {
		_ = p.memory.Close() // it was only read
	}
}

// failure returns err with what the process said last.
func (p *process) failure(err error) error {
	if said := strings.TrimSpace(p.stderr.String()); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return fmt.Errorf("the process of scenario %s: %w", p.scenario.ID, err)
}

// tail keeps the last that was written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	if over := t.buf.Len() - tailSize; over > 0 {
		t.buf.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
