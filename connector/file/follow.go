package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

// Of waiting.
const (
	graceLooks = 2  // at a file that lost its name, before the next one is read
	haste      = 16 // the shortest interval is this part of Poll
	maxHops    = 64 // files that one Read looks at without waiting
	restPolls  = 8  // intervals between two looks at a file that scans look at too
)

// follower is a stream that does not end at the end of a file. It follows a name
// from file to file, or one file of a directory.
type follower struct {
	info   weir.StreamInfo
	o      FollowOptions
	name   rotation
	member *member       // of a file of a directory; nil: it follows the name
	closed chan struct{} // by Close

	mu struct {
		sync.Mutex
		cur      *tailed // nil: nothing has the name
		home     *tailed // where to go on after cur, a copy; nil: see rotation
		quiet    int     // looks at cur since there is something to come after it
		missing  bool    // said so
		begins   bool    // the next byte is the first of another file than the last one was of
		interval time.Duration
	}
}

var _ weir.Stream = (*follower)(nil)

// followPrefix begins the identity of a stream that follows a name.
const followPrefix = "follow:"

// followName returns a stream of the files that have the name path, one after the
// other, whether there is one now or not.
func followName(path string, o FollowOptions) weir.Stream {
	path, name := absolute(path), filepath.Base(path)
	s := &follower{
		info: weir.StreamInfo{ID: followPrefix + path, Name: name, Size: weir.UnknownSize, Endless: true, Resumable: true},
		o:    o, name: rotation{path}, closed: make(chan struct{}),
	}
	t, err := openTailed(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return failedStream(path, name, err)
	default:
		s.mu.cur = t
		if !o.FromEnd {
			break
		}
		if err := t.skip(); err != nil {
			t.close()
			return failedStream(path, name, err)
		}
	}
	return s
}

// absolute returns path absolute, with a directory without symbolic links. The file
// itself may be one.
func absolute(path string) string {
	return filepath.Join(canonical(filepath.Dir(path)), filepath.Base(path))
}

// Info describes the stream.
func (s *follower) Info() weir.StreamInfo { return s.info }

// Read fills b with what there is, or waits until there is something.
func (s *follower) Read(ctx context.Context, b *weir.Batch) error {
	s.mu.Lock()
	defer s.unlock()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := s.step(b.Space())
		if err == errBegins {
			s.mu.begins = false
			b.SetBegins()
			b.SetPosition(s.mu.cur.position())
			return nil
		}
		if err != nil && err != io.EOF {
			e := s.fail("read", err)
			if s.mu.cur != nil {
				e.Position = append(weir.Position(nil), s.mu.cur.position()...)
			}
			return e
		}
		if n > 0 {
			s.mu.interval = 0
			b.Advance(n)
		}
		if n > 0 || err == io.EOF {
			b.SetPosition(s.mu.cur.position())
			return err
		}
		begin := time.Now()
		err = s.wait(ctx)
		b.AddWait(time.Since(begin))
		if err != nil {
			return err
		}
	}
}

// wait waits until it is time for another look.
func (s *follower) wait(ctx context.Context) error {
	s.mu.interval = min(max(2*s.mu.interval, s.o.Poll/haste), s.o.Poll)
	idle := s.mu.interval == s.o.Poll
	if s.mu.quiet > 0 {
		s.mu.interval = s.o.Poll
	}
	pause := s.mu.interval
	var wake chan struct{}
	if s.member != nil {
		wake = s.member.wake
		if idle && s.mu.quiet == 0 && s.member.rests() {
			pause *= restPolls
		}
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.closed:
		return s.fail("read", fs.ErrClosed)
	}
}

// errBegins says that another file begins.
var errBegins = errors.New("another file")

