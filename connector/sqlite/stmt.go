package sqlite

import (
	"fmt"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// stmt is a prepared statement. Parameters are numbered from 1, columns from 0.
type stmt struct {
	c *conn
	p uintptr
}

// prepare takes one statement.
func (c *conn) prepare(sql string) (*stmt, error) {
	text, err := libc.CString(sql)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	const persistent = sqlite3.SQLITE_PREPARE_PERSISTENT
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, persistent, c.words.at, c.words.at+wordSize); rc != sqlite3.SQLITE_OK {
		return nil, c.failure(rc)
	}
	s := &stmt{c, wordAt(c.words.at)}
	behind := int(wordAt(c.words.at+wordSize) - text)
	if s.p == 0 || strings.Trim(sql[min(behind, len(sql)):], "; \t\r\n") != "" {
		s.close()
		return nil, invalid("it is not one SQL statement")
	}
	return s, nil
}

// step runs the statement to its next row; false: it has ended and was reset. On an
// error it was reset too.
func (s *stmt) step() (row bool, err error) {
	switch rc := sqlite3.Xsqlite3_step(s.c.tls, s.p); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		s.reset()
		return false, nil
	default:
		err := s.c.failure(rc)
		s.reset()
		return false, err
	}
}

// reset makes the statement ready to be run again. What it returns is the error of
// the last step, which is known.
func (s *stmt) reset() { sqlite3.Xsqlite3_reset(s.c.tls, s.p) }

func (s *stmt) close() {
	if s != nil && s.p != 0 {
		sqlite3.Xsqlite3_finalize(s.c.tls, s.p) // returns the error of the last step again
		s.p = 0
	}
}

func (s *stmt) check(rc int32) error {
	if rc != sqlite3.SQLITE_OK {
		return s.c.failure(rc)
	}
	return nil
}

func (s *stmt) bindInt(i int32, v int64) error {
	return s.check(sqlite3.Xsqlite3_bind_int64(s.c.tls, s.p, i, v))
}

func (s *stmt) bindFloat(i int32, v float64) error {
	return s.check(sqlite3.Xsqlite3_bind_double(s.c.tls, s.p, i, v))
}

func (s *stmt) bindNull(i int32) error {
	return s.check(sqlite3.Xsqlite3_bind_null(s.c.tls, s.p, i))
}

// bindText binds the n bytes at p, which must stay there until the next step has
// returned.
func (s *stmt) bindText(i int32, p uintptr, n int) error {
	return s.check(sqlite3.Xsqlite3_bind_text(s.c.tls, s.p, i, p, int32(n), 0))
}

// bindAll binds copies of values of the types int64, float64, string, []byte and
// nil.
func (s *stmt) bindAll(args []any) error {
	for k, arg := range args {
		i := int32(k + 1)
		var err error
		switch v := arg.(type) {
		case int64:
			err = s.bindInt(i, v)
		case float64:
			err = s.bindFloat(i, v)
		case nil:
			err = s.bindNull(i)
		case string:
			err = s.bindCopy(i, []byte(v), true)
		case []byte:
			err = s.bindCopy(i, v, false)
		default:
			err = fmt.Errorf("a value of type %T cannot be bound", arg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stmt) bindCopy(i int32, v []byte, text bool) error {
	r, err := newRegion(s.c.tls, len(v)+1) // an address of nothing would be NULL
	if err != nil {
		return err
	}
	defer r.free(s.c.tls)
	copy(r.b, v)
	n, transient := int32(len(v)), ^uintptr(0)
	if text {
		return s.check(sqlite3.Xsqlite3_bind_text(s.c.tls, s.p, i, r.at, n, transient))
	}
	return s.check(sqlite3.Xsqlite3_bind_blob(s.c.tls, s.p, i, r.at, n, transient))
}

func (s *stmt) columns() int { return int(sqlite3.Xsqlite3_column_count(s.c.tls, s.p)) }

func (s *stmt) columnName(i int) string {
	return libc.GoString(sqlite3.Xsqlite3_column_name(s.c.tls, s.p, int32(i)))
}

// kind returns the type of a value: sqlite3.SQLITE_INTEGER and so on.
func (s *stmt) kind(i int) int32 {
	return sqlite3.Xsqlite3_column_type(s.c.tls, s.p, int32(i))
}

func (s *stmt) int(i int) int64 {
	return sqlite3.Xsqlite3_column_int64(s.c.tls, s.p, int32(i))
}

func (s *stmt) float(i int) float64 {
	return sqlite3.Xsqlite3_column_double(s.c.tls, s.p, int32(i))
}

// text returns a value as text. It is valid until the next call.
func (s *stmt) text(i int) []byte {
	p := sqlite3.Xsqlite3_column_text(s.c.tls, s.p, int32(i))
	return bytesAt(p, int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, int32(i))))
}

// blob returns the bytes of a value. They are valid until the next call.
func (s *stmt) blob(i int) []byte {
	p := sqlite3.Xsqlite3_column_blob(s.c.tls, s.p, int32(i))
	return bytesAt(p, int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, int32(i))))
}

// size returns the number of bytes of a text or blob.
func (s *stmt) size(i int) int {
	return int(sqlite3.Xsqlite3_column_bytes(s.c.tls, s.p, int32(i)))
}
