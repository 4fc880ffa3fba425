package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/weirflow/weir"
)

// Terminal is a Reporter that draws in place, below what was there before.
type Terminal struct {
	w      io.Writer
	width  func() int // asked before each drawing: windows change
	colors bool

	mu struct {
		sync.Mutex
		drawn []int // lengths of the lines on the screen
		last  Snapshot
		ended bool
	}
}

var _ Reporter = (*Terminal)(nil)

// NewTerminal returns a Reporter that draws on the terminal w, which is as wide
// as width says at that moment.
func NewTerminal(w io.Writer, width func() int, colors bool) *Terminal {
	return &Terminal{w: w, width: width, colors: colors}
}

// Start shows nothing: the first Progress does.
func (t *Terminal) Start(Start) {}

// Progress draws s over what was drawn before.
func (t *Terminal) Progress(s Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.ended {
		return
	}
	t.mu.last = s
	t.writeLocked(t.eraseLocked() + t.drawLocked())
}

// Stream shows nothing: the screen counts streams.
func (t *Terminal) Stream(weir.StreamResult) {}

// Notice prints text above the display, where it stays.
func (t *Terminal) Notice(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	erased := t.eraseLocked()
	out := erased + "weir: " + text + "\n"
	if erased != "" && !t.mu.ended {
		out += t.drawLocked()
	}
	t.writeLocked(out)
}

// End replaces the display by the summary.
func (t *Terminal) End(e End) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.ended = true
	t.writeLocked(t.eraseLocked() + summaryText(e))
}

// eraseLocked returns what takes the display off the screen, and forgets it.
func (t *Terminal) eraseLocked() string {
	if len(t.mu.drawn) == 0 {
		return ""
	}
	width, rows := max(t.width(), 1), 0
	for _, length := range t.mu.drawn {
		rows += max(1, (length+width-1)/width) // a window made narrower wraps its lines
	}
	t.mu.drawn = t.mu.drawn[:0]
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows)
}

// drawLocked returns the display and remembers it.
func (t *Terminal) drawLocked() string {
	width := max(t.width()-1, 10) // the last column makes some terminals wrap
	var b strings.Builder
	for _, segments := range screen(t.mu.last) {
		text, length := fit(segments, width, t.colors)
		b.WriteString(text + "\n")
		t.mu.drawn = append(t.mu.drawn, length)
	}
	return b.String()
}

func (t *Terminal) writeLocked(s string) {
	_, _ = io.WriteString(t.w, s) // nobody watches: nothing to tell
}

// summaryText returns the summary, if one is wanted, with weir's name before it.
func summaryText(e End) string {
	if e.Quiet {
		return ""
	}
	return "weir: " + strings.Join(Summary(e), "\n      ") + "\n"
}
