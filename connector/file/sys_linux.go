package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// nonblock keeps an open from waiting for the other end of a FIFO, and lets
// the runtime poll it.
const nonblock = unix.O_NONBLOCK

// waitWriter waits until a FIFO has been opened for writing since f was opened:
// before that a read reports the end of the file. The deadline of f ends it.
func waitWriter(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = conn.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		if err != nil && err != unix.EINTR {
			failure = err
		}
		return n > 0 || failure != nil
	})
	switch {
	case failure != nil:
		return failure
	case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", fs.ErrClosed, err) // the only other reason has no name of its own
}

// renameNew renames from to to, or returns fs.ErrExist if there is a to: with
// no moment at which somebody else's to could be lost.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if unsupported(err) {
		return linkNew(from, to) // an old kernel, or a network file system
	}
	return err
}

// An advisor tells the kernel ahead what will be written to a file. Its calls
// allocate nothing.
type advisor struct {
	conn     syscall.RawConn
	off, n   int64
	err      error
	allocate func(fd uintptr)
	push     func(fd uintptr)
	drop     func(fd uintptr)
}

func newAdvisor(f *os.File) *advisor {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil // f is open
	}
	a := &advisor{conn: conn}
	a.allocate = func(fd uintptr) { a.err = unix.Fallocate(int(fd), unix.FALLOC_FL_KEEP_SIZE, a.off, a.n) }
	a.push = func(fd uintptr) { a.err = unix.SyncFileRange(int(fd), a.off, a.n, unix.SYNC_FILE_RANGE_WRITE) }
	a.drop = func(fd uintptr) {
		const stored = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
		if a.err = unix.SyncFileRange(int(fd), a.off, a.n, stored); a.err == nil {
			_ = unix.Fadvise(int(fd), a.off, a.n, unix.FADV_DONTNEED) // then it stays in memory
		}
	}
	return a
}

// preallocate reserves n bytes at off without changing the file's size: one
// extent instead of an allocation with every write. It reports false if it
// cannot.
func (a *advisor) preallocate(off, n int64) bool {
	return a.control(a.allocate, off, n) == nil
}

// writeBack starts writing n bytes at off to the disk. It waits only when the
// disk's queue is full. It reports false if it cannot.
func (a *advisor) writeBack(off, n int64) (bool, error) { return supported(a.control(a.push, off, n)) }

// settle waits until the disk has n bytes at off, and takes them out of the page
// cache. It reports false if it cannot.
func (a *advisor) settle(off, n int64) (bool, error) { return supported(a.control(a.drop, off, n)) }

// supported reports whether a call did what it should; not being known is no
// error.
func supported(err error) (bool, error) {
	if unsupported(err) {
		return false, nil
	}
	return err == nil, err
}

// unsupported says that the kernel or the file system does not know a call.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, unix.EINVAL)
}

func (a *advisor) control(f func(fd uintptr), off, n int64) error {
	if a == nil {
		return fs.ErrInvalid
	}
	a.off, a.n, a.err = off, n, nil
	if err := a.conn.Control(f); err != nil {
		return err
	}
	return a.err
}