// step reads what there is into space. It returns 0 if that is nothing, io.EOF if
// there will be no more, and errBegins where another file begins.
func (s *follower) step(space []byte) (int, error) {
	for range maxHops {
		if s.mu.cur == nil {
			if err := s.appear(); s.mu.cur == nil || err != nil {
				return 0, err
			}
		}
		if s.mu.begins {
			return 0, errBegins
		}
		n, err := s.mu.cur.read(space)
		if err == errCut {
			if err = s.cut(); err != nil {
				return 0, err
			}
			continue
		}
		if s.member != nil && s.mu.home == nil {
			s.member.read(s.mu.cur.at)
		}
		if n > 0 || err != nil {
			s.mu.quiet = 0
			return n, err
		}
		if moved, err := s.goOn(); !moved || err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// appear opens the file that has the name, if there is one.
func (s *follower) appear() error {
	t, err := openTailed(s.name.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.miss()
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.cur, s.mu.missing = t, false
	return nil
}

func (s *follower) miss() {
	if !s.mu.missing {
		s.mu.missing = true
		s.tell(Missing, 0)
	}
}

// cut goes on after a truncation: with what a copy of the file still has behind the
// offset, and then at the beginning.
func (s *follower) cut() error {
	t := s.mu.cur
	lost, p := max(0, t.seen-t.at.Offset), t.at
	s.mu.quiet = 0
	if s.mu.home == nil { // else it is a copy itself
		if s.member != nil {
			s.member.cut()
		}
		c, err := s.name.copied(p)
		if err != nil {
			return err
		}
		if c != nil {
			if err := s.toOther(c.to(p)); err != nil {
				return err
			}
			lost = 0
		}
	}
	s.tell(Truncated, lost)
	if s.member == nil && s.mu.cur != t {
		return nil // t is closed; it has the name and comes up again
	}
	s.mu.begins = s.mu.cur == t
	return t.restart()
}

// goOn leaves a file that was read to its end, if there is another one and the
// writers have had the time to notice. It reports whether it is to be looked at
// again at once.
func (s *follower) goOn() (bool, error) {
	switch {
	case s.mu.home != nil:
		s.mu.cur.close()
		s.mu.cur, s.mu.home, s.mu.begins = s.mu.home, nil, true
		return true, nil
	case s.member == nil:
		return s.rotate()
	case !s.member.gone(s.mu.cur):
		s.mu.quiet = 0
		return false, nil
	}
	if s.mu.quiet++; s.mu.quiet > graceLooks {
		s.member.finish()
		return false, io.EOF
	}
	return false, nil
}

// rotate goes to the next file that got the name. That the last one has data is
// what says that the writer has left the one before it.
func (s *follower) rotate() (bool, error) {
	st, err := os.Stat(s.name.path)
	if err == nil && os.SameFile(st, s.mu.cur.info) {
		s.mu.quiet, s.mu.missing = 0, false
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err != nil {
		s.miss()
	}
	later, err := s.name.after(s.mu.cur)
	if errors.Is(err, fs.ErrNotExist) { // the directory went away too
		return false, nil
	}
	if err != nil || len(later) == 0 || len(later) == 1 && later[0].info.Size() == 0 {
		s.mu.quiet = 0
		return false, err
	}
	s.mu.quiet++
	switch {
	case s.mu.quiet == 1: // the end was met before they were seen
		return len(later) > 1, nil
	case s.mu.quiet <= graceLooks && len(later) == 1:
		return false, nil
	}
	return s.turnTo(later[0])
}

// turnTo opens g in place of the file that is open.
func (s *follower) turnTo(g generation) (bool, error) {
	t, err := openTailed(g.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !os.SameFile(t.info, g.info) { // it was rotated once more: look again
		t.close()
		return false, nil
	}
	s.mu.cur.close()
	s.mu.cur, s.mu.quiet, s.mu.missing, s.mu.begins = t, 0, false, true
	s.tell(Rotated, 0)
	return true, nil
}

func (s *follower) tell(what Happening, lost int64) {
	s.o.OnEvent(FollowEvent{s.info.Name, s.name.path, what, lost})
}

func (s *follower) fail(op string, err error) *weir.Error {
	return newError(op, s.info.Name, pathError(s.name.path, err))
}

// unlock ends a call, and closes the files if Close has come meanwhile.
func (s *follower) unlock() {
	s.mu.Unlock()
	select {
	case <-s.closed:
		s.release()
	default:
	}
}

// Close closes the files. It does not wait for a Read that is still running: that
// will do it when it returns.
func (s *follower) Close() error {
	close(s.closed)
	s.release()
	return nil
}

func (s *follower) release() {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	s.mu.cur.close()
	s.mu.home.close()
	s.mu.cur, s.mu.home = nil, nil
	if s.member != nil {
		s.member.leave()
	}
}
