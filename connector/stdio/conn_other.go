//go:build !linux && !darwin

package stdio

import (
	"context"
	"errors"
	"os"
	"time"
)

// pipeBuf is not used here: writes are not split.
const pipeBuf = 0

// conn reads and writes an open file. On this system a call that blocks is not
// ended by its context; the engine abandons it.
type conn struct {
	f      *os.File
	plain  bool
	chunk  int
	waited time.Duration // not known here
}

func newConn(f *os.File) (*conn, os.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	return &conn{f: f, plain: info.Mode().IsRegular()}, info, nil
}

func (c *conn) read(ctx context.Context, buf []byte) (int, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return c.f.Read(buf)
}

func (c *conn) more([]byte, time.Duration) int { return 0 }

func (c *conn) writeAll(ctx context.Context, buf []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err := c.f.Write(buf)
	return err
}

func reopen(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }

func identity(os.FileInfo) (string, bool) { return "", false }
