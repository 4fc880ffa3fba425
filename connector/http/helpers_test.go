package http_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	stdhttp "net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/http"
)

// noise returns n bytes that a mistake in an offset changes.
func noise(n int) []byte {
	var seed [32]byte
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// request is what a server was asked.
type request struct {
	from          int64 // of Range; -1: none
	ifRange, auth string
	sent          int64 // bytes of body that were written
}

// server is a real server whose answers are scripted.
type server struct {
	content []byte
	header  map[string]string // of every answer; "ETag" as a rule
	// answer, if not nil, may answer the n-th request, from 0, itself.
	answer func(n int, w stdhttp.ResponseWriter, r *stdhttp.Request) (done bool)
	// limit, if not nil, is how many bytes of body the n-th answer sends before
	// the connection breaks; negative: all.
	limit func(n int) int64
	// buffer is the size of the socket's send buffer; 0: the kernel's choice.
	buffer int

	url string
	mu  struct {
		sync.Mutex
		requests []request
	}
}

// start serves until the test has ended.
func (s *server) start(t testing.TB) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.url = "http://" + l.Addr().String() + "/dir/data.bin"
	srv := &stdhttp.Server{
		Handler: stdhttp.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if s.buffer > 0 {
				must(t, c.(*net.TCPConn).SetWriteBuffer(s.buffer))
			}
			return ctx
		},
	}
	var group sync.WaitGroup
	group.Go(func() { _ = srv.Serve(l) }) // until Close
	t.Cleanup(func() {
		_ = srv.Close() // what is still open belongs to a test that failed
		group.Wait()
	})
	return s
}

func (s *server) serve(w stdhttp.ResponseWriter, r *stdhttp.Request) {
	q := request{from: -1, ifRange: r.Header.Get("If-Range"), auth: r.Header.Get("Authorization")}
	if from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		q.from, _ = strconv.ParseInt(strings.TrimSuffix(from, "-"), 10, 64)
	}
	s.mu.Lock()
	n := len(s.mu.requests)
	s.mu.requests = append(s.mu.requests, q)
	s.mu.Unlock()
	for name, value := range s.header {
		w.Header().Set(name, value)
	}
	if s.answer != nil && s.answer(n, w, r) {
		return
	}
	size, from := int64(len(s.content)), int64(0)
	status := stdhttp.StatusOK
	if q.from >= 0 && (q.ifRange == w.Header().Get("ETag") || q.ifRange == w.Header().Get("Last-Modified")) {
		from, status = q.from, stdhttp.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, size-1, size))
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size-from, 10))
	w.WriteHeader(status)
	rest := s.content[from:]
	broken := false
	if s.limit != nil {
		if most := s.limit(n); most >= 0 && most < int64(len(rest)) {
			rest, broken = rest[:most], true
		}
	}
	for piece := range slices.Chunk(rest, 16<<10) {
		k, err := w.Write(piece)
		s.mu.Lock()
		s.mu.requests[n].sent += int64(k)
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
	if broken {
		_ = stdhttp.NewResponseController(w).Flush() // the client is to have it
		panic(stdhttp.ErrAbortHandler)
	}
}

// asked returns what was asked so far.
func (s *server) asked() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.mu.requests...)
}

func (s *server) sent() int64 {
	var n int64
	for _, r := range s.asked() {
		n += r.sent
	}
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func source(t testing.TB, url string, o http.Options) weir.Source {
	t.Helper()
	s, err := http.NewSource(url, o)
	must(t, err)
	return s
}

// download moves all of a URL through the engine and returns what came.
func download(t testing.TB, url string, o http.Options) ([]byte, error) {
	t.Helper()
	var got bytes.Buffer
	_, err := weir.Ingest(t.Context(), source(t, url, o), weir.ToWriter(&got), weir.Options{Batch: 64 << 10})
	return got.Bytes(), err
}
