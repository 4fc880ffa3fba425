package weirtest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
)

// Main runs the tests of a package and returns the code to exit with: that of
// the tests, or 1 if after the last of them goroutines run, descriptors are open
// or temporary files exist that did not before the first. The tests get a
// temporary directory of their own. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(weirtest.Main(m)) }
//
// What one test leaves is found at its end with CheckLeaks and CheckBudget.
func Main(m *testing.M) int {
	temp, err := os.MkdirTemp("", "weirtest-")
	if err == nil {
		defer func() { _ = os.RemoveAll(temp) }()                           // at worst it stays in the temporary directory
		err = errors.Join(os.Chmod(temp, 0o755), os.Setenv("TMPDIR", temp)) // tests may act as somebody else
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "weirtest:", err)
		return 1
	}
	before := takeSnapshot()
	code := m.Run()
	if code != 0 || fuzzing() {
		return code
	}
	if err := errors.Join(before.leaks(), leftIn(temp)); err != nil {
		fmt.Fprintf(os.Stderr, "after the last test:\n%v\nFAIL\n", err)
		return 1
	}
	return 0
}

// fuzzing reports whether this run looks for new inputs: what that needs is
// alive until the process ends.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		f := flag.Lookup(name)
		if f != nil && f.Value.String() != "" && f.Value.String() != "false" {
			return true
		}
	}
	return false
}

// leftIn returns an error for each entry of dir.
func leftIn(dir string) error {
	entries, err := os.ReadDir(dir)
	errs := []error{err}
	for _, e := range entries {
		errs = append(errs, fmt.Errorf("left behind: %s", e.Name()))
	}
	return errors.Join(errs...)
}
