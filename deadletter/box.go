package deadletter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

// Defaults of Options.
const (
	DefaultMaxBytes     = 256 << 20
	DefaultSegmentBytes = 16 << 20
)

// Options are the limits of a Box. The zero value works.
type Options struct {
	// MaxBytes is what all segments may hold together. Default:
	// DefaultMaxBytes.
	MaxBytes int64
	// SegmentBytes is where a new segment is begun. Default:
	// DefaultSegmentBytes.
	SegmentBytes int64
}

// A Box takes letters into a directory. Its methods are safe for concurrent use.
// One process at a time has a Box of a directory open: the segment it writes is
// its own, as each Open begins a new one.
type Box struct {
	dir string
	o   Options
	mu  struct {
		sync.Mutex
		f       *os.File // the segment that is written; nil: none yet
		number  int      // of it
		size    int64    // of it
		total   int64    // of all segments
		letters int64
		dirty   bool
		line    []byte
		closed  bool
	}
}

// Open returns a Box of the letters in dir, which is made when the first letter
// comes.
func Open(dir string, o Options) (*Box, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	b := &Box{dir: dir, o: o}
	all, err := segments(dir)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		b.mu.total += s.size
		b.mu.number = max(b.mu.number, s.number)
	}
	return b, nil
}

// segment is a file of letters.
type segment struct {
	number int
	path   string
	size   int64
}

const suffix = ".letters"

// segments lists the segments in dir in order; none if there is no dir.
func segments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	var all []segment
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		n, err := strconv.Atoi(name)
		if !ok || err != nil || n < 1 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("dead letters: %w", err)
		}
		all = append(all, segment{n, filepath.Join(dir, e.Name()), info.Size()})
	}
	slices.SortFunc(all, func(a, b segment) int { return a.number - b.number })
	return all, nil
}

// Policy is the weir.BadPolicy that keeps a letter of each bad record.
func (b *Box) Policy(ctx context.Context, r *weir.BadRecord) (weir.Fate, error) {
	if ctx.Err() != nil {
		return weir.DeadLettered, context.Cause(ctx)
	}
	return weir.DeadLettered, b.Put(r)
}

// Put keeps a letter of r. When it returns nil, the letter survives the process;
// when Sync has, it survives the machine.
func (b *Box) Put(r *weir.BadRecord) error {
	l := newLetter(r, time.Now(), MaxRecord)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.closed {
		return fs.ErrClosed
	}
	line, err := appendLine(b.mu.line[:0], &l)
	if err != nil {
		return err
	}
	b.mu.line = line
	if n := b.mu.total + int64(len(line)); n > b.o.MaxBytes {
		return &weir.Error{Op: "dead letter", Node: b.dir, Kind: weir.Rejected, Err: fmt.Errorf(
			"the box is full: %d bytes of at most %d; look at the letters (weir dlq show), then purge them or allow more", b.mu.total, b.o.MaxBytes)}
	}
	if err := b.roomLocked(); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	n, err := b.mu.f.Write(line)
	if err != nil {
		// What was written of it would be taken for damage by the next letter.
		err = errors.Join(err, b.mu.f.Truncate(b.mu.size))
		return fmt.Errorf("dead letter: %w", err)
	}
	b.mu.size += int64(n)
	b.mu.total += int64(n)
	b.mu.letters++
	b.mu.dirty = true
	return nil
}

// roomLocked sees to it that there is a segment with room. b.mu must be held.
func (b *Box) roomLocked() error {
	if b.mu.f != nil && b.mu.size < b.o.SegmentBytes {
		return nil
	}
	if err := b.endLocked(); err != nil {
		return err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(b.path(b.mu.number+1), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	b.mu.f, b.mu.size = f, 0
	b.mu.number++
	return nil
}

func (b *Box) path(number int) string {
	return filepath.Join(b.dir, fmt.Sprintf("%06d%s", number, suffix))
}

// endLocked brings the segment that is written to the disk and closes it. b.mu
// must be held.
func (b *Box) endLocked() error {
	if b.mu.f == nil {
		return nil
	}
	err := errors.Join(b.syncLocked(), b.mu.f.Close())
	b.mu.f = nil
	return err
}

// Sync brings every letter that was put to the disk.
func (b *Box) Sync() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.syncLocked()
}

func (b *Box) syncLocked() error {
	if !b.mu.dirty {
		return nil
	}
	if err := b.mu.f.Sync(); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	if err := syncDir(b.dir); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	b.mu.dirty = false
	return nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	_ = f.Close() // it was only read
	return err
}

// Letters returns how many letters were put since Open.
func (b *Box) Letters() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.letters
}

// Close brings everything to the disk and ends the Box.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.closed = true
	return b.endLocked()
}
