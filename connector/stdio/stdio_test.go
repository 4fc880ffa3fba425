//go:build linux || darwin

package stdio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/stdio"
	"github.com/weirflow/weir/weirtest"
)

func stream(t testing.TB, f *os.File) weir.Stream {
	t.Helper()
	st, err := stdio.NewSource(f).Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func writer(t testing.TB, f *os.File) weir.Writer {
	t.Helper()
	s := stdio.NewSink(f)
	w, err := s.Open(context.Background(), weir.StreamInfo{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func batchOf(data []byte) *weir.Batch {
	b := weir.NewBatch(len(data))
	b.Advance(copy(b.Space(), data))
	return b
}

func ends(t testing.TB) (r, w *os.File) {
	r, w = pipe(t)
	t.Cleanup(func() { _, _ = r.Close(), w.Close() }) // some tests did
	return r, w
}

func TestReadReturnsAtOnceWhatAPipeGives(t *testing.T) {
	r, w := ends(t)
	st := stream(t, r)
	for _, s := range []string{"a", "line\n", "another"} {
		if _, err := w.WriteString(s); err != nil {
			t.Fatal(err)
		}
		b := weir.NewBatch(1 << 20)
		if err := st.Read(t.Context(), b); err != nil || string(b.Bytes()) != s {
			t.Errorf("Read = %v, %q; want %q", err, b.Bytes(), s)
		}
		if len(b.Position()) != 0 {
			t.Errorf("a pipe gave the position %q", b.Position())
		}
	}
}

func TestBlockedWriteEndsWithItsContextAndLosesNothingBefore(t *testing.T) {
	r, w := ends(t)
	wr := writer(t, w)
	cause := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, cause)
	defer cancel()
	big := bytes.Repeat([]byte("x"), 1<<20)
	if err := wr.Write(ctx, batchOf(big)); !errors.Is(err, cause) {
		t.Fatalf("Write = %v", err)
	}
	// The writer goes on with what is left of it once there is room.
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := io.CopyN(io.Discard, r, 1<<20); err != nil {
			t.Error(err)
		}
	})
	if err := wr.Write(t.Context(), batchOf(big)); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestFlagsOfASharedPipeAreLeftAlone(t *testing.T) {
	r, w := ends(t)
	wr, st := writer(t, w), stream(t, r)
	if err := wr.Write(t.Context(), batchOf([]byte("data"))); err != nil {
		t.Fatal(err)
	}
	if err := st.Read(t.Context(), weir.NewBatch(10)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{r, w} {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_GETFL, 0)
		if errno != 0 || flags&syscall.O_NONBLOCK != 0 {
			t.Errorf("%s: flags %#x, %v", f.Name(), flags, errno)
		}
	}
}

func TestSocketsWorkBothWays(t *testing.T) {
	fd, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := os.NewFile(uintptr(fd[0]), "a"), os.NewFile(uintptr(fd[1]), "b")
	defer func() { _ = b.Close() }() // read only
	data := bytes.Repeat(content, 10)
	wr, st := writer(t, a), stream(t, b)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := wr.Write(t.Context(), batchOf(data)); err != nil {
			t.Error(err)
		}
		_ = a.Close() // the end of the stream
	})
	var got []byte
	for err == nil {
		batch := weir.NewBatch(100_000)
		if err = st.Read(t.Context(), batch); err == nil {
			got = append(got, batch.Bytes()...)
		}
	}
	wg.Wait()
	if !errors.Is(err, io.EOF) || !bytes.Equal(got, data) {
		t.Errorf("%v after %d bytes of %d", err, len(got), len(data))
	}
}

func TestWaitingIsNotAllocating(t *testing.T) {
	r, w := ends(t)
	wr, st := writer(t, w), stream(t, r)
	one, b := batchOf([]byte("x")), weir.NewBatch(100)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		if err := errors.Join(wr.Write(ctx, one), st.Read(ctx, b)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a write and read", n)
	}
}

