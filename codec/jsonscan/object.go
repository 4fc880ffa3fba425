package jsonscan

import "math"

// maxLength is the longest record in bytes that Object.Scan accepts: a Member
// holds positions in 32 bits.
const maxLength = math.MaxInt32

// minMember is the length of the shortest member with its comma.
const minMember = len(`"":0,`)

// An Object is where the members of one scanned object are. Scan it again for
// the next record: the room for Members is used again, and nothing is
// allocated once it has grown to the widest record.
//
// Members takes 20 bytes a member, and a member at least five bytes of the
// record, so its capacity in bytes is at most four times the longest record.
// Set Members to nil to give it back.
type Object struct {
	Start, End int      // the object is b[Start:End], braces included
	Members    []Member // in the order of the record, with all that share a name
}

// A Member is one member of an object, as indexes into the record. The key is
// without its quotes and raw, its escapes as they stand there; the value is
// whole, with the quotes of a string.
type Member struct {
	KeyStart, KeyEnd, ValStart, ValEnd int32
	Kind                               Kind
	KeyEscaped, ValEscaped             bool // a backslash is in it
}

// Key returns the key in b, the record that was scanned.
func (m *Member) Key(b []byte) []byte { return b[m.KeyStart:m.KeyEnd:m.KeyEnd] }

// Val returns the value in b, the record that was scanned.
func (m *Member) Val(b []byte) []byte { return b[m.ValStart:m.ValEnd:m.ValEnd] }

// Scan finds the members of b, which is one object with white space around it
// or not, and checks all of it, however deep. The error is a *[SyntaxError];
// Members is then empty.
func (o *Object) Scan(b []byte) error {
	if len(b) > maxLength {
		o.Start, o.End, o.Members = 0, 0, o.Members[:0]
		return &SyntaxError{Offset: maxLength, Reason: reasons[tooLong]}
	}
	i, found := o.scan(b)
	if err := finish(b, i, found); err != nil {
		o.Start, o.End, o.Members = 0, 0, o.Members[:0]
		return err
	}
	return nil
}

func (o *Object) scan(b []byte) (int, outcome) {
	i, c := next(b, 0)
	if c != '{' {
		return i, notObject
	}
	o.Start = i
	members, n := o.Members[:cap(o.Members)], 0
	if i, c = next(b, i+1); c == '}' {
		o.End, o.Members = i+1, members[:0]
		return i + 1, plain
	}
	for {
		if c = at(b, i); c != '"' {
			if i, c = next(b, i); c != '"' {
				return i, badKey
			}
		}
		keyStart := i + 1
		var key, val outcome
		i, key = text(b, keyStart)
		if key.bad() {
			return i, key
		}
		keyEnd := i - 1
		if c = at(b, i); c != ':' {
			if i, c = next(b, i); c != ':' {
				return i, badColon
			}
		}
		i++
		if c = at(b, i); c <= ' ' {
			i, c = next(b, i)
		}
		valStart := i
		if c == '"' {
			i, val = text(b, i+1)
		} else {
			i, val = value(b, i, 1)
		}
		if val.bad() {
			return i, val
		}
		if n == len(members) {
			members = wider(members, 1+(len(b)-i)/minMember)
		}
		// Field by field: a Member that is built first and copied then
		// stalls the processor at every member.
		m := &members[n]
		n++
		m.KeyStart, m.KeyEnd, m.ValStart, m.ValEnd = int32(keyStart), int32(keyEnd), int32(valStart), int32(i)
		m.Kind, m.KeyEscaped, m.ValEscaped = kinds[c], key == escaped, val == escaped
		if c = at(b, i); c != ',' {
			if i, c = next(b, i); c == '}' {
				o.End, o.Members = i+1, members[:n]
				return i + 1, plain
			}
			if c != ',' {
				return i, badMember
			}
		}
		i++
	}
}

// wider returns members with room for more, and for at most most more, all of
// it as length.
func wider(members []Member, most int) []Member {
	room := make([]Member, len(members)+min(max(len(members), 16), most))
	copy(room, members)
	return room
}
