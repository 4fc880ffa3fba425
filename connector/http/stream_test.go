package http_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	stdhttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/http"
	"github.com/weirflow/weir/weirtest"
)

const tag = `"v1"`

func tagged() map[string]string { return map[string]string{"ETag": tag} }

// The server drops the connection twenty times, at random places: the content is
// whole, and each request asks for the byte after the last that was delivered.
func TestTwentyDropsAndNoByteTwice(t *testing.T) {
	weirtest.CheckLeaks(t)
	const drops = 20
	r := rand.New(rand.NewPCG(7, 8))
	s := &server{content: noise(8 << 20), header: tagged(), limit: func(n int) int64 {
		if n >= drops {
			return -1
		}
		return 1 + r.Int64N(300<<10)
	}}
	s.start(t)
	got, err := download(t, s.url, http.Options{})
	must(t, err)
	if !bytes.Equal(got, s.content) {
		t.Errorf("%d bytes came, and they differ", len(got))
	}
	asked := s.asked()
	if len(asked) != drops+1 {
		t.Errorf("%d requests, want %d", len(asked), drops+1)
	}
	next := int64(0)
	for i, q := range asked {
		if i == 0 && q.from != -1 || i > 0 && (q.from > next || q.ifRange != tag) {
			t.Errorf("request %d asks from %d with If-Range %s; %d was sent before it", i, q.from, q.ifRange, next)
		}
		// What was sent and lost with its connection is sent again: never more
		// than the connection had under way.
		if i > 0 && next-q.from > 300<<10 {
			t.Errorf("request %d asks for %d bytes again", i, next-q.from)
		}
		next = max(q.from, 0) + q.sent
	}
	if again := s.sent() - int64(len(s.content)); again > drops*64<<10 {
		t.Errorf("%d bytes were sent twice", again)
	}
}

// A sink that stops closes the TCP window: the server's writes block after a
// bounded number of bytes, and go on when the sink does.
func TestPressureReachesTheServer(t *testing.T) {
	weirtest.CheckLeaks(t)
	const size, budget = 64 << 20, 1 << 20
	s := &server{content: make([]byte, size), header: tagged(), buffer: 64 << 10}
	s.start(t)
	goOn := make(chan struct{})
	var got int64
	done := make(chan error, 1)
	go func() {
		b := weir.NewBudget(budget, weir.BudgetOptions{})
		_, err := weir.Ingest(context.WithoutCancel(t.Context()), source(t, s.url, http.Options{}), weir.SinkFunc(func(ctx context.Context, b *weir.Batch) error {
			<-goOn
			got += int64(b.Len())
			return nil
		}), weir.Options{Budget: b})
		done <- errors.Join(err, b.Close())
	}()
	stood := standstill(t, s)
	const kernel = 16 << 20 // what both sockets' buffers may grow to
	if stood == 0 || stood > budget+kernel {
		t.Errorf("the server had sent %d bytes when it stood still", stood)
	}
	t.Logf("the server stood still after %d KiB", stood>>10)
	close(goOn)
	must(t, <-done)
	// The server counts what a write took when the write has returned, which
	// may be after the last byte has arrived.
	for deadline := time.Now().Add(10 * time.Second); s.sent() < size && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if got != size || s.sent() != size {
		t.Errorf("%d bytes came of %d that were sent", got, s.sent())
	}
}

// standstill waits until what the server has sent does not change for a while.
func standstill(t *testing.T, s *server) int64 {
	t.Helper()
	last, since := int64(-1), time.Now()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if now := s.sent(); now != last {
			last, since = now, time.Now()
		} else if now > 0 && time.Since(since) > time.Second {
			return now
		}
	}
	t.Fatal("the server did not stand still")
	return 0
}

