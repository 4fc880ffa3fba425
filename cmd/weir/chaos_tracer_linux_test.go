package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The tracer runs the program as it is shipped and kills it at one system call: the
// program has no hooks for that. It is a process of its own, because it has to
// wait for whatever process of its ends next. The program is started by a second
// one, which asks the kernel to stop it at the calls in tracedCalls and at no
// others.

// traceVariable holds the order of the tracer and what it starts.
const traceVariable = "WEIR_TEST_TRACE"

// The names of the two programs, which are this test's binary.
const (
	tracerName = "weir-tracer"
	tracedName = "weir-traced"
)

// helpers are the programs beside weir that this test's binary is.
var helpers = map[string]func(){tracerName: trace, tracedName: traced}

// exitKilled and exitTracer are how the tracer ends when it has killed the program,
// and when something is wrong with the tracer itself. Else it ends as the program.
const (
	exitKilled = 137
	exitTracer = 99
)

// stage is a call at which the program can be killed.
type stage struct {
	Call  string `json:"call"`  // one of those in tracedCalls; "": any
	Name  string `json:"name"`  // a pattern for the name of the file; "": any
	Since string `json:"since"` // the same for a rename that came before; "": none need have
	Text  string `json:"text"`  // what a write is to have in it
	After bool   `json:"after"` // when the call is done, and not before it
	Nth   int    `json:"nth"`   // of such calls, from 1
}

// order is what a tracer is told.
type order struct {
	stage
	// Lose is the directory that loses what is not on the disk when the program is
	// killed, which it is at a call there; "": none does.
	Lose string `json:"lose"`
	Seed uint64 `json:"seed"` // of what is lost
}

// tracedCalls are the calls that change what is kept.
var tracedCalls = func() map[int]string {
	calls := map[int]string{
		unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "write", unix.SYS_FTRUNCATE: "truncate",
		unix.SYS_FSYNC: "sync", unix.SYS_FDATASYNC: "sync", unix.SYS_RENAMEAT2: "rename", unix.SYS_LINKAT: "link",
		unix.SYS_UNLINKAT: "unlink", unix.SYS_MKDIRAT: "mkdir", unix.SYS_OPENAT: "open",
	}
	switch runtime.GOARCH { // calls that not every machine has
	case "amd64":
		maps.Copy(calls, map[int]string{264: "rename", 2: "open", oldRename: "rename", 83: "mkdir", 87: "unlink"})
	case "arm64":
		calls[38] = "rename"
	}
	return calls
}()

// Of amd64: rename itself, and a number that the calls without a directory, which
// SQLite uses, stay below.
const (
	oldRename = 82
	oldCalls  = 100
)

// traced is the program that becomes the one that is to be killed.
func traced() {
	runtime.LockOSThread()
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "weir-traced:", err)
		os.Exit(exitTracer)
	}
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		fail(err)
	}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the number of the call
	for n := range tracedCalls {
		filter = append(
			filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(n)},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_TRACE},
		)
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail(err)
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		fail(err)
	}
	fail(syscall.Exec(path, os.Args[1:], os.Environ())) // it returns only with an error
}

// tracer kills one run of the program.
type tracer struct {
	order
	pid    int
	since  bool // the rename has been
	seen   int  // calls that the stage is about
	killed bool
	inside map[int]call // calls that are stopped at when they are done, by thread
	disk   *lossyDisk   // nil: nothing is lost
}

// call is a system call that is about to be made.
type call struct {
	name string
	path string // of the file it is about; "": it cannot be told
	to   string // the new name of a rename
	kill bool   // when it is done
}

// trace is the main function of the tracer.
func trace() {
	runtime.LockOSThread() // a process is traced by one thread
	t := &tracer{inside: map[int]call{}}
	code, err := t.run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "weir-tracer:", err)
		code = exitTracer
	}
	os.Exit(code)
}

func (t *tracer) run(args []string) (int, error) {
	if err := json.Unmarshal([]byte(os.Getenv(traceVariable)), &t.order); err != nil {
		return 0, err
	}
	if t.Lose != "" {
		var err error
		if t.disk, err = newLossyDisk(t.Lose, t.Seed); err != nil {
			return 0, err
		}
	}
	cmd := exec.Command(tracedName, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	t.pid = cmd.Process.Pid
	code, err := t.follow()
	if err == nil && t.killed && t.disk != nil {
		err = t.disk.lose()
	}
	return code, err
}

// follow lets the program run from stop to stop, and returns how it ended.
func (t *tracer) follow() (int, error) {
	code, ready := 0, false
	for {
		var status syscall.WaitStatus
		id, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.ECHILD:
			return code, nil
		case err != nil:
			return 0, err
		case !status.Stopped():
			delete(t.inside, id)
			if id == t.pid {
				code = status.ExitStatus()
				if status.Signaled() {
					code = 128 + int(status.Signal())
				}
			}
			continue
		}
		if !ready { // it has become tracedName, and is stopped there
			ready = true
			const options = unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC |
				unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
			if err := syscall.PtraceSetOptions(id, options); err != nil {
				return 0, err
			}
			status = 0
		}
		if err := t.stopped(id, status); err != nil && !errors.Is(err, syscall.ESRCH) { // it may be dead already
			return 0, err
		}
	}
}