func TestFileIsReadFromWhereItStands(t *testing.T) {
	f := file(t, []byte("0123456789"))
	if _, err := f.Seek(3, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	st := stream(t, f)
	if st.Info().Size != 7 || !strings.HasPrefix(st.Info().ID, "file:") {
		t.Errorf("Info = %+v", st.Info())
	}
	b := weir.NewBatch(4)
	if err := st.Read(t.Context(), b); err != nil || string(b.Bytes()) != "3456" || b.Position().String() != "off=7" {
		t.Errorf("Read = %v, %q at %s", err, b.Bytes(), b.Position())
	}
}

func TestClosedFileIsAnErrorNotTheEnd(t *testing.T) {
	r, w := ends(t)
	_, _ = r.Close(), w.Close()
	if _, err := stdio.NewSource(r).Next(t.Context()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("Next = %v", err)
	}
	if _, err := stdio.NewSink(w).Open(t.Context(), weir.StreamInfo{}); err == nil {
		t.Error("Open passed")
	}
}

const child = "STDIO_TEST_CHILD"

// TestMain also is the program that writes to a standard output nobody reads.
func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(weirtest.Main(m))
	}
	s := stdio.NewSink(os.Stdout)
	w, err := s.Open(context.Background(), weir.StreamInfo{Name: "a"})
	for err == nil {
		err = w.Write(context.Background(), batchOf(content))
	}
	if errors.Is(err, stdio.ErrClosedPipe) && weir.KindOf(err) == weir.Closed {
		os.Exit(42)
	}
	os.Exit(1)
}

func TestClosedStandardOutputIsAnErrorAndNotASignal(t *testing.T) {
	weirtest.CheckLeaks(t)
	socket := func() (near, far *os.File) {
		fd, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		syscall.CloseOnExec(fd[0])
		syscall.CloseOnExec(fd[1])
		return os.NewFile(uintptr(fd[0]), "near"), os.NewFile(uintptr(fd[1]), "far")
	}
	for name, open := range map[string]func() (near, far *os.File){
		"pipe":   func() (near, far *os.File) { return pipe(t) },
		"socket": socket,
	} {
		near, far := open()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), child+"=1")
		cmd.Stdout = far
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = far.Close() // the child has it
		if _, err := near.Read(make([]byte, 10)); err != nil {
			t.Error(err)
		}
		_ = near.Close() // head has seen enough
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 42 {
			t.Errorf("%s: the writer ended with %v, want ErrClosedPipe", name, err)
		}
	}
}

func BenchmarkPipeSource(b *testing.B) {
	r, w := ends(b)
	var wg sync.WaitGroup
	wg.Go(func() {
		data := make([]byte, 128<<10) // what cat writes at a time
		for {
			if _, err := w.Write(data); err != nil {
				return
			}
		}
	})
	st, batch := stream(b, r), weir.NewBatch(256<<10)
	n := int64(0)
	for b.Loop() {
		batch.Reset()
		if err := st.Read(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		n += int64(batch.Len())
	}
	b.SetBytes(n / int64(b.N))
	b.ReportMetric(float64(n)/float64(b.N), "B/batch")
	_ = r.Close() // the end of the writer
	wg.Wait()
}

// BenchmarkPlainRead is what BenchmarkPipeSource is compared with.
func BenchmarkPlainRead(b *testing.B) {
	r, w := ends(b)
	var wg sync.WaitGroup
	wg.Go(func() {
		data := make([]byte, 128<<10)
		for {
			if _, err := w.Write(data); err != nil {
				return
			}
		}
	})
	buf, n := make([]byte, 256<<10), int64(0)
	for b.Loop() {
		m, err := r.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		n += int64(m)
	}
	b.SetBytes(n / int64(b.N))
	_ = r.Close() // the end of the writer
	wg.Wait()
}

// drain reads r to its end.
func drain(r *os.File) func() {
	return func() {
		buf := make([]byte, 128<<10)
		for {
			if _, err := r.Read(buf); err != nil {
				return
			}
		}
	}
}

func BenchmarkPipeSink(b *testing.B) {
	r, w := ends(b)
	var wg sync.WaitGroup
	wg.Go(drain(r))
	s := stdio.NewSink(w)
	wr, err := s.Open(b.Context(), weir.StreamInfo{})
	if err != nil {
		b.Fatal(err)
	}
	batch := batchOf(make([]byte, 256<<10))
	b.SetBytes(256 << 10)
	for b.Loop() {
		if err := wr.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	_, _ = s.Close(), w.Close() // the end of the reader
	wg.Wait()
}

// BenchmarkPlainWrite is what BenchmarkPipeSink is compared with.
func BenchmarkPlainWrite(b *testing.B) {
	r, w := ends(b)
	var wg sync.WaitGroup
	wg.Go(drain(r))
	data := make([]byte, 256<<10)
	b.SetBytes(256 << 10)
	for b.Loop() {
		if _, err := w.Write(data); err != nil {
			b.Fatal(err)
		}
	}
	_ = w.Close() // the end of the reader
	wg.Wait()
}
