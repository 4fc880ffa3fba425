package command

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/weirflow/weir/prove"
)

const (
	displayEvery  = 250 * time.Millisecond
	displayLines  = 5 * time.Second // between lines where nothing can be drawn
	displayHeight = 14
	displayWidth  = 100 // at most
)

// display shows an experiment while it runs: a chart on a terminal, lines
// elsewhere.
type display struct {
	out   *os.File
	draw  bool // in place
	quiet bool
	cap   int64
	drawn int // lines on the screen
	next  time.Time
}

func (p *proof) display(capBytes int64) *display {
	return &display{
		out: p.sys.Stderr, quiet: p.quiet || p.json, cap: capBytes,
		draw: isTerminal(p.sys.Stderr) && !dumb(p.sys),
	}
}

// update shows where the scenarios stand, now and then.
func (d *display) update(results []prove.Result) {
	now := time.Now()
	if d.quiet || now.Before(d.next) {
		return
	}
	if !d.draw {
		d.next = now.Add(displayLines)
		printTo(d.out, prove.Line(results)+"\n")
		return
	}
	d.next = now.Add(displayEvery)
	text := prove.Chart(results, d.cap, min(widthOf(d.out)-1, displayWidth), displayHeight) + prove.Line(results) + "\n"
	printTo(d.out, d.erase()+text)
	d.drawn = strings.Count(text, "\n")
}

// end leaves the last picture where it is.
func (d *display) end() {
	if d.drawn > 0 {
		printTo(d.out, "\n")
	}
	d.drawn = 0
}

func (d *display) erase() string {
	if d.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", d.drawn)
}
