package checkpoint

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// leftover is what stands behind the end of a log: nothing, or what a crash
// left of a frame that was never durable, up to the last byte that is not zero.
type leftover struct{ end int64 }

// replay reads the log from its beginning: it fills im.tail and finds im.end.
// job is called for each record of a job.
func (im *image) replay(job func(record) error) (leftover, error) {
	im.tail = make(map[key]int64)
	im.end = im.header.logBegin()
	r := &logReader{im: im}
	for suspect := int64(-1); ; suspect = im.end {
		r.reset(im.end)
		if err := r.frames(job); err != nil {
			return leftover{}, err
		}
		left, later, err := im.examine()
		switch {
		case err != nil:
			return leftover{}, err
		case im.end >= im.header.durable && !later:
			return left, nil
		case im.end == suspect:
			return leftover{}, damaged(im.end, "a record of the log is damaged, or missing,")
		}
		// Read on from here once more: if another process is writing, what was
		// not whole a moment ago is whole now that there is more behind it.
	}
}

// logReader reads frames.
type logReader struct {
	im      *image
	in      *bufio.Reader
	off     int64 // of what in has next
	pending []place
}

func (r *logReader) reset(off int64) {
	in := io.NewSectionReader(r.im.file, off, r.im.size-off)
	if r.in == nil {
		r.in = bufio.NewReaderSize(in, 64<<10)
	}
	r.in.Reset(in)
	r.off = off
}

// frames applies all frames up to one that is not whole.
func (r *logReader) frames(job func(record) error) error {
	for {
		ok, err := r.frame(job)
		if !ok || err != nil {
			return err
		}
		for _, p := range r.pending {
			r.im.tail[p.key] = p.off
		}
		r.im.end = r.off
		r.im.frames++
	}
}

// frame reads one frame into pending. It reports false if there is none, or none
// that is whole.
func (r *logReader) frame(job func(record) error) (bool, error) {
	r.pending = r.pending[:0]
	b, err := r.peek(frameHead)
	if err != nil {
		return false, err
	}
	n, sequence, ok := parseFrameHead(b, logMagic, r.im.header.salt, r.off)
	if !ok || sequence != r.im.frames || n > maxFrame {
		return false, nil
	}
	r.skip(frameHead)
	for range n {
		if b, err = r.peek(recordHead); err != nil || len(b) < recordHead {
			return false, err
		}
		if b, err = r.peek(recordSize(b)); err != nil {
			return false, err
		}
		rec, ok := parseRecord(b, r.im.header.salt, r.off)
		if !ok {
			return false, nil
		}
		if rec.key.number() == jobsNumber {
			if err := job(rec); err != nil {
				return false, err
			}
		}
		r.pending = append(r.pending, place{rec.key, r.off})
		r.skip(rec.size())
	}
	return true, nil
}

// peek returns the next n bytes, or fewer at the end of the file.
func (r *logReader) peek(n int) ([]byte, error) {
	b, err := r.in.Peek(min(n, maxRecord))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}

func (r *logReader) skip(n int) {
	_, _ = r.in.Discard(n) // was peeked
	r.off += int64(n)
}

// examine looks at what stands behind the end of the log. later says that there
// is a frame which was begun after the one at the end was durable.
func (im *image) examine() (left leftover, later bool, err error) {
	buf := make([]byte, 64<<10)
	for off := im.end; off < im.size; {
		n, err := im.file.ReadAt(buf[:min(int64(len(buf)), im.size-off)], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return left, false, err
		}
		b := buf[:n]
		if last := lastNonzero(b); last >= 0 {
			left.end = off + int64(last) + 1
		}
		for i := 0; ; i++ {
			next := bytes.Index(b[i:], []byte(logMagic))
			if next < 0 {
				break
			}
			i += next
			_, sequence, ok := parseFrameHead(b[i:], logMagic, im.header.salt, off+int64(i))
			if ok && sequence > im.frames {
				return left, true, nil
			}
		}
		if n <= frameHead || off+int64(n) >= im.size {
			break
		}
		off += int64(n - frameHead + 1) // a head may lie across the border
	}
	return left, false, nil
}

func lastNonzero(b []byte) int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return i
		}
	}
	return -1
}
