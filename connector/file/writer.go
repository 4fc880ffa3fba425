package file

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"unicode/utf8"

	"github.com/weirflow/weir"
)

const (
	// writeStep is how much one system call writes. The kernel takes page cache
	// in pieces as large as the write: the larger, the less there is to do for
	// each byte. But in a virtual machine pieces of a megabyte come from memory
	// that the guest has given back, and are fetched page by page: measured, a
	// copy takes up to four times as long.
	writeStep = 256 << 10
	// recycledStep is the same for a file whose pages leave the page cache again:
	// they are memory that is there, so that large pieces cost less.
	recycledStep = 1 << 20
	// preallocateAfter is how much of a file is written before space is
	// reserved ahead: it does not pay for small files.
	preallocateAfter = 1 << 20
	// preallocateStep is how much is reserved at once. It is as good as
	// reserving the whole file, and needs no size.
	preallocateStep = 16 << 20
	// writeBackStep is how much of a durable file is written between two
	// requests to the kernel to begin storing it: early, so that the disk works
	// while there is more to write, and Commit's sync has little left to do.
	writeBackStep = 8 << 20
	// settleBehind is how much of a durable file may be on its way to the disk.
	// What lies further back is waited for and leaves the page cache: a copy
	// there throws out other people's data and, in a container, counts as its
	// memory, and pages that are free again are the fastest to write to.
	settleBehind = 32 << 20
)

// disk holds what a Writer does that must not go wrong unnoticed, so that tests
// can watch it and make it fail.
type disk struct {
	writeAt   func(f *os.File, p []byte, off int64) (int, error)
	truncate  func(f *os.File, size int64) error
	sync      func(f *os.File) error
	close     func(f *os.File) error
	rename    func(from, to string) error // replaces to
	renameNew func(from, to string) error // fs.ErrExist if there is a to
	syncDir   func(dir string) error
	settle    func(a *advisor, off, n int64) (bool, error)
	remove    func(path string) error
}

var realDisk = disk{
	writeAt:   (*os.File).WriteAt,
	truncate:  (*os.File).Truncate,
	sync:      (*os.File).Sync,
	close:     (*os.File).Close,
	rename:    os.Rename,
	renameNew: renameNew,
	syncDir:   syncDir,
	settle:    (*advisor).settle,
	remove:    os.Remove,
}

// writer writes a temporary file that Commit renames to the target.
//
// Abort may be called while an abandoned Write is still running, so it uses only
// fields that are set before the first Write.
type writer struct {
	sink    *Sink
	name    string // the stream's
	claimed string // the target as the sink knows it
	target  string // the same, links followed
	temp    string
	replace bool     // whether a target that exists may be replaced
	size    int64    // of the stream, or weir.UnknownSize
	keep    bool     // the temporary file is for a later run if this one fails
	inPlace bool     // there is no temporary file: the target is continued
	made    []string // directories made for it
	f       *os.File
	ended   atomic.Bool

	advice   *advisor
	off      int64 // written
	reserved int64 // end of what was preallocated, 0 if nothing was
	noAhead  bool  // preallocation does not work here
	pushed   int64 // end of what the kernel was asked to store
	settled  int64 // end of what it was waited for
	noPush   bool  // asking does not work here
}

var _ weir.Writer = (*writer)(nil)

// Write writes all of b.
func (w *writer) Write(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p := b.Bytes()
	w.reserve(int64(len(p)))
	size := writeStep
	if w.settled > 0 {
		size = recycledStep
	}
	for len(p) > 0 {
		// Steps end where pages do, wherever a batch of records begins: half a
		// page is written twice.
		step := p[:min(len(p), size-int(w.off%int64(size)))]
		n, err := w.sink.disk.writeAt(w.f, step, w.off)
		w.off += int64(n)
		if err != nil {
			return w.fail("write", fmt.Errorf("at offset %d: %w", w.off, cause(err)))
		}
		p = p[n:]
	}
	if err := w.writeBack(); err != nil {
		return w.fail("write", fmt.Errorf("storing what is before offset %d: %w", w.off, err))
	}
	return nil
}

// reserve preallocates space before n bytes are written, where that pays. It
// cannot fail what a plain write could do.
func (w *writer) reserve(n int64) {
	end := w.off + n
	if w.noAhead || w.off < preallocateAfter || end <= w.reserved {
		return
	}
	from := max(w.off, w.reserved)
	to := max(from+preallocateStep, end)
	if w.off < w.size {
		to = min(to, w.size) // beyond that the size says nothing of what is written
	}
	if to <= from {
		return
	}
	w.noAhead = !w.advice.preallocate(from, to-from)
	w.reserved = to // also when it failed: some of it may have been taken
}

// writeBack asks the kernel to begin storing what was written, and waits for what
// lies settleBehind further back.
func (w *writer) writeBack() error {
	if w.noPush || w.sink.o.NoSync || w.off-w.pushed < writeBackStep {
		return nil
	}
	ok, err := w.advice.writeBack(w.pushed, w.off-w.pushed)
	w.pushed = w.off
	if to := w.pushed - settleBehind; ok && to > w.settled {
		ok, err = w.sink.disk.settle(w.advice, w.settled, to-w.settled)
		w.settled = to
	}
	w.noPush = !ok
	return err
}

