package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// followRoutes read a file that grows, and is rotated, while the program is killed.
func followRoutes(server *pgtest.Server) []route {
	toFile := func(name, to string, more ...string) route {
		return followRoute(name, func(dir string) destination {
			count, format := inFile(dir, to), "ndjson"
			if to != "to.ndjson" {
				count, format = copied(dir, to), "ndjson+zstd"
			}
			return destination{to, count, func() []string {
				from := to
				if now, _ := filepath.Glob(filepath.Join(dir, "."+to+".weir-*.tmp")); len(now) > 0 { // the pattern is well formed
					from = now[0]
				}
				return []string{from, "--from", format, "--to", "ndjson"}
			}}
		}, more...)
	}
	return append([]route{
		toFile("growing and rotating file to file", "to.ndjson"),
		followRoute("growing and rotating file to PostgreSQL", func(dir string) destination {
			to := newTable(server.URL())
			return destination{to, copied(dir, to), func() []string { return []string{to} }}
		}, "--create"),
	}, onlyLong(
		toFile("growing and rotating file, transformed, to file", "to.ndjson", "--where", "n >= 0"),
		toFile("growing and rotating file to zstd", "to.ndjson.zst"),
	)...)
}

// A destination is where a transfer without an end goes.
type destination struct {
	to    string
	count func(*testing.T) map[int]int
	now   func() []string // how it is read while the program runs
}

// arrived reports whether all records can be read.
func (d destination) arrived(t *testing.T, dir string) bool {
	t.Helper()
	args := append([]string{"cp", "-q", "--state", "none"}, append(d.now(), "-")...)
	out, _ := weirCommand(t, dir, args...).Output() // it may break off in the middle
	return bytes.Count(out, []byte("\n")) >= chaosRecords
}

// followRoute is killed, or interrupted, several times, and then left alone until
// everything has arrived.
func followRoute(name string, sink func(dir string) destination, more ...string) route {
	return route{name: name, promise: weir.ExactlyOnce, begin: func(t *testing.T, dir string) passage {
		log, d, lives := startLog(t, dir), sink(dir), 0
		return passage{
			dir: dir, args: cp(append([]string{"--follow", logName, d.to}, more...)...), records: chaosRecords, count: d.count,
			live: func(t *testing.T, p passage, random *rand.Rand) outcome {
				t.Helper()
				l := launch(t, weirCommand(t, dir, p.args...))
				if lives++; lives == 1 {
					l.until(t, func() bool { return hasPosition(t, dir) })
					close(log.begun)
				}
				if lives > 6 {
					l.until(t, func() bool { return log.complete() && d.arrived(t, dir) })
					return l.interrupt(t, true)
				}
				if !l.sleep(random, 700*time.Millisecond) {
					t.Fatalf("%v has ended by itself, with %d:\n%s", l.cmd.Args, l.wait(t), &l.said)
				}
				if random.IntN(4) == 0 {
					return l.interrupt(t, false)
				}
				_ = l.cmd.Process.Kill() // it runs
				return l.outcome(t)
			},
		}
	}}
}

// hasPosition reports whether the program has stored how far it is. Before that it
// cannot know of a file that was rotated away.
func hasPosition(t *testing.T, dir string) bool {
	t.Helper()
	jobs, err := os.ReadDir(filepath.Join(dir, "state"))
	if err != nil || len(jobs) == 0 {
		return false
	}
	out, _ := weirCommand(t, dir, "checkpoint", "show", jobs[0].Name()).Output() // there may be none yet
	return bytes.Contains(out, []byte("position "))
}

// interrupt asks a program that follows a file to end. That is the end of the
// transfer if everything has arrived.
func (l *launched) interrupt(t *testing.T, ended bool) outcome {
	t.Helper()
	_ = l.cmd.Process.Signal(syscall.SIGINT)         // it runs, or the code says so
	if code := l.wait(t); code != 0 && code != 130 { // which it is before the program listens
		t.Fatalf("%v ends with %d:\n%s", l.cmd.Args, code, &l.said)
	}
	if ended {
		return outcome{ended: true}
	}
	return outcome{harms: 1}
}

// until waits for something, while the program runs, and not for ever: what has not
// arrived then is lost.
func (l *launched) until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done() && time.Now().Before(deadline); {
		select {
		case <-l.done:
			t.Fatalf("%v has ended with %d:\n%s", l.cmd.Args, l.wait(t), &l.said)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// logName is the file that grows.
const logName = "app.ndjson"

// A growingLog is written like a log: piece by piece, wherever a piece may end, and
// rotated at the end of a record.
type growingLog struct {
	dir         string
	generations int
	begun       chan struct{} // it may be rotated
	done        chan struct{} // all records are written
}

// perGeneration is how many records a file of the log has.
const perGeneration = 1500

// startLog writes chaosRecords in a second and a half, or until the test has ended.
func startLog(t *testing.T, dir string) *growingLog {
	g := &growingLog{dir: dir, begun: make(chan struct{}), done: make(chan struct{})}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		if err := g.write(stop); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	return g
}

func (g *growingLog) complete() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

func (g *growingLog) write(stop <-chan struct{}) error {
	const piece = 16_001 // bytes
	for from := 0; from < chaosRecords; from += perGeneration {
		if from > 0 {
			select {
			case <-g.begun:
			case <-stop:
				return nil
			}
		}
		if err := g.rotate(); err != nil {
			return err
		}
		var b bytes.Buffer
		for n := from; n < min(from+perGeneration, chaosRecords); n++ {
			b.Write(numbered(n))
		}
		f, err := os.Create(filepath.Join(g.dir, logName))
		if err != nil {
			return err
		}
		for b.Len() > 0 && err == nil {
			_, err = f.Write(b.Next(piece))
			select {
			case <-stop:
				return f.Close()
			case <-time.After(5 * time.Millisecond):
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	close(g.done)
	return nil
}

// rotate gives each file the number after its own.
func (g *growingLog) rotate() error {
	path := filepath.Join(g.dir, logName)
	for i := g.generations; i > 0; i-- {
		from := path
		if i > 1 {
			from = path + "." + strconv.Itoa(i-1)
		}
		if err := os.Rename(from, path+"."+strconv.Itoa(i)); err != nil {
			return fmt.Errorf("rotating: %w", err)
		}
	}
	g.generations++
	return nil
}
