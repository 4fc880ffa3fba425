package file

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/weirflow/weir"
)

// readStep is how much one system call reads: little enough to be over, where the
// page cache has it, before the runtime's monitor meets the same call twice. It
// would take the processor from it, if no other is idle, and start a thread that
// finds nothing to do. Measured with two streams on two processors: a call for
// each MiB makes ten times as many context switches.
const readStep = 256 << 10

// stream reads a regular file.
type stream struct {
	f        *os.File
	path     string
	info     weir.StreamInfo
	at       Position  // of the open file; Offset is where the next read begins
	buf      []byte    // for what comes before it, endSize bytes; nil: not needed yet
	modified time.Time // when the file was opened
	text     []byte    // the position's text
	prefix   int       // bytes of text that are the same for all positions
}

var _ weir.Stream = (*stream)(nil)

// openStream opens the file path as the stream name. If it cannot, it returns a
// stream that fails.
func openStream(path, name string) weir.Stream {
	// Without a writer, opening a FIFO would block where nothing can interrupt
	// it.
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return failedStream(path, name, err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = errors.New("is a directory")
	}
	if err == nil && !st.Mode().IsRegular() {
		return newPipe(f, path, name, st)
	}
	var s *stream
	if err == nil {
		s, err = newStream(f, path, name, st)
	}
	if err != nil {
		_ = f.Close() // it was only opened
		return failedStream(path, name, err)
	}
	return s
}

func newStream(f *os.File, path, name string, st fs.FileInfo) (*stream, error) {
	dev, ino := identity(st)
	s := &stream{
		f:        f,
		path:     path,
		info:     weir.StreamInfo{ID: streamID(path, st), Name: name, Size: st.Size(), Resumable: true},
		at:       Position{Dev: dev, Ino: ino, Size: st.Size(), Modified: modifiedAt(st.ModTime())},
		modified: st.ModTime(),
	}
	sum, err := fingerprint(f, st.Size())
	if err != nil {
		return nil, err
	}
	s.at.Fingerprint = sum
	s.text = s.at.appendPrefix(make([]byte, 0, weir.MaxPosition))
	s.prefix = len(s.text)
	return s, nil
}

// fingerprint returns the fingerprint of a file that had size bytes when it was
// opened.
func fingerprint(f *os.File, size int64) (uint64, error) {
	head := make([]byte, covered(size))
	if n, err := f.ReadAt(head, 0); err == io.EOF {
		return 0, corrupt("truncated: it had %d bytes and has %d", size, n)
	} else if err != nil {
		return 0, err
	}
	h := fnv.New64a()
	_, _ = h.Write(head) // a Hash's Write never fails
	return h.Sum64(), nil
}

// Info describes the file as it was when it was opened.
func (s *stream) Info() weir.StreamInfo { return s.info }

// Seek continues at p if the file is still the one that p is of.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	err := s.seek(p)
	if err == nil {
		return nil
	}
	e := s.fail("seek", err)
	e.Position = p
	return e
}

func (s *stream) seek(text weir.Position) error {
	p, err := ParsePosition(text)
	if err != nil {
		return invalid("%w", err)
	}
	if p.Dev != s.at.Dev || p.Ino != s.at.Ino {
		return corrupt("replaced: another file has this name now; %s", startOver)
	}
	if size := max(p.Offset, p.Size); s.at.Size < size {
		return corrupt("truncated: it had %d bytes and has %d; %s", size, s.at.Size, startOver)
	}
	sum, err := fingerprint(s.f, p.Size)
	if err != nil {
		return err
	}
	if sum != p.Fingerprint {
		return corrupt("replaced: its first %d bytes have changed; %s", covered(p.Size), startOver)
	}
	if s.at.Size == p.Size && s.at.Modified != p.Modified {
		return corrupt("changed in place: it has %d bytes as before, and was modified since, last at %s; what was read may be another version: %s",
			p.Size, s.modified.Format(time.RFC3339), startOver)
	}
	end, err := endOf(s.f, nil, p.Offset, s.room())
	if err != nil {
		return err
	}
	if end != p.End {
		return corrupt("changed in place: the %d bytes before offset %d are not those that were read; %s", endAt(p.Offset), p.Offset, startOver)
	}
	if _, err := s.f.Seek(p.Offset, io.SeekStart); err != nil {
		return err
	}
	s.at.Offset, s.at.End = p.Offset, p.End
	return nil
}

// startOver is the way out where a file is not what was read.
const startOver = "read it from its beginning (--fresh)"

