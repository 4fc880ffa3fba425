package file

import (
	"path"
	"path/filepath"
	"time"
)

// copyPatience is how long a file that has just appeared is waited for to be long
// enough to tell whether it is a copy.
const copyPatience = time.Second

// clockTick is how much earlier than the clock says a file can have been changed.
const clockTick = 20 * time.Millisecond

// verdict is what a file is that was not read in this run.
type verdict uint8

const (
	isNew   verdict = iota
	isCopy          // it is left out
	isHeir          // it has what another file had, which is not there any more
	isEarly         // nobody can tell yet
)

// judgeLocked finds out what t is, whose stream is called id. An heir comes with
// the file that it continues. r.mu must be held.
func (r *roll) judgeLocked(id string, h hit, t *tailed) (verdict, *recalled) {
	own := r.recall.found(id)
	if own != nil && !own.copy {
		return isNew, nil
	}
	if hasStamp(filepath.Base(h.path)) {
		for _, e := range r.mu.files {
			if v := r.compareLocked(e, h.path, t); v != isNew {
				return v, nil
			}
		}
	}
	copied := own != nil && t.seen <= own.at.Offset && t.begins(own.at)
	for _, k := range r.recall.like(t, own) {
		switch {
		case k.copy:
			copied = copied || t.seen == k.at.Offset
		case k.here || !k.precedes(h.name):
		case r.mu.round == 0:
			return isEarly, nil // it may still be found
		default:
			k.here = true
			return isHeir, k
		}
	}
	if copied {
		return isCopy, nil
	}
	return isNew, nil
}

// compareLocked finds out whether t, at a path, was copied from the file of e, to
// truncate that. Such a copy has a name that a rotation gives. As long as e is not
// truncated, its file has all of the copy. Then the copy has what was read of e.
// r.mu must be held.
func (r *roll) compareLocked(e *member, at string, t *tailed) verdict {
	dir, base := filepath.Split(at)
	if eDir, _ := filepath.Split(e.path); !e.open || eDir != dir {
		return isNew
	}
	if _, ok := rotated(e.base, base); !ok {
		return isNew
	}
	known := []Position{e.at, e.before}
	if k := r.recall.files[e.stream]; k != nil {
		known = append(known, k.at)
	} else if t.info.ModTime().Before(e.since.Add(-clockTick)) {
		return isNew // it was there before
	}
	if t.seen < minCopy {
		if time.Since(t.info.ModTime()) < copyPatience {
			return isEarly
		}
		return isNew
	}
	k, err := openIf(e.path, func(k *tailed) bool { return k.at.Dev == e.at.Dev && k.at.Ino == e.at.Ino })
	if err != nil {
		return isNew
	}
	defer k.close()
	if k != nil && k.has(t) {
		return isCopy
	}
	for _, p := range known {
		if p.Offset > 0 && covered(p.Size) >= minCopy && t.begins(p) && (k == nil || !k.begins(p)) {
			return isCopy
		}
	}
	return isNew
}

// has reports whether the file begins with all that c has, as far as first and last
// bytes tell.
func (t *tailed) has(c *tailed) bool {
	p, err := c.atEnd()
	return err == nil && t.begins(p)
}

// leaveOutLocked notes that e, whose file is open as t, is a copy. r.mu must be held.
func (r *roll) leaveOutLocked(e *member, name string, t *tailed) error {
	r.leftLocked()
	p, err := t.atEnd()
	if err != nil {
		return pathError(t.path, err)
	}
	if k := r.recall.files[e.stream]; k == nil || k.at.Offset != p.Offset {
		r.o.OnEvent(FollowEvent{name, t.path, Copied, 0})
	}
	return r.o.OnCopy(KnownFile{ID: e.stream, Name: name, Position: p.append(nil), Copy: true})
}

// copiedTo notes that t, which is read on from where e was truncated, is a copy of
// that: a scan may come when e was truncated once more.
func (e *member) copiedTo(t *tailed) error {
	r := e.roll
	r.mu.Lock()
	defer r.mu.Unlock()
	id := streamID(t.path, t.info)
	if r.mu.files[id] != nil {
		return nil
	}
	c := r.newMember(id, t)
	c.copy = true
	r.mu.files[id] = c
	return r.leaveOutLocked(c, path.Join(path.Dir(e.name), filepath.Base(t.path)), t)
}
