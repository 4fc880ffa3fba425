package http_test

import (
	"context"
	stdhttp "net/http"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/http"
	"github.com/weirflow/weir/weirtest"
)

func TestSourceConforms(t *testing.T) {
	weirtest.TestSource(t, func(t *testing.T) weirtest.SourceHarness {
		whole := (&server{content: noise(1 << 20), header: tagged()}).start(t)
		broken := (&server{content: noise(1 << 20), limit: func(int) int64 { return 300 << 10 }}).start(t)
		silent := (&server{answer: func(_ int, w stdhttp.ResponseWriter, r *stdhttp.Request) bool {
			_ = stdhttp.NewResponseController(w).Flush()
			<-r.Context().Done()
			return true
		}}).start(t)
		open := func(s *server) func(testing.TB) weir.Source {
			return func(tb testing.TB) weir.Source { return source(tb, s.url, http.Options{}) }
		}
		return weirtest.SourceHarness{
			Open: open(whole), Idle: open(silent), Truncated: open(broken),
			Want: func(string) []byte { return whole.content },
		}
	})
}

// Credit is measured on one download: what the server has sent is never more
// than what was delivered and the sockets' buffers.
func TestReadTakesNoMoreThanTheSocketHolds(t *testing.T) {
	weirtest.CheckLeaks(t)
	s := (&server{content: make([]byte, 64<<20), header: tagged(), buffer: 64 << 10}).start(t)
	src := source(t, s.url, http.Options{})
	st, err := src.Next(t.Context())
	must(t, err)
	b := weir.NewBatch(64 << 10)
	must(t, st.Read(context.WithoutCancel(t.Context()), b))
	if n := standstill(t, s); n > 16<<20 {
		t.Errorf("%d bytes were sent for one batch", n)
	}
	must(t, st.Close())
	must(t, src.Close())
}