// room returns endSize bytes to read into.
func (s *stream) room() []byte {
	if s.buf == nil {
		s.buf = make([]byte, endSize)
	}
	return s.buf
}

// Read fills b as far as the file has data.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := s.fill(b)
	if err != nil && err != io.EOF {
		e := s.fail("read", err)
		e.Position = append(weir.Position(nil), s.position()...)
		return e
	}
	b.SetPosition(s.position())
	return err
}

// ReadAt reads from any place of the file, for formats whose index is at its end. It
// is an io.ReaderAt; it has nothing to do with where Read is.
func (s *stream) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.f.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = s.fail("read", err)
	}
	return n, err
}

// fill reads into b and returns io.EOF, with or without data, when the file has
// been read to its end.
func (s *stream) fill(b *weir.Batch) error {
	if err := s.read(b); err != io.EOF {
		return err
	}
	more, err := s.atEnd()
	if err != nil || !more {
		return err
	}
	// It grew between the read and the look at its size.
	before := s.at.Offset
	if err := s.read(b); err != io.EOF {
		return err
	}
	if s.at.Offset > before {
		return nil // the next Read finds the end
	}
	return corrupt("truncated: it ends at offset %d, before its size", before)
}

// read fills b from the current offset. It returns io.EOF when it met the end of
// the file, however much it has read. The offset is the descriptor's own, so that
// others can see in /proc how far it is.
func (s *stream) read(b *weir.Batch) error {
	var n int
	var err error
	for p := b.Space(); n < len(p) && err == nil; {
		var step int
		step, err = s.f.Read(p[n:min(n+readStep, len(p))])
		n += step
	}
	b.Advance(n)
	s.at.Offset += int64(n)
	if err != nil && err != io.EOF || n == 0 {
		return err
	}
	if end := s.sumUp(b.Bytes()); end != nil {
		return end
	}
	return err
}

// sumUp keeps the position's End. read is what was read last.
func (s *stream) sumUp(read []byte) (err error) {
	var buf []byte
	if len(read) < endAt(s.at.Offset) {
		buf = s.room()
	}
	s.at.End, err = endOf(s.f, read, s.at.Offset, buf)
	return err
}

// atEnd looks at the file again after a read met its end. It returns io.EOF if
// the file was read whole, or more if it has grown since.
func (s *stream) atEnd() (more bool, err error) {
	st, err := s.f.Stat()
	switch {
	case err != nil:
		return false, err
	case st.Size() < s.at.Size:
		return false, corrupt("truncated while it was read: it had %d bytes and has %d", s.at.Size, st.Size())
	case st.Size() < s.at.Offset && (st.Size() > 0 || !st.ModTime().Equal(s.modified)):
		// Files that the kernel makes up have a size of 0 and still have content.
		return false, corrupt("truncated while it was read: %d bytes were read and it has %d", s.at.Offset, st.Size())
	case st.Size() > s.at.Offset:
		return true, nil
	case st.ModTime().Equal(s.modified):
		return false, io.EOF
	}
	sum, err := fingerprint(s.f, s.at.Size)
	if err != nil {
		return false, err
	}
	if sum != s.at.Fingerprint {
		return false, corrupt("overwritten while it was read: its first %d bytes have changed", covered(s.at.Size))
	}
	return false, io.EOF
}

// position returns the text of the position at the current offset. It is valid
// until the next call.
func (s *stream) position() weir.Position {
	s.text = s.at.appendRest(s.text[:s.prefix])
	return s.text
}

func (s *stream) fail(op string, err error) *weir.Error {
	return newError(op, s.info.Name, pathError(s.path, err))
}

// Close closes the file. It does not wait for a Read that is still running.
func (s *stream) Close() error {
	if err := s.f.Close(); err != nil {
		return s.fail("close", err)
	}
	return nil
}

// failed is a file that could not be opened.
type failed struct {
	info weir.StreamInfo
	err  error
}

var _ weir.Stream = (*failed)(nil)

// failedStream returns a stream that fails with err, so that a file that cannot
// be opened does not end its source.
func failedStream(path, name string, err error) weir.Stream {
	return &failed{
		info: weir.StreamInfo{ID: idPrefix + path, Name: name, Size: weir.UnknownSize},
		err:  newError("open", name, pathError(path, err)),
	}
}

func (s *failed) Info() weir.StreamInfo                     { return s.info }
func (s *failed) Seek(context.Context, weir.Position) error { return s.err }
func (s *failed) Read(context.Context, *weir.Batch) error   { return s.err }
func (s *failed) Close() error                              { return nil }
