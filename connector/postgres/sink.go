package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// MaxConnections is the largest SinkOptions.Connections.
const MaxConnections = 64

// What a Writer holds, in bytes, for each of its connections.
const (
	// perConnection is the buffer of rows, what the client reads with, and twice
	// that for TLS.
	perConnection = pieceSize + 3*32<<10
	// perWrite is the table of a record's members while it grows.
	perWrite = 2 * maxMembers * 20
	// maxIdle is how many connections are kept for the next streams.
	maxIdle = 8
	// perIdle is what such a connection holds.
	perIdle = 3 * 32 << 10
)

// SinkOptions say how records become rows. The zero value works.
type SinkOptions struct {
	// Table is the table, "name" or "schema.name", as the catalog has it: case
	// counts. Default: the parameter table of the URL.
	Table string

	// Columns say which value a column takes, where it is not the member of the
	// column's own name. Default: none.
	Columns []Column

	// Create makes the table, if there is none, from the records of the first
	// Write; see the package's description for the types. It stays when the stream
	// does not. Default: a table that is not there is an error.
	Create bool

	// Key are the columns of a unique index: a record whose key is in the table
	// already replaces the values of that row, the last of several records with a
	// key counts. Default: rows are only added.
	Key []string

	// Connections is how many connections a stream is written on at once. With
	// more than one, records are stored in any order and each Write is a
	// transaction of its own: what came after the last checkpoint is written again
	// after a crash. Default: 1.
	Connections int

	// Bad decides about records that cannot be rows, with PostgreSQL's own message.
	// With it, each Write is looked after on its own, which costs a round trip to
	// the server. Default: weir.FailBad, which fails the stream with the whole
	// transaction.
	Bad weir.BadPolicy

	// Strict makes a record bad that has a member without a column. Default: such
	// members are left out.
	Strict bool

	// OnUnused, if not nil, is told of each member without a column, its name as it
	// stands in the record, once for each stream and connection. It is called from
	// several goroutines.
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

	// ConnectFor is how long a server is waited for that is not there yet or has no
	// room. Default: DefaultConnectFor.
	ConnectFor time.Duration
}

// validate reports every option that is out of bounds.
func (o SinkOptions) validate() error {
	var errs []error
	if o.Connections < 0 || o.Connections > MaxConnections {
		errs = append(errs, fmt.Errorf("option Connections is %d; it must be 0 (default) or up to %d", o.Connections, MaxConnections))
	}
	if o.ConnectFor < 0 {
		errs = append(errs, fmt.Errorf("option ConnectFor is %v; it must be 0 (default) or more", o.ConnectFor))
	}
	if slices.Contains(o.Key, "") {
		errs = append(errs, errors.New("option Key has a column without a name"))
	}
	return errors.Join(append(errs, codec.CheckTableColumns(o.Columns))...)
}

// Sink writes records to a table.
type Sink struct {
	server   *server
	relation relation
	o        SinkOptions
	mu       struct {
		sync.Mutex
		idle []*conn
		plan *plan // nil: not known
		era  int   // counts how often plan was forgotten
	}
}

var _ weir.Sink = (*Sink)(nil)

// NewSink returns a sink for the table that the URL or SinkOptions.Table names.
// What the URL leaves out comes from the variables PG* and the password file.
// Nothing is sent before the first Open.
func NewSink(url string, o SinkOptions) (*Sink, error) {
	server, table, err := parseAddress(url)
	if err != nil {
		return nil, optionsError(err)
	}
	if o.Table == "" {
		o.Table = table
	}
	if o.Table == "" {
		return nil, optionsError(errors.New("which table? Give it as Table, or in the URL as ?table=NAME"))
	}
	name, err := parseRelation(o.Table)
	if err = errors.Join(err, o.validate()); err != nil {
		return nil, optionsError(err)
	}
	if o.Connections == 0 {
		o.Connections = 1
	}
	if o.ConnectFor > 0 {
		server.wait = o.ConnectFor
	}
	return &Sink{server: server, relation: name, o: o}, nil
}

