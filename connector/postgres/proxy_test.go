package postgres_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between weir and a server and cuts connections.
type proxy struct {
	listener net.Listener
	target   string
	group    sync.WaitGroup
	// toServer and toClient, if set, see what is about to be passed on and say how
	// much of it is; with cut, the connection ends behind it.
	toServer, toClient atomic.Pointer[func(data []byte) (pass int, cut bool)]

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// newProxy listens until the test has ended.
func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	p.group.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close() // which ends serve
		p.cut()
		p.group.Wait()
	})
	return p
}

// url is how to connect through the proxy.
func (p *proxy) url() string {
	return "postgres://postgres@" + p.listener.Addr().String() + "/postgres?sslmode=disable"
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close() // as a server does that is not there
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.group.Go(func() { p.pass(server, client, &p.toServer) })
		p.group.Go(func() { p.pass(client, server, &p.toClient) })
	}
}

func (p *proxy) pass(to, from net.Conn, hook *atomic.Pointer[func([]byte) (int, bool)]) {
	defer func() {
		_, _ = to.Close(), from.Close() // the other direction ends with it
		p.mu.Lock()
		delete(p.conns, to)
		delete(p.conns, from)
		p.mu.Unlock()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		data, cut := buf[:n], false
		if f := hook.Load(); f != nil {
			n, cut = (*f)(data)
			data = data[:n]
		}
		if _, err := to.Write(data); err != nil || cut {
			return
		}
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // its users find out
	}
}

// cutOnce returns a hook that passes n bytes on and then cuts.
func cutOnce(n int64) *func([]byte) (int, bool) {
	var left atomic.Int64
	left.Store(n)
	f := func(data []byte) (int, bool) {
		rest := left.Add(-int64(len(data)))
		if rest > 0 {
			return len(data), false
		}
		return max(len(data)+int(rest), 0), true
	}
	return &f
}

// cutAt returns a hook that cuts once at a text: before it, or behind what it came
// with.
func cutAt(text string, before bool) *func([]byte) (int, bool) {
	var done atomic.Bool
	f := func(data []byte) (int, bool) {
		i := bytes.Index(data, []byte(text))
		if i < 0 || done.Swap(true) {
			return len(data), false
		}
		if before {
			return 0, true
		}
		return len(data), true
	}
	return &f
}
