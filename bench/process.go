package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weirflow/weir/observe"
)

// peakEvery is how often the peak of a process is read. The kernel keeps it, so
// only what a process grows by in its last moments can be missed.
const peakEvery = 5 * time.Millisecond

// command is a process to run: its arguments, and the file its output goes to.
type command struct {
	args   []string
	stdout string // "": none
}

// processes runs commands one after the other, as one run.
func processes(ctx context.Context, commands ...command) (sample, error) {
	var all sample
	for _, c := range commands {
		s, err := process(ctx, c)
		if err != nil {
			return all, err
		}
		all.wall += s.wall
		all.cpu += s.cpu
		all.peak = max(all.peak, s.peak)
	}
	return all, nil
}

// process runs c. When ctx is done it kills it, with everything it started.
func process(ctx context.Context, c command) (s sample, err error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for this process to pass on
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var said bytes.Buffer
	cmd.Stderr = &said
	if c.stdout != "" {
		f, err := os.Create(c.stdout)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		cmd.Stdout = f
	}
	own, _ := observe.PeakRSS() // where it is not known, nothing below is either
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	watcher := watchPeak(cmd.Process.Pid)
	err = cmd.Wait()
	s.wall = time.Since(began)
	s.peak = watcher.end()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.cpu = cpuTime(usage)
		s.peak = exactPeak(s.peak, usage.Maxrss<<10, own)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", filepath.Base(c.args[0]), err, strings.TrimSpace(said.String()))
	}
	return s, err
}

// exactPeak returns the peak of a process of which watched was seen, and reported
// by the kernel when it ended. That begins with the memory of the process that
// started it, whose peak was own, so below that it says nothing.
func exactPeak(watched, reported, own int64) int64 {
	if reported > own+own/16 {
		return max(watched, reported)
	}
	return watched
}

// peakWatcher reads the peak of a process until it ends.
type peakWatcher struct {
	stop chan struct{} // closed to end it
	peak chan int64    // gets the last that was read
}

func watchPeak(pid int) *peakWatcher {
	w := &peakWatcher{stop: make(chan struct{}), peak: make(chan int64, 1)} // one value, for whoever comes
	go w.watch(pid)
	return w
}

func (w *peakWatcher) watch(pid int) {
	tick := time.NewTicker(peakEvery)
	defer tick.Stop()
	var last int64
	for {
		if peak, err := observe.PeakRSSOf(pid); err == nil {
			last = peak
		}
		select {
		case <-tick.C:
		case <-w.stop:
			w.peak <- last
			return
		}
	}
}

func (w *peakWatcher) end() int64 {
	close(w.stop)
	return <-w.peak
}
