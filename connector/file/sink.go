package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/weirflow/weir"
)

// SinkOptions say how a sink treats its target. The zero value works.
type SinkOptions struct {
	// Force replaces a target that exists, when the stream is whole; the new
	// file has the permissions of the old one, and other hard links to the old
	// one keep its content. A block device is written to only with Force.
	// Default: a target that exists is refused, also one that somebody else makes
	// while the stream is written.
	Force bool

	// NoSync leaves it to the operating system when data reaches the disk: a
	// committed file may be lost or empty after a power failure. Default: a
	// commit is durable.
	NoSync bool

	// Job, if not empty, makes Writers that continue what an earlier run of the
	// same job began, in runs with weir.Options.Checkpoints. Two runs of a job
	// must not write at the same time. Default: what a run that was killed leaves
	// behind is not used.
	Job string

	// Roll divides each stream into several files. Default: one.
	Roll Roll
}

// A Sink writes streams to one file or into a directory. Its methods are those
// of [weir.Sink].
type Sink struct {
	path string
	dir  bool // a file a stream, below path
	o    SinkOptions
	disk disk
	now  func() time.Time

	// dirs is held while directories are made or removed, together with the
	// creation of the file that needs them: a directory is not removed between
	// the two, and is durable before anything is put into it.
	dirs sync.Mutex

	mu struct {
		sync.Mutex
		// Of a directory:
		targets map[string]struct{} // of the Writers that have not ended
		some    bool                // a Writer has committed
		// Of one file:
		stream string // the ID of the stream that has the only target
		taken  bool   // there is such a stream
		open   bool   // its Writer has not ended, or has committed
	}
}

var _ weir.Sink = (*Sink)(nil)

// NewSink returns a sink that writes to path. If path ends in a slash or is a
// directory, each stream becomes a file below it, named by the stream's Name;
// directories are made as needed, but not the parent of path. Otherwise path is
// the target of one stream, and a second one is refused.
//
// If the target is a symbolic link, the file it leads to is what exists and what
// Force replaces. A target that is the file that the stream is read from, under
// whatever name, is refused always.
func NewSink(path string, o SinkOptions) (*Sink, error) {
	if path == "" {
		return nil, newError("open", "", invalid("no target; give the path of a file, or of a directory"))
	}
	s := &Sink{path: path, o: o, disk: realDisk, now: time.Now}
	s.mu.targets = make(map[string]struct{})
	st, err := os.Stat(filepath.Clean(path)) // without a slash at its end
	switch {
	case err == nil && st.IsDir():
		s.dir = true
	case os.IsPathSeparator(path[len(path)-1]):
		if err == nil {
			return nil, newError("open", "", invalid("%s is not a directory; leave out the slash at its end", show(path)))
		}
		s.dir = true
	}
	check := o.Roll.validate()
	if !s.dir {
		check = o.Roll.Check(path)
	}
	if check != nil {
		return nil, newError("open", "", invalid("%w", check))
	}
	return s, nil
}

// String returns "file" and the path.
func (s *Sink) String() string { return "file " + show(s.path) }

// Footprint promises order, and that a file is there whole or not at all: a write
// is durable when its stream is committed. With a Roll that is so of each part, and
// not of the stream.
func (s *Sink) Footprint() weir.Footprint {
	fp := weir.Footprint{
		PerWriter:   4 << 10, // the Writer, its paths and closures; there is no buffer
		MaxInFlight: 1,
		Whole:       !s.o.Roll.divides(),
	}
	if s.o.Job != "" {
		fp.Resumes = weir.ResumesAtMark
	}
	return fp
}

// Close does nothing: every Writer has released what it held.
func (s *Sink) Close() error { return nil }

