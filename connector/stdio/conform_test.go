//go:build linux || darwin

package stdio_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/stdio"
	"github.com/weirflow/weir/weirtest"
)

var content = bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz\n"), 3000)

// pipe returns a pipe as a shell makes it: its ends block.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	var fd [2]int
	if err := syscall.Pipe(fd[:]); err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(fd[0])
	syscall.CloseOnExec(fd[1])
	return os.NewFile(uintptr(fd[0]), "read end"), os.NewFile(uintptr(fd[1]), "write end")
}

// closing is a source or sink that closes what the test opened for it.
type closingSource struct {
	weir.Source
	close func()
}

func (s closingSource) Close() error {
	s.close()
	return s.Source.Close()
}

type closingSink struct {
	weir.Sink
	close func()
}

func (s closingSink) Close() error {
	defer s.close()
	return s.Sink.Close()
}

// piped returns a source that reads a pipe which write fills. write may still
// be running when the source is closed.
func piped(write func(w *os.File)) func(testing.TB) weir.Source {
	return func(t testing.TB) weir.Source {
		r, w := pipe(t)
		var wg sync.WaitGroup
		wg.Go(func() {
			write(w)
			_ = w.Close() // the end of the stream
		})
		return closingSource{stdio.NewSource(r), func() {
			_ = r.Close() // a writer that is not done gets EPIPE
			wg.Wait()
		}}
	}
}

func TestPipeSourceConforms(t *testing.T) {
	weirtest.TestSource(t, func(*testing.T) weirtest.SourceHarness {
		return weirtest.SourceHarness{
			Open: piped(func(w *os.File) { _, _ = w.Write(content) }), // EPIPE is in order
			Want: func(string) []byte { return content },
			Idle: func(t testing.TB) weir.Source {
				r, w := pipe(t)
				return closingSource{stdio.NewSource(r), func() { _, _ = r.Close(), w.Close() }}
			},
		}
	})
}

func TestFileSourceConforms(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		f := file(t, content)
		at := func(size int64) func(t testing.TB) weir.Source {
			return func(t testing.TB) weir.Source {
				if _, err := f.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				return truncating{stdio.NewSource(f), f, size}
			}
		}
		return weirtest.SourceHarness{
			Open:      at(int64(len(content))),
			Truncated: at(1000),
			Want:      func(string) []byte { return content },
			Taken: func() int64 {
				off, _ := f.Seek(0, io.SeekCurrent) // a regular file
				return off
			},
		}
	})
}

// truncating changes the size of the file once its stream was opened.
type truncating struct {
	weir.Source
	f    *os.File
	size int64
}

func (s truncating) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.Source.Next(ctx)
	if err == nil {
		err = s.f.Truncate(s.size)
	}
	return st, err
}

func (s truncating) Close() error { return s.f.Truncate(int64(len(content))) }

func file(t testing.TB, data []byte) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // read only from here on
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFileSinkConforms(t *testing.T) {
	weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
		f := file(t, nil)
		return weirtest.SinkHarness{
			Kept: true,
			Open: func(testing.TB) weir.Sink { return stdio.NewSink(f) },
			Read: func(t testing.TB, _ string) ([]byte, bool) {
				data, err := os.ReadFile(f.Name())
				if err != nil {
					t.Fatal(err)
				}
				return data, true
			},
		}
	})
}

// collector reads a pipe in the background.
type collector struct {
	w    *os.File
	seen chan []byte // what came before a zero byte
}

func (c *collector) open(t testing.TB) weir.Sink {
	r, w := pipe(t)
	c.w, c.seen = w, make(chan []byte)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = r.Close() }() // read only
		in := bufio.NewReader(r)
		for {
			data, err := in.ReadBytes(0)
			if err != nil {
				return
			}
			select {
			case c.seen <- data[:len(data)-1]:
			case <-done:
			}
		}
	})
	return closingSink{stdio.NewSink(w), func() {
		_ = w.Close() // the end of the reader
		close(done)
		wg.Wait()
	}}
}

// read returns what was written since the last read.
func (c *collector) read(t testing.TB, _ string) ([]byte, bool) {
	if _, err := c.w.Write([]byte{0}); err != nil {
		t.Fatal(err)
	}
	return <-c.seen, true
}

func TestPipeSinkConforms(t *testing.T) {
	weirtest.TestSink(t, func(*testing.T) weirtest.SinkHarness {
		c := new(collector)
		return weirtest.SinkHarness{
			InMemory: true, // the collector

			Kept: true,
			Open: c.open,
			Read: c.read,
			Hangs: func(t testing.TB) weir.Sink { // nobody reads
				r, w := pipe(t)
				return closingSink{stdio.NewSink(w), func() { _, _ = r.Close(), w.Close() }}
			},
			Fails: func(t testing.TB) weir.Sink { // nobody can read
				r, w := pipe(t)
				_ = r.Close()
				return closingSink{stdio.NewSink(w), func() { _ = w.Close() }}
			},
		}
	})
}
