package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	signals "os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weirflow/weir/weirtest"
)

func TestMain(m *testing.M) {
	programs := map[string]func(){"weir": main}
	maps.Copy(programs, helpers)
	testscript.Main(tests{m}, programs)
}

// buildDir is where the program is built for tests that need it as it is
// shipped. It exists while the tests run.
var buildDir string

type tests struct{ *testing.M }

func (t tests) Run() int {
	dir, err := os.MkdirTemp("", "weir-test")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // at worst it stays in the temporary directory
	buildDir = dir
	defer heedSignals()()
	return weirtest.Main(t.M)
}

// heedSignals lets the programs that the tests start heed the signals that a test
// sends them, also where the tests themselves were started to ignore some, as by
// nohup or in the background of a script: what a process ignores its children
// ignore as well, and what it handles they do not. The function that it returns
// undoes it.
func heedSignals() func() {
	ignored := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if signals.Ignored(s) {
			signals.Notify(ignored, s)
		}
	}
	return func() { signals.Stop(ignored) }
}

// TestScripts runs the command lines in testdata, each script in a directory of
// its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		WorkdirRoot:         t.TempDir(), // else a script that is not run leaves its directory
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"events": events,
		},
	})
}

// exits runs a command and wants an exit code: exits 2 weir cp.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("it exits with %d; want %d\nstdout: %s\nstderr: %s", code, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// events wants a file of JSON lines with these events, in this order, repeated
// ones once: events stdout start progress end.
func events(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: events FILE EVENT...")
	}
	var got []string
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var e struct {
			Event string `json:"event"`
			Time  string `json:"time"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Event == "" || e.Time == "" {
			ts.Fatalf("not an event: %v: %s", err, line)
		}
		if len(got) == 0 || got[len(got)-1] != e.Event {
			got = append(got, e.Event)
		}
	}
	if want := strings.Join(args[1:], " "); strings.Join(got, " ") != want {
		ts.Fatalf("events are %q; want %q", got, want)
	}
}
