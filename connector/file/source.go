package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weirflow/weir"
)

// SourceOptions say what a source leaves out. The zero value works.
type SourceOptions struct {
	// Exclude are paths of files and directories that are not read when they
	// are found below a directory or by a glob, such as a target that lies in
	// the directory that is read. Default: none.
	Exclude []string
	// Rolled is the Roll of a sink that writes to what Exclude names: its parts are
	// left out too. That they would lie in a directory that is read is refused where
	// the streams decide about their names. Default: it writes one file a stream.
	Rolled Roll
	// Follow makes the streams go on where a file ends for now, across rotation:
	// see FollowOptions. What is not a regular file is read as ever. Default: a
	// stream ends where its file does.
	Follow bool
	// FollowOptions say how. Without Follow they mean nothing.
	FollowOptions FollowOptions
}

// A Source yields the files of paths, directories and globs. Its methods are
// those of [weir.Source].
type Source struct {
	name    string
	exclude excluded
	batch   int       // names of a directory that are sorted together
	follow  *followed // nil: files are read to their end
	closed  atomic.Bool

	mu struct {
		sync.Mutex
		args      []argument // not begun yet
		walk      *walker    // of the argument begun; nil between two
		unmatched []string   // globs that matched nothing
	}
}

var _ weir.Source = (*Source)(nil)

// argument is one path or pattern to read.
type argument struct {
	text    string
	root    string   // the file, or the directory to walk
	single  bool     // root is to be read itself
	pattern *pattern // what to read below root; nil: everything
}

// NewSource returns a source of the files that each of args names:
//
//   - a directory: all regular files below it;
//   - a pattern with *, ?, [] or {}, and ** for any number of directories: all
//     regular files that match, hidden ones too;
//   - any other path: that file. It may be a FIFO or a device.
//
// An argument that exists is a path, whatever characters are in it. A symbolic
// link to a file is read as that file; below a directory or in a pattern, a
// symbolic link to a directory is not followed and what is not a regular file
// is left out, and so are the temporary files of this package's sink. A file
// that two arguments name is yielded twice.
//
// A stream's Name is its path below the directory, or below the part of the
// pattern that has no special characters, or else the base name.
func NewSource(args []string, o SourceOptions) (*Source, error) {
	if len(args) == 0 {
		return nil, newError("open", "", invalid("no file to read; give a path, a directory or a pattern"))
	}
	s := &Source{name: "file " + show(args[0]), batch: listBatch}
	if len(args) > 1 {
		s.name += fmt.Sprintf(" and %d more", len(args)-1)
	}
	var errs []error
	if o.Follow {
		s.follow = newFollowed(o.FollowOptions)
		if o.FollowOptions.Poll < 0 {
			errs = append(errs, fmt.Errorf("FollowOptions.Poll is %v; it must be more than 0, or 0 for the default", o.FollowOptions.Poll))
		}
	}
	for _, text := range args {
		arg, err := parseArgument(text)
		if o.Follow && err != nil {
			arg, err = awaited(text, err)
		}
		if err != nil {
			errs = append(errs, err)
		}
		s.mu.args = append(s.mu.args, arg)
	}
	if len(errs) > 0 {
		return nil, newError("open", "", invalid("%w", errors.Join(errs...)))
	}
	for _, path := range o.Exclude {
		s.exclude.paths = append(s.exclude.paths, canonical(path))
	}
	if err := s.excludeParts(o); err != nil {
		return nil, newError("open", "", err)
	}
	return s, nil
}

// excludeParts leaves out the parts of what is left out.
func (s *Source) excludeParts(o SourceOptions) error {
	if !o.Rolled.divides() {
		return nil
	}
	for i, path := range s.exclude.paths {
		if st, err := os.Stat(path); err != nil && !os.IsPathSeparator(o.Exclude[i][len(o.Exclude[i])-1]) || err == nil && !st.IsDir() {
			if names, err := newPartNames(path, o.Rolled, true); err == nil { // else the sink says what is wrong
				s.exclude.parts = append(s.exclude.parts, names)
			}
			continue
		}
		for _, arg := range s.mu.args {
			if root := canonical(arg.root); !arg.single && (root == path || strings.HasPrefix(root, path+string(os.PathSeparator))) {
				return invalid("%s: what is written to %s in parts would be read again; write to a directory of its own", show(arg.text), show(o.Exclude[i]))
			}
		}
	}
	return nil
}

