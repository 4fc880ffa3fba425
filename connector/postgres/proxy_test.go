package postgres_test

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// proxy stands between weir and a server and cuts connections.
type proxy struct {
	*pgtest.Proxy
	toServer, toClient *atomic.Pointer[pgtest.Hook]
}

// newProxy listens until the test has ended.
func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	p := pgtest.NewProxy(t, target)
	return &proxy{p, &p.ToServer, &p.ToClient}
}

// url is how to connect through the proxy.
func (p *proxy) url() string { return p.URL() }

// cutOnce returns a hook that passes n bytes on and then cuts.
func cutOnce(n int64) *pgtest.Hook {
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
func cutAt(text string, before bool) *pgtest.Hook {
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
