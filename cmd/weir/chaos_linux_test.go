package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// chaosKills is how many times each route is killed: a few in the suite, as many
// as WEIR_CHAOS says otherwise.
func chaosKills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("WEIR_CHAOS")
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("WEIR_CHAOS=%s: %v", text, err)
	}
	return n
}

// A route is a way to move numbered records that is killed again and again.
type route struct {
	name string
	// prepare makes the source in dir and returns the arguments of weir cp.
	prepare func(t *testing.T, dir string) []string
	// count returns how often each record is at the destination.
	count func(t *testing.T, dir string) map[int]int
	// doubles says that the route promises no more than at-least-once.
	doubles bool
}

const chaosRecords = 20_000

// writeNumbered writes the source: a line of JSON a record, with its number.
func writeNumbered(t *testing.T, path string) {
	t.Helper()
	var b bytes.Buffer
	for i := range chaosRecords {
		fmt.Fprintf(&b, `{"n":%d,"text":"%0200d"}`+"\n", i, i)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// countNumbered counts the records in a file of JSON lines. What is no such line
// counts as -1.
func countNumbered(t *testing.T, path string) map[int]int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	for line := range bytes.Lines(data) {
		n, text := -1, ""
		if k, err := fmt.Sscanf(string(line), `{"n":%d,"text":%q}`, &n, &text); err != nil || k != 2 || !bytes.HasSuffix(line, []byte("}\n")) {
			n = -1
		}
		counts[n]++
	}
	return counts
}

// weirCommand returns a command of the program as it is shipped.
func weirCommand(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WEIR_STATE="+filepath.Join(dir, "state"))
	return cmd
}

func mustRun(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

func fileRoutes() []route {
	plain := func(t *testing.T, dir string) map[int]int { return countNumbered(t, filepath.Join(dir, "to.ndjson")) }
	return []route{
		{name: "file to file", count: plain, prepare: func(t *testing.T, dir string) []string {
			writeNumbered(t, filepath.Join(dir, "from.ndjson"))
			return []string{"from.ndjson", "to.ndjson"}
		}},
		{name: "lines of a file, transformed", count: plain, prepare: func(t *testing.T, dir string) []string {
			writeNumbered(t, filepath.Join(dir, "from.ndjson"))
			return []string{"from.ndjson", "to.ndjson", "--where", "n >= 0"}
		}},
		{name: "gzip to file", count: plain, prepare: func(t *testing.T, dir string) []string {
			writeNumbered(t, filepath.Join(dir, "plain.ndjson"))
			mustRun(t, weirCommand(t, dir, "cp", "-q", "--state", "none", "plain.ndjson", "from.ndjson.gz", "--batch", "64KiB"))
			return []string{"from.ndjson.gz", "to.ndjson"}
		}},
		{name: "file to zstd", prepare: func(t *testing.T, dir string) []string {
			writeNumbered(t, filepath.Join(dir, "from.ndjson"))
			return []string{"from.ndjson", "to.ndjson.zst"}
		}, count: func(t *testing.T, dir string) map[int]int {
			mustRun(t, weirCommand(t, dir, "cp", "-q", "--state", "none", "to.ndjson.zst", "to.ndjson"))
			return plain(t, dir)
		}},
	}
}

// databaseRoutes end in a table that is made from the first records.
func databaseRoutes(t *testing.T) []route {
	server := pgtest.Start(t, pgtest.Options{})
	var tables atomic.Int32
	into := func(name, address string, more ...string) route {
		return route{
			name: name,
			prepare: func(t *testing.T, dir string) []string {
				writeNumbered(t, filepath.Join(dir, "from.ndjson"))
				to := fmt.Sprintf(address, tables.Add(1))
				put(t, dir, "address", []byte(to))
				return append([]string{"from.ndjson", to, "--create"}, more...)
			},
			count: func(t *testing.T, dir string) map[int]int {
				to, err := os.ReadFile(filepath.Join(dir, "address"))
				if err != nil {
					t.Fatal(err)
				}
				mustRun(t, weirCommand(t, dir, "cp", "-q", "--state", "none", string(to), "to.ndjson"))
				return countNumbered(t, filepath.Join(dir, "to.ndjson"))
			},
		}
	}
	url := server.URL()
	mark := "?"
	if strings.Contains(url, "?") {
		mark = "&"
	}
	return []route{
		into("file to SQLite", "sqlite://numbers.db?table=t%d"),
		into("file to PostgreSQL", url+mark+"table=t%d"),
		into("file to PostgreSQL, with dead letters", url+mark+"table=t%d", "--on-error", "deadletter", "--dead-letters", "dead"),
	}
}

// Whatever instant the process is killed at, and however often, in the end every
// record is at the destination, once.
func TestKilledAgainAndAgainNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds a route")
	}
	for i, r := range append(fileRoutes(), databaseRoutes(t)...) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			r.run(t, uint64(i), chaosKills(t))
		})
	}
}

// run kills the route and counts what came of it.
func (r route) run(t *testing.T, seed uint64, kills int) {
	random := rand.New(rand.NewPCG(seed, 11))
	killed, finished, lost, doubled := 0, 0, 0, 0
	for killed < kills {
		dir := t.TempDir()
		args := append([]string{"cp", "-q", "--rate", "3MiB/s", "--batch", "16KiB", "--checkpoint-every", "40ms"}, r.prepare(t, dir)...)
		for {
			done := r.runOnce(t, weirCommand(t, dir, args...), time.Duration(random.IntN(900))*time.Millisecond)
			if done {
				break
			}
			killed++
		}
		finished++
		l, d := missing(r.count(t, dir))
		lost, doubled = lost+l, doubled+d
	}
	t.Logf("%d kills over %d runs: %d lost, %d doubled", killed, finished, lost, doubled)
	if lost > 0 || doubled > 0 && !r.doubles {
		t.Errorf("%d records lost, %d doubled", lost, doubled)
	}
}

// runOnce kills the process after a while and reports whether it had ended before.
func (r route) runOnce(t *testing.T, cmd *exec.Cmd, after time.Duration) bool {
	t.Helper()
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	err := cmd.Wait()
	timer.Stop()
	if err == nil {
		return true
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%v: %v\n%s", strings.Join(cmd.Args, " "), err, said.String())
	}
	return false
}

// missing returns how many records are not there, and how many too often; what is
// not a record counts as doubled.
func missing(counts map[int]int) (lost, doubled int) {
	for i := range chaosRecords {
		switch n := counts[i]; {
		case n == 0:
			lost++
		case n > 1:
			doubled += n - 1
		}
	}
	return lost, doubled + counts[-1]
}
