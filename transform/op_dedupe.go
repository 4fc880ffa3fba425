package transform

import (
	"strconv"
	"time"

	"github.com/zeebo/xxh3"
)

// dedupeOp leaves out records whose key another one had a short time ago.
type dedupeOp struct {
	by    []ref
	table *keyTable
}

// maxKeys is how many keys one dedupe statement may remember.
const maxKeys = 1 << 28

// parseDedupe parses [by] PATH {, PATH} within DURATION [max NUMBER].
func parseDedupe(s *scanner) (Statement, error) {
	s.acceptWord("by")
	by, err := s.paths()
	if err != nil {
		return Statement{}, err
	}
	if !s.acceptWord("within") {
		return Statement{}, s.unexpected("within and a duration such as 10m")
	}
	s.skip()
	at := s.i
	within, err := time.ParseDuration(s.duration())
	if err != nil || within <= 0 {
		return Statement{}, s.errorf(at, "a duration is a number with a unit, such as 500ms, 30s, 10m or 24h")
	}
	keys := 0
	if s.acceptWord("max") {
		s.skip()
		at := s.i
		if keys, err = strconv.Atoi(s.word()); err != nil || keys < 1 || keys > maxKeys {
			return Statement{}, s.errorf(at, "max takes the number of keys to remember, from 1 to %d", maxKeys)
		}
	}
	return Statement{short("dedupe", by), func(b *builder) (op, error) {
		if keys == 0 {
			keys = min(b.o.Keys, maxKeys)
		}
		o := &dedupeOp{b.refs(by), newKeyTable(keys, within)}
		b.p.tables = append(b.p.tables, o.table)
		return o, nil
	}}, nil
}

// duration reads letters, digits and dots.
func (s *scanner) duration() string {
	start := s.i
	for s.i < len(s.src) && (isAlnum(s.src[s.i]) || s.src[s.i] == '.' || s.src[s.i] >= 0x80) {
		s.i++
	}
	return s.src[start:s.i]
}

func (o *dedupeOp) apply(w *worker) (verdict, error) {
	there := false
	for i := range o.by {
		there = there || kindOf(w.at(&o.by[i])) > null
	}
	if !there {
		return next, nil // nothing tells it from others
	}
	if !o.table.claim(xxh3.Hash128(w.keyText(o.by)), w.identity(), w.now) {
		return leaveOut, nil
	}
	return next, nil
}

// identity tells the record from all others, so that it is no duplicate of itself
// when its batch comes again; 0: not known.
func (w *worker) identity() uint64 {
	if w.number == 0 {
		return 0
	}
	var b [24]byte
	put(b[:8], w.stream)
	put(b[8:16], uint64(w.number))
	put(b[16:], w.ordinal)
	return xxh3.Hash(b[:]) | 1
}

func streamID(name string) uint64 { return xxh3.HashString(name) }
