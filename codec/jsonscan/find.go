package jsonscan

import "unicode/utf8"

// Index returns the index in Members of the last member with the name, or -1.
// b is the record that was scanned. To find several names in each record, one
// pass over Members with Named costs less.
func (o *Object) Index(b []byte, name string) int { return lastIndex(b, o.Members, name) }

// IndexHint is Index for a caller that knows where the record before had the
// member. It compares the name there first, and then looks only whether the
// name comes again behind it. A hint that is wrong, or out of range, costs time
// and changes nothing.
func (o *Object) IndexHint(b []byte, name string, hint int) int {
	if uint(hint) >= uint(len(o.Members)) || !o.Members[hint].Named(b, name) {
		return o.Index(b, name)
	}
	if behind := lastIndex(b, o.Members[hint+1:], name); behind >= 0 {
		return hint + 1 + behind
	}
	return hint
}

func lastIndex(b []byte, members []Member, name string) int {
	for i := len(members) - 1; i >= 0; i-- {
		m := &members[i]
		if int(m.KeyEnd-m.KeyStart) != len(name) && !m.KeyEscaped {
			continue // before a call: it is most of them
		}
		if m.Named(b, name) {
			return i
		}
	}
	return -1
}

// Named reports whether the key stands for name in b, the record that was
// scanned. The name is text, not JSON: the escapes of the key are resolved,
// without allocating. Bytes that are not valid UTF-8 equal only themselves.
func (m *Member) Named(b []byte, name string) bool {
	if m.KeyEscaped {
		return escapedIs(m.Key(b), name)
	}
	return string(b[m.KeyStart:m.KeyEnd]) == name
}

// escapedIs reports whether the raw key, with escapes in it, stands for name.
func escapedIs(key []byte, name string) bool {
	var buf [utf8.UTFMax]byte
	for i := 0; i < len(key); {
		part := key[i : i+1]
		if key[i] == '\\' {
			var r rune
			r, i = unescape(key, i+1)
			part = utf8.AppendRune(buf[:0], r)
		} else {
			i++
		}
		if len(name) < len(part) || name[:len(part)] != string(part) {
			return false
		}
		name = name[len(part):]
	}
	return name == ""
}
