package file

import (
	"errors"
	"io/fs"
	"os"
	"path"
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
)

// roll is the list of the files that a source has found in the directories that it
// follows, by identity: whatever name a file gets, it is read once.
type roll struct {
	o      FollowOptions
	most   int // files that are remembered and not read any more
	recall *recall

	mu struct {
		sync.Mutex
		round  int                 // scans that were finished
		ended  time.Time           // when the last one was
		files  map[string]*member  // by identity
		names  map[string]*member  // streams' names
		broken map[string]struct{} // paths that were reported
		left   int                 // files that are not read any more
	}
}

// member is a file of a roll. The roll's lock guards what changes.
type member struct {
	roll   *roll
	id     string // its key: device and inode
	stream string // its stream's ID
	birth  int64  // 0: not known
	name   string // its stream's
	base   string // what the file was called when it was found first, in whatever run
	heir   bool   // its stream began with another file
	since  time.Time

	path    string        // where it was found last
	round   int           // when
	open    bool          // it is being read
	wake    chan struct{} // of that stream: look at it; has room for one
	scanned state         // of the file, at the last scan
	ended   bool          // it was read to its end
	copy    bool          // it is not to be read
	size    int64         // when it was looked at last, if it is not being read
	changed time.Time     // the same; zero: so lately that it may be changed again and keep it
	at      Position
	before  Position // at the last truncation
}

// state is what changes when a file grows.
type state struct {
	size    int64
	changed time.Time
}

func newRoll(o FollowOptions) *roll {
	r := &roll{o: o, most: maxLeft, recall: newRecall(o.Known)}
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
	if r.saw(id, h.path, st) {
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
		switch e, err := r.enroll(id, h, t); {
		case err != nil:
			t.close()
			return r.failed(h, err)
		case e != nil:
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

// saw notes where a file is, and reports whether nothing is to be done about it: it
// is being read, so that nothing else can have its identity, or is as it was when it
// was looked at last.
func (r *roll) saw(id, path string, st fs.FileInfo) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.mu.files[id]
	if e == nil {
		return false
	}
	e.path, e.round = path, r.mu.round
	if now := (state{st.Size(), st.ModTime()}); e.open && e.scanned != now {
		e.scanned = now
		e.stir()
	}
	return e.open || st.Size() == e.size && st.ModTime().Equal(e.changed)
}

// enroll returns the member for the open file t if it is to be read: it is new, or has
// grown since it was read to its end and lost its name.
func (r *roll) enroll(id string, h hit, t *tailed) (*member, error) {
	born := birth(t.f)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.broken, h.path)
	e := r.mu.files[id]
	if e != nil && e.birth == born && t.begins(Position{Size: e.at.Size, Fingerprint: e.at.Fingerprint}) {
		same := e.copy && t.seen == e.size
		e.looked(t)
		if same || !e.copy && (!e.ended || t.seen <= e.at.Offset) {
			return nil, nil
		}
		if !e.copy {
			t.to(e.at)
			e.open, e.ended = true, false
			r.mu.left--
			return e, nil
		}
	}
	left := e
	e = r.newMember(id, t)
	v, heirOf := r.judgeLocked(e.stream, h, t)
	if v == isEarly {
		return nil, nil
	}
	if left != nil {
		r.forgetLocked(left)
	}
	e.open, e.copy = v != isCopy, v == isCopy
	r.mu.files[id] = e
	if e.copy {
		return nil, r.leaveOutLocked(e, h.name, t)
	}
	e.name, e.base = r.nameLocked(e, h.name), filepath.Base(h.path)
	if k := r.recall.files[e.stream]; k != nil {
		e.base = path.Base(k.first())
	}
	if v == isHeir {
		e.stream, e.name, e.heir = heirOf.id, heirOf.name, true
		e.base = path.Base(heirOf.first())
		r.mu.names[e.name] = e
	}
	if r.o.FromEnd && r.mu.round == 0 {
		_ = t.skip() // what cannot be read here cannot be read later either
	}
	return e, nil
}

// newMember returns a member of the roll for the open file t.
func (r *roll) newMember(id string, t *tailed) *member {
	e := &member{roll: r, id: id, stream: id, birth: birth(t.f), since: time.Now(), path: t.path, round: r.mu.round, at: t.at, wake: make(chan struct{}, 1)}
	if e.birth != 0 {
		e.stream += ":" + strconv.FormatInt(e.birth, 10)
	}
	e.looked(t)
	return e
}

// nameLocked returns the name of e's stream: the one that it had in an earlier run,
// or else the one it was found by, with its inode if another file was found by that.
// r.mu must be held.
func (r *roll) nameLocked(e *member, name string) string {
	own := r.recall.files[e.stream]
	if own != nil && !own.copy && r.mu.names[own.name] == nil {
		r.mu.names[own.name] = e
		return own.name
	}
	if r.mu.names[name] != nil || r.recall.names[name] != nil {
		name += "." + e.id[strings.LastIndexByte(e.id, ':')+1:]
	}
	r.mu.names[name] = e
	return name
}

func (r *roll) stream(e *member, t *tailed) weir.Stream {
	s := &follower{
		info: weir.StreamInfo{ID: e.stream, Name: e.name, Size: weir.UnknownSize, Endless: true, Resumable: true},
		o:    r.o, name: rotation{filepath.Join(filepath.Dir(t.path), e.base)}, member: e, closed: make(chan struct{}),
	}
	s.mu.cur = t
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.mu.files)-r.mu.left == r.o.Streams {
		r.o.OnEvent(FollowEvent{e.name, t.path, Full, 0})
	}
	return s
}

// endRound says that all directories were scanned.
func (r *roll) endRound() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.round++
	r.mu.ended = time.Now()
	for _, e := range r.mu.files {
		if e.open && e.round < r.mu.round-1 {
			e.stir() // nothing leads to it, so it may end
		}
	}
}

// stir makes the stream that reads the file look at it. The roll's lock must be held.
func (e *member) stir() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// rests reports whether scans look at the file for the stream that reads it. They do
// not while there is a stream for every place of the run.
func (e *member) rests() bool {
	e.roll.mu.Lock()
	defer e.roll.mu.Unlock()
	return time.Since(e.roll.mu.ended) < restPolls*e.roll.o.Poll
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

// looked notes what is there of the file. The roll's lock must be held.
func (e *member) looked(t *tailed) {
	e.size, e.changed = t.seen, time.Time{}
	if at := t.info.ModTime(); time.Since(at) > settled {
		e.changed = at
	}
}

// settled is after what time a change of a file has another time of the last change.
const settled = time.Second

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
