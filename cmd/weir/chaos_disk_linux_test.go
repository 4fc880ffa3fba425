package main

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A lossyDisk is a directory that loses what a program has written and not made
// durable, as a file system may when the power fails. It is told of each call
// of the program, and keeps what the disk would have:
//
//   - of a file, what it held when it was synced last; of each sector that has changed
//     since, either content, and either size;
//   - of a directory, the names it had at some moment since it was synced last.
//
// Two changes of one sector since a sync count as one.
type lossyDisk struct {
	root    string
	rng     *rand.Rand
	content map[inode][]byte   // what is durable of a file; nothing of one that was never synced
	last    map[inode][]byte   // what a file held that has lost its name
	moments map[string][]names // of a directory: what is durable, and what came after it
	pending map[string][]byte  // files that are being synced
}

type inode uint64

// names are the entries of a directory.
type names map[string]inode

// newLossyDisk returns the disk below root. What is there is durable.
func newLossyDisk(root string, seed uint64) (*lossyDisk, error) {
	d := &lossyDisk{
		root: root, rng: rand.New(rand.NewPCG(seed, 7)),
		content: map[inode][]byte{}, last: map[inode][]byte{}, moments: map[string][]names{}, pending: map[string][]byte{},
	}
	return d, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			d.moments[path] = []names{namesIn(path)}
			return nil
		}
		data, err := os.ReadFile(path)
		d.content[inodeOf(path)] = data
		return err
	})
}

// before is told of a call that is about to be made. It reports whether it wants to
// be told when it is done.
func (d *lossyDisk) before(c call) bool {
	if !strings.HasPrefix(c.path, d.root) {
		return false
	}
	switch c.name {
	case "sync":
		if data, err := os.ReadFile(c.path); err == nil {
			d.pending[c.path] = data
		}
	case "unlink", "rename":
		for _, path := range []string{c.path, c.to} {
			if data, err := os.ReadFile(path); err == nil {
				d.last[inodeOf(path)] = data
			}
		}
	case "open", "mkdir", "link":
	default:
		return false
	}
	return true
}

// after is told of a call that is done.
func (d *lossyDisk) after(c call) {
	data, isFile := d.pending[c.path]
	switch {
	case c.name == "sync" && isFile:
		d.content[inodeOf(c.path)] = data
		delete(d.pending, c.path)
	case c.name == "sync":
		d.moments[c.path] = []names{namesIn(c.path)}
	default:
		for _, path := range []string{c.path, c.to} {
			if dir := filepath.Dir(path); strings.HasPrefix(dir, d.root) {
				d.moments[dir] = append(d.moments[dir], namesIn(dir))
			}
		}
		if c.name == "mkdir" && d.moments[c.path] == nil {
			d.moments[c.path] = []names{{}}
		}
	}
}

// lose makes the directory what would be found when the power is back.
func (d *lossyDisk) lose() error {
	at := map[inode]string{} // where the files are
	kept := map[inode]bool{}
	for dir := range d.moments {
		for name, i := range namesIn(dir) {
			at[i] = filepath.Join(dir, name)
		}
	}
	dirs := slices.SortedFunc(maps.Keys(d.moments), func(a, b string) int { // those above come first
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	})
	var moved []string
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			continue // it went with the one above it
		}
		then := d.moments[dir][d.rng.IntN(len(d.moments[dir]))]
		for name, i := range namesIn(dir) { // out of the way, or for good
			if then[name] != i {
				aside := filepath.Join(dir, ".lost-"+strconv.FormatUint(uint64(i), 10))
				if err := os.Rename(filepath.Join(dir, name), aside); err != nil {
					return err
				}
				at[i] = aside
				moved = append(moved, aside)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(then)) {
			kept[then[name]] = true
			if err := d.put(filepath.Join(dir, name), then[name], at); err != nil {
				return err
			}
		}
	}
	for _, path := range moved {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

// put makes path the file i with what is left of it.
func (d *lossyDisk) put(path string, i inode, at map[inode]string) error {
	now, err := at[i], error(nil)
	if now != "" && now != path {
		err = os.Rename(now, path)
	}
	if st, statErr := os.Stat(path); err != nil || statErr == nil && st.IsDir() {
		return err
	}
	data := d.last[i]
	if now != "" {
		if data, err = os.ReadFile(path); err != nil {
			return err
		}
	}
	left := d.survivors(d.content[i], data)
	if now != "" && bytes.Equal(left, data) {
		return nil // nobody has written to it, and its time says so
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // it stays the same file
	if err != nil {
		return err
	}
	_, err = f.WriteAt(left, 0)
	return errors.Join(err, f.Truncate(int64(len(left))), f.Close())
}

// survivors returns what is left of a file that the disk has as durable, and the
// program as written.
func (d *lossyDisk) survivors(durable, written []byte) []byte {
	const sector = 512
	size := len(durable)
	if d.rng.IntN(2) == 0 {
		size = len(written)
	}
	left := append(slices.Clone(durable), make([]byte, max(0, size-len(durable)))...)[:size]
	for off := 0; off < min(size, len(written)); off += sector {
		end := min(off+sector, size, len(written))
		if d.rng.IntN(2) == 0 {
			copy(left[off:end], written[off:end])
		}
	}
	return left
}

// namesIn returns what is in a directory now: nothing if it is not there.
func namesIn(dir string) names {
	entries, _ := os.ReadDir(dir) // nothing
	all := names{}
	for _, e := range entries {
		all[e.Name()] = inodeOf(filepath.Join(dir, e.Name()))
	}
	return all
}

func inodeOf(path string) inode {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return inode(st.Sys().(*syscall.Stat_t).Ino)
}
