package transform

import (
	"encoding/binary"
	"sync"
	"time"
	"unsafe"

	"github.com/zeebo/xxh3"
)

func put(b []byte, n uint64) { binary.LittleEndian.PutUint64(b, n) }

// tableShards is the number of parts of a keyTable, each with a lock of its own.
const tableShards = 16

// A keyTable remembers keys for a time. Its memory is known when it is made, and
// taken when the first keys come.
//
// Each shard has two generations. Keys enter the current one; when it is full, or
// older than the time they are remembered for, it becomes the old one and the old
// one is forgotten. So a key is remembered for its time unless its generation had
// to make room: then it is forgotten early, and counted.
//
// A key is the 128 bits of a hash: two different ones are the same with a chance
// of less than one in 10^20 for a thousand million keys.
type keyTable struct {
	within time.Duration
	most   int // keys of a generation
	shards [tableShards]keyShard
}

type keyShard struct {
	mu struct {
		sync.Mutex
		current, old generation
		early        int64
	}
}

// A generation is an open-addressed table of a fixed number of entries, at most
// three quarters of them in use.
type generation struct {
	entries []entry
	used    int
	since   time.Duration // when it became the current one
}

// An entry is a key that was seen. It is empty if key is zero.
type entry struct {
	key   xxh3.Uint128
	owner uint64 // the record that had it; 0: not known
	at    time.Duration
}

// newKeyTable returns a table that remembers at least the last keys keys for the
// time within.
func newKeyTable(keys int, within time.Duration) *keyTable {
	most := keys/tableShards + 1
	return &keyTable{within: within, most: most + most/8 + 8} // hashes do not spread evenly
}

// room is the number of entries of a generation.
func (t *keyTable) room() int { return t.most + t.most/3 + 1 }

// bytes returns the memory of the table.
func (t *keyTable) bytes() int64 {
	return 2 * tableShards * int64(t.room()) * int64(unsafe.Sizeof(entry{}))
}

// claim reports whether the record owner is the one to go on with key: no other
// one had it within the time before now. It is the only one to be told so, also
// among several goroutines.
func (t *keyTable) claim(key xxh3.Uint128, owner uint64, now time.Duration) bool {
	if key == (xxh3.Uint128{}) {
		key.Lo = 1
	}
	s := &t.shards[key.Hi%tableShards].mu
	s.Lock()
	defer s.Unlock()
	if s.current.entries == nil {
		s.current = generation{entries: make([]entry, t.room()), since: now}
		s.old.entries = make([]entry, t.room())
	}
	if s.current.used == t.most || now-s.current.since >= t.within {
		if now-s.current.since < t.within {
			s.early += int64(s.old.live(now - t.within))
		}
		s.current, s.old = s.old, s.current
		s.current.forget(now)
	}
	e := s.current.find(key)
	seen := e
	if e.key != key {
		seen = s.old.find(key)
	}
	if seen.key == key && now-seen.at < t.within {
		return owner != 0 && owner == seen.owner
	}
	if e.key != key {
		s.current.used++
	}
	*e = entry{key, owner, now}
	return true
}

// forgotten returns how many keys were forgotten early.
func (t *keyTable) forgotten() int64 {
	var n int64
	for i := range t.shards {
		s := &t.shards[i].mu
		s.Lock()
		n += s.early
		s.Unlock()
	}
	return n
}

// find returns the entry of key, or the empty one where it belongs.
func (g *generation) find(key xxh3.Uint128) *entry {
	n := uint64(len(g.entries))
	for i := key.Lo % n; ; {
		e := &g.entries[i]
		if e.key == key || e.key == (xxh3.Uint128{}) {
			return e
		}
		if i++; i == n {
			i = 0
		}
	}
}

// live counts the entries that are younger than since.
func (g *generation) live(since time.Duration) int {
	if g.used == 0 {
		return 0
	}
	n := 0
	for i := range g.entries {
		if g.entries[i].key != (xxh3.Uint128{}) && g.entries[i].at > since {
			n++
		}
	}
	return n
}

// forget empties the generation, which begins at now.
func (g *generation) forget(now time.Duration) {
	clear(g.entries)
	g.used, g.since = 0, now
}
