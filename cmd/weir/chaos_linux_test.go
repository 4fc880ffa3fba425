package main

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// A route is a way to move numbered records that is harmed again and again.
type route struct {
	name    string
	promise weir.Label
	// begin makes the source in dir.
	begin func(t *testing.T, dir string) passage
	// brief is how often it is harmed in the suite; 0: briefly. With long it is
	// harmed in the long form only.
	brief int
	long  bool
	// group are routes that are not harmed at once; "": it is alone.
	group string
	// check looks at what the whole route has come to; nil: nothing else counts.
	check func(t *testing.T)
}

// briefly is how often a route is harmed in the suite.
const briefly = 3

// A passage is one move of the records, from the first to the last, over as many
// runs of the program as it takes.
type passage struct {
	dir     string
	args    []string // of weir
	records int
	// live runs the program once, and harms it; nil: it is killed at a random
	// instant.
	live func(t *testing.T, p passage, random *rand.Rand) outcome
	// count returns how often each record is at the destination.
	count func(t *testing.T) map[int]int
}

// An outcome is what has become of one run of the program.
type outcome struct {
	ended bool // the records have arrived, as far as the program knows
	kills int  // of the program, or of the server it talks to
	harms int  // of other kinds
	gave  bool // it gave up, after an error that may pass, and is to be started again
}

// mostTries bounds how often in a row a program may give up.
const mostTries = 20

// A tally is what has become of a route.
type tally struct {
	transfers, kills, harms, lost, doubled int
}

const chaosRecords = 20_000

// cp returns the arguments that move chaosRecords in less than a second, with many
// checkpoints.
func cp(args ...string) []string {
	return append([]string{"cp", "-q", "--rate", "6MiB/s", "--batch", "16KiB", "--checkpoint-every", "25ms"}, args...)
}

// Whatever instant the process is killed at, and however often, and whatever breaks
// beside it, in the end every record is at the destination, once.
func TestKilledAgainAndAgainNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds a route")
	}
	if raced {
		t.Skip("the program that is killed is built without the race detector")
	}
	routes := chaosRoutes(t)
	share := chaosShare(t, len(routes))
	if share == 0 {
		routes = slices.DeleteFunc(routes, func(r route) bool { return r.long })
	}
	sum := table{tallies: map[string]tally{}}
	t.Run("routes", func(t *testing.T) {
		for i, group := range grouped(routes) {
			t.Run(cmp.Or(group[0].group, group[0].name), func(t *testing.T) {
				t.Parallel() // they mostly wait
				for j, r := range group {
					times := share
					if times == 0 {
						times = max(r.brief, briefly)
					}
					random := rand.New(rand.NewPCG(uint64(i), uint64(j)))
					chase := func(t *testing.T) { sum.add(r.name, r.chase(t, random, times)) }
					if r.group == "" {
						chase(t)
					} else {
						t.Run(r.name, chase)
					}
				}
			})
		}
	})
	t.Log("\n" + sum.text(routes))
}

// chaosShare returns how often each of the routes is harmed, of as many times as
// WEIR_CHAOS says; 0: as is fit for the suite.
func chaosShare(t *testing.T, routes int) int {
	t.Helper()
	text := os.Getenv("WEIR_CHAOS")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("WEIR_CHAOS=%s: it must be a number of kills", text)
	}
	return (n + routes - 1) / routes
}

// chaosRoutes returns all routes. Those that harm a server have one of their own.
func chaosRoutes(t *testing.T) []route {
	t.Helper()
	shared, harmed := pgtest.Start(t, pgtest.Options{}), pgtest.Start(t, pgtest.Options{})
	var all []route
	for _, some := range [][]route{
		fileRoutes(), databaseRoutes(shared), followRoutes(shared), stepRoutes(shared), powerRoutes(), faultRoutes(shared, harmed),
	} {
		all = append(all, some...)
	}
	return all
}

