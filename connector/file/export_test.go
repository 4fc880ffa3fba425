package file

import (
	"os"
	"path/filepath"
	"time"
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

// SyncNothing makes syncing free, for tests that do it often. It comes before Watch.
func (s *Sink) SyncNothing() {
	s.disk.sync = func(*os.File) error { return nil }
	s.disk.syncDir = func(string) error { return nil }
}

// SetClock sets what tells the sink the time.
func (s *Sink) SetClock(now func() time.Time) { s.now = now }

// RollMarkText parses the text of a mark of parts and writes it again.
func RollMarkText(text []byte) (string, error) {
	m, err := parseRollMark(text)
	return m.String(), err
}

// HasOpenPart reports whether path is the file that the mark says is written.
func HasOpenPart(mark []byte, path string) bool {
	m, err := parseRollMark(mark)
	return err == nil && m.length > 0 && m.asMark().isOf(path)
}

// PartName returns the name of a part of target, and whether it is known as one.
func PartName(target string, r Roll, free bool, window, number int64) (path string, matches bool, err error) {
	n, err := newPartNames(target, r, free)
	if err != nil {
		return "", false, err
	}
	path = n.path(window, number)
	return path, n.match(filepath.Base(path)), nil
}

// IsPart reports whether base is the base name of a part of target.
func IsPart(target, base string, r Roll) bool {
	n, err := newPartNames(target, r, true)
	return err == nil && n.match(base)
}

// PartTemp returns the name of the temporary file of a part.
func PartTemp(job, stream string, part int64) string {
	return tempName("x", randomOf(job, stream, part))
}
