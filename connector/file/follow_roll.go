package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weirflow/weir"
)

const (
	// maxLeft is how many files are remembered that are not read any more, some
	// 2 MiB. Those that have been gone longest are forgotten first.
	maxLeft = 4096
	// goneRounds is how many scans have to miss a file before its stream may end.
	goneRounds = 2
	// copyPatience is how long a file that has just appeared is waited for to be
	// long enough to tell whether it is a copy.
	copyPatience = time.Second
)

// roll is the list of the files that a source has found in the directories that it
// follows, by identity: whatever name a file gets, it is read once.
type roll struct {
	o    FollowOptions
	most int // files that are remembered and not read any more

	mu struct {
		sync.Mutex
		round  int                 // scans that were finished
		files  map[string]*member  // by identity
		names  map[string]*member  // streams' names
		broken map[string]struct{} // paths that were reported
		left   int                 // files that are not read any more
	}
}

// member is a file of a roll. The roll's lock guards what changes.
type member struct {
	roll  *roll
	id    string // its key: device and inode
	birth int64  // 0: not known
	name  string // its stream's
	since time.Time

	path   string // where it was found last
	round  int    // when
	open   bool   // it is being read
	ended  bool   // it was read to its end
	copy   bool   // it is not to be read
	at     Position
	before Position // at the last truncation
}

func newRoll(o FollowOptions) *roll {
	r := &roll{o: o, most: maxLeft}
	r.mu.files, r.mu.names, r.mu.broken = map[string]*member{}, map[string]*member{}, map[string]struct{}{}
	return r
}

// admit returns a stream of what a scan found, or nil if there is nothing to read.
func (r *roll) admit(h hit) weir.Stream {
	if h.err != nil {
		return r.failed(h, h.err)
	}
	st, err := os.Stat(h.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !st.Mode().IsRegular() {
		return nil
	}
	if err != nil {
		return r.failed(h, err)
	}
	id := streamID(h.path, st)
	if r.saw(id, h.path) {
		return nil
	}
	t, err := openTailed(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return r.failed(h, err)
	}
	if streamID(h.path, t.info) == id {
		if e := r.enroll(id, h, t); e != nil {
			return r.stream(e, t)
		}
	}
	t.close() // it was renamed meanwhile, or there is nothing to read
	return nil
}

// failed returns a stream that fails, once for each path.
func (r *roll) failed(h hit, err error) weir.Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.mu.broken[h.path]; known || len(r.mu.broken) == r.most {
		return nil
	}
	r.mu.broken[h.path] = struct{}{}
	return failedStream(h.path, h.name, err)
}

// saw notes where a file is that is being read, which nothing else can have the
// identity of, and reports whether it is one.
func (r *roll) saw(id, path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.mu.files[id]
	if e == nil {
		return false
	}
	e.path, e.round = path, r.mu.round
	return e.open
}

// enroll returns the member for the open file t if it is to be read: it is new, or has
// grown since it was read to its end and lost its name.
func (r *roll) enroll(id string, h hit, t *tailed) *member {
	born := birth(t.f)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.broken, h.path)
	e := r.mu.files[id]
	if e != nil && e.birth == born && t.begins(Position{Size: e.at.Size, Fingerprint: e.at.Fingerprint}) {
		if e.copy || !e.ended || t.seen <= e.at.Offset {
			return nil
		}
		t.to(e.at)
		e.open, e.ended = true, false
		r.mu.left--
		return e
	}
	isCopy, wait := r.copyLocked(h.path, t)
	if wait {
		return nil
	}
	if e != nil {
		r.forgetLocked(e)
	}
	e = &member{
		roll: r, id: id, birth: born, since: time.Now(),
		path: h.path, round: r.mu.round, open: !isCopy, copy: isCopy, at: t.at,
	}
	r.mu.files[id] = e
	if isCopy {
		r.leftLocked()
		r.o.OnEvent(FollowEvent{h.name, h.path, Copied, 0})
		return nil
	}
	e.name = r.nameLocked(e, h.name)
	if r.o.FromEnd && r.mu.round == 0 {
		_ = t.skip() // what cannot be read here cannot be read later either
	}
	return e
}

