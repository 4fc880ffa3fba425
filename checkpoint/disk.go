package checkpoint

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// disk is what the store asks of a file system. A test puts one in its place
// that fails at each step, and that loses what was not synced.
type disk interface {
	open(path string, flag int) (file, error) // flags of package os
	rename(from, to string) error             // replaces to
	remove(path string) error
	syncDir(dir string) error // makes renames in dir durable
}

// file is an open file. Reads may run beside a write elsewhere in the file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	size() (int64, error)
	sync() error // makes the content and the size durable
}

// realDisk is the operating system's.
type realDisk struct{}

func (realDisk) open(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = invalid("it is not a regular file; give another state directory")
	}
	if err != nil {
		_ = f.Close() // the error that counts is there
		return nil, err
	}
	return osFile{f}, nil
}

func (realDisk) rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) remove(path string) error     { return os.Remove(path) }

func (realDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	_ = d.Close() // it was only read
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil // a file system that has nothing to sync there
	}
	return err
}

type osFile struct{ *os.File }

func (f osFile) sync() error { return syncData(f.File) }

func (f osFile) size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// makeDir makes dir, for this user only, and what is missing above it, and
// makes their names durable.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err = makeDir(filepath.Dir(dir)); err == nil {
			err = os.Mkdir(dir, 0o700)
		}
	}
	switch {
	case err == nil:
		return realDisk{}.syncDir(filepath.Dir(dir))
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	st, err := os.Stat(dir)
	if err == nil && !st.IsDir() {
		err = invalid("it is not a directory; give another state directory")
	}
	return err
}
