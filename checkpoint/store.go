package checkpoint

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/weirflow/weir"
)

const (
	fileName = "weir.checkpoints"
	lockName = "weir.checkpoints.lock"
	newName  = "weir.checkpoints.new" // a compaction on its way
)

// limits bound what a store takes; tests make them small.
type limits struct {
	places int   // keys in the map of the log
	log    int64 // bytes of the log, where the table is not larger
	extend int64 // bytes of zeros that are written ahead
}

// maxPlaces times what a map takes for a place, three times in the worst moment,
// is most of the memory of a store.
const maxPlaces = 64 << 10

var defaultLimits = limits{places: maxPlaces, log: 4 << 20, extend: 256 << 10}

// Options say how a store is opened. The zero value works.
type Options struct {
	// ReadOnly opens what was saved up to now, to look at it: nothing is
	// written, nothing is locked, and what is saved later is not seen. Default:
	// the store is made if there is none, and belongs to this process.
	ReadOnly bool
}

// A Store keeps the positions of the streams of jobs in a state directory. Its
// methods may be called by many goroutines at the same time; none calls back
// with a lock held.
type Store struct {
	disk     disk
	dir      string
	path     string
	limits   limits
	readOnly bool
	lock     io.Closer

	jobs   sync.Mutex // held while a job is made, changed or removed
	queue  queue
	writer writer

	mu struct {
		sync.RWMutex
		image    *image            // nil after Close; its tail is changed under mu, by the writer
		next     uint32            // the number of the next job
		numbers  map[string]uint32 // of some jobs, at most maxNumbersKept
		removals int               // of jobs
		stats    Stats
	}
}

// Stats are counts since a store was opened.
type Stats struct {
	Saves       int64 // calls of Save, PutJob and the like that changed something
	Syncs       int64 // groups of them that were synced together
	Records     int64 // entries and jobs in them
	Compactions int64
}

// Open opens the store in the directory dir. Unless it is opened to look only,
// it makes the directory (for this user only, mode 0700) and the file (0600) if
// there are none, and keeps the directory locked until Close or the end of the
// process. It takes back what a crash left half written.
//
// Errors: ErrLocked and ErrNoStore (Kind Invalid), and Kind Corrupt for a file
// that is empty, cut short, damaged or something else; it is left as it is.
func Open(dir string, o Options) (*Store, error) { return openDir(dir, o, defaultLimits) }

func openDir(dir string, o Options, l limits) (*Store, error) {
	path := filepath.Join(dir, fileName)
	if dir == "" {
		return nil, newError("open", path, invalid("no state directory; give the path of one"))
	}
	if o.ReadOnly {
		return open(realDisk{}, dir, o, l)
	}
	if err := makeDir(filepath.Clean(dir)); err != nil {
		return nil, newError("open", dir, err)
	}
	lockPath := filepath.Join(dir, lockName)
	held, err := lock(lockPath)
	if err != nil {
		return nil, newError("open", lockPath, err)
	}
	s, err := open(realDisk{}, dir, o, l)
	if err != nil {
		_ = held.Close() // the error that counts is there
		return nil, err
	}
	s.lock = held
	return s, nil
}

// open is openDir without the directory and the lock.
func open(d disk, dir string, o Options, l limits) (*Store, error) {
	s := &Store{disk: d, dir: dir, path: filepath.Join(dir, fileName), limits: l, readOnly: o.ReadOnly}
	im, err := s.load()
	if errors.Is(err, fs.ErrNotExist) {
		if o.ReadOnly {
			return nil, newError("open", s.path, invalid("%w; give the state directory of a run", ErrNoStore))
		}
		im, err = s.create()
	}
	if err != nil {
		return nil, newError("open", s.path, err)
	}
	s.mu.image = im
	return s, nil
}

