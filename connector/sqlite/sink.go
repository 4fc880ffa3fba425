package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// Defaults and bounds of the options of a sink and a source.
const (
	DefaultCache     = 8 << 20
	DefaultMaxRecord = 1 << 20
	DefaultWaitFor   = 30 * time.Second

	minCache     = 256 << 10
	maxMaxRecord = math.MaxInt32 / 4
)

const (
	// maxIdleWAL is the length that the WAL is cut to when it begins anew, in bytes.
	maxIdleWAL = 64 << 20
	// rowOverhead is more than what a row takes beside the bytes of its values.
	rowOverhead = 64 << 10
	// perPage says how much memory the page cache takes for each byte of pages: a
	// page is allocated with what describes it, which rounds up to twice its size.
	perPage = 2
	// perRecord says how much memory a Writer takes for each byte of the longest
	// record: its text, its row, and a copy of that.
	perRecord = 4
)

// SinkOptions say how records become rows. Path and Table are required.
type SinkOptions struct {
	// Path is the database's file.
	Path string

	// Table is the table. Case counts, in its columns' names too.
	Table string

	// Columns say which value a column takes, where it is not the member of the
	// column's own name. Default: none.
	Columns []Column

	// Create makes the file and the table, if there is none, from the records of the
	// first Write; see the package's description for the types. The table is made in
	// the transaction that stores the records. Default: what is not there is an error.
	Create bool

	// Key are the columns of a unique index: a record whose key is in the table
	// already replaces the values of that row. Default: rows are only added.
	Key []string

	// Bad decides about records that cannot be rows, with SQLite's own message.
	// Default: weir.FailBad, which fails the stream with what the last checkpoint
	// does not cover.
	Bad weir.BadPolicy

	// Strict makes a record bad that has a member without a column. Default: such
	// members are left out.
	Strict bool

	// OnUnused, if not nil, is told of each member without a column, its name as it
	// stands in the record, once for each stream.
	OnUnused func(member string)

	// Pipeline tells pipelines apart whose streams may have the same identity.
	// Default: none.
	Pipeline string

	// Fresh, if not empty, names a run that forgets how far earlier runs of this
	// Pipeline have come with this table: all streams are written from their
	// beginning, and what is in the table stays. The first Resume forgets; an attempt
	// that goes on after an error gives the same name and does not, another run
	// gives a name that was never used. Default: streams are continued.
	Fresh string

	// SyncBad, if not nil, makes durable what Bad has kept. It is called before each
	// commit of a position, so that none passes a record whose letter could be lost.
	// Default: nothing is to be done.
	SyncBad func() error

	// NoSync leaves it to the system when a transaction comes to the disk. After a
	// loss of power the last ones may be missing; the database is whole all the same,
	// and positions go back with the rows. Default: each one is synced.
	NoSync bool

	// WaitFor is how long a lock that another connection holds is waited for.
	// Default: DefaultWaitFor.
	WaitFor time.Duration

	// Cache is the size of SQLite's cache of pages, in bytes; it takes twice that of
	// memory. With Key, or indexes, a cache that holds the index is many times
	// faster. Default: DefaultCache.
	Cache int64

	// MaxRecord is the longest record, in bytes. A longer one is bad. Four times as
	// much memory is reserved. Default: DefaultMaxRecord.
	MaxRecord int
}

func (o SinkOptions) withDefaults() SinkOptions {
	o.WaitFor, o.Cache, o.MaxRecord = commonDefaults(o.WaitFor, o.Cache, o.MaxRecord)
	return o
}

// validate reports every option that is out of bounds.
func (o SinkOptions) validate() error {
	errs := []error{checkCommon(o.Path, o.WaitFor, o.Cache, o.MaxRecord)}
	if o.Table == "" {
		errs = append(errs, errors.New("which table? Give it as Table"))
	}
	if strings.EqualFold(o.Table, positionTable) {
		errs = append(errs, fmt.Errorf("option Table is %s, where the positions of streams are", positionTable))
	}
	if slices.Contains(o.Key, "") {
		errs = append(errs, errors.New("option Key has a column without a name"))
	}
	return errors.Join(append(errs, codec.CheckTableColumns(o.Columns))...)
}

