package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests in this file run the program as it is shipped, built once without
// cgo and without the race detector: its memory and its end are what is tested.

var build = sync.OnceValues(func() (string, error) {
	program := filepath.Join(buildDir, "weir")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+os.Getenv("GOFLAGS"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func program(tb testing.TB) string {
	tb.Helper()
	path, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// process is a run of the program.
type process struct {
	cmd    *exec.Cmd
	stdout output
	stderr output
	done   chan struct{}
	code   int
	peak   int64 // VmHWM in bytes, as seen from outside
}

// output is what a process has printed so far.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// start starts name with args in dir and watches its memory.
func start(tb testing.TB, dir, name string, args ...string) *process {
	tb.Helper()
	p := &process{cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		p.watch(stop)
	}()
	go func() {
		defer close(p.done)
		var exit *exec.ExitError
		if err := p.cmd.Wait(); errors.As(err, &exit) {
			p.code = exit.ExitCode()
		} else if err != nil {
			p.code = -1
		}
		close(stop)
		<-watched
	}()
	tb.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may be gone
		<-p.done
	})
	return p
}

// watch reads the kernel's mark of the highest resident memory. Before the
// program has replaced it, the process is a copy of the test.
func (p *process) watch(stop <-chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if err != nil || !bytes.HasPrefix(status, []byte("Name:\tweir\n")) {
			continue
		}
		if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); m != nil {
			kib, _ := strconv.ParseInt(string(m[1]), 10, 64) // it is digits
			p.peak = max(p.peak, kib<<10)
		}
	}
}

// wait waits for the end and returns the exit code.
func (p *process) wait(tb testing.TB, limit time.Duration) int {
	tb.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		_ = p.cmd.Process.Kill() // it is too late anyway
		<-p.done
		tb.Fatalf("%v did not end in %v; stderr:\n%s", p.cmd.Args, limit, &p.stderr)
	}
	return p.code
}

// until waits until it is so, which is not when the process ends before.
func (p *process) until(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	deadline := time.After(time.Minute)
	for !so() {
		select {
		case <-p.done:
			if so() {
				return
			}
			tb.Fatalf("it ended with %d before %s; stdout:\n%s\nstderr:\n%s", p.code, what, &p.stdout, &p.stderr)
		case <-deadline:
			tb.Fatalf("no %s in a minute; stdout:\n%s\nstderr:\n%s", what, &p.stdout, &p.stderr)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// says reports whether one of its outputs has text.
func (p *process) says(text string) func() bool {
	return func() bool { return strings.Contains(p.stdout.String()+p.stderr.String(), text) }
}

const mib = 1 << 20

func TestResidentMemoryStaysBelowTheCap(t *testing.T) {
	const sink = "slow://?delay=1ms"
	for _, c := range []struct {
		name string
		cap  int64
		args []string
	}{
		{"32 MiB", 32 * mib, []string{"gen://?size=256MiB", sink}},
		{"64 MiB", 64 * mib, []string{"gen://?size=256MiB", sink}},
		{"256 MiB", 256 * mib, []string{"gen://?size=512MiB", "slow://?delay=20ms&concurrency=256"}},
		{"32 MiB, fast sink", 32 * mib, []string{"gen://?size=2GiB", "null://"}},
		{"32 MiB, many writes at once", 32 * mib, []string{"gen://?size=256MiB", "slow://?delay=20ms&concurrency=1000"}},
		{"64 MiB, 500 streams", 64 * mib, []string{"--streams", "500", "gen://?size=512MiB&streams=500", "slow://?delay=20ms&concurrency=500"}},
		{"64 MiB, one record of 16 MiB", 64 * mib, []string{"gen://?size=64MiB&record=16MiB", sink}},
		{"32 MiB, one byte a record", 32 * mib, []string{"gen://?size=16MiB&record=1", sink}},
		{"64 MiB, one byte a record", 64 * mib, []string{"gen://?size=16MiB&record=1", sink}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"cp", "--memory", strconv.FormatInt(c.cap, 10)}, c.args...)
			p := start(t, t.TempDir(), program(t), args...)
			if code := p.wait(t, 30*time.Second); code != 0 {
				t.Fatalf("exit code %d: %s", code, &p.stderr)
			}
			peak := max(p.peak, reportedPeak(t, p.stderr.String()))
			t.Logf("peak %.1f of %d MiB", float64(peak)/mib, c.cap/mib)
			if peak > c.cap {
				t.Errorf("the peak was %.1f MiB; the cap is %d MiB\n%s", float64(peak)/mib, c.cap/mib, &p.stderr)
			}
		})
	}
}

// reportedPeak returns the peak that the summary states.
func reportedPeak(t *testing.T, summary string) int64 {
	t.Helper()
	m := regexp.MustCompile(`memory: peak ([0-9.]+) MiB`).FindStringSubmatch(summary)
	if m == nil {
		t.Fatalf("the summary has no peak:\n%s", summary)
	}
	peak, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(peak * mib)
}

