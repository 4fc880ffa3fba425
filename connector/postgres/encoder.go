package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/weirflow/weir/codec/jsonscan"
)

const (
	// pieceSize is the size of the buffer that rows are encoded into: one CopyData
	// message.
	pieceSize = 64 << 10
	// pieceHeader is the room for the header of a message: its type and length.
	pieceHeader = 5
	// maxMembers is the largest number of members of a record. It bounds the table
	// that a scan fills.
	maxMembers = 8 << 10
	// usualMembers is how many members are remembered from record to record.
	usualMembers = 1 << 10
	// maxHint is the longest name of a member that is remembered, in bytes.
	maxHint = 128
	// perColumn is more than what any value takes in a row beside the bytes that
	// stand in the record.
	perColumn = 40
)

// What stops an encoder at a record, which is then not in the COPY.
var (
	// errOdd says that a value has no binary form here; the server may know what
	// the text means.
	errOdd = errors.New("a value that only the server can read")
	// errColumns says that the record has values for other columns than the COPY
	// lists.
	errColumns = errors.New("other columns than before")
	// errBlank says that there is nothing.
	errBlank = errors.New("a blank line")
)

// badError says why a record cannot be a row, whatever the server says.
type badError struct{ reason error }

func (e *badError) Error() string { return e.reason.Error() }
func (e *badError) Unwrap() error { return e.reason }

// encoder turns records into rows of a COPY. Its memory is the buffer, the tables of
// the columns and of the members; a value is never copied elsewhere.
type encoder struct {
	p      *plan
	strict bool                // a member without a column is an error
	unused func(member string) // told once of each member without a column
	utc    bool                // the session's zone is UTC
	send   func(piece []byte) error

	buf     []byte // the header's room, and rows
	text    bool   // rows are text, not binary
	dry     bool   // rows are measured and thrown away
	sendErr error

	obj   jsonscan.Object
	at    []int32           // by field: the member of this record, -1: none
	in    []bool            // by field: the COPY lists its column
	cols  []int32           // the fields that the COPY lists
	v     span              // the value that is being written
	hints []head            // by member: what stood there in the record before
	seen  map[string]string // members without a column that were told of
}

// span is a value in a record.
type span struct {
	v       []byte
	kind    jsonscan.Kind
	escaped bool // there may be a backslash in it
}

func newEncoder(p *plan, send func([]byte) error) *encoder {
	e := &encoder{
		p: p, send: send,
		buf: make([]byte, pieceHeader, pieceSize),
		at:  make([]int32, len(p.fields)), in: make([]bool, len(p.fields)),
	}
	for i := range p.fields {
		e.in[i] = !p.fields[i].tracked
	}
	e.list()
	return e
}

// list makes cols of in.
func (e *encoder) list() {
	e.cols = e.cols[:0]
	for i, in := range e.in {
		if in {
			e.cols = append(e.cols, int32(i)) // a table has at most 1600 columns
		}
	}
}

// columns returns the names of the columns that the COPY must list.
func (e *encoder) columns() []string {
	names := make([]string, len(e.cols))
	for i, f := range e.cols {
		names[i] = e.p.fields[f].name
	}
	return names
}

// onlyText reports whether one of the columns has a type that has no binary form
// here.
func (e *encoder) onlyText() bool {
	for _, f := range e.cols {
		if e.p.fields[f].how == textOnly {
			return true
		}
	}
	return false
}