// commonDefaults fills in the options that sink and source share.
func commonDefaults(wait time.Duration, cache int64, maxRecord int) (time.Duration, int64, int) {
	return cmp.Or(wait, DefaultWaitFor), cmp.Or(cache, DefaultCache), cmp.Or(maxRecord, DefaultMaxRecord)
}

// checkCommon checks the options that sink and source share.
func checkCommon(path string, wait time.Duration, cache int64, maxRecord int) error {
	var errs []error
	if path == "" {
		errs = append(errs, errors.New("which database? Give its file as Path"))
	}
	if wait < 0 {
		errs = append(errs, fmt.Errorf("option WaitFor is %v; it must be 0 (default) or more", wait))
	}
	if cache < minCache || cache > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("option Cache is %d; it must be 0 (default), or from %d to %d bytes", cache, minCache, math.MaxInt32))
	}
	if maxRecord < 1 || maxRecord > maxMaxRecord {
		errs = append(errs, fmt.Errorf("option MaxRecord is %d; it must be 0 (default), or up to %d bytes", maxRecord, maxMaxRecord))
	}
	return errors.Join(errs...)
}

// Sink writes records to a table.
type Sink struct {
	o  SinkOptions
	mu struct {
		sync.Mutex
		idle   *conn // kept for the next stream
		closed bool
	}
}

var _ weir.Sink = (*Sink)(nil)

// NewSink returns a sink for a table. Nothing is opened before the first Open.
func NewSink(o SinkOptions) (*Sink, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, &weir.Error{Op: "options", Node: "sqlite", Kind: weir.Invalid, Err: err}
	}
	o.Path = filepath.Clean(o.Path)
	return &Sink{o: o}, nil
}

// String returns the path and the table.
func (s *Sink) String() string { return "sqlite:" + s.o.Path + "?table=" + s.o.Table }

// Footprint says what a Writer of this sink needs and promises. SQLite has one
// writer, so there is one.
func (s *Sink) Footprint() weir.Footprint {
	return weir.Footprint{
		Static:      perPage*s.o.Cache + perConn,
		PerWriter:   perRecord*int64(s.o.MaxRecord) + textSize + 2*maxMembers*perMember + rowOverhead,
		MaxInFlight: 1, MaxWriters: 1,
		Idempotent: len(s.o.Key) > 0, Whole: true, Resumes: weir.ResumesAtPosition,
	}
}

// Open opens the database and looks at the table.
func (s *Sink) Open(ctx context.Context, stream weir.StreamInfo) (weir.Writer, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, classify(ctx, err)
	}
	w := &writer{sink: s, stream: stream, c: c}
	err = c.wait(ctx, s.o.WaitFor, w.look)
	if err == nil && w.rows == nil && !s.o.Create {
		err = missing(s.o.Table)
	}
	if err != nil {
		s.giveBack(c)
		return nil, classify(ctx, err)
	}
	return w, nil
}

// take returns the connection that nobody uses, or a new one.
func (s *Sink) take(ctx context.Context) (*conn, error) {
	s.mu.Lock()
	c := s.mu.idle
	s.mu.idle = nil
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	return dial{
		path: s.o.Path, write: true, create: s.o.Create, noSync: s.o.NoSync,
		cache: s.o.Cache, maxValue: s.o.MaxRecord + rowOverhead, wait: s.o.WaitFor,
	}.open(ctx)
}

// giveBack keeps a connection that has no transaction for the next stream, or
// closes it.
func (s *Sink) giveBack(c *conn) {
	s.mu.Lock()
	keep := s.mu.idle == nil && !s.mu.closed && !c.inTransaction()
	if keep {
		s.mu.idle = c
	}
	s.mu.Unlock()
	if !keep {
		c.close()
	}
}

// discard closes a connection that may still be interrupted by the Writer it had.
func (s *Sink) discard(c *conn) { c.close() }

// Close closes the connection that nobody uses.
func (s *Sink) Close() error {
	s.mu.Lock()
	c := s.mu.idle
	s.mu.idle, s.mu.closed = nil, true
	s.mu.Unlock()
	if c != nil {
		c.close()
	}
	return nil
}
