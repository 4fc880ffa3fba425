package file

import (
	"context"
	"io"

	"github.com/weirflow/weir"
)

// Seek continues at p: in the file that p is of, if it is still there, under any
// name in its directory, and then with those that got the name after it.
func (s *follower) Seek(_ context.Context, text weir.Position) error {
	s.mu.Lock()
	defer s.unlock()
	err := s.seek(text)
	if err == nil {
		return nil
	}
	e := s.fail("seek", err)
	e.Position = text
	return e
}

func (s *follower) seek(text weir.Position) error {
	p, err := ParsePosition(text)
	if err != nil {
		return invalid("%w", err)
	}
	if err := s.again(); err != nil {
		return err
	}
	if own := s.mu.cur; own != nil && (own.is(p) || s.member != nil && s.member.heir && own.begins(p)) {
		own.to(p)
		return nil
	}
	found, err := s.name.find(p)
	switch {
	case err != nil:
		return err
	case found != nil:
		return s.toOther(found)
	case s.mu.cur != nil && s.mu.cur.at.Dev == p.Dev && s.mu.cur.at.Ino == p.Ino:
		s.tell(Truncated, UnknownLoss)
	default:
		s.tell(Replaced, UnknownLoss)
	}
	s.mu.begins = true
	return nil
}

// again goes back to where the stream begins.
func (s *follower) again() error {
	if s.mu.home != nil {
		s.mu.cur.close()
		s.mu.cur, s.mu.home = s.mu.home, nil
	}
	s.mu.quiet, s.mu.begins = 0, false
	if s.member != nil {
		return s.mu.cur.restart()
	}
	s.mu.cur.close()
	s.mu.cur = nil
	return s.appear()
}

// toOther goes on with t, and then with what came after it.
func (s *follower) toOther(t *tailed) error {
	if s.member != nil && s.mu.home == nil {
		s.mu.home = s.mu.cur
	} else {
		s.mu.cur.close()
	}
	s.mu.cur, s.mu.quiet = t, 0
	if s.member == nil {
		return nil
	}
	return s.member.copiedTo(t)
}

// ReadAt reads from any place of the file that is being read, for what stands at its
// beginning. It is an io.ReaderAt; it has nothing to do with where Read is.
func (s *follower) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.unlock()
	if s.mu.cur == nil {
		return 0, io.EOF
	}
	n, err := s.mu.cur.f.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = s.fail("read", err)
	}
	return n, err
}
