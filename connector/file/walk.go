package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of one listing. They bound the memory of a walk to that of listBatch
// names for each level of depth.
const (
	listBatch = 16384 // names that are sorted together
	listStep  = 1024  // names that are asked for at once
)

// walker lists the files below a directory lazily, in depth-first order.
//
// A directory is held open only while it has more entries than one listing
// takes, so that the depth of a tree costs no descriptors.
type walker struct {
	arg     argument
	batch   int // names that are sorted together
	exclude excluded
	base    string // canonical root; empty without exclude
	stack   []level
	begun   bool
	found   int // files yielded
}

// level is a directory on the way down.
type level struct {
	name    string   // below the root, with a slash at its end; "" for the root
	dir     *os.File // nil once it is listed to its end
	err     error    // why the listing ended, nil at the end of the directory
	entries []entry  // sorted; those before at are done
	at      int
}

// entry is one name in a directory.
type entry struct {
	name string
	dir  bool
	link bool
}

// A hit is what a walk found: a file, or what kept it from looking.
type hit struct {
	path string // to open
	name string // below the root, with slashes
	err  error
}

func newWalker(arg argument, batch int, exclude excluded) *walker {
	w := &walker{arg: arg, batch: batch, exclude: exclude}
	if len(exclude.paths) > 0 {
		w.base = canonical(arg.root)
	}
	return w
}

// next returns the next file, or io.EOF. A directory that cannot be listed is
// returned as a file with an error.
func (w *walker) next(ctx context.Context) (hit, error) {
	if !w.begun {
		w.begun = true
		if err := w.enter(""); err != nil && !w.absent(err) {
			w.found++
			return w.hit("", err), nil
		}
	}
	for len(w.stack) > 0 {
		if ctx.Err() != nil {
			return hit{}, context.Cause(ctx)
		}
		top := &w.stack[len(w.stack)-1]
		if top.at == len(top.entries) {
			if err := w.list(top); err != nil {
				w.found++
				return w.hit(strings.TrimSuffix(top.name, "/"), err), nil
			}
			continue
		}
		e := top.entries[top.at]
		top.at++
		if f, ok := w.visit(top.name+e.name, e); ok {
			w.found++
			return f, nil
		}
	}
	return hit{}, io.EOF
}

// absent says that a pattern's fixed part does not exist: the pattern matches
// nothing, which the source reports.
func (w *walker) absent(err error) bool {
	return w.arg.pattern != nil && errors.Is(err, fs.ErrNotExist)
}

// visit enters a directory, or returns what is to be read. It reports false
// when there is nothing to return.
func (w *walker) visit(name string, e entry) (hit, bool) {
	if e.dir {
		if w.arg.pattern != nil && !w.arg.pattern.enters(name) || w.excluded(name) {
			return hit{}, false
		}
		if err := w.enter(name + "/"); err != nil {
			return w.hit(name, err), true
		}
		return hit{}, false
	}
	if w.arg.pattern != nil && !w.arg.pattern.matches(name) || w.excluded(name) {
		return hit{}, false
	}
	f := w.hit(name, nil)
	if e.link {
		// Looked at before it is opened: opening a FIFO is an act.
		if st, err := os.Stat(f.path); err == nil && !st.Mode().IsRegular() {
			return hit{}, false
		}
	}
	return f, true
}

// enter opens the directory name and makes it the top of the stack.
func (w *walker) enter(name string) error {
	dir, err := os.Open(w.path(name))
	if err != nil {
		return err
	}
	w.stack = append(w.stack, level{name: name, dir: dir})
	return nil
}

// list replaces the entries of l, which are all done, by the next ones. When
// there are none it takes l off the stack, and returns an error if the directory
// could not be listed to its end.
func (w *walker) list(l *level) error {
	l.entries, l.at = l.entries[:0], 0
	for l.dir != nil && len(l.entries) < w.batch {
		found, err := l.dir.ReadDir(min(listStep, w.batch-len(l.entries)))
		for _, e := range found {
			if keep(e) {
				l.entries = append(l.entries, entry{e.Name(), e.IsDir(), e.Type()&fs.ModeSymlink != 0})
			}
		}
		if err != nil {
			_ = l.dir.Close() // it was only read
			l.dir = nil
		}
		if err != io.EOF {
			l.err = err
		}
	}
	if len(l.entries) == 0 {
		err := l.err
		w.stack = w.stack[:len(w.stack)-1]
		return err
	}
	slices.SortFunc(l.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return nil
}

// keep says whether a walk may have to do with e.
func keep(e fs.DirEntry) bool {
	switch {
	case e.IsDir():
		return true
	case e.Type().IsRegular(), e.Type()&fs.ModeSymlink != 0:
		return !isTempName(e.Name())
	}
	return false
}

func (w *walker) path(name string) string {
	return filepath.Join(w.arg.root, filepath.FromSlash(name))
}

func (w *walker) hit(name string, err error) hit {
	h := hit{path: w.path(name), name: name, err: err}
	if name == "" { // the root itself
		h.name = filepath.Base(w.arg.root)
	}
	return h
}

func (w *walker) excluded(name string) bool {
	return len(w.exclude.paths) > 0 && w.exclude.has(filepath.Join(w.base, filepath.FromSlash(name)))
}

// excluded is what is not read.
type excluded struct {
	paths []string // canonical
	parts []partNames
}

// has reports whether a canonical path is left out.
func (e *excluded) has(path string) bool {
	if slices.Contains(e.paths, path) {
		return true
	}
	dir, base := filepath.Split(path)
	return slices.ContainsFunc(e.parts, func(n partNames) bool { return n.dir == dir && n.match(base) })
}

// close closes the directories that are open.
func (w *walker) close() {
	for i := range w.stack {
		if w.stack[i].dir != nil {
			_ = w.stack[i].dir.Close() // it was only read
		}
	}
	w.stack = nil
}