// What can go wrong, and what is made of it.
func TestAnswers(t *testing.T) {
	content := noise(300 << 10)
	sum := sha256.Sum256(content)
	right := base64.StdEncoding.EncodeToString(sum[:])
	other := sha256.Sum256(nil)
	wrong := base64.StdEncoding.EncodeToString(other[:])
	status := func(code int, times int, header ...string) func(int, stdhttp.ResponseWriter, *stdhttp.Request) bool {
		return func(n int, w stdhttp.ResponseWriter, _ *stdhttp.Request) bool {
			if n >= times {
				return false
			}
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	// second answers the second request itself.
	second := func(f func(w stdhttp.ResponseWriter)) func(int, stdhttp.ResponseWriter, *stdhttp.Request) bool {
		return func(n int, w stdhttp.ResponseWriter, _ *stdhttp.Request) bool {
			if n == 1 {
				f(w)
			}
			return n == 1
		}
	}
	drop := func(n int) int64 {
		if n == 0 {
			return 100 << 10
		}
		return -1
	}
	old := map[string]string{"Last-Modified": "Mon, 02 Jan 2006 15:04:05 GMT"}
	for name, c := range map[string]struct {
		s        *server
		o        http.Options
		want     string // of the error; "": the content is whole
		kind     weir.Kind
		requests int // 0: not looked at
	}{
		"plain":                       {s: &server{header: tagged()}, requests: 1},
		"resumed by date":             {s: &server{header: old, limit: drop}, requests: 2},
		"no validator":                {s: &server{limit: drop}, want: "cannot resume", requests: 1},
		"weak validator":              {s: &server{header: map[string]string{"ETag": `W/"v1"`}, limit: drop}, want: "cannot resume"},
		"digest":                      {s: &server{header: map[string]string{"ETag": tag, "Repr-Digest": "sha-256=:" + right + ":"}, limit: drop}, requests: 2},
		"wrong digest":                {s: &server{header: map[string]string{"Content-Digest": "sha-256=:" + wrong + ":"}}, want: "the sha-256 of what was read", kind: weir.Corrupt},
		"wrong digest, older field":   {s: &server{header: map[string]string{"Digest": "SHA-256=" + wrong}}, want: "the sha-256 of what was read", kind: weir.Corrupt},
		"digest that is none":         {s: &server{header: map[string]string{"Repr-Digest": "sha-256=:!:, md5=:AAAA:, x"}}},
		"not found":                   {s: &server{answer: status(404, 9)}, want: "404 Not Found", kind: weir.Rejected, requests: 1},
		"unavailable, then there":     {s: &server{header: tagged(), answer: status(503, 2, "Retry-After", "0")}, requests: 3},
		"too many, after a date":      {s: &server{answer: status(429, 1, "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT")}, requests: 2},
		"never there":                 {s: &server{answer: status(500, 99)}, o: http.Options{Retries: 2}, want: "given up after 3 tries: the server answers 500", kind: weir.Transient, requests: 3},
		"no retries":                  {s: &server{answer: status(502, 99)}, o: http.Options{Retries: http.NoRetries}, want: "given up after 1 tries", requests: 1},
		"never will be":               {s: &server{answer: status(501, 99)}, want: "501", kind: weir.Rejected, requests: 1},
		"redirect to nowhere":         {s: &server{answer: status(304, 9)}, want: "no content", kind: weir.Rejected},
		"redirect in a circle":        {s: &server{answer: status(302, 99, "Location", "/dir/data.bin")}, o: http.Options{Retries: http.NoRetries}, want: "10 redirects"},
		"whole instead of the rest":   {s: &server{header: tagged(), limit: drop, answer: second(func(w stdhttp.ResponseWriter) { _, _ = w.Write(content) })}, want: "sends the whole", kind: weir.Other},
		"changed, whole":              {s: &server{header: tagged(), limit: drop, answer: second(func(w stdhttp.ResponseWriter) { w.Header().Set("ETag", `"v2"`) })}, want: "has changed", kind: weir.Corrupt},
		"changed, refused":            {s: &server{header: tagged(), limit: drop, answer: second(func(w stdhttp.ResponseWriter) { w.WriteHeader(412) })}, want: "has changed", kind: weir.Corrupt},
		"shrunk":                      {s: &server{header: tagged(), limit: drop, answer: second(func(w stdhttp.ResponseWriter) { w.WriteHeader(416) })}, want: "has changed", kind: weir.Corrupt},
		"another part":                {s: &server{header: tagged(), limit: drop, answer: second(part("bytes 5-307199/307200"))}, want: "sends what is after 5", kind: weir.Corrupt},
		"part of another length":      {s: &server{header: tagged(), limit: drop, answer: second(part("bytes 102400-102400/102401"))}, want: "its length is another", kind: weir.Corrupt},
		"part without a range":        {s: &server{header: tagged(), limit: drop, answer: second(part(""))}, want: "Content-Range is malformed", kind: weir.Corrupt},
		"part of multiple ranges":     {s: &server{header: tagged(), limit: drop, answer: second(part("bytes 102400-307199/abc"))}, want: "malformed", kind: weir.Corrupt},
		"part with another validator": {s: &server{header: tagged(), limit: drop, answer: second(func(w stdhttp.ResponseWriter) { w.Header().Set("ETag", `"v2"`); part("bytes 102400-307199/307200")(w) })}, want: "has changed", kind: weir.Corrupt},
		"drops before the first byte": {s: &server{limit: func(n int) int64 {
			if n < 3 {
				return 0
			}
			return -1
		}}, requests: 4},
	} {
		t.Run(name, func(t *testing.T) {
			weirtest.CheckLeaks(t)
			c.s.content = content
			s := c.s.start(t)
			got, err := download(t, s.url, c.o)
			switch {
			case c.want == "":
				must(t, err)
				if !bytes.Equal(got, content) {
					t.Errorf("%d bytes, and they differ", len(got))
				}
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v; want %q", err, c.want)
			case c.kind != weir.KindOf(err) && c.kind != weir.Other:
				t.Errorf("%v: %s, want %s", err, weir.KindOf(err), c.kind)
			}
			if n := len(s.asked()); c.requests != 0 && n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestRetriesAreToldOf(t *testing.T) {
	weirtest.CheckLeaks(t)
	var told []string
	s := (&server{content: []byte("content"), answer: func(n int, w stdhttp.ResponseWriter, _ *stdhttp.Request) bool {
		if n < 2 {
			w.WriteHeader(stdhttp.StatusServiceUnavailable)
		}
		return n < 2
	}}).start(t)
	_, err := download(t, s.url, http.Options{OnRetry: func(cause error, wait time.Duration) {
		if wait < 0 {
			t.Errorf("it waits for %v", wait)
		}
		told = append(told, cause.Error())
	}})
	must(t, err)
	want := "the server answers 503 Service Unavailable"
	if len(told) != 2 || told[0] != want || told[1] != want {
		t.Errorf("told of %q; want twice %q", told, want)
	}
}

// part answers a 206 with this Content-Range and no content.
func part(contentRange string) func(w stdhttp.ResponseWriter) {
	return func(w stdhttp.ResponseWriter) {
		if contentRange != "" {
			w.Header().Set("Content-Range", contentRange)
		}
		w.WriteHeader(stdhttp.StatusPartialContent)
		if f, ok := w.(stdhttp.Flusher); ok {
			f.Flush() // else it would say that the content is empty
		}
	}
}

func TestChunkedAnswersHaveNoLengthAndAnEnd(t *testing.T) {
	weirtest.CheckLeaks(t)
	s := &server{answer: func(_ int, w stdhttp.ResponseWriter, _ *stdhttp.Request) bool {
		for _, part := range []string{"one ", "two ", "three"} {
			_, _ = io.WriteString(w, part)
			_ = stdhttp.NewResponseController(w).Flush()
		}
		return true
	}}
	s.start(t)
	got, err := download(t, s.url, http.Options{})
	if err != nil || string(got) != "one two three" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	weirtest.CheckLeaks(t)
	s := &server{answer: func(_ int, w stdhttp.ResponseWriter, r *stdhttp.Request) bool {
		w.WriteHeader(stdhttp.StatusForbidden)
		return true
	}}
	s.start(t)
	withSecrets := strings.Replace(s.url, "http://", "http://user:hunter2@", 1) + "?sig=hunter2"
	src := source(t, withSecrets, http.Options{Header: stdhttp.Header{"X-Key": {"hunter2"}}})
	_, err := weir.Ingest(t.Context(), src, weir.ToWriter(io.Discard), weir.Options{})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "/dir/data.bin") {
		t.Error(err)
	}
	if auth := s.asked()[0].auth; !strings.HasPrefix(auth, "Basic ") {
		t.Errorf("Authorization: %q", auth)
	}
	for _, bad := range []string{"http://h:hunter2@%zz", "http://user:hunter2@", "ftp://hunter2@h/", "http:hunter2", "", "http://h/%zz?hunter2", "http://[::1/hunter2"} {
		if _, err := http.NewSource(bad, http.Options{}); weir.KindOf(err) != weir.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	refused := source(t, "http://user:hunter2@127.0.0.1:1/?key=hunter2", http.Options{Retries: http.NoRetries})
	_, err = refused.Next(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	must(t, refused.Close())
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	for name, answer := range map[string]func(w stdhttp.ResponseWriter, r *stdhttp.Request){
		"no header": func(_ stdhttp.ResponseWriter, r *stdhttp.Request) { <-r.Context().Done() },
		"no body": func(w stdhttp.ResponseWriter, r *stdhttp.Request) {
			_ = stdhttp.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"comes later": func(w stdhttp.ResponseWriter, _ *stdhttp.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(stdhttp.StatusServiceUnavailable)
		},
	} {
		t.Run(name, func(t *testing.T) {
			weirtest.CheckLeaks(t)
			s := &server{answer: func(_ int, w stdhttp.ResponseWriter, r *stdhttp.Request) bool { answer(w, r); return true }}
			s.start(t)
			why := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
			began := time.Now()
			_, err := weir.Ingest(ctx, source(t, s.url, http.Options{}), weir.ToWriter(io.Discard), weir.Options{})
			if !errors.Is(err, why) || time.Since(began) > 10*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	}
}

func TestNames(t *testing.T) {
	for url, want := range map[string]string{
		"http://h/a/b.csv?x=1": "b.csv", "http://h/a/": "a", "http://h": "h", "http://h:80/": "h", "https://h/a%20b": "a b", "http://h/..": "h",
	} {
		if got, err := http.Name(url); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", url, got, err, want)
		}
	}
}