// copyLocked reports whether the new file t was made from one that is being read,
// under a name that a rotation would give it; wait says that it is too short to
// tell. r.mu must be held.
func (r *roll) copyLocked(path string, t *tailed) (isCopy, wait bool) {
	dir, base := filepath.Split(path)
	for _, e := range r.mu.files {
		eDir, eBase := filepath.Split(e.path)
		if !e.open || eDir != dir || t.info.ModTime().Before(e.since.Add(-clockTick)) {
			continue
		}
		if _, ok := rotated(eBase, base); !ok {
			continue
		}
		for _, p := range []Position{e.at, e.before} {
			switch n := covered(p.Size); {
			case n < minCopy:
			case t.known < n:
				wait = wait || time.Since(t.info.ModTime()) < copyPatience
			case sumOf(t.head[:n]) == p.Fingerprint:
				return true, false
			}
		}
	}
	return false, wait
}

// clockTick is how much earlier than the clock says a file can have been changed.
const clockTick = 20 * time.Millisecond

// nameLocked returns the name of e's stream: the one it was found by, with its inode
// if another file was found by that. r.mu must be held.
func (r *roll) nameLocked(e *member, name string) string {
	if r.mu.names[name] != nil {
		name += "." + e.id[strings.LastIndexByte(e.id, ':')+1:]
	}
	r.mu.names[name] = e
	return name
}

func (r *roll) stream(e *member, t *tailed) weir.Stream {
	id := e.id
	if e.birth != 0 {
		id += ":" + strconv.FormatInt(e.birth, 10)
	}
	s := &follower{
		info: weir.StreamInfo{ID: id, Name: e.name, Size: weir.UnknownSize, Endless: true, Resumable: true},
		o:    r.o, name: rotation{t.path}, member: e, closed: make(chan struct{}),
	}
	s.mu.cur = t
	return s
}

// endRound says that all directories were scanned.
func (r *roll) endRound() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.round++
}

// leftLocked counts a file that is not read any more, and forgets one if there are
// too many. r.mu must be held.
func (r *roll) leftLocked() {
	if r.mu.left++; r.mu.left <= r.most {
		return
	}
	var oldest *member
	for _, e := range r.mu.files {
		if !e.open && (oldest == nil || e.round < oldest.round) {
			oldest = e
		}
	}
	r.forgetLocked(oldest)
}

// forgetLocked takes out e, which is not read any more. r.mu must be held.
func (r *roll) forgetLocked(e *member) {
	delete(r.mu.files, e.id)
	if r.mu.names[e.name] == e {
		delete(r.mu.names, e.name)
	}
	r.mu.left--
}

// read notes how far the file was read.
func (e *member) read(at Position) {
	e.roll.mu.Lock()
	defer e.roll.mu.Unlock()
	e.at = at
}

// cut notes that the file was truncated.
func (e *member) cut() {
	e.roll.mu.Lock()
	defer e.roll.mu.Unlock()
	e.before = e.at
}

// gone reports whether nothing leads to the open file t any more, as far as the
// directories that are followed go.
func (e *member) gone(t *tailed) bool {
	if st, err := t.f.Stat(); err == nil && unlinked(st) {
		return true
	}
	e.roll.mu.Lock()
	defer e.roll.mu.Unlock()
	return e.roll.mu.round-e.round > goneRounds
}

// finish notes that the file was read to its end.
func (e *member) finish() {
	e.roll.mu.Lock()
	defer e.roll.mu.Unlock()
	e.ended = true
}

// leave notes that the file is not read any more. Calling it again does nothing.
func (e *member) leave() {
	e.roll.mu.Lock()
	defer e.roll.mu.Unlock()
	if e.open {
		e.open = false
		e.roll.leftLocked()
	}
}
