package deadletter

import (
	"encoding/binary"
	"hash/fnv"
)

// maxSeen is how many letters are told apart at most.
const maxSeen = 1 << 19

// letterLeast is less than what a letter takes in a segment, in bytes.
const letterLeast = 128

// seenSlot is what a letter takes in a seen, in bytes: there is twice the room.
const seenSlot = 2 * 16

// A seen knows which letters there were, by a digest of 128 bits. When it has room for
// no more, further ones are taken for new.
type seen struct {
	slots []digest // open addressing; at most half of them are taken
	count int
}

// digest names a letter; the zero digest is a free slot.
type digest [16]byte

// seenSize returns how many letters a seen has room for that is about segments of so
// many bytes.
func seenSize(total int64) int {
	n := 1
	for int64(n) < total/letterLeast && n < maxSeen {
		n *= 2
	}
	return n
}

func newSeen(size int) *seen { return &seen{slots: make([]digest, 2*size)} }

// repeats reports whether l says what an earlier letter has said: the same record of
// the same stream, with the same content, could not be used by the same stage. One
// whose place is not known repeats nothing.
func (s *seen) repeats(l *Letter) bool {
	if l.Record == 0 && l.Offset < 0 {
		return false
	}
	d := digestOf(l)
	mask := uint64(len(s.slots) - 1)
	for i := binary.LittleEndian.Uint64(d[:]) & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case d:
			return true
		case digest{}:
			if 2*s.count < len(s.slots) {
				s.slots[i] = d
				s.count++
			}
			return false
		}
	}
}

func digestOf(l *Letter) (d digest) {
	h := fnv.New128a()
	var number [8]byte
	part := func(n int64, text []byte) {
		binary.LittleEndian.PutUint64(number[:], uint64(n))
		_, _ = h.Write(number[:]) // a Hash's Write never fails
		_, _ = h.Write(text)
	}
	part(int64(len(l.Stage)), []byte(l.Stage))
	part(int64(len(l.Stream)), []byte(l.Stream))
	part(l.Record, nil)
	part(l.Offset, nil)
	part(l.Size, l.Content())
	h.Sum(d[:0])
	if d == (digest{}) {
		d[0] = 1
	}
	return d
}
