package sqlite

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/weirflow/weir"
)

// stream reads the rows of a table or query. With an order, each Read is a query of
// its own for the rows behind the last one, so that no snapshot is held while the
// sink is slow; without one, a single query runs over all Reads.
type stream struct {
	o  *SourceOptions
	c  *conn
	mu sync.Mutex // held by each call: a Read that was abandoned may be running at Close

	info    weir.StreamInfo
	render  *renderer
	sql     string   // without its conditions
	order   string   // what rows are ordered by, as SQL; empty: nothing
	byRowid bool     // order is the rowid
	orderAt int      // which column of the query it is
	end     bookmark // the last row when the stream was opened; rows behind it are not read

	first, behind *stmt    // the queries from the beginning, and behind a row
	last, now     bookmark // the last row that was read, and the one that is looked at
	pending       bool     // the row that first is at was not read; without order
	begun, ended  bool     // first has had a row, has no more; without order
	closed        bool
}

var (
	_ weir.Stream   = (*stream)(nil)
	_ weir.Reserver = (*stream)(nil)
)

// Info describes the stream.
func (s *stream) Info() weir.StreamInfo { return s.info }

// Reserve returns the memory of the connection and of a row.
func (s *stream) Reserve(context.Context) (int64, error) {
	return perPage*s.o.Cache + perConn + perRecord*int64(s.o.MaxRecord), nil
}

// Seek continues behind the row of a position.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	if s.order == "" {
		return weir.ErrNotResumable
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := parsePosition(p, s.byRowid)
	s.last = at
	return err
}

// Read fills b with the next rows, as JSON objects.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.closed {
		return &weir.Error{Kind: weir.Closed, Err: errEnded}
	}
	defer s.c.watch(ctx)()
	b.SetFormat("ndjson")
	var err error
	if s.order == "" {
		err = s.readOn(ctx, b)
	} else {
		err = s.readBehind(ctx, b)
	}
	if _, need := err.(*weir.NeedError); need || err == io.EOF {
		return err
	}
	return classify(ctx, err)
}

// readOn goes on with the one query.
func (s *stream) readOn(ctx context.Context, b *weir.Batch) error {
	for {
		if s.ended {
			return io.EOF
		}
		if !s.pending {
			row, err := s.step(ctx, s.first, !s.begun)
			if err != nil {
				return err
			}
			s.begun = true
			if !row {
				s.ended = true
				return io.EOF
			}
		}
		s.pending = true
		if done, err := s.place(b, s.first); done {
			return err
		}
		s.pending = false
	}
}

// readBehind asks for the rows behind the last one.
func (s *stream) readBehind(ctx context.Context, b *weir.Batch) error {
	if s.end.kind == 0 {
		return io.EOF // there are no rows
	}
	q, err := s.query()
	if err != nil {
		return err
	}
	defer q.reset()
	start := b.Records()
	for begun := false; ; begun = true {
		row, err := s.step(ctx, q, !begun)
		if err != nil {
			return err
		}
		if row {
			if err := s.now.load(q, s.orderAt); err != nil {
				return err
			}
			if s.now.same(&s.last) {
				return invalid("two rows have the key %s: a stream cannot be continued between them; name a column as Key that is different in each row", s.now.appendTo(nil, s.byRowid))
			}
			done, err := s.place(b, q)
			if !done {
				s.last, s.now = s.now, s.last
				continue
			}
			if err != nil {
				return err
			}
		}
		if b.Records() > start {
			b.SetPosition(s.last.appendTo(nil, s.byRowid))
		}
		if !row {
			return io.EOF
		}
		return nil
	}
}

// step goes to the next row of q. The first row of a query is where a lock can be in
// the way.
func (s *stream) step(ctx context.Context, q *stmt, first bool) (row bool, err error) {
	if !first {
		return q.step()
	}
	err = s.c.wait(ctx, s.o.WaitFor, func() (err error) {
		row, err = q.step()
		return err
	})
	return row, err
}

// query returns the query for the rows that come next, ready to run.
func (s *stream) query() (q *stmt, err error) {
	if s.last.kind == 0 {
		if s.first == nil {
			s.first, err = s.c.prepare(s.sql + " WHERE " + s.order + " <= ?1 ORDER BY " + s.order)
		}
		q = s.first
	} else {
		if s.behind == nil {
			s.behind, err = s.c.prepare(s.sql + " WHERE " + s.order + " > ?2 AND " + s.order + " <= ?1 ORDER BY " + s.order)
		}
		q = s.behind
	}
	if err != nil {
		return nil, err
	}
	if err := s.end.bind(q, 1); err != nil {
		return nil, err
	}
	if s.last.kind == 0 {
		return q, nil
	}
	return q, s.last.bind(q, 2)
}

