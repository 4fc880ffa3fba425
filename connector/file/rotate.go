package file

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Limits of the search for rotated files.
const (
	maxRotated   = 1024 // of one name; of more, the newest count
	searchTries  = 20   // a directory that is being rotated is read so often
	minCopy      = 128  // bytes that two files have to begin with to be copies
	maxGenDigits = 4    // of a number that counts rotations; a longer one is a date
)

// A rotation is a name and what it was rotated to. It is read only.
type rotation struct {
	path string
}

// generation is a file that has, or had, the name.
type generation struct {
	path   string
	info   fs.FileInfo
	number int // how often it was rotated; 0: it has the name, -1: its suffix is no number
}

// rotated reports whether name is one that base is given by rotation: with a number
// or a date behind it (app.log.1, app.log-20260131) or before its extension
// (app-2026-01-31T10.log). The number is -1 if it is a date.
func rotated(base, name string) (number int, ok bool) {
	stamp, ok := strings.CutPrefix(name, base)
	if !ok {
		ext := filepath.Ext(base)
		stem := strings.TrimSuffix(base, ext)
		if stem == "" || len(name) <= len(base) || !strings.HasPrefix(name, stem) || !strings.HasSuffix(name, ext) {
			return 0, false
		}
		stamp = name[len(stem) : len(name)-len(ext)]
	}
	if len(stamp) < 2 || !strings.Contains(".-_", stamp[:1]) ||
		strings.Trim(stamp, stampChars) != "" || !strings.ContainsAny(stamp, "0123456789") {
		return 0, false
	}
	if n, err := strconv.Atoi(stamp[1:]); err == nil && n > 0 && stamp[1] != '+' && stamp[1] != '-' && len(stamp) <= 1+maxGenDigits {
		return n, true
	}
	return -1, true
}

// hasStamp reports whether there can be a base that name is given by rotation of. It
// is quick, where rotated is asked about many bases.
func hasStamp(name string) bool {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	for _, text := range []string{name, stem} {
		from := max(1, len(strings.TrimRight(text, stampChars)))
		if from < len(text)-1 && strings.ContainsAny(text[from:len(text)-1], ".-_") {
			return true
		}
	}
	return false
}

// stampChars are what a date or a number behind a name consists of.
const stampChars = "0123456789.-_T:Z+"

// generations lists the files that have or had the name, the oldest first. Numbers
// tell their age, or else the time of the last change.
func (r rotation) generations() ([]generation, error) {
	base := filepath.Base(r.path)
	var all []generation
	numbered := true
	err := eachName(filepath.Dir(r.path), func(name string) {
		number, ok := rotated(base, name)
		if name != base && !ok {
			return
		}
		path := filepath.Join(filepath.Dir(r.path), name)
		st, err := os.Stat(path)
		if err != nil || !st.Mode().IsRegular() {
			return // it went away, or is something else
		}
		numbered = numbered && number >= 0
		all = append(all, generation{path, st, number})
		if len(all) == 2*maxRotated {
			sortGenerations(all, numbered)
			all = slices.Delete(all, 0, maxRotated)
		}
	})
	sortGenerations(all, numbered)
	return all, err
}

func sortGenerations(all []generation, numbered bool) {
	slices.SortFunc(all, func(a, b generation) int {
		switch {
		case a.number == 0: // it has the name, and no other one does
			return 1
		case b.number == 0:
			return -1
		case numbered:
			return b.number - a.number
		}
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(a.path, b.path))
	})
}

// eachName calls f with the names in a directory.
func eachName(dir string, f func(name string)) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // it was only read
	for {
		names, err := d.Readdirnames(listStep)
		for _, name := range names {
			f(name)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// settled lists the generations when no rotation is going on. Two listings that
// agree are one of an instant between them: a rotation gives each name another
// file. It returns none if they do not agree.
func (r rotation) settled() ([]generation, error) {
	last, err := r.generations()
	for range searchTries {
		if err != nil {
			return nil, err
		}
		var again []generation
		again, err = r.generations()
		if sameGenerations(last, again) {
			return again, err
		}
		last = again
	}
	return nil, err
}

// after returns what got the name after the file t, the oldest first. If t is not
// there any more, that is what was not changed before it was.
func (r rotation) after(t *tailed) ([]generation, error) {
	all, err := r.settled()
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(g generation) bool { return os.SameFile(g.info, t.info) }); i >= 0 {
		return all[i+1:], nil
	}
	st, err := t.f.Stat()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(g generation) bool {
		return g.number != 0 && g.info.ModTime().Before(st.ModTime())
	}), nil
}

// find opens the file that p is of, under whatever name it has in its directory,
// or else a copy of it that was made before it was truncated, and goes to p. It
// returns nil if there is neither.
func (r rotation) find(p Position) (*tailed, error) {
	before, err := r.present()
	for range searchTries {
		if err != nil {
			return nil, err
		}
		for _, search := range []func(Position) (*tailed, error){r.named, r.moved} {
			if t, err := search(p); t != nil || err != nil {
				return t.to(p), err
			}
		}
		var now []generation
		now, err = r.present()
		if sameGenerations(before, now) {
			break // it did not get another name while it was looked for
		}
		before = now
	}
	if err != nil {
		return nil, err
	}
	t, err := r.copied(p)
	return t.to(p), err
}

// present is generations; a directory that does not exist has none.
func (r rotation) present() ([]generation, error) {
	all, err := r.generations()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

func sameGenerations(a, b []generation) bool {
	return slices.EqualFunc(a, b, func(a, b generation) bool { return a.path == b.path && os.SameFile(a.info, b.info) })
}

// named returns the file that has the name, if it is the one of p.
func (r rotation) named(p Position) (*tailed, error) {
	return openIf(r.path, func(t *tailed) bool { return t.is(p) })
}

// moved returns the file of p, if another name in the directory leads to it.
func (r rotation) moved(p Position) (found *tailed, err error) {
	if p.Ino == 0 && p.Size == 0 {
		return nil, nil // no identities here, and nothing to tell it by
	}
	dir := filepath.Dir(r.path)
	listed := eachName(dir, func(name string) {
		path := filepath.Join(dir, name)
		st, statErr := os.Lstat(path)
		if found != nil || err != nil || statErr != nil || !st.Mode().IsRegular() {
			return
		}
		if dev, ino := identity(st); dev == p.Dev && ino == p.Ino {
			found, err = openIf(path, func(t *tailed) bool { return t.is(p) })
		}
	})
	if err == nil && !errors.Is(listed, fs.ErrNotExist) {
		err = listed
	}
	if err != nil {
		found.close()
		return nil, err
	}
	return found, nil
}

// copied returns the newest rotated file that begins as the one of p and goes on
// behind its offset.
func (r rotation) copied(p Position) (*tailed, error) {
	if p.Offset == 0 || p.Size < minCopy {
		return nil, nil
	}
	all, err := r.present()
	for range searchTries {
		if err != nil {
			return nil, err
		}
		for _, g := range slices.Backward(all) {
			if g.number == 0 {
				continue
			}
			if t, err := openIf(g.path, func(t *tailed) bool { return t.begins(p) }); t != nil || err != nil {
				return t, err
			}
		}
		before := all
		if all, err = r.present(); sameGenerations(before, all) {
			break
		}
	}
	return nil, err
}

// openIf opens path and keeps it open if it is wanted. It returns nil if there is
// no such file.
func openIf(path string, wanted func(*tailed) bool) (*tailed, error) {
	t, err := openTailed(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !wanted(t):
		t.close()
		return nil, nil
	}
	return t, nil
}
