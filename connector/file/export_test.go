package file

import (
	"os"
	"path/filepath"
)

// The sizes that tests build their files around.
const (
	PreallocateAfter = preallocateAfter
	PreallocateStep  = preallocateStep
	WriteBackStep    = writeBackStep
	SettleBehind     = settleBehind
)

// IsTempName is what walks leave out.
var IsTempName = isTempName

// Watch calls f before every act of the sink on the disk, with its name and the
// base name of what it is about. If f returns an error, the act fails with it and
// does not happen.
func (s *Sink) Watch(f func(act, base string) error) {
	below := s.disk
	on := func(act, path string, do func() error) error {
		if err := f(act, filepath.Base(path)); err != nil {
			return err
		}
		return do()
	}
	s.disk = disk{
		writeAt: func(fd *os.File, p []byte, off int64) (n int, err error) {
			err = on("write", fd.Name(), func() error { n, err = below.writeAt(fd, p, off); return err })
			return n, err
		},
		truncate: func(fd *os.File, size int64) error {
			return on("truncate", fd.Name(), func() error { return below.truncate(fd, size) })
		},
		sync: func(fd *os.File) error { return on("sync", fd.Name(), func() error { return below.sync(fd) }) },
		close: func(fd *os.File) error {
			return on("close", fd.Name(), func() error { return below.close(fd) })
		},
		rename: func(from, to string) error {
			return on("rename", to, func() error { return below.rename(from, to) })
		},
		renameNew: func(from, to string) error {
			return on("renameNew", to, func() error { return below.renameNew(from, to) })
		},
		settle: func(a *advisor, off, n int64) (ok bool, err error) {
			switch err := f("settle", ""); {
			case unsupported(err):
				return false, nil
			case err != nil:
				return false, err
			}
			return below.settle(a, off, n)
		},
		syncDir: func(dir string) error { return on("syncDir", dir, func() error { return below.syncDir(dir) }) },
		remove:  func(path string) error { return on("remove", path, func() error { return below.remove(path) }) },
	}
}

// LinkNew is how a target is made where the kernel has no better way.
var LinkNew = linkNew

// SortTogether sets how many names of a directory are held and sorted at once.
func (s *Source) SortTogether(n int) { s.batch = n }

// MarkText parses the text of a mark and writes it again.
func MarkText(text []byte) (string, error) {
	m, err := parseMark(text)
	return m.String(), err
}
