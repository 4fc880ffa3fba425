package pgtest

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wrapper runs a server that stops when standard input ends: when the process that
// started it has died, however it did. It ends with the server.
const wrapper = `exec 3<&0; "$0" "$@" </dev/null 3<&- & p=$!
(cat <&3 >/dev/null; kill -INT $p; kill -CONT $p) 2>/dev/null &
w=$!; wait $p; kill $w 2>/dev/null`

// command returns a command that runs as the server's user, in its directory.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(s.Program(name), args...) // a program of PostgreSQL
	s.configure(cmd)
	return cmd
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(name string, args ...string) error {
	if text, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, text)
	}
	return nil
}

func (s *Server) configure(cmd *exec.Cmd) {
	cmd.Dir = s.data
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = s.user.attributes()
}

// launch starts the server and waits until it lets people in.
func (s *Server) launch() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", wrapper, s.Program("postgres"), "-D", s.data)
	s.configure(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return errors.Join(err, log.Close())
	}
	done := make(chan struct{})
	s.stdin, s.log, s.done = stdin, log, done
	go func() {
		_ = cmd.Wait() // the status of a server that was killed is no news
		close(done)
	}()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if s.ready() {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("the server has ended: %s", s.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("the server does not answer after %v: %s", patience, s.Log())
}

// ready reports whether the server takes connections.
func (s *Server) ready() bool {
	pid, status := s.postmaster()
	if pid == 0 || status != "ready" {
		return false
	}
	c, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// postmaster returns the server's process id, 0 if there is none, and what it says
// of itself.
func (s *Server) postmaster() (pid int, status string) {
	text, err := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return 0, ""
	}
	if len(lines) > 7 {
		status = strings.TrimSpace(lines[7])
	}
	return pid, status
}

// Stop ends the server in order: transactions that are open are rolled back, and
// connections are told.
func (s *Server) Stop() error {
	if s.done == nil {
		return nil
	}
	s.Resume()
	return s.end()
}

// Kill ends the server and all its processes at once, as a crash does. The next
// Start recovers from its log.
func (s *Server) Kill() error {
	pid, _ := s.postmaster()
	if s.done == nil || pid == 0 {
		return errors.New("pgtest: the server is not running")
	}
	pause(pid) // it makes no more children that would be missed
	all := append(children(pid), pid)
	for _, p := range all {
		kill(p)
	}
	err := s.end()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && slices.ContainsFunc(all, alive); {
		<-time.After(time.Millisecond) // until then they hold the server's memory
	}
	return errors.Join(err, os.Remove(filepath.Join(s.data, "postmaster.pid")))
}

// end waits for the wrapper, which waits for the server.
func (s *Server) end() error {
	_ = s.stdin.Close() // which is how it is told
	done := s.done
	s.done = nil
	select {
	case <-done:
		return s.log.Close()
	case <-time.After(patience):
		return fmt.Errorf("the server has not stopped after %v: %s", patience, s.Log())
	}
}

// Start starts the server again, at the same address, after Stop or Kill.
func (s *Server) Start() error {
	if s.done != nil {
		return errors.New("pgtest: the server is running")
	}
	return s.launch()
}

// Restart is Stop and Start.
func (s *Server) Restart() error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start()
}

// Pause stops all processes of the server, so that it still takes connections and
// bytes, as far as the kernel does that alone, and answers nothing.
func (s *Server) Pause() { s.each(pause) }

// Resume lets the server go on after Pause.
func (s *Server) Resume() { s.each(resume) }

// each calls f for all processes of the server.
func (s *Server) each(f func(pid int)) {
	pid, _ := s.postmaster()
	if pid == 0 {
		return
	}
	for _, p := range append([]int{pid}, children(pid)...) {
		f(p)
	}
}

// alive reports whether a process is there and can still do something.
func alive(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// children returns the processes that pid has started, where /proc says.
func children(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	var all []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the name
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// Close stops the server and removes what it has stored.
func (s *Server) Close() error {
	return errors.Join(s.Stop(), os.RemoveAll(s.dir))
}
