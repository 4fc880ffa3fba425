package pgtest_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// answers reports whether the server answers a request for TLS, the shortest that
// a server of any setting answers.
func answers(t *testing.T, s *pgtest.Server) bool {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }() // it was only asked
	_ = c.SetDeadline(time.Now().Add(500 * time.Millisecond))
	if _, err := c.Write([]byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}); err != nil {
		return false
	}
	n, _ := c.Read(make([]byte, 1))
	return n == 1
}

func TestServerIsStoppedPausedKilledAndStartedAgain(t *testing.T) {
	s := pgtest.Start(t, pgtest.Options{TLS: true})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(s.Certificate()); err != nil {
		t.Error(err)
	}
	for _, x := range []struct {
		name string
		do   func()
		want bool
	}{
		{"at first", func() {}, true},
		{"paused", s.Pause, false},
		{"resumed", s.Resume, true},
		{"killed", func() { must(s.Kill()) }, false},
		{"started", func() { must(s.Start()) }, true},
		{"stopped", func() { must(s.Stop()) }, false},
		{"started again", func() { must(s.Start()) }, true},
		{"restarted", func() { must(s.Restart()) }, true},
	} {
		if x.do(); answers(t, s) != x.want {
			t.Fatalf("%s: it answers: %t; log: %s", x.name, !x.want, s.Log())
		}
	}
}
