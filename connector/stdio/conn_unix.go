//go:build linux || darwin

package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// slice is how long the kernel is asked to wait at a time: the most that a
// cancellation goes unnoticed.
const slice = 50 * time.Millisecond

// conn reads or writes an open file whose flags it must not change, without
// blocking beyond its context. It belongs to one goroutine at a time.
type conn struct {
	raw   syscall.RawConn
	plain bool // a regular file: always ready, and ready means nothing
	chunk int  // the most that a write takes when ready; 0: it takes what it can

	waited time.Duration // for the descriptor to be ready, in all

	do func(fd uintptr) // step, bound once: it does not allocate

	// The arguments and results of step.
	write   bool
	timeout time.Duration
	buf     []byte
	n       int
	isReady bool
	err     error
}

// newConn returns a conn of f, which stays the caller's.
func newConn(f *os.File) (*conn, os.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	c := &conn{raw: raw, plain: info.Mode().IsRegular()}
	c.do = c.step
	return c, info, nil
}

// step asks whether the descriptor is ready, waits for that at most timeout,
// and reads or writes once if it is. It runs while the descriptor cannot be
// closed under it.
func (c *conn) step(fd uintptr) {
	c.n, c.err, c.isReady = 0, nil, c.plain
	switch {
	case c.plain:
	case c.timeout == 0:
		c.isReady, c.err = ready(int(fd), c.write, 0)
	default:
		began := time.Now()
		c.isReady, c.err = ready(int(fd), c.write, c.timeout)
		c.waited += time.Since(began)
	}
	if !c.isReady || c.err != nil {
		return
	}
	if c.write {
		buf := c.buf
		if c.chunk > 0 {
			buf = buf[:min(len(buf), c.chunk)]
		}
		c.n, c.err = syscall.Write(int(fd), buf)
	} else {
		c.n, c.err = syscall.Read(int(fd), c.buf)
	}
	c.n = max(c.n, 0)
	if errors.Is(c.err, syscall.EAGAIN) || errors.Is(c.err, syscall.EINTR) {
		c.isReady, c.err = false, nil
	}
}

// once waits up to timeout and reads or writes once. ok is false when the
// descriptor was not ready.
func (c *conn) once(write bool, buf []byte, timeout time.Duration) (n int, ok bool, err error) {
	c.write, c.buf, c.timeout = write, buf, timeout
	if err := c.raw.Control(c.do); err != nil {
		return 0, false, err
	}
	c.buf = nil // it is a batch's
	return c.n, c.isReady, c.err
}

// read reads what there is, once there is something. It returns io.EOF at the
// end.
func (c *conn) read(ctx context.Context, buf []byte) (int, error) {
	for timeout := time.Duration(0); ; timeout = slice {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		n, ok, err := c.once(false, buf, timeout)
		switch {
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case ok && n == 0:
			return 0, io.EOF
		case ok:
			return n, nil
		}
	}
}

// more reads what there is within timeout: 0 if that is nothing, or the end.
func (c *conn) more(buf []byte, timeout time.Duration) int {
	n, ok, err := c.once(false, buf, timeout)
	if !ok || err != nil { // an error comes again in the next read
		return 0
	}
	return n
}

// writeAll writes all of buf.
func (c *conn) writeAll(ctx context.Context, buf []byte) error {
	for len(buf) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, _, err := c.once(true, buf, slice)
		buf = buf[n:]
		if err != nil {
			return os.NewSyscallError("write", err)
		}
	}
	return nil
}

// identity returns what a regular file is known by, whatever its name.
func identity(info os.FileInfo) (string, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("file:%d:%d", st.Dev, st.Ino), true
}
