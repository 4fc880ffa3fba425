package transform

import (
	"strings"

	"github.com/weirflow/weir/codec/jsonscan"
)

// maxPath is the number of steps of the longest path.
const maxPath = 32

// A step goes from an object to the value of a member, or from an array to an
// element.
type step struct {
	name    string // of a member
	key     string // the name as it is written into a record, with the colon
	index   int    // of an element, when isIndex; negative: from the end
	isIndex bool
}

func member(name string) step {
	return step{name: name, key: string(jsonscan.Quote(nil, []byte(name))) + ":"}
}

// A path leads from a record to a value. Its first step is a member.
type path []step

// String returns the path as a program writes it.
func (p path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.isIndex:
			b.WriteString("[" + itoa(s.index) + "]")
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if isBare(s.name) {
			b.WriteString(s.name)
		} else {
			b.Write(jsonscan.Quote(nil, []byte(s.name)))
		}
	}
	return b.String()
}

// find returns the value at the end of p, beginning at val; nil: there is none.
// Of members with one name the last counts.
func (p path) find(val []byte) []byte {
	for _, s := range p {
		switch kindOf(val) {
		case object:
			val = s.findMember(val)
		case array:
			val = s.findElement(val)
		default:
			return nil
		}
	}
	return val
}

func (s step) findMember(val []byte) (found []byte) {
	if s.isIndex {
		return nil
	}
	for c := walk(val); c.next(); {
		if keyIs(c.key, s.name) {
			found = c.val
		}
	}
	return found
}

func (s step) findElement(val []byte) []byte {
	if !s.isIndex {
		return nil
	}
	n := s.index
	if n < 0 {
		for c := walk(val); c.next(); {
			n++
		}
		if n < 0 {
			return nil
		}
	}
	for c := walk(val); c.next(); n-- {
		if n == 0 {
			return c.val
		}
	}
	return nil
}

// A ref is a path whose first step is a slot of the record.
type ref struct {
	slot int
	rest path // below it; empty: the member itself
	path path
}
