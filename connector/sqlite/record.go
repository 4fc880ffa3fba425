package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

const (
	// maxMembers is the largest number of members of a record. It bounds the table
	// that a scan fills.
	maxMembers = 8 << 10
	// perMember is what a member takes in that table, in bytes.
	perMember = 20
	// usualMembers is how many members are remembered from record to record.
	usualMembers = 1 << 10
	// maxHint is the longest name of a member that is remembered, in bytes.
	maxHint = 128
)

// errBlank says that a record has nothing in it.
var errBlank = errors.New("a blank line")

// badError says why a record cannot be a row, whatever SQLite says.
type badError struct{ reason error }

func (e *badError) Error() string { return e.reason.Error() }
func (e *badError) Unwrap() error { return e.reason }

func bad(format string, args ...any) error { return &badError{fmt.Errorf(format, args...)} }

// record is the record that is being looked at: its members, and the fields that
// take them.
type record struct {
	p      *plan
	max    int                 // longest record, in bytes
	strict bool                // a member without a column is an error
	unused func(member string) // told once of each member without a column

	rec   []byte
	valid bool // it is valid UTF-8
	obj   jsonscan.Object
	at    []int32             // by field: the member, -1: none
	hints []hint              // by member: what stood there in the record before
	seen  map[string]struct{} // members without a column that were told of
}

// hint is the name of a member and the first field that begins at it, -1 if none
// does.
type hint struct {
	key   string
	field int32
}

// span is a value in a record.
type span struct {
	start, end int
	kind       jsonscan.Kind
	escaped    bool // there may be a backslash in it
}

func newRecord(p *plan, o *SinkOptions) *record {
	return &record{p: p, max: o.MaxRecord, strict: o.Strict, unused: o.OnUnused, at: make([]int32, len(p.fields))}
}

// load looks at rec. An error is errBlank or a *badError.
func (r *record) load(rec []byte) error {
	r.rec = rec
	if len(rec) > r.max {
		return bad("it is longer than %d bytes (MaxRecord)", r.max)
	}
	if err := checkMembers(rec); err != nil {
		return err
	}
	if err := r.obj.Scan(rec); err != nil {
		if len(bytes.TrimSpace(rec)) == 0 {
			return errBlank
		}
		return bad("not a JSON object: %w", err)
	}
	r.valid = utf8.Valid(rec)
	return r.match()
}

// checkMembers refuses an object with too many members. What is no object it leaves
// to the scan.
func checkMembers(rec []byte) error {
	if len(rec) < maxMembers*len(`"":0,`) {
		return nil
	}
	open := bytes.IndexByte(rec, '{')
	if open < 0 || bytes.Count(rec, []byte{':'}) <= maxMembers || !jsonscan.Valid(rec) {
		return nil
	}
	for n, i := 0, open+1; i < len(rec); n++ {
		if n == maxMembers {
			return bad("it has more than %d members", maxMembers)
		}
		_, end, kind, err := jsonscan.Value(rec, i)
		if err != nil || kind != jsonscan.String {
			return nil // the end of an empty object, or no object
		}
		i = end + bytes.IndexByte(rec[end:], ':') + 1
		if _, end, _, err = jsonscan.Value(rec, i); err != nil {
			return nil
		}
		comma := bytes.IndexAny(rec[end:], ",}")
		if comma < 0 || rec[end+comma] == '}' {
			return nil
		}
		i = end + comma + 1
	}
	return nil
}

// match finds the fields' members.
func (r *record) match() error {
	for i := range r.at {
		r.at[i] = -1
	}
	found := r.p.wholes > 0
	for i := range r.obj.Members {
		m := &r.obj.Members[i]
		var f int32
		if i < len(r.hints) && string(r.rec[m.KeyStart:m.KeyEnd]) == r.hints[i].key {
			f = r.hints[i].field
		} else {
			f = r.lookUp(i)
		}
		if f < 0 && r.strict {
			return bad("the table has no column for member %s", quoteKey(m.Key(r.rec)))
		}
		for ; f >= 0; f = r.p.fields[f].next {
			r.at[f] = int32(i)
			found = true
		}
	}
	if !found {
		return bad("the table has a column for none of its members")
	}
	return nil
}

// lookUp returns the first field that begins at member i, and remembers it.
func (r *record) lookUp(i int) int32 {
	m := &r.obj.Members[i]
	key := m.Key(r.rec)
	f, ok := r.p.heads[string(key)]
	if m.KeyEscaped {
		if name, err := jsonscan.Unquote(nil, r.rec[m.KeyStart-1:m.KeyEnd+1]); err == nil {
			f, ok = r.p.heads[string(name)]
		}
	}
	if !ok {
		f = -1
		r.tell(key)
	}
	if i < usualMembers && len(key) <= maxHint {
		for len(r.hints) <= i {
			r.hints = append(r.hints, hint{key: "\xff"}) // no name of a member
		}
		if r.hints[i].key == "\xff" { // the first one stays: members that come and go would make garbage
			r.hints[i] = hint{string(key), f}
		}
	}
	return f
}

// tell says once that the table has no column for a member.
func (r *record) tell(key []byte) {
	if _, told := r.seen[string(key)]; told || r.unused == nil || len(r.seen) == usualMembers || len(key) > maxHint {
		return
	}
	if r.seen == nil {
		r.seen = map[string]struct{}{}
	}
	r.seen[string(key)] = struct{}{}
	r.unused(string(key))
}

func quoteKey(key []byte) string {
	const most = 64
	if len(key) > most {
		return `"` + string(key[:most]) + `..."`
	}
	return `"` + string(key) + `"`
}

// has reports whether the record has something for field f, null or a value.
func (r *record) has(f int) bool {
	m := r.at[f]
	if m < 0 || len(r.p.fields[f].path) == 0 {
		return m >= 0
	}
	_, _, _, ok := jsonscan.Path(r.rec, int(r.obj.Members[m].ValStart), r.p.fields[f].path)
	return ok
}

// value returns what field f takes; its kind is Null if that is nothing.
func (r *record) value(f int32) span {
	field := &r.p.fields[f]
	if field.whole {
		return span{r.obj.Start, r.obj.End, jsonscan.ObjectKind, true}
	}
	if r.at[f] < 0 {
		return span{kind: jsonscan.Null}
	}
	m := &r.obj.Members[r.at[f]]
	if len(field.path) == 0 {
		return span{int(m.ValStart), int(m.ValEnd), m.Kind, m.ValEscaped}
	}
	start, end, kind, ok := jsonscan.Path(r.rec, int(m.ValStart), field.path)
	if !ok {
		return span{kind: jsonscan.Null}
	}
	return span{start, end, kind, true}
}
