package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// scratch is a directory of this run's own.
type scratch struct{ dir string }

// newScratch makes a directory in parent, or where temporary files belong.
func newScratch(parent string) (*scratch, error) {
	dir, err := os.MkdirTemp(parent, "weir-bench-")
	if err != nil {
		return nil, fmt.Errorf("the directory for scratch files: %w", err)
	}
	return &scratch{dir}, nil
}

func (s *scratch) path(name string) string { return filepath.Join(s.dir, name) }

// remove removes the directory and what is in it.
func (s *scratch) remove() error { return os.RemoveAll(s.dir) }

// spare is what is left free on the disk.
const spare = 256 << 20

// need returns an error if there is no room for n bytes.
func (s *scratch) need(n int64) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil {
		return fmt.Errorf("looking for free space in the scratch directory: %w", err)
	}
	if free := int64(st.Bavail) * int64(st.Bsize); free < n+spare {
		return fmt.Errorf("the scratch directory has %s free and %s are needed; choose another with --dir, or a smaller --size",
			mib(free), mib(n+spare))
	}
	return nil
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// random makes a file of n bytes that do not compress, and leaves it on the disk
// and in the page cache.
func (s *scratch) random(name string, n int64) (path string, err error) {
	if err := s.need(n); err != nil {
		return "", err
	}
	path = s.path(name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	source := io.LimitReader(rand.NewChaCha8([32]byte{1}), n)
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, source, make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return path, f.Sync()
}

// discard removes files that may not be there.
func discard(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
