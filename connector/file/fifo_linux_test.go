package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// fifo makes one in dir.
func fifo(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "fifo")
	must(t, syscall.Mkfifo(path, 0o600))
	return path
}

func TestAFIFOIsReadUntilItsWriterCloses(t *testing.T) {
	path := fifo(t, tempDir(t))
	st := open(t, path)
	if info := st.Info(); info.Size != weir.UnknownSize {
		t.Errorf("a FIFO has size %d", info.Size)
	}
	if err := st.Seek(t.Context(), weir.Position("x")); !errors.Is(err, weir.ErrNotResumable) {
		t.Errorf("Seek returns %v", err)
	}
	written := make(chan error, 1)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.Write(noise(300_000))
			err = errors.Join(err, f.Close())
		}
		written <- err
	}()
	within(t, "reading", func() {
		got, positions, err := drain(st, 4096)
		if err != nil || string(got) != string(noise(300_000)) || positions[0] != "" {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
}

func TestAFIFOThatNobodyWritesToWaitsUntilCancelled(t *testing.T) {
	path := fifo(t, tempDir(t))
	st := open(t, path)
	cause := errors.New("enough")
	for range 3 { // a later Read is not affected by the earlier one's end
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
		within(t, "Read", func() {
			if err := st.Read(ctx, weir.NewBatch(64)); !errors.Is(err, cause) {
				t.Errorf("Read returns %v", err)
			}
		})
	}
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	within(t, "Read", func() {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Millisecond, func() { cancel(cause) })
		if err := st.Read(ctx, weir.NewBatch(64)); !errors.Is(err, cause) {
			t.Errorf("Read with a silent writer returns %v", err)
		}
		must(t, w.Close())
		if err := st.Read(t.Context(), weir.NewBatch(64)); err != io.EOF {
			t.Errorf("Read without a writer returns %v", err)
		}
	})
}

func TestCloseEndsAReadOfAFIFO(t *testing.T) {
	st, err := source(t, file.SourceOptions{}, fifo(t, tempDir(t))).Next(t.Context())
	must(t, err)
	closed := make(chan error, 1)
	time.AfterFunc(10*time.Millisecond, func() { closed <- st.Close() })
	within(t, "Read", func() { refused(t, st.Read(t.Context(), weir.NewBatch(64)), weir.Closed) })
	must(t, <-closed)
}

func TestSpecialFilesInADirectoryAreLeftOut(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "a", "")
	path := fifo(t, dir)
	must(t, os.Symlink(path, dir+"/link"))
	for _, arg := range []string{dir, dir + "/*"} {
		if got := names(t, source(t, file.SourceOptions{}, arg)); len(got) != 1 || got[0] != "a" {
			t.Errorf("%s gives %q", arg, got)
		}
	}
}

func TestADeviceIsRead(t *testing.T) {
	st := open(t, "/dev/zero")
	b := weir.NewBatch(4096)
	must(t, st.Read(t.Context(), b))
	if b.Len() == 0 || st.Info().Size != weir.UnknownSize || st.Info().Name != "zero" {
		t.Errorf("%d bytes of %+v", b.Len(), st.Info())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := st.Read(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Read returns %v", err)
	}
}

// whenFull calls f when the pipe that r reads from takes no more, or after
// patience.
func whenFull(r *os.File, f func()) {
	defer f()
	conn, err := r.SyscallConn()
	if err != nil {
		return
	}
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		var room, held int
		err := conn.Control(func(fd uintptr) {
			room, _ = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0)
			held, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		})
		if err != nil || room > 0 && held == room {
			return
		}
	}
}

// Trap 8: the target is a pipe that nobody reads, and cancel never returns.
func TestTrap8AFIFOThatNobodyReadsIsGivenUpWhenCancelled(t *testing.T) {
	path := fifo(t, tempDir(t))
	cause := errors.New("enough")

	t.Run("open", func(t *testing.T) {
		s := sink(t, path, file.SinkOptions{})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
		within(t, "Open", func() {
			_, err := s.Open(ctx, stream("a"))
			if !errors.Is(err, cause) {
				t.Errorf("Open returns %v", err)
			}
			refused(t, err, weir.Other, "nobody reads it", path)
		})
	})
	t.Run("write", func(t *testing.T) {
		r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		must(t, err)
		defer func() { must(t, r.Close()) }()
		w := begin(t, sink(t, path, file.SinkOptions{}), "a")
		b := batchOf(string(noise(1 << 20)))
		ctx, cancel := context.WithCancelCause(t.Context())
		go whenFull(r, func() { cancel(cause) })
		within(t, "Write", func() {
			err := w.Write(ctx, b)
			if !errors.Is(err, cause) {
				t.Errorf("Write returns %v", err)
			}
			refused(t, err, weir.Other, "at offset")
		})
		must(t, w.Abort(t.Context(), cause))
	})
	t.Run("abort", func(t *testing.T) {
		r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		must(t, err)
		defer func() { must(t, r.Close()) }()
		w := begin(t, sink(t, path, file.SinkOptions{}), "a")
		b := batchOf(string(noise(1 << 20)))
		aborted := make(chan error, 1)
		go whenFull(r, func() { aborted <- w.Abort(context.Background(), cause) })
		within(t, "Write", func() { refused(t, w.Write(t.Context(), b), weir.Closed) })
		must(t, <-aborted)
		must(t, w.Abort(t.Context(), cause))
	})
}

func TestAFIFOIsWrittenDirectly(t *testing.T) {
	dir := tempDir(t)
	path := fifo(t, dir)
	got := make(chan string, 1)
	go func() {
		content, _ := os.ReadFile(path)
		got <- string(content)
	}()
	within(t, "writing", func() {
		w := begin(t, sink(t, path, file.SinkOptions{}), "a")
		must(t, w.Write(t.Context(), batchOf("one ")))
		must(t, w.Write(t.Context(), batchOf("two")))
		must(t, w.Commit(t.Context()))
		if s := <-got; s != "one two" {
			t.Errorf("got %q", s)
		}
	})
	if paths := tree(t, dir); len(paths) != 1 {
		t.Errorf("there are %q", paths)
	}
}

func TestAFIFOWhoseReaderGoesAwayFails(t *testing.T) {
	path := fifo(t, tempDir(t))
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	must(t, err)
	w := begin(t, sink(t, path, file.SinkOptions{}), "a")
	must(t, r.Close())
	refused(t, w.Write(t.Context(), batchOf("x")), weir.Other, "broken pipe", "at offset 0")
	must(t, w.Abort(t.Context(), syscall.EPIPE))
}

func TestDevicesAreWrittenDirectly(t *testing.T) {
	w := begin(t, sink(t, os.DevNull, file.SinkOptions{}), "a")
	must(t, w.Write(t.Context(), batchOf("x")))
	must(t, w.Commit(t.Context()))

	w = begin(t, sink(t, "/dev/full", file.SinkOptions{}), "a")
	refused(t, w.Write(t.Context(), batchOf("x")), weir.Other, "/dev/full: at offset 0: no space left on device")
	must(t, w.Abort(t.Context(), syscall.ENOSPC))
}