// stopped looks at a thread that has stopped, and lets it go on.
func (t *tracer) stopped(id int, status syscall.WaitStatus) error {
	sig := status.StopSignal()
	switch {
	case status == 0 || t.killed:
		return syscall.PtraceCont(id, 0)
	case sig == syscall.SIGTRAP|0x80: // a call is done
		c := t.inside[id]
		delete(t.inside, id)
		if t.disk != nil {
			t.disk.after(c)
		}
		if c.kill {
			return t.kill(id)
		}
		return syscall.PtraceCont(id, 0)
	case sig == syscall.SIGTRAP && status.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
		return t.calls(id)
	case sig == syscall.SIGTRAP && status.TrapCause() > 0, sig == syscall.SIGSTOP: // a thread begins
		return syscall.PtraceCont(id, 0)
	}
	return syscall.PtraceCont(id, int(sig))
}

// calls decides about a call that is about to be made.
func (t *tracer) calls(id int) error {
	c, about := t.look(id)
	if about {
		t.seen++
	}
	if c.name == "rename" && matches(t.Since, c.to) {
		t.since = true
	}
	c.kill = about && t.seen == t.Nth
	if c.kill && !t.After {
		return t.kill(id)
	}
	if !c.kill && (t.disk == nil || !t.disk.before(c)) {
		return syscall.PtraceCont(id, 0)
	}
	t.inside[id] = c
	return syscall.PtraceSyscall(id, 0)
}

func (t *tracer) kill(id int) error {
	t.killed = true
	if err := syscall.Kill(t.pid, syscall.SIGKILL); err != nil {
		return err
	}
	return syscall.PtraceCont(id, 0)
}

// look finds out what a thread calls, and whether the stage is about that.
func (t *tracer) look(id int) (c call, about bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", id))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 7 {
		return call{}, false
	}
	number, _ := strconv.Atoi(fields[0])
	var args [6]uint64
	for i := range args {
		args[i], _ = strconv.ParseUint(strings.TrimPrefix(fields[1+i], "0x"), 16, 64) // it is a number
	}
	c.name = tracedCalls[number]
	old := runtime.GOARCH == "amd64" && number < oldCalls
	switch c.name {
	case "rename", "link":
		if old && number == oldRename {
			c.path, c.to = t.text(id, args[0]), t.text(id, args[1])
		} else {
			c.path, c.to = t.text(id, args[1]), t.text(id, args[3])
		}
	case "unlink", "mkdir", "open":
		at, flags := args[0], args[1]
		if !old {
			at, flags = args[1], args[2]
		}
		c.path = t.text(id, at)
		if c.name == "open" && flags&unix.O_CREAT == 0 {
			return call{}, false
		}
	default:
		c.path, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", id, args[0])) // "" if it is closed
	}
	about = (t.Call == "" || t.Call == c.name) && (t.Since == "" || t.since) && strings.HasPrefix(c.path, t.Lose) &&
		(t.Name == "" || matches(t.Name, c.path) || matches(t.Name, c.to)) &&
		(t.Text == "" || bytes.Contains(t.memory(id, args[1], min(args[2], 1<<20)), []byte(t.Text)))
	return c, about
}

// matches reports whether the last part of a path is as a pattern wants it.
func matches(pattern, path string) bool {
	ok, _ := filepath.Match(pattern, filepath.Base(path)) // the patterns are well formed
	return ok && path != ""
}

// text reads a path from the program's memory, and makes it absolute.
func (t *tracer) text(id int, at uint64) string {
	const page = 4096
	data := t.memory(id, at, page-at%page)
	if !bytes.Contains(data, []byte{0}) {
		data = append(data, t.memory(id, at+uint64(len(data)), page)...)
	}
	path, _, _ := bytes.Cut(data, []byte{0})
	if len(path) == 0 || path[0] == '/' {
		return string(path)
	}
	dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", id)) // "" if it is gone
	return filepath.Join(dir, string(path))
}

func (t *tracer) memory(id int, at, n uint64) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mem", id))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	data := make([]byte, n)
	k, _ := f.ReadAt(data, int64(at)) // less is less
	return data[:k]
}
