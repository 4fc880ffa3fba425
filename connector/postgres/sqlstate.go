package postgres

import (
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
)

// States that are acted on by name (appendix A of PostgreSQL's manual).
const (
	stateProtocol       = "08P01" // also: a binary value of the wrong form
	stateUniqueRace     = "23505" // of two that make the same thing at once
	stateExists         = "42P07"
	stateNoTable        = "42P01"
	stateNoColumn       = "42703"
	stateNoKey          = "42P10"
	stateNoPermission   = "42501"
	stateReadOnly       = "25006"
	stateLocked         = "55P03"
	stateCancelled      = "57014"
	stateBadBinary      = "22P03"
	stateBadFormat      = "22P04"
	stateTwiceInCommand = "21000"
	stateDiskFull       = "53100"
	stateTooMany        = "53300"
	stateWithCheck      = "44000"
	stateRaised         = "P0001"
)

// kindOfState says what a caller can do about an error of the server.
func kindOfState(code string) weir.Kind {
	switch code {
	case stateProtocol:
		return weir.Other
	case stateReadOnly, stateLocked, stateCancelled:
		return weir.Transient
	}
	if isDataState(code) {
		return weir.Rejected
	}
	switch classOf(code) {
	case "08", "40", "53", "57", "58": // connection, rolled back, resources, operator, system
		return weir.Transient
	case "0A", "28", "3D", "3F", "42": // not supported, authorization, no database, no schema, syntax and access
		return weir.Invalid
	}
	return weir.Other
}

// isDataState reports whether the values of a record are the reason: another record
// may do.
func isDataState(code string) bool {
	switch code {
	case stateTwiceInCommand, stateWithCheck, stateRaised, stateProtocol:
		return true
	}
	switch classOf(code) {
	case "22", "23", "54": // data, integrity, a limit such as that of an index's row
		return true
	}
	return false
}

// isForm reports whether the form of a binary value is the reason: the same value
// as text may do.
func isForm(code string) bool {
	return code == stateProtocol || code == stateBadBinary || code == stateBadFormat
}

func classOf(code string) string {
	if len(code) < 2 {
		return ""
	}
	return code[:2]
}

// advice says what to do about an error of the server.
func advice(e *pgconn.PgError) string {
	switch e.Code {
	case stateNoTable:
		return "create the table, or check its name and the search_path"
	case stateNoColumn:
		return "the table was changed while it was written; start again"
	case stateNoKey:
		return "create a unique index on the key's columns, or make them the primary key"
	case stateNoPermission:
		return "grant this user what is missing"
	case stateReadOnly:
		return "this server is a standby or read-only; give the primary, or all hosts and target_session_attrs=read-write"
	case stateDiskFull:
		return "the server's disk is full: make room there, and it goes on"
	case stateTooMany:
		return "the server takes no more connections: lower the number of streams or connections, or raise max_connections there"
	case stateLocked:
		return "another session holds the lock"
	}
	switch classOf(e.Code) {
	case "28":
		return "check the user, the password (PGPASSWORD, PGPASSFILE or ~/.pgpass) and the server's pg_hba.conf"
	case "3D":
		return "create the database, or check its name"
	case "40":
		return "it was rolled back in favour of another transaction; trying again is all it takes"
	}
	return ""
}
