package checkpoint

import (
	"os"
	"path/filepath"
	"slices"
)

// A builder writes the table of a new file, in the order of keys, and what
// belongs around it.
type builder struct {
	im      *image
	block   []byte // the one being filled
	records int    // in block
}

// newBuilder begins a new file beside the store's.
func (s *Store) newBuilder() (*builder, error) {
	f, err := s.disk.open(filepath.Join(s.dir, newName), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	b := &builder{im: &image{file: f, header: header{salt: newSalt()}, tail: make(map[key]int64)}}
	b.im.refs.Store(1)
	b.block = make([]byte, frameHead, blockSize)
	return b, nil
}

// off is where the block being filled will stand.
func (b *builder) off() int64 { return b.im.header.tableEnd() }

func (b *builder) add(r record) error {
	if len(b.block)+r.size() > blockSize {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if b.records == 0 {
		b.im.first = append(b.im.first, r.key)
	}
	b.block = appendRecord(b.block, b.im.header.salt, b.off()+int64(len(b.block)), r)
	b.records++
	return nil
}

// flush writes the block, if there is something in it.
func (b *builder) flush() error {
	if b.records == 0 {
		return nil
	}
	h := &b.im.header
	appendFrameHead(b.block[:0], blockMagic, h.salt, b.off(), b.records, uint64(h.blocks))
	clear(b.block[len(b.block):blockSize])
	if _, err := b.im.file.WriteAt(b.block[:blockSize], b.off()); err != nil {
		return err
	}
	h.blocks++
	b.block, b.records = b.block[:frameHead], 0
	return nil
}

// finish writes the rest of the file and makes it durable.
func (b *builder) finish(next uint32, extend int64) error {
	if err := b.flush(); err != nil {
		return err
	}
	im := b.im
	index := make([]byte, 0, len(im.first)*keySize)
	for _, k := range im.first {
		index = append(index, k[:]...)
	}
	if _, err := im.file.WriteAt(index, im.header.tableEnd()); err != nil {
		return err
	}
	im.header.index = checksum(im.header.salt, im.header.tableEnd(), index)
	im.header.next = next
	im.end = im.header.logBegin()
	im.size = im.end + extend
	if err := im.zero(im.header.tableEnd()+int64(len(index)), im.size); err != nil {
		return err
	}
	for range 2 {
		if err := im.writeHeader(); err != nil {
			return err
		}
	}
	return im.file.sync()
}

// create makes a store without anything in it.
func (s *Store) create() (*image, error) {
	b, err := s.newBuilder()
	if err != nil {
		return nil, err
	}
	s.mu.next = jobsNumber + 1
	return s.replace(b, s.mu.next)
}

// replace completes b's file and puts it in the place of the store's. Until the
// rename the old file is the store; from then on one of the two is, and both
// hold everything that was saved.
func (s *Store) replace(b *builder, next uint32) (*image, error) {
	if err := b.finish(next, s.limits.extend); err != nil {
		return nil, s.discard(b, err)
	}
	if err := s.disk.rename(filepath.Join(s.dir, newName), s.path); err != nil {
		return nil, s.discard(b, err)
	}
	if err := s.disk.syncDir(s.dir); err != nil {
		s.writer.failure = err // which of the files is there after a crash is not known
		b.im.release()
		return nil, err
	}
	return b.im, nil
}

// discard gives up a file that was not completed because of err.
func (s *Store) discard(b *builder, err error) error {
	b.im.release()
	_ = s.disk.remove(filepath.Join(s.dir, newName)) // or the next Open does
	return err
}

// compact merges the log and the table of old into a new file. The writer calls
// it; others go on reading meanwhile. If it fails before the rename the store is
// what it was.
func (s *Store) compact(old *image) error {
	b, err := s.newBuilder()
	if err != nil {
		return err
	}
	from, to := firstKey(0), firstKey(maxNumber+1)
	live := liveJobs{}
	err = old.walk(from, to, old.places(from, to), func(r record) (bool, error) {
		keep, err := live.keep(r)
		if !keep || err != nil {
			return err == nil, err
		}
		return true, b.add(r)
	})
	if err != nil {
		return s.discard(b, err)
	}
	im, err := s.replace(b, s.nextNumber())
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.mu.image = im
	s.mu.stats.Compactions++
	s.mu.Unlock()
	old.release()
	return nil
}

func (s *Store) nextNumber() uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.mu.next
}

// liveJobs knows which jobs there are, because their records come before those
// of all streams. What belongs to none is left out: the streams of a job that
// was removed.
type liveJobs struct {
	numbers []uint32
	sorted  bool
	last    uint32 // the number of the record before
	there   bool   // whether there is a job with that number
}

func (l *liveJobs) keep(r record) (bool, error) {
	number := r.key.number()
	if number == jobsNumber {
		j, err := decodeJob(r.value)
		l.numbers = append(l.numbers, j.number)
		return true, err
	}
	if !l.sorted {
		slices.Sort(l.numbers)
		l.sorted = true
	}
	if number != l.last {
		_, l.there = slices.BinarySearch(l.numbers, number)
		l.last = number
	}
	return l.there, nil
}