// parseArgument finds out what text names.
func parseArgument(text string) (argument, error) {
	if text == "" {
		return argument{}, errors.New("the path is empty")
	}
	st, err := os.Stat(text)
	switch {
	case err == nil:
		return argument{text: text, root: text, single: !st.IsDir()}, nil
	case isPattern(text):
		root, p, err := parsePattern(text)
		return argument{text: text, root: root, pattern: p}, err
	case errors.Is(err, fs.ErrPermission):
		// Its own stream fails, and the others are read.
		return argument{text: text, root: text, single: true}, nil
	}
	return argument{}, pathError(text, err)
}

// String returns "file" and the first argument.
func (s *Source) String() string { return s.name }

// Next opens the next file. A pattern that matches nothing is an error, which
// is returned when the other arguments have been read.
func (s *Source) Next(ctx context.Context) (weir.Stream, error) {
	s.mu.Lock()
	st, err := s.nextLocked(ctx)
	s.mu.Unlock()
	if !s.closed.Load() {
		return st, err
	}
	// Close came while this call was running and could not do it.
	s.closeWalk()
	if st != nil {
		_ = st.Close() // nobody will read it
	}
	return nil, newError("next", "", fmt.Errorf("the source: %w", fs.ErrClosed))
}

func (s *Source) nextLocked(ctx context.Context) (weir.Stream, error) {
	s.follow.enter()
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if s.mu.walk == nil {
			if len(s.mu.args) == 0 && s.follow.again() {
				if err := s.follow.wait(ctx); err != nil {
					return nil, err
				}
				s.mu.args = append(s.mu.args, s.follow.args...)
				continue
			}
			if len(s.mu.args) == 0 {
				return nil, s.endLocked()
			}
			arg := s.mu.args[0]
			s.mu.args = s.mu.args[1:]
			if arg.single && s.follow != nil {
				return s.follow.open(arg.root), nil
			}
			if arg.single {
				return openStream(arg.root, filepath.Base(arg.root)), nil
			}
			s.follow.begin(arg)
			s.mu.walk = newWalker(arg, s.batch, s.exclude)
		}
		w := s.mu.walk
		found, err := w.next(ctx)
		if err == io.EOF {
			if w.arg.pattern != nil && w.found == 0 && s.follow == nil {
				s.mu.unmatched = append(s.mu.unmatched, show(w.arg.text))
			}
			s.mu.walk = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.follow != nil {
			if st := s.follow.admit(found); st != nil {
				return st, nil
			}
			continue
		}
		if found.err != nil {
			return failedStream(found.path, found.name, found.err), nil
		}
		st := openStream(found.path, found.name)
		if _, special := st.(*pipe); special {
			_ = st.Close() // it was a regular file when it was listed: leave it out
			continue
		}
		return st, nil
	}
}

// endLocked returns what Next returns when everything was read: io.EOF, or
// first, and once, which patterns matched nothing.
func (s *Source) endLocked() error {
	if len(s.mu.unmatched) == 0 {
		return io.EOF
	}
	text := strings.Join(s.mu.unmatched, ", ")
	s.mu.unmatched = nil
	return newError("next", "", invalid("no file matches %s; check the pattern, and quote it if a shell is to leave it alone", text))
}

// Close releases the directories that are being listed.
func (s *Source) Close() error {
	s.closed.Store(true)
	s.closeWalk()
	return nil
}

// closeWalk ends the walk, unless an abandoned Next is still running: that will
// do it when it returns, because it looks at closed after it has unlocked mu.
func (s *Source) closeWalk() {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if s.mu.walk != nil {
		s.mu.walk.close()
		s.mu.walk = nil
	}
	s.mu.args = nil
}

// canonical returns path absolute and without symbolic links, as far as it
// exists.
func canonical(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		return resolved
	}
	dir := filepath.Dir(abs)
	if dir == abs {
		return abs
	}
	return filepath.Join(canonical(dir), filepath.Base(abs))
}
