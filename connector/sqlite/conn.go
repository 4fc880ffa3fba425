package sqlite

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a connection holds beside its page cache: statements, the map of the WAL, a
// checkpoint's index of it.
const perConn = 2 << 20

// Waits for a lock: the first, and the longest. They are short, because another
// writer leaves the lock for a moment only.
const (
	firstWait = time.Millisecond
	lastWait  = 4 * time.Millisecond
)

// conn is a connection to a database. It calls the library without the driver for
// database/sql, which would allocate for each value. It has one user at a time;
// interrupt may be called at any time.
type conn struct {
	tls   *libc.TLS
	db    uintptr
	words region // room for two addresses
	live  struct {
		sync.Mutex
		ok bool
	}
}

// dial is how a connection is made.
type dial struct {
	path     string
	write    bool // else it is read-only
	create   bool // make the file if it is not there
	noSync   bool
	cache    int64 // bytes
	maxValue int   // longest value and row, in bytes
	wait     time.Duration
}

func (d dial) open(ctx context.Context) (*conn, error) {
	c := &conn{tls: libc.NewTLS()}
	var err error
	if c.words, err = newRegion(c.tls, int(2*wordSize)); err == nil {
		err = c.openFile(d)
	}
	if err == nil {
		c.live.ok = true
		err = c.wait(ctx, d.wait, func() error { return c.configure(d) })
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	return c, nil
}

func (c *conn) openFile(d dial) error {
	flags := int32(sqlite3.SQLITE_OPEN_NOMUTEX)
	switch {
	case d.write && d.create:
		flags |= sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE
	case d.write:
		flags |= sqlite3.SQLITE_OPEN_READWRITE
	default:
		flags |= sqlite3.SQLITE_OPEN_READONLY
	}
	path := d.path
	if strings.HasPrefix(path, ":") {
		path = "./" + path // or it would be one of SQLite's own names
	}
	name, err := libc.CString(path)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, c.words.at, flags, 0)
	c.db = wordAt(c.words.at)
	if rc != sqlite3.SQLITE_OK {
		return c.failure(rc)
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	return nil
}

// configure is done again from its beginning when the database is locked.
func (c *conn) configure(d dial) error {
	if d.write {
		mode := ""
		err := c.each("PRAGMA journal_mode=WAL", nil, func(s *stmt) error {
			mode = string(s.text(0))
			return nil
		})
		if err != nil {
			return err
		}
		if mode != "wal" {
			return invalid("the journal mode stays %s: the file system is one that SQLite cannot use WAL on; give the database another place", mode)
		}
	}
	sync := "FULL"
	if d.noSync {
		sync = "NORMAL"
	}
	err := c.exec(fmt.Sprintf("PRAGMA synchronous=%s; PRAGMA cache_size=-%d; PRAGMA mmap_size=0; PRAGMA temp_store=FILE; PRAGMA journal_size_limit=%d; PRAGMA query_only=%t",
		sync, max(d.cache>>10, 1), maxIdleWAL, !d.write))
	if err != nil {
		return err
	}
	// A look at the schema finds a file that is not a database.
	if err := c.exec("SELECT 1 FROM sqlite_schema LIMIT 1"); err != nil {
		return err
	}
	sqlite3.Xsqlite3_limit(c.tls, c.db, sqlite3.SQLITE_LIMIT_LENGTH, int32(d.maxValue))
	return nil
}

// failure returns the error of a call that has just returned rc.
func (c *conn) failure(rc int32) error {
	e := &Error{Code: int(rc)}
	if c.db != 0 {
		if code := sqlite3.Xsqlite3_extended_errcode(c.tls, c.db); code&primary == rc&primary {
			e.Code = int(code)
			e.Message = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
		}
	}
	if e.Message == "" {
		e.Message = libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	}
	e.Advice = advice(e.Code)
	return e
}

// exec runs statements that give no rows, or whose rows do not matter.
func (c *conn) exec(sql string) error {
	text, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, text)
	if rc := sqlite3.Xsqlite3_exec(c.tls, c.db, text, 0, 0, 0); rc != sqlite3.SQLITE_OK {
		return c.failure(rc)
	}
	return nil
}

// each runs one statement and calls f for each of its rows.
func (c *conn) each(sql string, args []any, f func(*stmt) error) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.bindAll(args); err != nil {
		return err
	}
	for {
		row, err := s.step()
		if err != nil || !row {
			return err
		}
		if err := f(s); err != nil {
			return err
		}
	}
}

// run runs one statement and returns the number of rows it has changed.
func (c *conn) run(sql string, args ...any) (int, error) {
	err := c.each(sql, args, func(*stmt) error { return nil })
	return int(sqlite3.Xsqlite3_changes(c.tls, c.db)), err
}

// inTransaction reports whether a transaction is open: some errors end it.
func (c *conn) inTransaction() bool { return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// wait calls f until it returns something other than that the database is locked,
// ctx is done, or patience is over.
func (c *conn) wait(ctx context.Context, patience time.Duration, f func() error) error {
	pause, began := firstWait, time.Now()
	for {
		err := f()
		if !isBusy(err) || time.Since(began) > patience {
			return err
		}
		if !sleep(ctx, pause) {
			return context.Cause(ctx)
		}
		pause = min(2*pause, lastWait)
	}
}

// sleep waits for d; false: ctx was done first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watch has ctx interrupt what the connection does. stop ends that.
func (c *conn) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, c.interrupt)
}

// interrupt ends the statement that is running.
func (c *conn) interrupt() {
	c.live.Lock()
	defer c.live.Unlock()
	if !c.live.ok {
		return
	}
	tls := libc.NewTLS() // the connection's own is in use
	defer tls.Close()
	sqlite3.Xsqlite3_interrupt(tls, c.db)
}

// close closes the connection, whose statements are closed. What is not committed
// is rolled back.
func (c *conn) close() {
	c.live.Lock()
	defer c.live.Unlock()
	c.live.ok = false
	if c.tls == nil {
		return
	}
	if c.db != 0 {
		sqlite3.Xsqlite3_close_v2(c.tls, c.db)
	}
	c.words.free(c.tls)
	c.tls.Close()
	c.tls, c.db = nil, 0
}
