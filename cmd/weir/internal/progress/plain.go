package progress

import (
	"io"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

const (
	plainFirst = 1 * time.Second
	plainEvery = 5 * time.Second
)

// Plain is a Reporter that prints a line from time to time, for logs.
type Plain struct {
	w  io.Writer
	mu struct {
		sync.Mutex
		next time.Duration
	}
}

var _ Reporter = (*Plain)(nil)

// NewPlain returns a Reporter that prints lines to w: the first after a second,
// then every five.
func NewPlain(w io.Writer) *Plain {
	p := &Plain{w: w}
	p.mu.next = plainFirst
	return p
}

// Start prints nothing.
func (p *Plain) Start(Start) {}

// Progress prints a line when it is time.
func (p *Plain) Progress(s Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Stats.Elapsed < p.mu.next {
		return
	}
	p.mu.next = s.Stats.Elapsed/plainEvery*plainEvery + plainEvery
	p.printLocked("weir: " + line(s) + "\n")
}

// Stream prints nothing: failed streams are listed at the end.
func (p *Plain) Stream(weir.StreamResult) {}

// Notice prints text.
func (p *Plain) Notice(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.printLocked("weir: " + text + "\n")
}

// End prints the summary.
func (p *Plain) End(e End) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.printLocked(summaryText(e))
}

func (p *Plain) printLocked(s string) {
	_, _ = io.WriteString(p.w, s) // nobody watches: nothing to tell
}

// Brief is a Reporter that prints notices and the summary only.
type Brief struct{ *Plain }

// NewBrief returns a Reporter that prints notices and the summary to w.
func NewBrief(w io.Writer) Brief { return Brief{NewPlain(w)} }

// Progress prints nothing.
func (Brief) Progress(Snapshot) {}
