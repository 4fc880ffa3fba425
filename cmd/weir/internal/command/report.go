package command

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/weirflow/weir/cmd/weir/internal/progress"
)

// progressFlag is how to show progress as a flag's value.
type progressFlag string

const (
	progressAuto     progressFlag = "auto"
	progressTerminal progressFlag = "terminal"
	progressPlain    progressFlag = "plain"
	progressNone     progressFlag = "none"
)

func (f *progressFlag) Set(s string) error {
	all := []string{string(progressAuto), string(progressTerminal), string(progressPlain), string(progressNone)}
	if !slices.Contains(all, s) {
		return fmt.Errorf("it must be one of %s", strings.Join(all, ", "))
	}
	*f = progressFlag(s)
	return nil
}

func (f *progressFlag) Type() string { return "how" }

func (f *progressFlag) String() string { return string(*f) }

// reporter returns what shows the transfer. Events go to standard output, or to
// standard error when standard output carries the data.
func (f *transferFlags) reporter(sys System, dataOnStdout bool) progress.Reporter {
	switch {
	case f.json && dataOnStdout:
		return progress.NewEvents(sys.Stderr)
	case f.json:
		return progress.NewEvents(sys.Stdout)
	case f.quiet:
		return progress.Silent{}
	}
	how := f.progress
	if how == "" || how == progressAuto {
		how = f.automatic(sys, dataOnStdout)
	}
	switch how {
	case progressTerminal:
		width := func() int { return widthOf(sys.Stderr) }
		return progress.NewTerminal(sys.Stderr, width, sys.Getenv("NO_COLOR") == "" && !dumb(sys))
	case progressPlain:
		return progress.NewPlain(sys.Stderr)
	}
	return progress.NewBrief(sys.Stderr)
}

// automatic draws in place on a terminal, unless the data goes to it too, and
// prints lines elsewhere.
func (f *transferFlags) automatic(sys System, dataOnStdout bool) progressFlag {
	switch {
	case !isTerminal(sys.Stderr), dumb(sys):
		return progressPlain
	case dataOnStdout && isTerminal(sys.Stdout):
		return progressNone
	}
	return progressTerminal
}

func dumb(sys System) bool { return sys.Getenv("TERM") == "dumb" }

func isTerminal(f *os.File) (yes bool) {
	onDescriptor(f, func(fd int) { yes = term.IsTerminal(fd) })
	return yes
}

const defaultWidth = 80

func widthOf(f *os.File) int {
	width := defaultWidth
	onDescriptor(f, func(fd int) {
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			width = w
		}
	})
	return width
}

// onDescriptor calls do with f's descriptor. Unlike f.Fd, it leaves a
// descriptor that can be polled so.
func onDescriptor(f *os.File, do func(fd int)) {
	conn, err := f.SyscallConn()
	if err != nil {
		return // closed: no terminal
	}
	_ = conn.Control(func(fd uintptr) { do(int(fd)) }) // as above
}
