package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Standby makes and starts a server that follows s, without s waiting for it. It can be
// read, and lives until Close, or until this process ends.
func (s *Server) Standby() (*Server, error) {
	dir, err := os.MkdirTemp("", "weir-pg-")
	if err != nil {
		return nil, err
	}
	b := &Server{dir: dir, programs: s.programs, user: s.user}
	if err = b.follow(s); err == nil {
		err = b.launch()
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// follow copies the cluster of s.
func (s *Server) follow(primary *Server) error {
	if err := s.makeData(); err != nil {
		return err
	}
	err := s.run("pg_basebackup", "-D", s.data, "-d", primary.URL(), "-R", "-X", "stream", "--checkpoint=fast", "--no-sync")
	if err != nil {
		return err
	}
	if s.port, err = freePort(); err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(s.data, "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conf, "port = %s\nunix_socket_directories = '%s'\n", strconv.Itoa(s.port), s.data) // the last one counts
	return errors.Join(err, conf.Close())
}

// Promote makes a standby a primary. The server that it followed must be gone.
func (s *Server) Promote() error { return s.run("pg_ctl", "promote", "-w", "-D", s.data) }
