package stdio

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// pipeBuf is PIPE_BUF: what a pipe that is ready takes without blocking.
const pipeBuf = 4096

// Of poll(2); the syscall package does not have them.
const (
	pollIn   = 0x1
	pollOut  = 0x4
	pollNVal = 0x20
)

type pollFD struct {
	fd              int32
	events, revents int16
}

// ready waits up to timeout until a read or write of fd does not block. The end
// of the stream and errors count as ready: the read or write reports them.
func ready(fd int, write bool, timeout time.Duration) (bool, error) {
	p := pollFD{fd: int32(fd), events: pollIn}
	if write {
		p.events = pollOut
	}
	ts := syscall.NsecToTimespec(int64(timeout))
	n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL,
		uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	runtime.KeepAlive(&p)
	switch {
	case errno == syscall.EINTR:
		return false, nil
	case errno != 0:
		return false, errno
	case p.revents&pollNVal != 0:
		return false, syscall.EBADF
	}
	return n > 0, nil
}

// reopen opens the pipe that f writes to once more: an open file of its own
// with flags of its own, which is non-blocking. The error says that this is
// not possible: f is no pipe, or belongs to somebody else.
func reopen(f *os.File) (own *os.File, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	e := raw.Control(func(fd uintptr) {
		own, err = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	})
	return own, errors.Join(e, err)
}
