package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// startInput is what an origin gives the process that reads it.
type startInput struct{ stdin *os.File }

// endless is how much the pipe and the connection hold: more than a kernel
// buffers.
const endless = 256 << 20

// Origins returns the three origins: a file of size bytes, a pipe, and a TCP
// connection with HTTP on it. The last two hold zeros. The sink stops after an
// eighth.
func Origins(file string, size, capBytes int64) []OriginCase {
	cases := []OriginCase{
		{Name: "file", Bytes: size, open: func() (origin, error) { return newFileOrigin(file) }},
		{Name: "pipe", Bytes: endless, open: func() (origin, error) { return newPipeOrigin(endless) }},
		{Name: "tcp", Bytes: endless, open: func() (origin, error) { return newTCPOrigin(endless) }},
	}
	for i := range cases {
		c := &cases[i]
		c.Scenario = Scenario{
			ID: "origin " + c.Name, Name: c.Name, Strategy: Gated, Cap: capBytes, Chunk: defaultChunk, StopAfter: c.Bytes / 8,
		}
	}
	return cases
}

// fileOrigin is a file: its figure is the offset of the reader's descriptor.
type fileOrigin struct {
	path string
	last int64
}

func newFileOrigin(path string) (origin, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	return &fileOrigin{path: path}, err
}

func (o *fileOrigin) attach(s *Scenario, _ *startInput) { s.Source = o.path }

func (*fileOrigin) names() []string { return []string{"offset in /proc/PID/fdinfo"} }

func (*fileOrigin) kernel() (int64, string) { return 0, "nothing in the kernel" }

// look finds the descriptor of the file among the reader's. When it has closed
// it, the last offset counts.
func (o *fileOrigin) look(pid int) ([]int64, error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	fds, err := os.ReadDir(dir + "fd")
	if err != nil {
		return nil, err
	}
	for _, fd := range fds {
		if to, err := os.Readlink(dir + "fd/" + fd.Name()); err != nil || to != o.path {
			continue
		}
		if pos, err := strconv.ParseInt(field(dir+"fdinfo/"+fd.Name(), "pos"), 10, 64); err == nil {
			o.last = max(o.last, pos)
		}
	}
	return []int64{o.last}, nil
}

func (*fileOrigin) close() error { return nil }

// feed writes zeros until there are enough, or the other end is gone.
type feed struct {
	written atomic.Int64
}

func (f *feed) run(w io.Writer, size int64) {
	zeros := make([]byte, 64<<10)
	for f.written.Load() < size {
		n, err := w.Write(zeros[:min(int64(len(zeros)), size-f.written.Load())])
		f.written.Add(int64(n))
		if err != nil {
			return // the reader says what went wrong
		}
	}
}

// pipeOrigin is a program that writes into a pipe.
type pipeOrigin struct {
	feed        feed
	size        int64
	read, write *os.File
	writer      sync.WaitGroup
}

func newPipeOrigin(size int64) (origin, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &pipeOrigin{size: size, read: r, write: w}
	o.writer.Go(func() {
		o.feed.run(w, size)
		_ = w.Close() // the reader sees the end
	})
	return o, nil
}

func (o *pipeOrigin) attach(s *Scenario, in *startInput) { s.Source, in.stdin = "-", o.read }

func (*pipeOrigin) names() []string { return []string{"bytes written", "bytes in the pipe"} }

func (o *pipeOrigin) kernel() (int64, string) {
	n := o.ioctl(func(fd int) (int, error) { return unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0) })
	return n, fmt.Sprintf("%d KiB of pipe", n>>10)
}

func (o *pipeOrigin) look(int) ([]int64, error) {
	fill := o.ioctl(func(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.TIOCINQ) })
	return []int64{o.feed.written.Load(), fill}, nil
}

// ioctl asks the kernel about the pipe; 0 when it does not know.
func (o *pipeOrigin) ioctl(ask func(fd int) (int, error)) int64 {
	var n int
	conn, err := o.read.SyscallConn()
	if err == nil {
		err = conn.Control(func(fd uintptr) { n, _ = ask(int(fd)) })
	}
	if err != nil {
		return 0
	}
	return int64(n)
}

func (o *pipeOrigin) close() error {
	err := errors.Join(o.read.Close(), ignoreClosed(o.write.Close()))
	o.writer.Wait()
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// tcpOrigin is a server that sends over HTTP.
type tcpOrigin struct {
	feed   feed
	size   int64
	server *http.Server
	listen net.Listener
	done   sync.WaitGroup
}

func newTCPOrigin(size int64) (origin, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &tcpOrigin{size: size, listen: l}
	o.server = &http.Server{Handler: http.HandlerFunc(o.serve), ReadHeaderTimeout: patience}
	o.done.Go(func() { _ = o.server.Serve(l) }) // until close
	return o, nil
}

func (o *tcpOrigin) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.FormatInt(o.size, 10))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"zeros"`)
	o.feed.run(w, o.size)
}

func (o *tcpOrigin) attach(s *Scenario, _ *startInput) {
	s.Source = "http://" + o.listen.Addr().String() + "/zeros.bin"
}

func (*tcpOrigin) names() []string {
	return []string{"bytes the server has written", "bytes in the send queue", "bytes in the receive queue"}
}

// kernel is what both ends' buffers may grow to, of payload, and the server's
// own buffer.
func (o *tcpOrigin) kernel() (int64, string) {
	n := lastNumber("/proc/sys/net/ipv4/tcp_rmem") + lastNumber("/proc/sys/net/ipv4/tcp_wmem")
	return n, fmt.Sprintf("%s of socket buffers", mib(n))
}

// lastNumber returns the last number in a file, 0 if there is none.
func lastNumber(file string) int64 {
	data, err := os.ReadFile(file)
	fields := bytes.Fields(data)
	if err != nil || len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(fields[len(fields)-1]), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (o *tcpOrigin) look(int) ([]int64, error) {
	sending, receiving, err := queues(o.listen.Addr().(*net.TCPAddr).Port)
	return []int64{o.feed.written.Load(), sending, receiving}, err
}

// queues returns the bytes in the send queues of the server's connections and
// in the receive queues of its clients', by the kernel's table of sockets.
func queues(port int) (sending, receiving int64, err error) {
	const established = "01"
	data, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, 0, err
	}
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[3] != established {
			continue
		}
		var tx, rx int64
		if _, err := fmt.Sscanf(f[4], "%x:%x", &tx, &rx); err != nil {
			return 0, 0, fmt.Errorf("/proc/net/tcp: %q: %w", f[4], err)
		}
		if strings.HasSuffix(f[1], suffix) {
			sending += tx
		}
		if strings.HasSuffix(f[2], suffix) {
			receiving += rx
		}
	}
	return sending, receiving, nil
}

func (o *tcpOrigin) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_ = o.server.Shutdown(ctx) // what is left is closed
	err := o.server.Close()
	o.done.Wait()
	return err
}