// begin begins a COPY.
func (e *encoder) begin(text bool) {
	e.text, e.sendErr = text, nil
	e.buf = e.buf[:pieceHeader]
	if !text {
		e.buf = append(e.buf, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	}
}

// end writes what ends a COPY and sends the rest.
func (e *encoder) end() error {
	if !e.text {
		e.need(2)
		e.buf = append(e.buf, 0xff, 0xff)
	}
	e.flush()
	return e.sendErr
}

// row adds the row of a record. On an error nothing is added.
func (e *encoder) row(rec []byte) error {
	if err := e.scan(rec); err != nil {
		return err
	}
	if err := e.match(rec); err != nil {
		return err
	}
	if e.changed(rec) {
		return errColumns
	}
	bound := len(e.cols)*perColumn + len(rec)*(1+e.p.mapped)
	if e.text {
		bound *= 4 // an escape in an element of an array
	}
	if bound > pieceSize-pieceHeader {
		// It may not fit the buffer, from which it could be taken back.
		e.flush()
		e.dry = true
		err := e.values(rec)
		e.dry = false
		e.buf = e.buf[:pieceHeader]
		if err != nil {
			return err
		}
	} else {
		e.need(bound)
	}
	start := len(e.buf)
	err := e.values(rec)
	if err != nil {
		e.buf = e.buf[:start]
		return err
	}
	return e.sendErr
}

func (e *encoder) values(rec []byte) error {
	if e.text {
		return e.textRow(rec)
	}
	return e.binaryRow(rec)
}

// scan finds the members of a record.
func (e *encoder) scan(rec []byte) error {
	if len(rec) > maxMembers*len(`"":0,`) {
		if err := checkMembers(rec); err != nil {
			return err
		}
	}
	if err := e.obj.Scan(rec); err != nil {
		if len(bytes.TrimSpace(rec)) == 0 {
			return errBlank
		}
		return &badError{fmt.Errorf("not a JSON object: %w", err)}
	}
	return nil
}

// checkMembers refuses an object with too many members. What is no object it leaves
// to the scan.
func checkMembers(rec []byte) error {
	open := bytes.IndexByte(rec, '{')
	if open < 0 || !jsonscan.Valid(rec) {
		return nil
	}
	n := 0
	for i := open + 1; i < len(rec); {
		_, end, kind, err := jsonscan.Value(rec, i) // the name
		if err != nil || kind != jsonscan.String {
			return nil
		}
		if n++; n > maxMembers {
			return &badError{fmt.Errorf("it has more than %d members", maxMembers)}
		}
		colon := end + bytes.IndexByte(rec[end:], ':')
		if _, end, _, err = jsonscan.Value(rec, colon+1); err != nil {
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
func (e *encoder) match(rec []byte) error {
	for i := range e.at {
		e.at[i] = -1
	}
	found := e.p.wholes > 0
	for i := range e.obj.Members {
		m := &e.obj.Members[i]
		var f int32
		if i < len(e.hints) && string(rec[m.KeyStart:m.KeyEnd]) == e.hints[i].name {
			f = e.hints[i].field
		} else {
			f = e.lookUp(rec, i)
		}
		if f < 0 && e.strict {
			return &badError{fmt.Errorf("the table has no column for member %s", quoteKey(m.Key(rec)))}
		}
		for ; f >= 0; f = e.p.fields[f].next {
			e.at[f] = int32(i) // at most maxMembers
			found = true
		}
	}
	if !found {
		return &badError{errors.New("the table has a column for none of its members")}
	}
	return nil
}

// lookUp returns the first field that begins at member i, -1 if none does, and
// remembers it: most records are like the one before.
func (e *encoder) lookUp(rec []byte, i int) int32 {
	m := &e.obj.Members[i]
	key := m.Key(rec)
	if m.KeyEscaped {
		if name, err := jsonscan.Unquote(nil, rec[m.KeyStart-1:m.KeyEnd+1]); err == nil {
			if h, ok := e.p.heads[string(name)]; ok {
				return h.field
			}
		}
		e.tell(key)
		return -1
	}
	h, ok := e.p.heads[string(key)]
	if !ok {
		h = head{e.tell(key), -1}
	}
	if h.name != "" && i < usualMembers {
		for len(e.hints) <= i {
			e.hints = append(e.hints, head{field: -1})
		}
		e.hints[i] = h
	}
	return h.field
}

// tell says once that the table has no column for a member, and returns its name if
// it is one that is remembered.
func (e *encoder) tell(key []byte) string {
	if name, told := e.seen[string(key)]; told {
		return name
	}
	if len(e.seen) == usualMembers || len(key) > maxHint {
		return ""
	}
	if e.seen == nil {
		e.seen = map[string]string{}
	}
	name := string(key)
	e.seen[name] = name
	if e.unused != nil {
		e.unused(name)
	}
	return name
}

func quoteKey(key []byte) string {
	const most = 64
	if len(key) > most {
		return `"` + string(key[:most]) + `..."`
	}
	return `"` + string(key) + `"`
}

// changed reports whether the record has values for other columns than the COPY
// lists.
func (e *encoder) changed(rec []byte) bool {
	for _, i := range e.p.tracked {
		if e.in[i] != e.has(rec, i) {
			return true
		}
	}
	return false
}

// adopt makes the record that was matched last the measure of the columns that the
// next COPY lists.
func (e *encoder) adopt(rec []byte) {
	for _, i := range e.p.tracked {
		e.in[i] = e.has(rec, i)
	}
	e.list()
}

// has reports whether the record has something for field i, null or a value.
func (e *encoder) has(rec []byte, i int32) bool {
	m := e.at[i]
	if m < 0 || len(e.p.fields[i].path) == 0 {
		return m >= 0
	}
	_, _, _, ok := jsonscan.Path(rec, int(e.obj.Members[m].ValStart), e.p.fields[i].path)
	return ok
}

// value sets e.v to what field f takes, and reports false if that is NULL.
func (e *encoder) value(rec []byte, f int32) bool {
	field, v := &e.p.fields[f], &e.v
	i := e.at[f]
	if field.simple && i >= 0 {
		m := &e.obj.Members[i]
		v.v, v.kind, v.escaped = rec[m.ValStart:m.ValEnd], m.Kind, m.ValEscaped
		return m.Kind != jsonscan.Null
	}
	v.escaped = true
	if field.whole {
		v.v, v.kind = rec[e.obj.Start:e.obj.End], jsonscan.ObjectKind
		return true
	}
	if i < 0 {
		return false
	}
	start, end, kind, ok := jsonscan.Path(rec, int(e.obj.Members[i].ValStart), field.path)
	if !ok {
		return false
	}
	v.v, v.kind = rec[start:end], kind
	return kind != jsonscan.Null
}

// need makes room for n bytes, at most what the buffer holds.
func (e *encoder) need(n int) {
	if cap(e.buf)-len(e.buf) < n {
		e.flush()
	}
}

// flush sends what is in the buffer.
func (e *encoder) flush() {
	if len(e.buf) > pieceHeader && !e.dry && e.sendErr == nil {
		e.buf[0] = 'd'
		binary.BigEndian.PutUint32(e.buf[1:], uint32(len(e.buf)-1)) // at most pieceSize
		e.sendErr = e.send(e.buf)
	}
	e.buf = e.buf[:pieceHeader]
}

// put adds bytes of any number.
func (e *encoder) put(b []byte) {
	for {
		n := min(cap(e.buf)-len(e.buf), len(b))
		e.buf = append(e.buf, b[:n]...)
		if b = b[n:]; len(b) == 0 {
			return
		}
		e.flush()
	}
}

// release gives back memory beyond the usual.
func (e *encoder) release() {
	if cap(e.obj.Members) > usualMembers {
		e.obj.Members = nil
	}
}
