package stdio

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// pipeBuf is PIPE_BUF: what a pipe that is ready takes without blocking.
const pipeBuf = 512

// ready waits up to timeout until a read or write of fd does not block. The end
// of the stream and errors count as ready: the read or write reports them. It
// is select and not poll, which does not work on terminals here.
func ready(fd int, write bool, timeout time.Duration) (bool, error) {
	var set syscall.FdSet
	if fd >= len(set.Bits)*32 {
		return true, nil // beyond what select knows: block
	}
	set.Bits[fd/32] |= 1 << (fd % 32)
	var r, w *syscall.FdSet
	if write {
		w = &set
	} else {
		r = &set
	}
	tv := syscall.NsecToTimeval(int64(timeout))
	switch err := syscall.Select(fd+1, r, w, nil, &tv); {
	case errors.Is(err, syscall.EINTR):
		return false, nil
	case err != nil:
		return false, err
	}
	return set.Bits[fd/32]&(1<<(fd%32)) != 0, nil
}

// reopen is not possible: /dev/fd gives the same open file.
func reopen(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }
