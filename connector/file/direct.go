package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/weirflow/weir"
)

// readerPoll is how often an open looks whether somebody reads a FIFO. The
// kernel offers only a look, or a wait that cannot be interrupted.
const readerPoll = 20 * time.Millisecond

// direct writes to a file that is not regular. There is nothing to rename, to
// sync or to take back.
type direct struct {
	sink   *Sink
	name   string // the stream's
	target string
	f      *os.File
	off    int64 // written
	ended  atomic.Bool
}

var _ weir.Writer = (*direct)(nil)

// openDirect opens target, which old describes. It waits for a FIFO's reader.
func openDirect(ctx context.Context, s *Sink, info weir.StreamInfo, target string, old fs.FileInfo) (*direct, error) {
	f, err := os.OpenFile(target, os.O_WRONLY|nonblock, 0)
	if errors.Is(err, syscall.ENXIO) && old.Mode()&fs.ModeNamedPipe != 0 {
		f, err = awaitReader(ctx, target)
	}
	if err != nil {
		return nil, pathError(target, err)
	}
	return &direct{sink: s, name: info.Name, target: target, f: f}, nil
}

// awaitReader opens the FIFO target when somebody reads it.
func awaitReader(ctx context.Context, target string) (*os.File, error) {
	tick := time.NewTicker(readerPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("nobody reads it: %w", context.Cause(ctx))
		case <-tick.C:
		}
		f, err := os.OpenFile(target, os.O_WRONLY|nonblock, 0)
		if !errors.Is(err, syscall.ENXIO) {
			return f, err
		}
	}
}

// Write writes all of b. It may wait for the other end, until ctx is done.
func (w *direct) Write(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	release := interrupt(ctx, w.f.SetWriteDeadline)
	n, err := w.f.Write(b.Bytes())
	release()
	w.off += int64(n)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return w.fail("write", fmt.Errorf("at offset %d: %w", w.off, context.Cause(ctx)))
	}
	return w.fail("write", fmt.Errorf("at offset %d: %w", w.off, cause(err)))
}

// Commit closes the file.
func (w *direct) Commit(context.Context) error {
	if w.ended.Swap(true) {
		return w.fail("commit", fs.ErrClosed)
	}
	err := w.f.Close()
	w.sink.release(w.target, err == nil)
	if err != nil {
		return w.fail("commit", err)
	}
	return nil
}

// Abort closes the file, which ends a Write that is still running. What was
// written stays written.
func (w *direct) Abort(context.Context, error) error {
	if w.ended.Swap(true) {
		return nil
	}
	_ = w.f.Close() // its content is not wanted
	w.sink.release(w.target, false)
	return nil
}

func (w *direct) fail(op string, err error) error {
	return newError(op, w.name, pathError(w.target, err))
}
