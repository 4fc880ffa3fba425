package file

import (
	"bytes"
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"os"

	"github.com/weirflow/weir"
)

// tailed is an open file that may grow, and may be renamed, removed or truncated
// meanwhile. It holds 5 KiB of memory.
//
// After each read the first bytes of the file, and those before the offset, are
// compared with what they were: if they are the same, what was read came before a
// truncation, if there was one.
type tailed struct {
	f     *os.File
	path  string // that it was opened by
	info  fs.FileInfo
	at    Position // Offset is where the next read begins; Size and Fingerprint are of head
	seen  int64    // the largest size that is known
	known int      // bytes of head: all of the first KiB that were there
	head  [fingerprintSize]byte
	now   [endSize]byte // what is read again

	text   []byte // the position's text
	prefix int    // bytes of text that are the same until the head grows
}

// errCut says that what came before the offset is not in the file any more.
var errCut = errors.New("truncated")

// openTailed opens the regular file path.
func openTailed(path string) (*tailed, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	t := &tailed{f: f, path: path, text: make([]byte, 0, weir.MaxPosition)}
	if err := t.restart(); err != nil {
		_ = f.Close() // it was only opened
		return nil, err
	}
	return t, nil
}

// restart goes to the beginning of the file as it is now.
func (t *tailed) restart() error {
	st, err := t.f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return invalid("is not a regular file; only those can be followed")
	}
	t.info, t.known, t.seen = st, 0, st.Size()
	dev, ino := identity(st)
	t.at = Position{Dev: dev, Ino: ino, Fingerprint: fnv.New64a().Sum64()}
	t.describe()
	return t.learn(st.Size())
}

// learn reads what is missing of the head of a file that has at least size bytes.
func (t *tailed) learn(size int64) error {
	want := covered(size)
	if t.known >= want {
		return nil
	}
	n, err := t.f.ReadAt(t.head[t.known:want], int64(t.known))
	if err != nil && err != io.EOF {
		return err
	}
	t.known += n
	t.at.Size = int64(t.known)
	if t.known == fingerprintSize {
		t.at.Size = size
	}
	t.at.Fingerprint = sumOf(t.head[:t.known])
	t.describe()
	return nil
}

func (t *tailed) describe() {
	t.text = t.at.appendPrefix(t.text[:0])
	t.prefix = len(t.text)
}

func sumOf(head []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(head) // a Hash's Write never fails
	return h.Sum64()
}

// read reads what comes next into space, up to the end of its last line if there is
// one: a position at the end of a line is worth more than a full batch. It returns 0
// at the end of what there is, and errCut if the file was truncated.
func (t *tailed) read(space []byte) (int, error) {
	n, err := t.f.ReadAt(space, t.at.Offset)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if n == 0 {
		return 0, t.look()
	}
	whole := n < len(space)
	if end := bytes.LastIndexByte(space[:n], '\n') + 1; end > 0 {
		n = end
	}
	end, err := endOf(t.f, space[:n], t.at.Offset+int64(n), t.now[:])
	if err != nil {
		return 0, err
	}
	// Where a read goes on in the middle of much, nobody has had the time to put
	// something else before it.
	if err := t.compare(whole); err != nil {
		return 0, err
	}
	t.at.Offset, t.at.End = t.at.Offset+int64(n), end
	t.seen = max(t.seen, t.at.Offset)
	return n, t.learn(t.at.Offset)
}

// look makes sure that a file without more data still has what was read.
func (t *tailed) look() error {
	st, err := t.f.Stat()
	if err != nil {
		return err
	}
	if st.Size() < t.at.Offset {
		return errCut
	}
	t.seen = max(t.seen, st.Size())
	return t.compare(true)
}

// compare returns errCut if the file does not begin as it did, or, if it is to be
// thorough, if the bytes before the offset are not those that were read.
func (t *tailed) compare(thorough bool) error {
	n, err := t.f.ReadAt(t.now[:t.known], 0)
	if err != nil && err != io.EOF {
		return err
	}
	if !bytes.Equal(t.now[:n], t.head[:t.known]) {
		return errCut
	}
	if !thorough || t.at.Offset <= int64(t.known) {
		return nil
	}
	if same, err := t.ends(t.at); err != nil || same {
		return err
	}
	return errCut
}

// ends reports whether the bytes before the offset of p are those that p has seen.
func (t *tailed) ends(p Position) (bool, error) {
	end, err := endOf(t.f, nil, p.Offset, t.now[:])
	return end == p.End, err
}

// is reports whether p is a position of this file, and what came before it is there.
func (t *tailed) is(p Position) bool {
	return t.at.Dev == p.Dev && t.at.Ino == p.Ino && t.begins(p)
}

// begins reports whether the file has all that was read up to p, as far as its first
// bytes and those before the offset tell.
func (t *tailed) begins(p Position) bool {
	n := covered(p.Size)
	if t.known < n || t.seen < p.Offset || sumOf(t.head[:n]) != p.Fingerprint {
		return false
	}
	same, err := t.ends(p)
	return err == nil && same
}

// atEnd returns the position of what is the end now.
func (t *tailed) atEnd() (p Position, err error) {
	p = t.at
	p.Offset = t.seen
	p.End, err = endOf(t.f, nil, p.Offset, t.now[:])
	return p, err
}

// skip goes to what is the end now.
func (t *tailed) skip() error {
	p, err := t.atEnd()
	t.to(p)
	return err
}

// to goes to the offset of p and returns t, which may be nil.
func (t *tailed) to(p Position) *tailed {
	if t != nil {
		t.at.Offset, t.at.End = p.Offset, p.End
	}
	return t
}

// position returns the text of the position at the current offset. It is valid
// until the next call.
func (t *tailed) position() weir.Position {
	t.text = t.at.appendRest(t.text[:t.prefix])
	return t.text
}

// close closes the file, which may be nil.
func (t *tailed) close() {
	if t != nil {
		_ = t.f.Close() // it was only read
	}
}