// place adds the row that q is at to b. done: the batch is full.
func (s *stream) place(b *weir.Batch, q *stmt) (done bool, err error) {
	space := b.Space()
	room := max(len(space)-weir.RecordSize(0), 0)
	_, size := s.render.row(space[:0:room], q)
	if size > room {
		if b.Records() == 0 {
			return true, &weir.NeedError{Size: weir.RecordSize(size)}
		}
		return true, nil
	}
	b.Advance(size)
	b.EndRecord()
	return false, nil
}

// Close closes the connection. If a Read is still running, that is interrupted and
// does it.
func (s *stream) Close() error {
	s.c.interrupt()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.first.close()
	s.behind.close()
	s.c.close()
	return nil
}

// plan finds out how the rows are read.
func (s *stream) plan() error {
	s.info = weir.StreamInfo{Name: s.o.Table, ID: "sqlite:" + s.o.Path + "?table=" + s.o.Table, Size: weir.UnknownSize}
	from, names, err := s.columns()
	if err != nil {
		return err
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return invalid("two columns are named %s; give one of them another name (AS)", name)
		}
	}
	s.render = newRenderer(names)
	if err := s.findOrder(names); err != nil {
		return err
	}
	if s.order == "" {
		if s.sql == "" {
			s.sql = "SELECT " + idents(names) + " FROM " + from
		}
		s.first, err = s.c.prepare(s.sql)
		return err
	}
	list := idents(names)
	if s.byRowid {
		s.orderAt = len(names)
		list += ", " + s.order
	}
	s.sql = "SELECT " + list + " FROM " + from
	s.info.Resumable = true
	if !s.byRowid {
		if err := s.c.each("SELECT 1 FROM "+from+" WHERE "+s.order+" IS NULL LIMIT 1", nil, func(*stmt) error {
			return invalid("column %s, which Key names, is NULL in a row: such rows would never be read", s.o.Key)
		}); err != nil {
			return err
		}
		s.info.ID += "&key=" + s.o.Key
	}
	return s.c.each("SELECT "+s.order+" FROM "+from+" ORDER BY "+s.order+" DESC LIMIT 1", nil, func(q *stmt) error {
		return s.end.load(q, 0)
	})
}

// columns returns what the rows are selected from, as SQL, and their columns.
func (s *stream) columns() (from string, names []string, err error) {
	if s.o.Query != "" {
		q, err := s.c.prepare(s.o.Query)
		if err != nil {
			return "", nil, fmt.Errorf("the query: %w", err)
		}
		defer q.close()
		for i := range q.columns() {
			names = append(names, q.columnName(i))
		}
		if len(names) == 0 {
			return "", nil, invalid("the query gives no rows; it must be a SELECT")
		}
		h := fnv.New64a()
		_, _ = h.Write([]byte(s.o.Query)) // it cannot fail
		s.info.ID = fmt.Sprintf("sqlite:%s?query=%016x", s.o.Path, h.Sum64())
		s.info.Name = "query"
		s.sql = s.o.Query
		return "(" + strings.TrimRight(s.o.Query, "; \t\r\n") + "\n)", names, nil
	}
	err = s.c.each("SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1", []any{s.o.Table}, func(row *stmt) error {
		names = append(names, string(row.text(0)))
		return nil
	})
	if err == nil && len(names) == 0 {
		err = invalid("there is no table %s: check its name, and the path of the database", s.o.Table)
	}
	return ident(s.o.Table), names, err
}

// binary compares keys byte by byte: of two that are the same by another rule, one
// would be left out.
const binary = " COLLATE BINARY"

// findOrder finds the column that orders the rows.
func (s *stream) findOrder(names []string) error {
	if s.o.Key != "" {
		if s.orderAt = slices.Index(names, s.o.Key); s.orderAt < 0 {
			return invalid("there is no column %s, which Key names; case counts", s.o.Key)
		}
		s.order = ident(s.o.Key) + binary
		return nil
	}
	if s.o.Query != "" {
		return nil
	}
	kind, withoutRowid := "", false
	err := s.c.each("SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE", []any{s.o.Table}, func(row *stmt) error {
		kind, withoutRowid = string(row.text(0)), row.int(1) != 0
		return nil
	})
	if err != nil || kind == "view" {
		return err
	}
	if withoutRowid {
		return s.primaryKey(names)
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.ContainsFunc(names, func(column string) bool { return strings.EqualFold(column, name) }) {
			s.order, s.byRowid = name, true
			return nil
		}
	}
	return nil // columns hide it
}

// primaryKey orders the rows by the primary key, if it is one column.
func (s *stream) primaryKey(names []string) error {
	var key []string
	err := s.c.each("SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0", []any{s.o.Table}, func(row *stmt) error {
		key = append(key, string(row.text(0)))
		return nil
	})
	if err == nil && len(key) == 1 {
		s.order, s.orderAt = ident(key[0])+binary, slices.Index(names, key[0])
	}
	return err
}
