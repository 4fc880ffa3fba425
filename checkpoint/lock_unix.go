//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// lock takes the lock file at path for this process, which a kill gives back,
// and writes the process's number into it for the one that comes second. The
// file stays: removing it would let two processes lock two files of one name.
func lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = flock(f)
	if err == nil {
		_ = f.Truncate(0)                          // without the number it is a lock too,
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid()) // and the disk may be full
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = invalid("%w by %s; wait until it ends, or give this run a directory of its own", ErrLocked, owner(f))
	} else {
		err = fmt.Errorf("%w; the state directory must be on a file system with locks", err)
	}
	_ = f.Close() // the error that counts is there
	return nil, err
}

func flock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = conn.Control(func(fd uintptr) {
		for {
			if failure = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB); failure != syscall.EINTR {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return os.NewSyscallError("flock", failure)
}

// owner says which process has the lock of f.
func owner(f *os.File) string {
	b := make([]byte, 20)
	n, err := f.ReadAt(b, 0)
	pid, bad := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	switch {
	case err != nil && err != io.EOF, bad != nil:
		return "another process"
	case pid == os.Getpid():
		return "this process"
	}
	return fmt.Sprintf("process %d", pid)
}
