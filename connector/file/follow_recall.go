package file

import (
	"iter"
	"path"
	"strings"

	"github.com/weirflow/weir"
)

// maxRecalled is how many files of earlier runs are held in memory, some 4 MiB.
const maxRecalled = 16384

// A KnownFile is a file of a followed directory or pattern that an earlier run has
// read, or has left out.
type KnownFile struct {
	ID, Name string        // of its stream
	Position weir.Position // of this package: how far it was read
	Copy     bool          // it was left out, see FollowOptions.OnCopy
}

// recall is what is known of earlier runs. It is guarded by the roll's lock.
type recall struct {
	files map[string]*recalled // by the stream's ID
	names map[string]*recalled // streams' names
	likes map[content][]*recalled
	sizes [fingerprintSize + 1]bool // the heads that likes has
}

// recalled is one file of it.
type recalled struct {
	id, name string
	at       Position
	copy     bool
	here     bool // it was found in this run
}

// content is what copies of a file have in common, of those that can be told by it.
type content struct {
	head        int // bytes that the fingerprint covers
	fingerprint uint64
}

// newRecall takes in what is known. What is no position of a file is left out.
func newRecall(known iter.Seq[KnownFile]) *recall {
	r := &recall{files: map[string]*recalled{}, names: map[string]*recalled{}, likes: map[content][]*recalled{}}
	if known == nil {
		return r
	}
	for k := range known {
		at, err := ParsePosition(k.Position)
		if err != nil || !strings.HasPrefix(k.ID, idPrefix) {
			continue
		}
		if len(r.files) == maxRecalled {
			break
		}
		r.add(&recalled{id: k.ID, name: k.Name, at: at, copy: k.Copy})
	}
	return r
}

func (r *recall) add(k *recalled) {
	r.files[k.id] = k
	if !k.copy {
		r.names[k.name] = k
	}
	if n := covered(k.at.Size); n >= minCopy && k.at.Offset > 0 {
		c := content{n, k.at.Fingerprint}
		r.likes[c] = append(r.likes[c], k)
		r.sizes[n] = true
	}
}

// found returns what is known of the stream id, whose file is there.
func (r *recall) found(id string) *recalled {
	k := r.files[id]
	if k != nil {
		k.here = true
	}
	return k
}

// like returns the files other than own that t has all of what was read of, as far
// as positions tell.
func (r *recall) like(t *tailed, own *recalled) (all []*recalled) {
	for n := minCopy; n <= t.known; n++ {
		if !r.sizes[n] {
			continue
		}
		for _, k := range r.likes[content{n, sumOf(t.head[:n])}] {
			if k != own && t.begins(k.at) {
				all = append(all, k)
			}
		}
	}
	return all
}

// first returns what the file was called when it was found first. If there was
// another file of that name, its stream's name ends in its inode.
func (k *recalled) first() string { return strings.TrimSuffix(k.name, "."+inodeOf(k.id)) }

// precedes reports whether name is one that a rotation gives the file of k.
func (k *recalled) precedes(name string) bool {
	first := k.first()
	_, ok := rotated(path.Base(first), path.Base(name))
	return ok && path.Dir(first) == path.Dir(name)
}

// inodeOf returns the inode in a stream's ID.
func inodeOf(id string) string {
	parts := strings.SplitN(strings.TrimPrefix(id, idPrefix), ":", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}
