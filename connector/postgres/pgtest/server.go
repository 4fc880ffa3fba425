// Package pgtest runs a PostgreSQL server of its own for tests, and breaks it.
//
// The server has a data directory that is thrown away, listens on a free port of
// the loopback interface and on a socket in its directory, and trusts everybody.
// It survives nothing: it does not sync, which makes no difference to a process that
// is killed. The programs are looked for in PATH and where Debian, Red Hat and
// Homebrew put them.
package pgtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds each start and stop.
const patience = 30 * time.Second

// Options are how a server is set up. The zero value works.
type Options struct {
	// Settings are added to the server's configuration, such as
	// "max_connections": "10". Default: small ones, without sync.
	Settings map[string]string
	// HBA replaces pg_hba.conf, which says who may come in and how. Default:
	// everybody from this machine.
	HBA string
	// TLS makes the server offer TLS with a certificate of its own for
	// localhost, which is in Server.Certificate.
	TLS bool
	// WAL is an empty directory for the server's log of changes, which becomes the
	// server's. Default: in the data directory.
	WAL string
}

// Server is one PostgreSQL server. Its methods are called one at a time.
type Server struct {
	dir      string // private, and the server's user may enter it
	data     string
	programs string
	port     int
	user     *user     // nil: the user of this process
	stdin    io.Closer // the server stops when it is closed
	log      *os.File
	done     chan struct{} // closed when it has ended; nil: it is not running
}

// Start runs a server until the test has ended. Without PostgreSQL's programs it
// fails the test and says how to install them; with -short it skips it.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a PostgreSQL server, which -short leaves out")
	}
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// New makes and starts a server. It lives until Close, or until this process ends.
func New(o Options) (*Server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	s := &Server{programs: programs}
	if s.user, err = serverUser(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "weir-pg-"); err != nil {
		return nil, err
	}
	if err = s.init(o); err == nil {
		err = s.launch()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// findPrograms returns the directory of initdb and postgres.
func findPrograms() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	newest, version := "", -1.0
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb",
		"/opt/homebrew/opt/postgresql@*/bin/initdb", "/usr/local/opt/postgresql@*/bin/initdb",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well formed
		for _, path := range found {
			dir := filepath.Dir(path)
			digits := strings.TrimLeft(filepath.Base(filepath.Dir(dir)), "abcdefghijklmnopqrstuvwxyz-@")
			if v, err := strconv.ParseFloat(digits, 64); err == nil && v > version {
				newest, version = dir, v
			}
		}
	}
	if newest == "" {
		return "", errors.New("PostgreSQL's programs (initdb, postgres) are not installed, and these tests need a real server: apt-get install postgresql, or brew install postgresql@17, or go test -short to leave them out")
	}
	return newest, nil
}

// init makes a cluster and its configuration.
func (s *Server) init(o Options) error {
	if err := s.makeData(); err != nil {
		return err
	}
	args := []string{"-D", s.data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C", "--encoding=UTF8"}
	if o.WAL != "" {
		if err := s.give(o.WAL); err != nil {
			return err
		}
		args = append(args, "-X", o.WAL)
	}
	if err := s.run("initdb", args...); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	s.port = port
	return s.set(o)
}

// makeData makes the data directory, empty, and lets the server's user come to it.
func (s *Server) makeData() error {
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	s.data = filepath.Join(s.dir, "data")
	if err := os.Mkdir(s.data, 0o700); err != nil {
		return err
	}
	return s.give(s.data)
}

// set writes the configuration.
func (s *Server) set(o Options) error {
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "port": strconv.Itoa(s.port), "unix_socket_directories": s.data,
		"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "40",
		"max_wal_size": "1GB", "timezone": "UTC", "log_min_messages": "warning",
	}
	if o.TLS {
		if err := s.certify(); err != nil {
			return err
		}
		settings["ssl"], settings["ssl_cert_file"], settings["ssl_key_file"] = "on", "server.crt", "server.key"
	}
	for name, value := range o.Settings {
		settings[name] = value
	}
	var conf strings.Builder
	for name, value := range settings {
		fmt.Fprintf(&conf, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	if err := os.WriteFile(filepath.Join(s.data, "postgresql.auto.conf"), []byte(conf.String()), 0o600); err != nil {
		return err
	}
	if err := s.give(filepath.Join(s.data, "postgresql.auto.conf")); err != nil {
		return err
	}
	if o.HBA == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(s.data, "pg_hba.conf"), []byte(o.HBA), 0o600)
}

// freePort returns a port of the loopback interface that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// give makes the server's user the owner of path.
func (s *Server) give(path string) error {
	if s.user == nil {
		return nil
	}
	return os.Chown(path, s.user.uid, s.user.gid)
}

// Addr is the server's address, host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is how to connect as the superuser, without TLS.
func (s *Server) URL() string {
	return "postgres://postgres@" + s.Addr() + "/postgres?sslmode=disable"
}

// Socket is the directory of the server's socket.
func (s *Server) Socket() string { return s.data }

// Certificate is the file of the certificate that the server shows, with
// Options.TLS.
func (s *Server) Certificate() string { return filepath.Join(s.data, "server.crt") }

// Program is the path of one of PostgreSQL's programs, such as psql.
func (s *Server) Program(name string) string { return filepath.Join(s.programs, name) }

// Log returns what the server has logged.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