// String returns the URL of the table, without user, password and parameters.
func (s *Sink) String() string { return s.server.String() + "?table=" + s.relation.plain() }

// Footprint says what a Writer of this sink needs and promises.
func (s *Sink) Footprint() weir.Footprint {
	n := int64(s.o.Connections)
	fp := weir.Footprint{
		PerWrite: perWrite, PerWriter: n * perConnection, Static: maxIdle * perIdle,
		MaxInFlight: s.o.Connections, Idempotent: len(s.o.Key) > 0,
	}
	if n == 1 {
		fp.Whole, fp.Resumes = true, weir.ResumesAtPosition
	}
	return fp
}

// Open connects and looks at the table.
func (s *Sink) Open(ctx context.Context, stream weir.StreamInfo) (weir.Writer, error) {
	if s.o.Connections > 1 {
		return newUnordered(ctx, s, stream)
	}
	l, err := s.open(ctx, stream)
	if err != nil {
		return nil, err
	}
	return &ordered{l: l}, nil
}

// open makes a lane: a connection that is ready to take records.
func (s *Sink) open(ctx context.Context, stream weir.StreamInfo) (*lane, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	l := &lane{sink: s, stream: stream, c: c, each: s.o.Connections > 1}
	p, err := s.load(ctx, c)
	if err == nil && p == nil && !s.o.Create {
		err = missing(s.relation)
	}
	if err == nil && p != nil {
		err = l.prepare(ctx, p)
	}
	if err != nil {
		s.giveBack(c)
		return nil, err
	}
	return l, nil
}

// prepare makes the encoder for the table.
func (l *lane) prepare(ctx context.Context, p *plan) error {
	if err := l.sink.stage(ctx, l.c, p.table); err != nil {
		return err
	}
	l.e = newEncoder(p, nil)
	l.e.strict, l.e.unused = l.sink.o.Strict, l.sink.o.OnUnused
	switch l.c.pg.ParameterStatus("TimeZone") {
	case "UTC", "Etc/UTC", "GMT", "Etc/GMT", "Zulu":
		l.e.utc = true
	}
	return nil
}

// load returns how records become rows of the table; nil if there is no table.
func (s *Sink) load(ctx context.Context, c *conn) (*plan, error) {
	s.mu.Lock()
	p := s.mu.plan
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	t, err := loadTable(ctx, c, s.relation)
	if err != nil || t == nil {
		return nil, err
	}
	for _, name := range s.o.Key {
		if !slices.ContainsFunc(t.attributes, func(a attribute) bool { return a.name == name }) {
			return nil, invalid("the table %s has no column %s, which Key names", s.relation.plain(), name)
		}
	}
	if p, err = newPlan(t, s.o.Columns); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.plan = p
	return p, nil
}

// forget has the table looked at again by the next Writer.
func (s *Sink) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.plan = nil
	s.mu.era++
}

// take returns a connection that nobody uses, or a new one.
func (s *Sink) take(ctx context.Context) (*conn, error) {
	s.mu.Lock()
	era := s.mu.era
	var c *conn
	if n := len(s.mu.idle); n > 0 {
		c = s.mu.idle[n-1]
		s.mu.idle = s.mu.idle[:n-1]
	}
	s.mu.Unlock()
	if c != nil {
		if _, err := c.exec(ctx, "SELECT 1"); err == nil && c.era == era {
			return c, nil
		}
		c.close() // the server has ended it, or it knows an older table
	}
	c, err := s.server.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.era = era
	return c, nil
}

// giveBack keeps a connection for the next stream, or closes it.
func (s *Sink) giveBack(c *conn) {
	s.mu.Lock()
	keep := !c.broken.Load() && c.era == s.mu.era && len(s.mu.idle) < maxIdle
	if keep {
		s.mu.idle = append(s.mu.idle, c)
	}
	s.mu.Unlock()
	if !keep {
		c.close()
	}
}

// Close closes the connections that nobody uses.
func (s *Sink) Close() error {
	s.mu.Lock()
	all := s.mu.idle
	s.mu.idle = nil
	s.mu.Unlock()
	for _, c := range all {
		c.close()
	}
	return nil
}