// Open makes sure that the target may be written, and creates a temporary file
// beside it. A target that is a FIFO is waited for until somebody reads it.
func (s *Sink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	target, err := s.claim(info)
	if err != nil {
		return nil, newError("open", info.Name, err)
	}
	if s.o.Roll.divides() {
		return s.openRolled(ctx, info, target)
	}
	if st, err := os.Stat(target); s.o.Job != "" && info.Resumable && (err != nil || st.Mode().IsRegular()) {
		return &resumable{sink: s, info: info, target: target}, nil
	}
	w, err := s.open(ctx, info, target)
	if err != nil {
		s.release(target, false)
		return nil, newError("open", info.Name, err)
	}
	return w, nil
}

// claim takes the target of a stream. In a directory each is free again when
// its Writer has ended. If there is only one, the same stream may have it again
// after it was aborted.
func (s *Sink) claim(info weir.StreamInfo) (target string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dir {
		if s.mu.taken && (s.mu.open || s.mu.stream != info.ID) {
			return "", invalid("%s is one file and has a stream already; end it with / to make a directory", show(s.path))
		}
		s.mu.stream, s.mu.taken, s.mu.open = info.ID, true, true
		return s.path, nil
	}
	name, err := localName(info.Name)
	if err != nil {
		return "", err
	}
	target = filepath.Join(s.path, name)
	if _, taken := s.mu.targets[target]; taken {
		return "", invalid("%s: two streams have this target; copy them into different directories", show(target))
	}
	s.mu.targets[target] = struct{}{}
	return target, nil
}

// release ends a claim. A target that was committed stays taken if it is the
// only one.
func (s *Sink) release(target string, committed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.open = committed
	s.mu.some = s.mu.some || committed
	delete(s.mu.targets, target)
}

// exists says that target does, which may be the work of another stream: there
// is no list of all targets, it would grow with the streams.
func (s *Sink) exists(target string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	twin := ""
	if s.dir && s.mu.some {
		twin = "; if it is another stream's, of the same name, copy them into different directories"
	}
	return invalid("%s: %w; use --force to replace it, or choose another target%s", show(target), fs.ErrExist, twin)
}

func (s *Sink) open(ctx context.Context, info weir.StreamInfo, target string) (weir.Writer, error) {
	old, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(target); err == nil {
			return nil, invalid("%s is a symbolic link that leads nowhere; remove it", show(target))
		}
		return s.create(info, target, target, nil)
	case err != nil:
		return nil, pathError(target, err)
	case old.Mode()&fs.ModeCharDevice == 0 && isRead(info, target, old):
		return nil, invalid("%s is the file that is read; choose another target", show(target))
	case old.IsDir():
		return nil, invalid("%s is a directory; choose a name in it", show(target))
	case old.Mode()&fs.ModeDevice != 0 && old.Mode()&fs.ModeCharDevice == 0 && !s.o.Force:
		return nil, invalid("%s is a block device; use --force to overwrite it", show(target))
	case !old.Mode().IsRegular():
		return openDirect(ctx, s, info, target, old)
	case !s.o.Force:
		return nil, s.exists(target)
	}
	resolved, err := filepath.EvalSymlinks(target)
	if err != nil {
		return nil, pathError(target, err)
	}
	return s.create(info, target, resolved, old)
}

// isRead reports whether the file at path, which st describes, is the one that the
// stream is read from, or the one that it follows now.
func isRead(info weir.StreamInfo, path string, st fs.FileInfo) bool {
	if followed, ok := strings.CutPrefix(info.ID, followPrefix); ok {
		now, err := os.Stat(followed)
		return err == nil && os.SameFile(now, st)
	}
	id := streamID(path, st)
	return info.ID == id || info.Endless && strings.HasPrefix(info.ID, id+":")
}

// localName returns the path below a directory of the stream name.
func localName(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return "", invalid("the name %q does not stay below a directory; rename the stream", name)
		}
	}
	local, err := filepath.Localize(strings.ToValidUTF8(name, "\uFFFD"))
	if err != nil || !filepath.IsLocal(local) {
		return "", invalid("the name %q cannot be the name of a file; rename the stream", name)
	}
	return filepath.FromSlash(name), nil
}