// Commit makes the file durable and gives it its name. If ctx is done before
// that, there is no file.
func (w *writer) Commit(ctx context.Context) error {
	if w.ended.Swap(true) {
		return w.fail("commit", fs.ErrClosed)
	}
	err := w.store(ctx)
	if err == nil {
		err = w.publish()
	}
	if err != nil {
		if w.keep {
			_ = w.f.Close() // closed already, or of no use to this run
		} else if leftover := w.discard(); leftover != nil {
			err = errors.Join(err, leftover)
		}
		w.sink.release(w.claimed, false)
		return w.fail("commit", err)
	}
	w.sink.release(w.claimed, true)
	if w.sink.o.NoSync {
		return nil
	}
	// The file has its name, so nothing is cleaned up if this fails.
	if err := w.sink.disk.syncDir(filepath.Dir(w.target)); err != nil {
		return w.fail("commit", fmt.Errorf("%w: it is in place, but may be gone after a power failure: %w", weir.ErrUnknown, err))
	}
	return nil
}

// store brings everything written to the disk and closes the file.
func (w *writer) store(ctx context.Context) error {
	d := &w.sink.disk
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.reserved > w.off {
		if err := d.truncate(w.f, w.off); err != nil {
			return err
		}
	}
	if !w.sink.o.NoSync {
		if err := d.sync(w.f); err != nil {
			return err
		}
	}
	if err := d.close(w.f); err != nil {
		return err // network file systems report a failed write here
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// publish gives the file its name.
func (w *writer) publish() error {
	if w.inPlace {
		return nil
	}
	if w.replace {
		return w.sink.disk.rename(w.temp, w.target)
	}
	err := w.sink.disk.renameNew(w.temp, w.target)
	if errors.Is(err, fs.ErrExist) {
		return invalid("%w: somebody made it meanwhile; use --force to replace it, or choose another target", fs.ErrExist)
	}
	return err
}

// Abort removes what was written. The target is as it was.
func (w *writer) Abort(context.Context, error) error {
	if w.ended.Swap(true) {
		return nil
	}
	err := w.discard()
	w.sink.release(w.claimed, false)
	if err != nil {
		return w.fail("abort", err)
	}
	return nil
}

// discard removes the temporary file, then closes it: closing may have to wait
// for a Write that hangs, and then nothing must be left in the directory.
// Directories made for the file are removed if they are empty.
func (w *writer) discard() error {
	err := w.sink.disk.remove(w.temp)
	_ = w.f.Close() // closed already, or its content is not wanted
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = w.sink.disk.remove(w.temp) // where an open file cannot be removed
	}
	if len(w.made) > 0 {
		w.sink.dirs.Lock()
		w.sink.removeDirs(w.made)
		w.sink.dirs.Unlock()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: %w; remove it", show(w.temp), cause(err))
	}
	return nil
}

func (w *writer) fail(op string, err error) error {
	return newError(op, w.name, pathError(w.target, err))
}

// Parts of the name of a temporary file: ".NAME.weir-XXXXXX.tmp".
const (
	tempInfix   = ".weir-"
	tempSuffix  = ".tmp"
	tempRandom  = 6
	tempAlpha   = "abcdefghijklmnopqrstuvwxyz234567"
	maxTempBase = 200 // bytes of NAME, so that the whole fits in 255
)

// createTemp creates a file beside target that nobody else has.
func createTemp(target string, perm fs.FileMode) (*os.File, error) {
	for {
		var random [tempRandom]byte
		for i := range random {
			random[i] = tempAlpha[rand.IntN(len(tempAlpha))]
		}
		f, err := os.OpenFile(tempName(target, string(random[:])), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// tempName returns the path of a temporary file beside target.
func tempName(target, random string) string {
	dir, base := filepath.Split(target)
	if len(base) > maxTempBase {
		base = base[:maxTempBase]
		for len(base) > 0 && !utf8.RuneStart(target[len(dir)+len(base)]) {
			base = base[:len(base)-1]
		}
	}
	return dir + "." + base + tempInfix + random + tempSuffix
}

// randomOf returns the random part of the temporary file of a job's stream, or of one
// of its parts, which are counted from 1: the same each time, and another one for each
// of a billion parts in a row.
func randomOf(job, stream string, part int64) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, job+"\x00"+stream) // a Hash's Write never fails
	var random [tempRandom]byte
	for i, sum := 0, h.Sum64()+uint64(part); i < tempRandom; i, sum = i+1, sum/uint64(len(tempAlpha)) {
		random[i] = tempAlpha[sum%uint64(len(tempAlpha))]
	}
	return string(random[:])
}

// isTempName says whether name is one that createTemp makes.
func isTempName(name string) bool {
	name, ok := strings.CutSuffix(name, tempSuffix)
	at := len(name) - tempRandom - len(tempInfix)
	return ok && at > 0 && name[0] == '.' && strings.HasPrefix(name[at:], tempInfix) &&
		strings.Trim(name[at+len(tempInfix):], tempAlpha) == ""
}

// linkNew renames from to to by a second name, which the operating system gives
// only if nobody has it.
func linkNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	return fmt.Errorf("this file system cannot rename without replacing; use --force: %w", cause(err))
}

// syncDir makes the names in a directory durable. File systems that have no such
// thing are content.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	_ = f.Close() // it was only read
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}