// grouped returns the routes with those of a group together.
func grouped(routes []route) [][]route {
	var all [][]route
	at := map[string]int{}
	for _, r := range routes {
		if i, ok := at[r.group]; ok && r.group != "" {
			all[i] = append(all[i], r)
			continue
		}
		at[r.group] = len(all)
		all = append(all, []route{r})
	}
	return all
}

// chase harms the route so many times and counts what came of it.
func (r route) chase(t *testing.T, random *rand.Rand, times int) tally {
	var sum tally
	for sum.kills+sum.harms < times {
		dir := t.TempDir()
		p := r.begin(t, dir)
		if p.live == nil {
			p.live = killAtRandom
		}
		for ended, tries := false, 0; !ended; {
			o := p.live(t, p, random)
			sum.kills, sum.harms, ended = sum.kills+o.kills, sum.harms+o.harms, o.ended
			if tries++; !o.gave {
				tries = 0
			}
			if tries == mostTries {
				t.Fatalf("%v has given up %d times in a row", p.args, tries)
			}
		}
		sum.transfers++
		lost, doubled := missing(p.count(t), p.records)
		sum.lost, sum.doubled = sum.lost+lost, sum.doubled+doubled
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
	if r.check != nil {
		r.check(t)
	}
	if sum.lost > 0 || sum.doubled > 0 && r.promise == weir.ExactlyOnce {
		t.Errorf("%d records lost, %d doubled", sum.lost, sum.doubled)
	}
	return sum
}

// killAtRandom kills the program at a random instant.
func killAtRandom(t *testing.T, p passage, random *rand.Rand) outcome {
	t.Helper()
	l := launch(t, weirCommand(t, p.dir, p.args...))
	l.sleep(random, 450*time.Millisecond)
	_ = l.cmd.Process.Kill() // it may have ended
	return l.outcome(t)
}

// patience bounds each run of the program.
const patience = 2 * time.Minute

// A launched program.
type launched struct {
	cmd  *exec.Cmd
	said bytes.Buffer // on standard error; when it has ended
	done chan struct{}
}

func launch(t *testing.T, cmd *exec.Cmd) *launched {
	t.Helper()
	l := &launched{cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = &l.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(l.done)
		_ = cmd.Wait() // how it ended is in its state
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-l.done
	})
	return l
}

// sleep waits for a random time up to most. It reports false if the program has
// ended by then.
func (l *launched) sleep(random *rand.Rand, most time.Duration) bool {
	select {
	case <-l.done:
		return false
	case <-time.After(time.Duration(random.Int64N(int64(most)))):
		return true
	}
}

// wait waits until the program has ended and returns its exit code, which is 128 and
// the signal if it was killed.
func (l *launched) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(patience):
		_ = l.cmd.Process.Signal(syscall.SIGQUIT) // it says where it stands
		<-l.done
		t.Fatalf("%v did not end in %v:\n%s", l.cmd.Args, patience, &l.said)
	}
	if status, ok := l.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return l.cmd.ProcessState.ExitCode()
}

// outcome waits until the program has ended, by itself or killed. It may give up on a
// machine that is slow, or is made to.
func (l *launched) outcome(t *testing.T) outcome {
	t.Helper()
	code := l.wait(t)
	switch said := l.said.String(); {
	case code == 0:
		return outcome{ended: true}
	case code == exitKilled:
		return outcome{kills: 1}
	case code == 1 && (strings.Contains(said, "transient") || strings.Contains(said, "ignored its cancellation")):
		return outcome{gave: true}
	case code == exitTracer && strings.Contains(said, syscall.EPERM.Error()):
		t.Skipf("a process may not be traced here: %s", said)
	}
	t.Fatalf("%v ends with %d:\n%s", l.cmd.Args, code, &l.said)
	return outcome{}
}

// weirCommand returns a command of the program as it is shipped.
func weirCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WEIR_STATE="+filepath.Join(dir, "state"))
	return cmd
}

// mustRun runs the program to its end. That it closes slowly, on a machine that is slow,
// is no failure: everything is committed then.
func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil && !bytes.Contains(out, []byte("weir: close sink")) {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
