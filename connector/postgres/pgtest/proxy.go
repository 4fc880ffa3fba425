package pgtest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Hook sees what is about to be passed on and says how much of it is; with cut, the
// connection ends behind it. The data waits until it returns.
type Hook = func(data []byte) (pass int, cut bool)

// Proxy stands between a client and a server, and cuts and delays connections.
type Proxy struct {
	// ToServer and ToClient, if set, see what goes that way, of all connections. They
	// may be set at any time, and are called by several goroutines.
	ToServer, ToClient atomic.Pointer[Hook]

	listener net.Listener
	target   string
	group    sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// NewProxy listens, in front of the server at the address target, until the test
// has ended.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	p.group.Go(p.serve)
	tb.Cleanup(func() {
		_ = l.Close() // which ends serve
		p.Cut()
		p.group.Wait()
	})
	return p
}

// URL is how to connect through the proxy as the superuser, without TLS.
func (p *Proxy) URL() string {
	return "postgres://postgres@" + p.listener.Addr().String() + "/postgres?sslmode=disable"
}

func (p *Proxy) serve() {
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
		p.group.Go(func() { p.pass(server, client, &p.ToServer) })
		p.group.Go(func() { p.pass(client, server, &p.ToClient) })
	}
}

func (p *Proxy) pass(to, from net.Conn, hook *atomic.Pointer[Hook]) {
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

// Cut ends all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // its users find out
	}
}