func TestSmallestCapReallyIsOne(t *testing.T) {
	out, err := exec.Command(program(t), "plan").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`smallest cap for 8 streams is (\d+)MiB`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no smallest cap in:\n%s", out)
	}
	least, _ := strconv.ParseInt(string(m[1]), 10, 64) // it is digits
	if least > 24 {
		t.Errorf("the smallest cap is %d MiB; want at most 24", least)
	}
	p := start(t, t.TempDir(), program(t), "cp", "-m", string(m[1])+"MiB",
		"gen://?size=512MiB&streams=16&record=100", "slow://?delay=1ms&concurrency=8")
	if code := p.wait(t, 30*time.Second); code != 0 {
		t.Fatalf("exit code %d: %s", code, &p.stderr)
	}
	peak := max(p.peak, reportedPeak(t, p.stderr.String()))
	t.Logf("peak %.1f of %d MiB", float64(peak)/mib, least)
	if peak > least*mib {
		t.Errorf("the peak was %.1f MiB under the smallest cap, %d MiB", float64(peak)/mib, least)
	}
}

// TestRunsUnderALimitOnItsData holds that no memory hides from the cap: arenas
// are private and anonymous, so RLIMIT_DATA counts them and the whole heap, used
// or reserved.
func TestRunsUnderALimitOnItsData(t *testing.T) {
	script := `ulimit -d 160000; exec "$0" cp --memory 64MiB 'gen://?size=256MiB' 'slow://?delay=1ms'`
	p := start(t, t.TempDir(), "sh", "-c", script, program(t))
	if code := p.wait(t, 30*time.Second); code != 0 {
		t.Errorf("exit code %d: %s", code, &p.stderr)
	}
}

func TestInterruptOnceDeliversWhatIsInFlight(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			p := start(t, t.TempDir(), program(t), "cp", "gen://?size=1TiB", "slow://?delay=50ms")
			p.until(t, "progress", p.says("acknowledged"))
			signal(t, p, s)
			if code := p.wait(t, 30*time.Second); code != 130 {
				t.Errorf("exit code %d; want 130: %s", code, &p.stderr)
			}
			if text := p.stderr.String(); !strings.Contains(text, "weir: draining after "+s.String()) ||
				!strings.Contains(text, "press Ctrl-C again to abort") {
				t.Errorf("it does not say that it drains:\n%s", text)
			}
		})
	}
}

// TestNohupStaysInForce holds that a signal which the program was started to
// ignore does not end it.
func TestNohupStaysInForce(t *testing.T) {
	p := start(t, t.TempDir(), "sh", "-c", `trap "" HUP; exec "$0" cp 'gen://?size=1TiB' 'slow://?delay=50ms'`, program(t))
	p.until(t, "progress", p.says("acknowledged"))
	signal(t, p, syscall.SIGHUP)
	lines := strings.Count(p.stderr.String(), "acknowledged")
	p.until(t, "more progress", func() bool { return strings.Count(p.stderr.String(), "acknowledged") > lines })
	signal(t, p, syscall.SIGINT)
	if code := p.wait(t, 30*time.Second); code != 130 {
		t.Errorf("exit code %d; want 130: %s", code, &p.stderr)
	}
	if text := p.stderr.String(); strings.Contains(text, syscall.SIGHUP.String()) {
		t.Errorf("it heeded a signal that it was to ignore:\n%s", text)
	}
}

func TestInterruptTwiceAbortsAHangingWrite(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		t.Run(fmt.Sprintf("ignoring=%v", ignore), func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, dir, program(t), "cp", "gen://?size=1TiB&opaque=true", "--batch", "64KiB", "--json",
				fmt.Sprintf("chaos://?hang=write&hang_after=5&ignore_context=%v&into=out.bin", ignore))
			// Five writes are done, and what is in flight is the one that hangs.
			hangs := regexp.MustCompile(`"written":\{"bytes":327680,.*"in_flight_batches":[1-9]`)
			p.until(t, "write that hangs", func() bool { return hangs.MatchString(p.stdout.String()) })
			signal(t, p, syscall.SIGINT)
			p.until(t, "notice that it drains", p.says("draining after"))
			time.Sleep(200 * time.Millisecond) // at once, it would be the same press of the key
			second := time.Now()
			signal(t, p, syscall.SIGINT)
			code := p.wait(t, 20*time.Second)
			took := time.Since(second)
			if code != 130 {
				t.Errorf("exit code %d after %v; want 130: %s", code, took, &p.stderr)
			}
			if left := list(t, dir); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
			if named := strings.Contains(p.stderr.String(), "ignored its cancellation"); named != ignore {
				t.Errorf("the call that was left behind is named: %v; want %v\n%s", named, ignore, &p.stderr)
			}
			t.Logf("out after %v", took)
		})
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func signal(t *testing.T, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestIdleProcessIsSmall(t *testing.T) {
	idle := idleMemory(t)
	t.Logf("%.1f MiB", float64(idle)/mib)
	if idle == 0 || idle > 12*mib {
		t.Errorf("a transfer that waits for data has %.1f MiB resident; want at most 12", float64(idle)/mib)
	}
}

// idleMemory returns the resident memory of a transfer that waits for data.
func idleMemory(tb testing.TB) int64 {
	tb.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	p := &process{cmd: exec.Command(program(tb), "cp", "-q", "-", "null://")}
	p.cmd.Stdin = r
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	stop := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(stop) })
	p.watch(stop)
	if err := errors.Join(w.Close(), p.cmd.Wait()); err != nil {
		tb.Fatal(err)
	}
	return p.peak
}

// BenchmarkStart measures the program from its start to its end, with nothing
// to do, and the resident memory of a transfer that waits for data.
func BenchmarkStart(b *testing.B) {
	path, idle := program(b), idleMemory(b)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := exec.Command(path, "version").Run(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(idle)/mib, "MiB-idle")
}
