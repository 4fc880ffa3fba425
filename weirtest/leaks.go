package weirtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

// settle is how long goroutines and descriptors may take to go away: what was
// told to stop may not have run yet.
const settle = 2 * time.Second

// CheckLeaks fails the test at its end if goroutines run or descriptors are
// open that were not when it was called. Call it first, so that it checks last;
// not in parallel tests, which see each other's.
func CheckLeaks(t testing.TB) {
	t.Helper()
	before := takeSnapshot()
	t.Cleanup(func() {
		t.Helper()
		if err := before.leaks(); err != nil {
			t.Error(err)
		}
	})
}

// CheckBudget fails the test at its end if anything of b is in use, held by
// abandoned calls, or waited for. Call it right after b was made.
func CheckBudget(t testing.TB, b *weir.Budget) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		err := settled(func() error {
			if s := b.Stats(); s.Used != 0 || s.Quarantined != 0 || s.Waiters != 0 {
				return fmt.Errorf("the budget was not given back: %d bytes in use, %d held by abandoned calls, %d waiters",
					s.Used, s.Quarantined, s.Waiters)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// settled calls check until it returns nil or time is up.
func settled(check func() error) error {
	deadline := time.Now().Add(settle)
	wait := time.Millisecond
	for {
		err := check()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-time.After(wait)
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// snapshot is what is alive at a moment.
type snapshot struct {
	goroutines  map[string]string // ID to stack
	descriptors map[string]string // number to target
}

func takeSnapshot() snapshot {
	return snapshot{goroutines: goroutines(), descriptors: descriptors()}
}

// leaks returns an error that describes what is alive and was not, once it had
// time to go away.
func (s snapshot) leaks() error {
	return settled(func() error {
		now := takeSnapshot()
		var errs []error
		for _, id := range newKeys(s.goroutines, now.goroutines) {
			errs = append(errs, fmt.Errorf("leaked goroutine:\n%s", now.goroutines[id]))
		}
		for _, fd := range newKeys(s.descriptors, now.descriptors) {
			errs = append(errs, fmt.Errorf("leaked descriptor %s: %s", fd, now.descriptors[fd]))
		}
		return errors.Join(errs...)
	})
}

// newKeys returns the keys of now that are not, or are something else, in
// before.
func newKeys(before, now map[string]string) []string {
	var keys []string
	for k, v := range now {
		if old, ok := before[k]; !ok || identity(old) != identity(v) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

// identity is a descriptor's target, or nothing for a stack: a goroutine that
// lives on runs on.
func identity(s string) string {
	if strings.HasPrefix(s, "goroutine ") {
		return ""
	}
	return s
}

var goroutineID = regexp.MustCompile(`^goroutine (\d+) `)

// notOurs are the goroutines that the runtime and the testing package start
// when they please.
var notOurs = []string{
	"internal/fuzz.", "os/signal.loop", "os/signal.signal_recv", "runtime.ensureSigM", "runtime.runCleanups",
	"runtime.runFinalizers", "runtime/pprof.", "testing.(*F).", "testing.(*M).", "testing.(*T).Run(", "testing.runTests(",
}

// goroutines returns the stacks of all goroutines but the calling one.
func goroutines() map[string]string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := map[string]string{}
	for i, stack := range bytes.Split(buf, []byte("\n\n")) {
		text := strings.TrimSpace(string(stack))
		m := goroutineID.FindStringSubmatch(text)
		if i == 0 || m == nil || isNotOurs(text) { // the first is the caller
			continue
		}
		all[m[1]] = text
	}
	return all
}

func isNotOurs(stack string) bool {
	for _, s := range notOurs {
		if strings.Contains(stack, s) {
			return true
		}
	}
	return false
}

// descriptors returns the open descriptors and what they refer to; nothing
// where the system has no list of them.
func descriptors() map[string]string {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for _, e := range entries {
		target, err := os.Readlink(dir + "/" + e.Name())
		if err != nil { // the listing's own descriptor is closed by now
			continue
		}
		if strings.HasPrefix(target, "anon_inode:[event") { // the runtime's poller, opened at first use
			continue
		}
		all[e.Name()] = target
	}
	return all
}
