package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/weirflow/weir"
)

// Primary result codes, the lowest eight bits of a code.
const (
	codeError      = sqlite3.SQLITE_ERROR
	codePerm       = sqlite3.SQLITE_PERM
	codeBusy       = sqlite3.SQLITE_BUSY
	codeLocked     = sqlite3.SQLITE_LOCKED
	codeNoMem      = sqlite3.SQLITE_NOMEM
	codeReadOnly   = sqlite3.SQLITE_READONLY
	codeInterrupt  = sqlite3.SQLITE_INTERRUPT
	codeCorrupt    = sqlite3.SQLITE_CORRUPT
	codeFull       = sqlite3.SQLITE_FULL
	codeCantOpen   = sqlite3.SQLITE_CANTOPEN
	codeProtocol   = sqlite3.SQLITE_PROTOCOL
	codeTooBig     = sqlite3.SQLITE_TOOBIG
	codeConstraint = sqlite3.SQLITE_CONSTRAINT
	codeMismatch   = sqlite3.SQLITE_MISMATCH
	codeAuth       = sqlite3.SQLITE_AUTH
	codeNotADB     = sqlite3.SQLITE_NOTADB

	primary = 0xff
)

// An Error is what SQLite has answered: its own message and what to do about it.
type Error struct {
	Code    int    // SQLite's extended result code
	Message string // SQLite's own
	Advice  string // what to do, where that is known
}

// Error returns the message and the advice, in one line.
func (e *Error) Error() string {
	text := oneLine(e.Message)
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return fmt.Sprintf("%s (SQLite code %d)", text, e.Code)
}

// Kind says what a caller can do about it.
func (e *Error) Kind() weir.Kind {
	switch e.Code & primary {
	case codeBusy, codeLocked, codeProtocol, codeFull:
		return weir.Transient
	case codeError, codePerm, codeReadOnly, codeCantOpen, codeAuth, codeNotADB:
		return weir.Invalid
	case codeConstraint, codeMismatch, codeTooBig:
		return weir.Rejected
	case codeCorrupt:
		return weir.Corrupt
	}
	return weir.Other
}

// isData reports whether the values of a record are the reason, so that others may
// do.
func (e *Error) isData() bool {
	switch e.Code & primary {
	case codeConstraint, codeMismatch, codeTooBig:
		return true
	}
	return false
}

// undoes reports whether an INSERT of several rows into a plain table that ends with
// this error has stored none of them.
func (e *Error) undoes() bool {
	switch e.Code {
	case sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
		sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_ROWID, codeMismatch:
		return true
	}
	return false
}

// advice says what to do about a code.
func advice(code int) string {
	switch code & primary {
	case codeBusy, codeLocked:
		return "another connection holds the lock: end it, or wait longer (WaitFor)"
	case codeFull:
		return "make room on the disk, or raise max_page_count, and start again: it goes on after the last checkpoint"
	case codeReadOnly:
		return "make the file and its directory writable for this user; the directory takes the files -wal and -shm"
	case codeCantOpen:
		return "check the path and its permissions; the directory must be there, and writable for the files -wal and -shm"
	case codePerm, codeAuth:
		return "check the permissions of the file and its directory"
	case codeNotADB:
		return "the file is something else, or encrypted: name another one"
	case codeCorrupt:
		return "check it with PRAGMA integrity_check, and restore it from a backup"
	case codeTooBig:
		return "raise MaxRecord"
	}
	return ""
}

// oneLine puts blanks in the place of line breaks and other control characters.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, unicode.IsControl), " ")
}

// classify returns err as a *weir.Error, or the cause of ctx if that is done. It
// adds no operation: the engine knows it.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var known *weir.Error
	if errors.As(err, &known) {
		return err
	}
	var own *Error
	if errors.As(err, &own) {
		return &weir.Error{Kind: own.Kind(), Err: err}
	}
	return err
}

// dataError returns SQLite's error in err if the values of a record are its reason.
func dataError(err error) (*Error, bool) {
	var e *Error
	if errors.As(err, &e) && e.isData() {
		return e, true
	}
	return nil, false
}

func isBusy(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code&primary == codeBusy || e.Code&primary == codeLocked)
}

// invalid returns an error that only a changed call can avoid.
func invalid(format string, args ...any) *weir.Error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf(format, args...)}
}
