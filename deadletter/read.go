package deadletter

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/weirflow/weir"
)

// maxLine bounds a line: the largest record, four times as long in JSON at worst,
// and what stands beside it.
const maxLine = 7*MaxRecord + 64<<10

// Read calls yield for each letter in dir, in order, until it returns false. A
// letter that a crash tore off the end of a segment is left out; any other damage
// is an error of Kind Corrupt with the place. It holds one letter at a time.
func Read(dir string, yield func(Letter) bool) error {
	all, err := segments(dir)
	if err != nil {
		return err
	}
	for _, s := range all {
		more, err := s.read(0, yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// read yields the letters of the segment from the offset at on.
func (s segment) read(at int64, yield func(Letter) bool) (more bool, err error) {
	f, err := os.Open(s.path)
	if err != nil {
		return false, fmt.Errorf("dead letters: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return false, fmt.Errorf("dead letters: %w", err)
	}
	in := bufio.NewReaderSize(f, 64<<10)
	var line []byte
	for {
		line, err = readLine(in, line[:0])
		if err == io.EOF && len(line) == 0 {
			return true, nil
		}
		l, bad := parseLine(line)
		switch {
		case err != nil && err != io.EOF:
			return false, fmt.Errorf("dead letters: %s, offset %d: %w", s.path, at, err)
		case errors.Is(bad, errTorn):
			return true, nil // a crash; nothing was told that it is kept
		case bad != nil:
			return false, &weir.Error{Op: "read", Node: "dead letters", Kind: weir.Corrupt, Err: fmt.Errorf(
				"%s is damaged at offset %d: %w; move it away to read the others", s.path, at, bad)}
		}
		l.Segment, l.At, l.End = s.number, at, at+int64(len(line))
		if !yield(l) {
			return false, nil
		}
		at = l.End
	}
}

// readLine appends a line with its end to dst. A line that is too long is an
// error.
func readLine(in *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		piece, err := in.ReadSlice('\n')
		dst = append(dst, piece...)
		if len(dst) > maxLine {
			return dst, fmt.Errorf("a line of more than %d bytes is no letter", maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return dst, err
		}
	}
}

// Count is how many letters there are in a directory, and of what.
type Count struct {
	Letters  int64
	Repeated int64 // of them say what an earlier one has said (SourceOptions.Once)
	Bytes    int64 // of the segments
	First    time.Time
	Last     time.Time
	ByReason map[string]int64 // at most MaxReasons; the rest is under ""
}

// MaxReasons bounds Count.ByReason.
const MaxReasons = 100

// Survey counts the letters in dir.
func Survey(dir string) (Count, error) {
	c := Count{ByReason: map[string]int64{}}
	all, err := segments(dir)
	if err != nil {
		return c, err
	}
	for _, s := range all {
		c.Bytes += s.size
	}
	known := newSeen(seenSize(c.Bytes))
	err = Read(dir, func(l Letter) bool {
		if known.repeats(&l) {
			c.Repeated++
		}
		if c.Letters++; c.Letters == 1 {
			c.First = l.Time
		}
		c.Last = l.Time
		key := l.Stage + ": " + l.Reason
		if _, known := c.ByReason[key]; !known && len(c.ByReason) >= MaxReasons {
			key = ""
		}
		c.ByReason[key]++
		return true
	})
	return c, err
}

// Purge removes the segments whose letters are all older than before, or all of
// them if before is the zero time. It returns how many letters that were.
func Purge(dir string, before time.Time) (int64, error) {
	all, err := segments(dir)
	if err != nil {
		return 0, err
	}
	var purged int64
	for _, s := range all {
		n, old := int64(0), true
		_, err := s.read(0, func(l Letter) bool {
			n++
			old = before.IsZero() || l.Time.Before(before)
			return old
		})
		if err != nil && !before.IsZero() {
			return purged, err
		}
		if !old {
			return purged, nil // the later ones are younger
		}
		if err := os.Remove(s.path); err != nil {
			return purged, fmt.Errorf("dead letters: %w", err)
		}
		purged += n
	}
	return purged, nil
}

// trimmed returns the record with one line end.
func trimmed(content []byte) []byte {
	return append(bytes.TrimRight(content, "\r\n"), '\n')
}