// create makes the temporary file that will replace target, which was claimed
// under a name that may be a link to it. old describes the target, nil if there
// is none.
func (s *Sink) create(info weir.StreamInfo, claimed, target string, old fs.FileInfo) (*writer, error) {
	w := &writer{sink: s, name: info.Name, claimed: claimed, target: target, size: info.Size, replace: s.o.Force}
	return w, s.makeTemp(w, old, func(perm fs.FileMode) (*os.File, error) { return s.createTemp(target, perm, info) })
}

// makeTemp makes the temporary file of w with create. old describes what it will
// replace, nil if that is nothing.
func (s *Sink) makeTemp(w *writer, old fs.FileInfo, create func(fs.FileMode) (*os.File, error)) error {
	perm := fs.FileMode(0o666)
	if old != nil {
		perm = old.Mode().Perm()
	}
	if s.dir {
		s.dirs.Lock()
		defer s.dirs.Unlock()
		if err := s.makeDirs(w); err != nil {
			s.removeDirs(w.made)
			return err
		}
	}
	f, err := create(perm)
	if err != nil {
		s.removeDirs(w.made)
		return createError(w.target, err)
	}
	if old != nil {
		keepMode(f, old)
	}
	w.f, w.temp, w.advice = f, f.Name(), newAdvisor(f)
	return nil
}

// createTemp creates the temporary file beside target.
func (s *Sink) createTemp(target string, perm fs.FileMode, info weir.StreamInfo) (*os.File, error) {
	if s.o.Job == "" || !info.Resumable {
		return createTemp(target, perm)
	}
	// The job's own name: what a run left that was killed before its first
	// checkpoint is replaced, and does not pile up.
	return createNamed(tempName(target, randomOf(s.o.Job, info.ID, 0)), perm)
}

// createNamed creates the file name, in place of one that is there.
func createNamed(name string, perm fs.FileMode) (*os.File, error) {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// keepMode gives f the owner and the permissions of the file it will replace.
func keepMode(f *os.File, old fs.FileInfo) {
	st, err := f.Stat()
	if err != nil {
		return // as below
	}
	uid, gid := owner(old)
	if u, g := owner(st); u != uid || g != gid {
		_ = f.Chown(uid, gid) // only a privileged user can
	}
	if st.Mode().Perm() != old.Mode().Perm() {
		_ = f.Chmod(old.Mode().Perm()) // some file systems have no permissions
	}
}

// createError says why there can be no temporary file beside target.
func createError(target string, err error) error {
	dir := show(filepath.Dir(target))
	err = cause(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return invalid("%s: the directory %s does not exist; create it", show(target), dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return invalid("%s: cannot write in the directory %s: %w; make it writable or choose another", show(target), dir, err)
	}
	return fmt.Errorf("%s: cannot create a file in %s: %w", show(target), dir, err)
}

// makeDirs makes the directories of w's target from s.path on, and notes in w
// which. s.dirs must be held.
func (s *Sink) makeDirs(w *writer) error {
	parent := filepath.Dir(w.target)
	if st, err := os.Stat(parent); err == nil && st.IsDir() {
		return nil
	}
	root := filepath.Clean(s.path)
	below, err := filepath.Rel(root, parent)
	if err != nil {
		return pathError(parent, err)
	}
	dir := root
	for _, part := range append([]string{""}, strings.Split(below, string(filepath.Separator))...) {
		dir = filepath.Join(dir, part)
		switch err := os.Mkdir(dir, 0o777); {
		case err == nil:
			w.made = append(w.made, dir)
		case !errors.Is(err, fs.ErrExist):
			return createError(dir, err)
		default:
			continue
		}
		if s.o.NoSync {
			continue
		}
		if err := s.disk.syncDir(filepath.Dir(dir)); err != nil {
			return pathError(filepath.Dir(dir), err)
		}
	}
	return nil
}

// removeDirs removes those directories that are empty, the deepest first.
// s.dirs must be held.
func (s *Sink) removeDirs(made []string) {
	for i := len(made) - 1; i >= 0; i-- {
		if os.Remove(made[i]) != nil {
			return // another stream is in it
		}
	}
}
