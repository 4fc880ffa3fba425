package weirtest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/weirflow/weir/weirtest"
)

// leave says what TestLeave is to leave behind, in a process of its own.
const leave = "WEIRTEST_LEAVE"

func TestMain(m *testing.M) { os.Exit(weirtest.Main(m)) }

func TestLeave(*testing.T) {
	switch os.Getenv(leave) {
	case "a goroutine":
		go func() { select {} }()
	case "a descriptor":
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		kept = append(kept, r, w)
	case "a file":
		f, err := os.CreateTemp("", "left-*")
		if err != nil {
			panic(err)
		}
		_ = f.Close() // it is empty
	}
}

// kept keeps descriptors from being closed by the collector.
var kept []*os.File

func TestMainFindsWhatTestsLeave(t *testing.T) {
	for what, want := range map[string]string{
		"nothing":      "PASS",
		"a goroutine":  "leaked goroutine",
		"a descriptor": "leaked descriptor",
		"a file":       "left behind: left-",
	} {
		t.Run(what, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestLeave$")
			cmd.Env = append(os.Environ(), leave+"="+what)
			out, err := cmd.CombinedOutput()
			if (err == nil) != (what == "nothing") || !strings.Contains(string(out), want) {
				t.Errorf("%v, want %q in:\n%s", err, want, out)
			}
		})
	}
}
