package postgres

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/weirflow/weir"
)

// flushAfter is how long rows that are there wait for more of them.
const flushAfter = 100 * time.Millisecond

// reserve is what a stream holds beside its batches, in bytes: the wire's buffer, and
// what TLS and the client hold.
const reserve = wireBuffer + 3*32<<10

// stream is the rows of a table or a query.
type stream struct {
	source *Source
	info   weir.StreamInfo
	from   string      // in SQL
	key    []keyColumn // what rows are ordered by; empty: nothing
	wire   *wire

	after   []string // the key of the row behind which the next COPY begins; nil: at the first
	running bool     // a COPY is
	pages   int64    // rows of this COPY that were begun

	begun bool      // a row was begun whose record did not fit
	size  int       // of its record, with the newline
	next  keyValues // its key
	last  keyValues // the key of the row before it
	pos   weir.Position
}

var (
	_ weir.Stream   = (*stream)(nil)
	_ weir.Reserver = (*stream)(nil)
)

// Info describes the stream.
func (s *stream) Info() weir.StreamInfo { return s.info }

// Reserve returns what the connection holds.
func (s *stream) Reserve(context.Context) (int64, error) { return reserve, nil }

// Seek continues behind the row whose key is p.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	if len(s.key) == 0 {
		return weir.ErrNotResumable
	}
	values, err := parsePosition(p, len(s.key))
	if err != nil {
		return &weir.Error{Op: "seek", Kind: weir.Invalid, Position: p, Err: err}
	}
	s.after = values
	return nil
}

// Read fills b with rows. It asks the server for no more than it places, but for the
// buffers on the way.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		_ = s.wire.conn.SetDeadline(time.Unix(1, 0)) // a socket that is closed needs none
	})
	defer func() {
		if !stop() {
			<-fired
		}
		b.AddWait(s.wire.conn.waited)
		s.wire.conn.waited = 0
	}()
	err := s.fill(ctx, b)
	if _, ok := err.(*weir.NeedError); ok || err == nil || err == io.EOF {
		if err == nil || err == io.EOF {
			b.SetFormat("ndjson")
			b.SetPosition(s.pos)
		}
		return err
	}
	return classify(ctx, err)
}

// fill places rows until b is full, nothing more comes for a while, or there are no
// more.
func (s *stream) fill(ctx context.Context, b *weir.Batch) error {
	for {
		if !s.running {
			if err := s.wire.start(s.statement()); err != nil {
				return err
			}
			s.running, s.pages = true, 0
		}
		if !s.begun {
			if b.Records() > 0 {
				if ready, err := s.wire.soon(ctx, flushAfter); err != nil || !ready {
					return err
				}
			}
			more, err := s.begin()
			if err != nil || !more {
				return err
			}
			if !s.begun {
				continue // the next page
			}
		}
		need := weir.RecordSize(s.size)
		if need > len(b.Space()) {
			if b.Records() == 0 {
				return &weir.NeedError{Size: need}
			}
			return nil
		}
		if err := s.place(b); err != nil {
			return err
		}
	}
}

// begin begins the next row: it reads the key and the length of the record. more is
// false, with io.EOF, behind the last row. Behind a page nothing is begun.
func (s *stream) begin() (more bool, err error) {
	n, err := s.wire.fields()
	if err == io.EOF {
		s.running = false
		return false, io.EOF
	}
	if err != nil {
		return false, err
	}
	if n != len(s.key)+1 {
		return false, errProtocol
	}
	s.next.reset()
	for range s.key {
		size, err := s.wire.length()
		if err != nil {
			return false, err
		}
		if size < 0 {
			return false, &weir.Error{Kind: weir.Invalid, Err: errKeyNull}
		}
		if err := s.readKey(size); err != nil {
			return false, err
		}
	}
	size, err := s.wire.length()
	if err != nil {
		return false, err
	}
	if size < 0 {
		return false, errProtocol // a row is never NULL
	}
	if len(s.key) > 0 && s.next.equal(&s.last) {
		return false, &weir.Error{Kind: weir.Invalid, Err: errKeyTwice}
	}
	if s.pages++; s.paged() && s.pages > int64(s.source.o.Page) {
		return true, s.endPage(size)
	}
	s.begun, s.size = true, size+1
	return true, nil
}

// readKey reads a value of the key.
func (s *stream) readKey(size int) error {
	if size > weir.MaxPosition {
		return invalid("a value of Key has %d bytes, and a position has at most %d; choose a shorter key", size, weir.MaxPosition)
	}
	k := &s.next
	start := len(k.text)
	k.text = append(k.text, make([]byte, size)...)
	k.ends = append(k.ends, len(k.text))
	return s.wire.read(k.text[start:])
}

// endPage leaves out the row that is one more than a page, which has shown that there
// are more and that the key is another one, and ends the page.
func (s *stream) endPage(size int) error {
	if err := s.wire.skip(size); err != nil {
		return err
	}
	if _, err := s.wire.fields(); err != io.EOF {
		return errors.Join(errProtocol, err)
	}
	s.after = s.after[:0]
	for i := range s.key {
		s.after = append(s.after, string(s.last.value(i)))
	}
	s.last.reset()
	s.running = false
	return nil
}

// place reads the record of the row that was begun into b.
func (s *stream) place(b *weir.Batch) error {
	record := b.Space()[:s.size]
	if err := s.wire.read(record[:s.size-1]); err != nil {
		return err
	}
	record[s.size-1] = '\n'
	flatten(record[:s.size-1])
	b.Advance(s.size)
	b.EndRecord()
	s.begun = false
	s.next, s.last = s.last, s.next
	if len(s.key) == 0 {
		return nil
	}
	var err error
	s.pos, err = s.last.appendPosition(s.pos[:0])
	return err
}

// flatten puts blanks in the place of line breaks. In JSON they stand between values
// only: those of a column of type json, which keeps its text.
func flatten(record []byte) {
	for {
		i := bytes.IndexByte(record, '\n')
		if i < 0 {
			break
		}
		record[i] = ' '
		record = record[i+1:]
	}
}

// paged reports whether rows are read a page at a time: a query would be run again
// for each.
func (s *stream) paged() bool { return len(s.key) > 0 && s.source.o.Query == "" }

// statement returns the COPY of the rows behind the last one that was placed. A row is
// the values of its key, as text, and itself as JSON.
func (s *stream) statement() string {
	var sql strings.Builder
	sql.WriteString("COPY (SELECT ")
	var order, values []string
	for i, k := range s.key {
		column := "q." + ident(k.name)
		sql.WriteString(column + "::text, ")
		order = append(order, column)
		if s.after != nil {
			values = append(values, literal(s.after[i])+"::"+k.kind)
		}
	}
	sql.WriteString("row_to_json(q) FROM " + s.from + " AS q")
	if s.after != nil {
		sql.WriteString(" WHERE ROW(" + strings.Join(order, ", ") + ") > ROW(" + strings.Join(values, ", ") + ")")
	}
	if len(order) > 0 {
		sql.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	if s.paged() {
		sql.WriteString(" LIMIT " + strconv.Itoa(s.source.o.Page+1))
	}
	sql.WriteString(") TO STDOUT (FORMAT binary)")
	return sql.String()
}

// Close ends the connection. A Read that is running returns.
func (s *stream) Close() error {
	s.wire.close()
	return nil
}
