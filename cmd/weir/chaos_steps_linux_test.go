package main

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// named is a stage of the way a batch takes, by its name.
type named struct {
	name string
	stage
}

// around returns the stages before and after a call.
func around(name string, s stage) []named {
	after := s
	after.After = true
	return []named{{"before " + name, s}, {"after " + name, after}}
}

func joined(all ...[]named) (sum []named) {
	for _, some := range all {
		sum = append(sum, some...)
	}
	return sum
}

// The stages, of each sink. The names of files are those that the connectors and the
// store give them.
var (
	storeStages = joined(
		around("making the directory of the store", stage{Call: "mkdir", Name: jobName}),
		around("writing a new store", stage{Call: "write", Name: "weir.checkpoints.new"}),
		around("syncing a new store", stage{Call: "sync", Name: "weir.checkpoints.new"}),
		around("naming a new store", stage{Call: "rename", Name: "weir.checkpoints"}),
		around("syncing its name", stage{Call: "sync", Name: jobName}),
		around("writing a checkpoint", stage{Call: "write", Name: "weir.checkpoints"}),
		around("syncing a checkpoint", stage{Call: "sync", Name: "weir.checkpoints"}),
	)
	fileStages = joined(
		around("creating the file", stage{Call: "open", Name: tempFile}),
		around("a write", stage{Call: "write", Name: tempFile}),
		around("the flush", stage{Call: "sync", Name: tempFile}),
		storeStages,
		around("the rename", stage{Call: "rename", Name: "to.ndjson"}),
		around("syncing the directory after the rename", stage{Call: "sync", Since: "to.ndjson"}),
		around("noting that the job is done", stage{Call: "write", Name: "weir.checkpoints", Since: "to.ndjson"}),
	)
	sqliteStages = joined(
		around("making the database", stage{Call: "write", Name: "numbers.db"}),
		around("removing its journal", stage{Call: "unlink", Name: "numbers.db-journal"}),
		around("creating the log", stage{Call: "open", Name: "numbers.db-wal"}),
		around("writing the log", stage{Call: "write", Name: "numbers.db-wal", Nth: 30}),
		around("the commit", stage{Call: "sync", Name: "numbers.db-wal", Nth: 3}),
		around("removing the log", stage{Call: "unlink", Name: "numbers.db-wal"}),
		storeStages,
	)
	postgresStages = joined(
		around("claiming the stream", stage{Call: "write", Name: "socket:*", Text: "INSERT INTO weir_positions"}),
		around("beginning to copy", stage{Call: "write", Name: "socket:*", Text: "COPY"}),
		around("a write", stage{Call: "write", Name: "socket:*", Text: "0000000000000000000000000"}),
		around("moving the position", stage{Call: "write", Name: "socket:*", Text: "UPDATE weir_positions"}),
		around("the commit", stage{Call: "write", Name: "socket:*", Text: "COMMIT\x00", Nth: 2}),
		storeStages,
	)
)

// Patterns of names.
const (
	tempFile = ".to.ndjson.weir-*.tmp"
	jobName  = "????????????????" // of the directory of a job's state
)

// stepRoutes are killed before and after each step of a batch's way.
func stepRoutes(server *pgtest.Server) []route {
	toFile := func(_ *testing.T, dir string) (string, func(*testing.T) map[int]int) {
		return "to.ndjson", inFile(dir, "to.ndjson")
	}
	toTable := func(address string) func(*testing.T, string) (string, func(*testing.T) map[int]int) {
		return func(_ *testing.T, dir string) (string, func(*testing.T) map[int]int) {
			to := newTable(address)
			return to, copied(dir, to)
		}
	}
	return []route{
		stepRoute("each step of a file", fileStages, len(fileStages), toFile),
		stepRoute("each step of SQLite", sqliteStages, len(sqliteStages)-len(storeStages), toTable(sqliteFile), "--create"),
		stepRoute("each step of PostgreSQL", postgresStages, len(postgresStages)-len(storeStages), toTable(server.URL()), "--create"),
	}
}

// stepRecords are fewer, because each stop takes time.
const stepRecords = 3000

// stepRoute is killed at the stages in turn, in the suite at the first ones.
func stepRoute(name string, stages []named, brief int, sink func(*testing.T, string) (string, func(*testing.T) map[int]int), more ...string) route {
	turn, missed, reached := 0, 0, map[string]bool{}
	live := func(t *testing.T, p passage, random *rand.Rand) outcome {
		t.Helper()
		s := stages[turn%len(stages)]
		s.Nth = max(s.Nth, 1)
		if turn >= len(stages) {
			s.Nth = 1 + random.IntN(2*s.Nth+4)
		}
		o := launch(t, tracedCommand(t, p, order{stage: s.stage})).outcome(t)
		reached[s.name] = reached[s.name] || o.kills > 0
		if o.gave {
			return o
		}
		if missed++; o.kills > 0 || missed == 2 || turn >= len(stages) { // what is done once is met in a transfer that begins
			turn, missed = turn+1, 0
		}
		return o
	}
	return route{
		name: name, promise: weir.ExactlyOnce, brief: brief,
		begin: func(t *testing.T, dir string) passage {
			writeNumbered(t, filepath.Join(dir, "from.ndjson"), stepRecords)
			to, count := sink(t, dir)
			return passage{dir: dir, args: cp(append([]string{"from.ndjson", to}, more...)...), records: stepRecords, live: live, count: count}
		},
		check: func(t *testing.T) {
			for _, s := range stages[:min(turn, len(stages))] {
				if !reached[s.name] {
					t.Errorf("it was never killed %s: the stage is not as the test believes", s.name)
				}
			}
		},
	}
}

// tracedCommand returns a command that runs a passage under the tracer.
func tracedCommand(t *testing.T, p passage, o order) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	inner := weirCommand(t, p.dir, p.args...)
	cmd := exec.Command(tracerName, inner.Args...)
	cmd.Dir, cmd.Env = inner.Dir, append(inner.Env, traceVariable+"="+string(text))
	return cmd
}

// powerRoutes lose what is not on the disk when they are killed, at a random call.
func powerRoutes() []route {
	lossy := func(name, to string, calls int, count func(dir string) func(*testing.T) map[int]int, more ...string) route {
		return route{name: name, promise: weir.ExactlyOnce, brief: 6, begin: func(t *testing.T, dir string) passage {
			writeNumbered(t, filepath.Join(dir, "from.ndjson"), stepRecords)
			return passage{
				dir: dir, args: cp(append([]string{"from.ndjson", to}, more...)...), records: stepRecords, count: count(dir),
				live: func(t *testing.T, p passage, random *rand.Rand) outcome {
					t.Helper()
					s := stage{Nth: 1 + random.IntN(calls), After: random.IntN(2) == 0}
					return launch(t, tracedCommand(t, p, order{s, dir, random.Uint64()})).outcome(t)
				},
			}
		}}
	}
	file := func(dir string) func(*testing.T) map[int]int { return inFile(dir, "to.ndjson") }
	return append([]route{
		lossy("power failure, file", "to.ndjson", 60, file),
		lossy("power failure, SQLite", sqliteFile+"?table=t", 400, func(dir string) func(*testing.T) map[int]int { return copied(dir, sqliteFile+"?table=t") }, "--create"),
	}, onlyLong(
		lossy("power failure, zstd", "to.ndjson.zst", 40, func(dir string) func(*testing.T) map[int]int { return copied(dir, "to.ndjson.zst") }),
	)...)
}
