package checkpoint

import (
	"sync"
)

// MaxSave is how many entries one Save takes.
const MaxSave = 16 << 10

// maxFrame is how many records a frame has at most.
const maxFrame = MaxSave

// A change is what one call wants to have written. Its records are made one by
// one, when it is its turn, so that they are never all in memory.
type change struct {
	n      int
	size   int64 // of the records, at least
	record func(i int, scratch []byte) record

	ready chan struct{} // closed when it is written, with err, or is to lead
	lead  bool
	err   error
}

// queue holds the changes that wait: one for each goroutine that waits. While
// one of them leads, which is to write for all, others come together; when it
// is done, the first of them leads. So the slower the disk, the larger the
// groups.
type queue struct {
	sync.Mutex
	leading bool
	waiting []*change
}

// writer is held by what changes the file, one at a time. It is never waited for
// with another lock held, but that of jobs.
type writer struct {
	sync.Mutex
	failure error // a write or sync failed: nobody knows what is on the disk
	buf     []byte
	scratch []byte
	pending []place
}

// commit returns when c is durable, or was refused.
func (s *Store) commit(c *change) error {
	if s.readOnly {
		return invalid("the store is opened to look only")
	}
	c.ready = make(chan struct{})
	s.queue.Lock()
	s.queue.waiting = append(s.queue.waiting, c)
	lead := !s.queue.leading
	c.lead = lead
	s.queue.leading = true
	s.queue.Unlock()
	if !lead {
		<-c.ready
	}
	if c.lead {
		s.leadGroup()
	}
	return c.err
}

// leadGroup writes the changes that have waited longest, the caller's being the
// first, and lets another one lead.
func (s *Store) leadGroup() {
	s.writer.Lock()
	group, records := s.takeGroup()
	err := s.write(group, records)
	s.writer.Unlock()
	for _, c := range group {
		c.err = err
		if !c.lead {
			close(c.ready)
		}
	}
	s.queue.Lock()
	defer s.queue.Unlock()
	s.queue.leading = len(s.queue.waiting) > 0
	if s.queue.leading {
		next := s.queue.waiting[0]
		next.lead = true
		close(next.ready)
	}
}

// takeGroup takes as many changes as fit a frame, one at least, from the queue.
func (s *Store) takeGroup() (group []*change, records int) {
	s.queue.Lock()
	defer s.queue.Unlock()
	n := 0
	for n < len(s.queue.waiting) && (n == 0 || records+s.queue.waiting[n].n <= maxFrame) {
		records += s.queue.waiting[n].n
		n++
	}
	group = append(group, s.queue.waiting[:n]...)
	rest := copy(s.queue.waiting, s.queue.waiting[n:])
	clear(s.queue.waiting[rest:])
	s.queue.waiting = s.queue.waiting[:rest]
	return group, records
}

// write makes the group durable and visible.
func (s *Store) write(group []*change, records int) error {
	w := &s.writer
	im := s.mu.image // only the writer changes it
	switch {
	case im == nil:
		return errClosed()
	case w.failure != nil:
		return w.failure
	}
	if s.full(im, records) {
		if err := s.compact(im); err != nil {
			return err
		}
		im = s.mu.image
	}
	size := int64(frameHead)
	for _, c := range group {
		size += c.size
	}
	if err := s.extend(im, size); err != nil {
		return err
	}
	end, err := w.frame(im, group, records)
	if err == nil {
		err = im.file.sync()
	}
	if err != nil {
		// The disk may have any part of it; the system forgets after a failed
		// sync what it has not written. A new Open reads what is there.
		w.failure = err
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range w.pending {
		im.tail[p.key] = p.off
	}
	im.end = end
	im.frames++
	s.mu.stats.Saves += int64(len(group))
	s.mu.stats.Syncs++
	s.mu.stats.Records += int64(records)
	return nil
}

// full reports whether the log must be merged into the table before it takes
// more records.
func (s *Store) full(im *image, records int) bool {
	tooMany := len(im.tail) > 0 && len(im.tail)+records > s.limits.places
	return tooMany || im.end-im.header.logBegin() > max(s.limits.log, im.header.blocks*blockSize)
}

// extend makes sure that n bytes fit behind the log. The zeros are durable
// before the header says that they are there. What has been saved is not
// touched, so that a full disk is an error of this call only.
func (s *Store) extend(im *image, n int64) error {
	if im.end+n <= im.size {
		return nil
	}
	size := roundUp(im.end+n, s.limits.extend)
	if err := im.zero(im.size, size); err != nil {
		return err
	}
	if err := im.file.sync(); err != nil {
		s.writer.failure = err
		return err
	}
	im.size = size
	if err := im.writeHeader(); err != nil {
		s.writer.failure = err
		return err
	}
	return nil
}

// frame writes the group behind the log of im, notes where its records are in
// pending, and returns where it ends.
func (w *writer) frame(im *image, group []*change, records int) (int64, error) {
	const step = 64 << 10
	if w.buf == nil {
		w.buf = make([]byte, 0, step+maxRecord)
		w.scratch = make([]byte, 0, maxValue)
	}
	salt, off := im.header.salt, im.end
	w.pending = w.pending[:0]
	b := appendFrameHead(w.buf[:0], logMagic, salt, off, records, im.frames)
	for _, c := range group {
		for i := range c.n {
			r := c.record(i, w.scratch)
			at := off + int64(len(b))
			b = appendRecord(b, salt, at, r)
			w.pending = append(w.pending, place{r.key, at})
			if len(b) < step {
				continue
			}
			if _, err := im.file.WriteAt(b, off); err != nil {
				return 0, err
			}
			off += int64(len(b))
			b = b[:0]
		}
	}
	if len(b) > 0 {
		if _, err := im.file.WriteAt(b, off); err != nil {
			return 0, err
		}
	}
	return off + int64(len(b)), nil
}
