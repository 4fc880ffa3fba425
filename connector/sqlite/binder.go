package sqlite

import (
	"errors"
	"unicode/utf8"

	"modernc.org/libc"

	"github.com/weirflow/weir/codec/jsonscan"
)

// textSize is the size of the memory that the text of a group of rows stands in. A
// record for which it is too small has its own.
const textSize = 256 << 10

// errRoom says that the text of a record does not fit the memory it is given.
var errRoom = errors.New("no room for the text of a record")

// binder binds the values of records to the parameters of a statement. The records
// are copied, because SQLite is to read memory of its own side only.
type binder struct {
	tls  *libc.TLS
	text region
	used int    // bytes of text
	own  region // for one large record
}

func newBinder(tls *libc.TLS) (*binder, error) {
	text, err := newRegion(tls, textSize)
	return &binder{tls: tls, text: text}, err
}

func (b *binder) close() {
	b.text.free(b.tls)
	b.own.free(b.tls)
}

// need returns the bytes of text that r takes at most: the record, from which most
// values are bound, and those values that are written anew.
func (r *record) need() int {
	n := len(r.rec)
	if r.valid {
		return n * (1 + r.p.copies)
	}
	return n * (1 + 3*r.p.copies)
}

// row binds the row of r from parameter first on: the values of the fields cols.
func (b *binder) row(s *stmt, r *record, cols []int32, first int32) error {
	if r.need() > len(b.text.b)-b.used {
		return errRoom
	}
	at := b.used
	b.used += copy(b.text.b[at:], r.rec)
	return b.values(s, r, cols, first, b.text, at)
}

// large is row for a record that has memory of its own, which release gives back
// when the row was stored.
func (b *binder) large(s *stmt, r *record, cols []int32) error {
	size := min(r.need(), len(r.rec)+r.max)
	own, err := newRegion(b.tls, size)
	if err != nil {
		return err
	}
	b.own = own
	b.used = copy(own.b, r.rec)
	return b.values(s, r, cols, 1, own, 0)
}

// release makes room for the text of the next rows.
func (b *binder) release() {
	b.used = 0
	b.own.free(b.tls)
}

// values binds the fields cols of r, whose record is in m at base.
func (b *binder) values(s *stmt, r *record, cols []int32, first int32, m region, base int) error {
	for k, f := range cols {
		v, i := r.value(f), first+int32(k)
		if v.kind == jsonscan.Null && r.p.fields[f].key {
			return bad("it has no value for column %s, which is part of Key", r.p.fields[f].name)
		}
		at := m.at + uintptr(base+v.start)
		var err error
		switch v.kind {
		case jsonscan.Null:
			err = s.bindNull(i)
		case jsonscan.True:
			err = s.bindInt(i, 1)
		case jsonscan.False:
			err = s.bindInt(i, 0)
		case jsonscan.Number:
			err = bindNumber(s, i, r.rec[v.start:v.end], at)
		case jsonscan.String:
			if r.valid && !v.escaped {
				err = s.bindText(i, at+1, v.end-v.start-2)
				break
			}
			err = b.anew(s, i, m, r.rec[v.start:v.end], jsonscan.Unquote)
		default:
			if r.valid {
				err = s.bindText(i, at, v.end-v.start)
				break
			}
			err = b.anew(s, i, m, r.rec[v.start:v.end], appendValid)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bindNumber binds a number that stands at the address at: as text where it would
// lose digits otherwise.
func bindNumber(s *stmt, i int32, v []byte, at uintptr) error {
	if n, ok := parseInt(v); ok {
		return s.bindInt(i, n)
	}
	if f, ok := parseFloat(v); ok {
		return s.bindFloat(i, f)
	}
	return s.bindText(i, at, len(v))
}

// anew binds a value that is not text as it stands. write appends what is.
func (b *binder) anew(s *stmt, i int32, m region, v []byte, write func(dst, v []byte) ([]byte, error)) error {
	if 3*len(v) > len(m.b)-b.used && !fits(v, len(m.b)-b.used) {
		return bad("its text is longer than MaxRecord allows")
	}
	text, err := write(m.b[b.used:b.used], v)
	if err != nil {
		return err
	}
	at := m.at + uintptr(b.used)
	b.used += len(text)
	return s.bindText(i, at, len(text))
}

// fits reports whether v, each byte of it that is not valid UTF-8 replaced, has at
// most room bytes.
func fits(v []byte, room int) bool {
	n := 0
	for len(v) > 0 {
		r, size := utf8.DecodeRune(v)
		n += utf8.RuneLen(r)
		v = v[size:]
	}
	return n <= room
}

// appendValid appends v, and U+FFFD for each byte of it that is not valid UTF-8.
func appendValid(dst, v []byte) ([]byte, error) {
	for len(v) > 0 {
		r, size := utf8.DecodeRune(v)
		dst = utf8.AppendRune(dst, r)
		v = v[size:]
	}
	return dst, nil
}