// load opens the file and reads its log. A writer takes back what a crash left.
func (s *Store) load() (*image, error) {
	flag := os.O_RDONLY
	if !s.readOnly {
		flag = os.O_RDWR
	}
	f, err := s.disk.open(s.path, flag)
	if err != nil {
		return nil, err
	}
	im := &image{file: f}
	im.refs.Store(1)
	if err := s.read(im); err != nil {
		_ = f.Close() // the error that counts is there
		return nil, err
	}
	return im, nil
}

func (s *Store) read(im *image) (err error) {
	if im.header, im.size, err = readHeader(im.file); err != nil {
		return err
	}
	if err = im.readIndex(); err != nil {
		return err
	}
	s.mu.next = max(im.header.next, jobsNumber+1)
	left, err := im.replay(func(r record) error {
		j, err := decodeJob(r.value)
		s.mu.next = max(s.mu.next, j.number+1)
		return err
	})
	if err != nil || s.readOnly {
		return err
	}
	if err := im.clean(left); err != nil {
		return err
	}
	// What a compaction left that did not come to its end.
	if err := s.disk.remove(filepath.Join(s.dir, newName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// clean writes zeros over what a crash left behind the log, and says in the
// header how far the log is whole. Nothing may be appended before it returns.
func (im *image) clean(left leftover) error {
	if err := im.zero(im.end, left.end); err != nil {
		return err
	}
	if err := im.writeHeader(); err != nil {
		return err
	}
	return im.file.sync()
}

// zero writes zeros from from to to.
func (im *image) zero(from, to int64) error {
	zeros := make([]byte, max(0, min(to-from, 64<<10)))
	for from < to {
		n, err := im.file.WriteAt(zeros[:min(to-from, int64(len(zeros)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// writeHeader writes the header that is true of the image; a sync must follow.
// Everything it says must be durable before.
func (im *image) writeHeader() error {
	im.header.sequence++
	im.header.durable, im.header.size = im.end, im.size
	_, err := im.file.WriteAt(im.header.encode(), im.header.off())
	return err
}

// Close ends the store and gives the state directory back. It waits for Saves
// that run. Iterations that run come to their end; other calls after Close
// return an error of Kind Closed, and a second Close does nothing.
func (s *Store) Close() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	s.mu.Lock()
	im := s.mu.image
	s.mu.image = nil
	s.mu.Unlock()
	if im == nil {
		return nil
	}
	var err error
	if !s.readOnly && s.writer.failure == nil {
		if err = im.writeHeader(); err == nil {
			err = im.file.sync()
		}
	}
	im.release()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	if err != nil {
		return newError("close", s.path, err)
	}
	return nil
}

// Path returns the path of the store's file.
func (s *Store) Path() string { return s.path }

// Stats returns what the store has done so far.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.stats
}

// errClosed is what a closed store answers.
func errClosed() error {
	return &weir.Error{Kind: weir.Closed, Err: errors.New("the store is closed")}
}

// get returns the record of k; it is a part of b.
func (s *Store) get(k key, b *[blockSize]byte) (record, bool, error) {
	s.mu.RLock()
	im := s.mu.image
	if im == nil {
		s.mu.RUnlock()
		return record{}, false, errClosed()
	}
	im.refs.Add(1)
	off, logged := im.tail[k]
	s.mu.RUnlock()
	defer im.release()

	if !logged {
		return im.find(k, b)
	}
	r, err := im.readRecord(off, b)
	return r, r.kind == put, err
}

// walk calls visit for each record of the job with the given number that is
// there now, in the order of keys, with no lock held.
func (s *Store) walk(number uint32, visit func(record) (bool, error)) error {
	from, to := firstKey(number), firstKey(number+1)
	s.mu.RLock()
	im := s.mu.image
	if im == nil {
		s.mu.RUnlock()
		return errClosed()
	}
	im.refs.Add(1)
	log := im.places(from, to)
	s.mu.RUnlock()
	defer im.release()
	return im.walk(from, to, log, visit)
}
