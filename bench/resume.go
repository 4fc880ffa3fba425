package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	resumeSize = 10 << 30
	// resumeLook is the time between two looks at a file that is to grow. It adds
	// half of it to what is measured.
	resumeLook = 200 * time.Microsecond
	// resumePatience is how long a file may not grow.
	resumePatience = time.Minute
)

// runResume measures from the start of the process to the first byte at the
// destination: of a new copy, and of one that was interrupted at 90 percent.
func runResume(ctx context.Context, b *bench) ([]table, error) {
	size := int64(resumeSize)
	if b.quick {
		size = 1 << 30
	}
	if err := b.scratch.need(size); err != nil {
		return nil, err
	}
	r := resuming{weir: b.weir, src: b.scratch.path("large"), dir: b.scratch.path("resumed"), state: b.scratch.path("state"), size: size}
	f, err := os.Create(r.src)
	if err == nil {
		err = errors.Join(f.Truncate(size), f.Close()) // a hole: it is read as zeros
	}
	if err != nil {
		return nil, err
	}
	at, err := r.interrupt(ctx)
	if err != nil {
		return nil, err
	}
	contestants := []contestant{
		{"a new copy", r.first}, {"one at 90 %", r.again(at)}, {"a new copy, again", r.first}, {"one at 90 %, again", r.again(at)},
	}
	results, err := race(ctx, b.roundsOr(15, 5), contestants, nil)
	if err != nil {
		return nil, err
	}
	t := compareSeconds(fmt.Sprintf("RESUME: start of the process to the first byte at the destination, a copy of %s", mib(size)), "new", contestants, results)
	t.note("it was interrupted at %d MiB, %s; each run is killed at its first byte, so that the next one resumes at the same place", at>>20, percent(float64(at)/float64(size)))
	both := append(results[1], results[3]...).of(wallSeconds)
	t.target(both.median < 0.1, "a copy that was interrupted at 90 %% writes its first byte in less than 0.1 s: %s s, at most %s s", number(both.median), number(both.most))
	return []table{t}, errors.Join(discard(r.src), os.RemoveAll(r.dir), os.RemoveAll(r.state))
}

// resuming is a source, a directory for its copy, and one for the state.
type resuming struct {
	weir, src, dir, state string
	size                  int64
}

func (r resuming) command(ctx context.Context, dir, state string) *exec.Cmd {
	return exec.CommandContext(ctx, r.weir, "cp", "--quiet", "--no-sync", "--state", state, r.src, filepath.Join(dir, "copy"))
}

// interrupt copies until 90 percent are there, and asks weir to end, which it does
// with a checkpoint. It returns how far it came.
func (r resuming) interrupt(ctx context.Context) (int64, error) {
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		return 0, err
	}
	cmd := r.command(ctx, r.dir, r.state)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	grown := awaitSize(ctx, r.dir, r.size/10*9)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && grown == nil {
		grown = err
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 130 {
		err = nil
	}
	if err = errors.Join(grown, err); err != nil {
		return 0, fmt.Errorf("the copy that is to be interrupted: %w", err)
	}
	_, at, err := temporary(r.dir)
	if err == nil && at >= r.size {
		err = errors.New("the copy was whole before it could be interrupted")
	}
	return at, err
}

// first starts a new copy.
func (r resuming) first(ctx context.Context) (sample, error) {
	dir, state := r.dir+"-new", r.state+"-new"
	if err := os.Mkdir(dir, 0o700); err != nil {
		return sample{}, err
	}
	s, err := r.toFirstByte(r.command(ctx, dir, state), func() error { return awaitSize(ctx, dir, 1) })
	return s, errors.Join(err, os.RemoveAll(dir), os.RemoveAll(state))
}

// again starts the copy that was interrupted when at bytes of it were there.
func (r resuming) again(at int64) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		// What an earlier run wrote behind its checkpoint would be taken for new.
		path, _, err := temporary(r.dir)
		if err == nil {
			err = os.Truncate(path, at)
		}
		if err != nil {
			return sample{}, err
		}
		return r.toFirstByte(r.command(ctx, r.dir, r.state), func() error { return awaitSize(ctx, r.dir, at+1) })
	}
}

// toFirstByte starts a command, waits, and kills it.
func (r resuming) toFirstByte(cmd *exec.Cmd, wait func() error) (sample, error) {
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	err := wait()
	s := sample{wall: time.Since(began)}
	_ = cmd.Process.Kill() // it may have ended, which the wait has said then
	_ = cmd.Wait()         // it was killed
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.cpu = cpuTime(usage)
	}
	return s, err
}

// awaitSize waits until the file in dir has size bytes.
func awaitSize(ctx context.Context, dir string, size int64) error {
	var seen int64
	changed := time.Now()
	for ctx.Err() == nil {
		_, now, err := temporary(dir)
		switch {
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return err
		case now >= size:
			return nil
		case now != seen:
			seen, changed = now, time.Now()
		case time.Since(changed) > resumePatience:
			return fmt.Errorf("a file has had %d bytes for %v, and %d were to come", now, resumePatience, size)
		}
		time.Sleep(resumeLook)
	}
	return context.Cause(ctx)
}

// temporary returns the one file of a directory, under whatever name, and its size.
func temporary(dir string) (path string, size int64, err error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return "", 0, err
	}
	if len(all) == 0 {
		return "", 0, os.ErrNotExist
	}
	st, err := all[0].Info()
	if err != nil {
		return "", 0, err
	}
	return filepath.Join(dir, all[0].Name()), st.Size(), nil
}
