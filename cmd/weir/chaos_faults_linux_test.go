package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// A harm is done to something beside the program, or to the program, while it runs.
type harm func(t *testing.T, l *launched, random *rand.Rand) outcome

// harmed is a route whose program is harmed up to three times a run, and killed now
// and then. It may give up, and is started again.
func harmed(r route, name string, h harm) route {
	begin := r.begin
	r.name, r.brief = name, 2
	r.begin = func(t *testing.T, dir string) passage {
		p := begin(t, dir)
		p.live = func(t *testing.T, p passage, random *rand.Rand) outcome {
			t.Helper()
			l := launch(t, weirCommand(t, p.dir, p.args...))
			var sum outcome
			for range 1 + random.IntN(3) {
				if !l.sleep(random, 500*time.Millisecond) {
					break
				}
				o := h(t, l, random)
				sum.kills, sum.harms = sum.kills+o.kills, sum.harms+o.harms
			}
			if random.IntN(3) == 0 && l.sleep(random, 300*time.Millisecond) {
				_ = l.cmd.Process.Kill() // it may have ended
			}
			return sum.then(l.outcome(t))
		}
		return p
	}
	return r
}

// then adds what came of the end of a run.
func (o outcome) then(end outcome) outcome {
	return outcome{end.ended, o.kills + end.kills, o.harms + end.harms, end.gave}
}

// atOneServer makes routes one group.
func atOneServer(routes ...route) []route {
	for i := range routes {
		routes[i].group = "a server is harmed"
	}
	return routes
}

// faultRoutes break what the program needs: a server of their own, and the
// connections to one that others use.
func faultRoutes(shared, server *pgtest.Server) []route {
	into := func(s *pgtest.Server) route { return intoTable("", weir.ExactlyOnce, makeSource, s.URL(), "") }
	killed := func(t *testing.T, _ *launched, random *rand.Rand) outcome {
		t.Helper()
		err := server.Kill()
		pause(random, 100*time.Millisecond)
		if err = errors.Join(err, server.Start()); err != nil {
			t.Fatal(err)
		}
		return outcome{kills: 1}
	}
	still := func(_ *testing.T, _ *launched, random *rand.Rand) outcome {
		server.Pause()
		pause(random, 500*time.Millisecond)
		server.Resume()
		return outcome{harms: 1}
	}
	stopped := func(_ *testing.T, l *launched, random *rand.Rand) outcome {
		_ = l.cmd.Process.Signal(syscall.SIGSTOP) // it may have ended
		pause(random, 500*time.Millisecond)
		_ = l.cmd.Process.Signal(syscall.SIGCONT) // it may have ended
		return outcome{harms: 1}
	}
	fromTable := fromTable("", server.URL(), func(from string) []string { return []string{from + "#page=700"} })
	all := append(atOneServer(
		harmed(into(server), "PostgreSQL is killed and started", killed),
		harmed(into(server), "PostgreSQL stands still", still),
	), onlyLong(atOneServer(
		harmed(fromTable, "PostgreSQL is killed and started, as a source", killed),
	)...)...)
	all = append(
		all,
		harmed(into(shared), "the program stands still, to PostgreSQL", stopped),
		cutRoute(shared),
		fullRoute("the disk is full, file", 6<<20, "to.ndjson", func(dir string) func(*testing.T) map[int]int { return inFile(dir, "to.ndjson") }),
		fullRoute("the disk is full, SQLite", 14<<20, sqliteFile+"?table=t",
			func(dir string) func(*testing.T) map[int]int { return copied(dir, sqliteFile+"?table=t") }, "--create"),
	)
	return append(all, onlyLong(harmed(fileRoutes()[0], "the program stands still, to file", stopped))...)
}

// pause waits for a random time.
func pause(random *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(random.Int64N(int64(most))))
}

// cutRoute has connections that are slow, and are cut.
func cutRoute(server *pgtest.Server) route {
	var proxy *pgtest.Proxy
	var once sync.Once
	r := route{promise: weir.ExactlyOnce, begin: func(t *testing.T, dir string) passage {
		once.Do(func() { proxy = pgtest.NewProxy(t, server.Addr()) })
		to := newTable(proxy.URL())
		args := cp(makeSource(t, dir), to, "--create")
		return passage{dir: dir, args: args, records: chaosRecords, count: copied(dir, to)}
	}}
	return harmed(r, "connections are cut and delayed", func(_ *testing.T, l *launched, random *rand.Rand) outcome {
		slow := func(data []byte) (int, bool) {
			time.Sleep(10 * time.Millisecond)
			return len(data), false
		}
		proxy.ToServer.Store(&slow)
		proxy.ToClient.Store(&slow)
		l.sleep(random, 300*time.Millisecond)
		proxy.ToServer.Store(nil)
		proxy.ToClient.Store(nil)
		proxy.Cut()
		return outcome{harms: 1}
	})
}

// fullRoute writes to a small file system, which is full now and then, and keeps its
// state there. Only a privileged user can make one.
func fullRoute(name string, size int64, to string, count func(dir string) func(*testing.T) map[int]int, more ...string) route {
	return route{name: name, promise: weir.ExactlyOnce, brief: 3, begin: func(t *testing.T, dir string) passage {
		small := filepath.Join(dir, "small")
		if err := os.Mkdir(small, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("none", small, "tmpfs", 0, fmt.Sprint("size=", size)); err != nil {
			t.Skipf("a small file system cannot be made here: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(small, unix.MNT_DETACH) }) // it is gone if all went well
		args := cp(append([]string{"../" + makeSource(t, dir), to, "--state", "state", "--retries", "1"}, more...)...)
		lives := 0
		return passage{
			dir: small, args: args, records: chaosRecords, count: func(t *testing.T) map[int]int {
				defer func() {
					if err := unix.Unmount(small, unix.MNT_DETACH); err != nil {
						t.Error(err)
					}
				}()
				return count(small)(t)
			},
			live: func(t *testing.T, p passage, random *rand.Rand) outcome {
				t.Helper()
				filler := filepath.Join(small, "filler")
				if lives++; lives%4 != 0 {
					fill(t, filler, random.Int64N(size/2))
				}
				l := launch(t, weirCommand(t, p.dir, p.args...))
				code := l.wait(t)
				if err := os.Remove(filler); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				if code == 1 && (strings.Contains(l.said.String(), "no space left") || strings.Contains(l.said.String(), "full")) {
					return outcome{harms: 1}
				}
				return l.outcome(t)
			},
		}
	}}
}

// fill writes a file until its file system has no more room than that.
func fill(t *testing.T, path string, room int64) {
	t.Helper()
	var st unix.Statfs_t
	err := unix.Statfs(filepath.Dir(path), &st)
	var f *os.File
	if err == nil {
		f, err = os.Create(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // what it holds is of no use
	if n := int64(st.Bavail)*st.Bsize - room; n > 0 {
		if _, err := io.CopyN(f, zeros{}, n); err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// zeros is a reader of nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
