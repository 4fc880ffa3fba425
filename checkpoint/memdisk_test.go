package checkpoint

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// errCrash is what every operation returns from the moment of a crash on.
var errCrash = errors.New("the power is off")

// A memDisk is a disk in memory that knows what was synced. It can fail at the
// n-th change that is asked of it, and lose what a real one may lose.
type memDisk struct {
	mu      sync.Mutex
	names   map[string]*memFile
	durable map[string]*memFile // names, as of the last syncDir
	renames []map[string]*memFile
	rng     *rand.Rand

	steps  int   // changes that were asked for
	failAt int   // the one that fails; 0: none
	err    error // with this; errCrash stays
	synced func()
}

func newMemDisk(seed uint64) *memDisk {
	return &memDisk{
		names:   map[string]*memFile{},
		durable: map[string]*memFile{},
		rng:     rand.New(rand.NewPCG(seed, 1)),
	}
}

// memFile is a file: as processes see it, as it was synced, and what was written
// since.
type memFile struct {
	disk   *memDisk
	data   []byte
	stored []byte
	writes []memWrite
}

type memWrite struct {
	off  int64
	data []byte
}

// step counts a change and returns the error it fails with. The lock is held.
func (d *memDisk) step() error {
	if d.failAt > 0 && d.steps >= d.failAt && d.err == errCrash {
		return errCrash
	}
	d.steps++
	if d.steps == d.failAt {
		return d.err
	}
	return nil
}

func (d *memDisk) open(path string, flag int) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[path]
	if flag&os.O_CREATE == 0 {
		if f == nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return f, nil
	}
	if err := d.step(); err != nil {
		return nil, err
	}
	f = &memFile{disk: d}
	d.names[path] = f
	d.renames = append(d.renames, maps.Clone(d.names))
	return f, nil
}

func (d *memDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	d.renames = append(d.renames, maps.Clone(d.names))
	return nil
}

func (d *memDisk) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[path] == nil {
		return fs.ErrNotExist
	}
	if err := d.step(); err != nil {
		return err
	}
	delete(d.names, path)
	d.renames = append(d.renames, maps.Clone(d.names))
	return nil
}

func (d *memDisk) syncDir(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	d.durable, d.renames = maps.Clone(d.names), nil
	return nil
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.step()
	if err != nil {
		b = b[:f.disk.rng.IntN(len(b)+1)] // a part of it arrives
	}
	f.data = overlay(f.data, b, off)
	f.writes = append(f.writes, memWrite{off, slices.Clone(b)})
	return len(b), err
}

// overlay returns data with b at off.
func overlay(data, b []byte, off int64) []byte {
	if end := off + int64(len(b)); end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[off:], b)
	return data
}

func (f *memFile) sync() error {
	if f.disk.synced != nil {
		f.disk.synced()
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step(); err != nil {
		return err
	}
	for _, w := range f.writes {
		f.stored = overlay(f.stored, w.data, w.off)
	}
	f.writes = nil
	return nil
}

func (f *memFile) size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.data)), nil
}

func (f *memFile) Close() error { return nil }

// killed returns the disk that the next process finds after a kill: everything
// that was written is there.
func (d *memDisk) killed() *memDisk {
	next := newMemDisk(d.rng.Uint64())
	for name, f := range d.names {
		next.names[name] = &memFile{disk: next, data: slices.Clone(f.data), stored: slices.Clone(f.data)}
	}
	next.durable = maps.Clone(next.names)
	return next
}

// crashed returns the disk that is found after a loss of power: of what was not
// synced, any sector is there or not, and the names are those of some moment
// since the last sync of the directory.
func (d *memDisk) crashed() *memDisk {
	next := newMemDisk(d.rng.Uint64())
	names := d.durable
	if i := d.rng.IntN(len(d.renames) + 1); i > 0 {
		names = d.renames[i-1]
	}
	for name, f := range names {
		data := f.survivors(d.rng)
		next.names[name] = &memFile{disk: next, data: data, stored: slices.Clone(data)}
	}
	next.durable = maps.Clone(next.names)
	return next
}

// survivors returns what is left of a file: for each sector one of the states it
// went through since the sync, and a size that it had.
func (f *memFile) survivors(rng *rand.Rand) []byte {
	const sector = 512
	data, size := slices.Clone(f.stored), len(f.stored)
	states := map[int64][][]byte{} // of a sector
	now := slices.Clone(f.stored)
	for _, w := range f.writes {
		now = overlay(now, w.data, w.off)
		for s := w.off / sector * sector; s < w.off+int64(len(w.data)); s += sector {
			states[s] = append(states[s], slices.Clone(now[s:min(int64(len(now)), s+sector)]))
		}
		if rng.IntN(2) == 0 {
			size = len(now)
		}
	}
	all := rng.IntN(4) == 0 // everything arrived
	for _, s := range slices.Sorted(maps.Keys(states)) {
		n := rng.IntN(len(states[s]) + 1)
		if all {
			n = len(states[s])
		}
		if n > 0 {
			data = overlay(data, states[s][n-1], s)
		}
	}
	if all {
		size = len(now)
	}
	return append(data, make([]byte, max(0, size-len(data)))...)[:size]
}

// store opens the store on d.
func (d *memDisk) store(o Options) (*Store, error) {
	return open(d, "state", o, smallLimits)
}

// content is the bytes of the store's file.
func (d *memDisk) content() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.names[filepath.Join("state", fileName)].data)
}

// diskWith returns a disk that holds a store's file of the given content.
func diskWith(content []byte) *memDisk {
	d := newMemDisk(1)
	d.names[filepath.Join("state", fileName)] = &memFile{disk: d, data: content, stored: slices.Clone(content)}
	d.durable = maps.Clone(d.names)
	return d
}

// errDisk and errFull are what a disk answers that is broken, or full.
var (
	errDisk error = &fs.PathError{Op: "write", Path: "state/x", Err: syscall.EIO}
	errFull error = &fs.PathError{Op: "write", Path: "state/x", Err: syscall.ENOSPC}
)
