package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/weirflow/weir"
)

// maxOdd is how many records of one Write are sent alone, as text, before all are.
const maxOdd = 8

// maxMarks is how many savepoints a transaction sets before a Flush is asked for: of a
// transaction with more than 64 subtransactions that have written, other sessions must
// look up on the server's disk whether a row of it counts.
const maxMarks = 32

// lane is one connection that takes the records of a stream, in transactions. Its
// state is what the server's will be when it has taken what was sent.
type lane struct {
	sink   *Sink
	stream weir.StreamInfo
	c      *conn
	// each says that every Write is a transaction of its own.
	each bool
	// noted says that the database knows of the stream's pipeline.
	noted bool

	mu     sync.Mutex // held by each call; an ending that finds it held kills c
	e      *encoder   // nil: the table is to be made
	in     *copyIn    // nil: no COPY is running
	odd    int        // records of this Write that had to be sent alone
	allOdd bool       // rows are text from now on

	tx    bool // a transaction is open
	mark  bool // the next statement is to set a savepoint before it
	point bool // the transaction has one
	clean bool // and nothing was written since
	marks int  // savepoints that the transaction has set
	dirty bool // something was committed that need not be durable yet

	lines int      // rows that the running COPY took from earlier Writes
	from  int      // where in this Write its rows begin
	gone  []uint64 // a bit for each record of this Write that has no row
}

// placeError says which record of a Write an error is about.
type placeError struct {
	err    error
	record int // -1: not known
}

func (e *placeError) Error() string { return e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// careful reports whether records that the server refuses are looked for: their
// Write then has a savepoint to go back to.
func (l *lane) careful() bool { return l.sink.o.Bad != nil }

// streams reports whether one COPY goes on over many Writes.
func (l *lane) streams() bool { return !l.careful() && !l.each && len(l.sink.o.Key) == 0 }

// write writes all of b.
func (l *lane) write(ctx context.Context, b *weir.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.Records() == 0 {
		return invalid("the batch has no records; a table takes JSON objects, one a record (NDJSON)")
	}
	return l.c.during(ctx, func() error { return l.writeBatch(ctx, b) })
}

func (l *lane) writeBatch(ctx context.Context, b *weir.Batch) error {
	if l.e == nil {
		if err := l.create(ctx, b); err != nil {
			return err
		}
	}
	if l.in != nil && l.in.failed.Load() {
		return bare(l.refused(ctx, nil)) // it is about what came before
	}
	defer l.e.release()
	l.odd, l.from = 0, 0
	l.gone = append(l.gone[:0], make([]uint64, (b.Records()+63)/64)...)
	err := l.writeAll(ctx, b)
	if weir.KindOf(err) == weir.Invalid {
		l.sink.forget() // the table may have been changed
	}
	if l.in != nil {
		l.lines += l.rows(b, l.from, b.Records())
	}
	l.allOdd = l.allOdd || l.odd > maxOdd
	if l.marks >= maxMarks {
		b.AskFlush()
	}
	if err == nil && l.each {
		err = l.commit(ctx)
	}
	return l.explain(ctx, b, err)
}

func (l *lane) writeAll(ctx context.Context, b *weir.Batch) error {
	if l.careful() {
		return l.place(ctx, b)
	}
	return l.run(ctx, b, 0, b.Records())
}

// run writes records [from,to) of b by as many COPYs as it takes.
func (l *lane) run(ctx context.Context, b *weir.Batch, from, to int) error {
	for i := from; i < to; {
		if l.in == nil {
			l.startCopy(b, i)
		}
		next, err := l.encode(ctx, b, i, to)
		i = next
		switch {
		case err == nil:
		case err == errColumns:
			err = l.endCopy(ctx, b)
		case err == errOdd:
			err = l.writeOdd(ctx, b, i)
			i++
		case err == errRefused:
			err = l.refused(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	if l.streams() {
		return nil
	}
	return l.endCopy(ctx, b)
}

// encode adds records to the running COPY, up to the first that stops it.
func (l *lane) encode(ctx context.Context, b *weir.Batch, from, to int) (next int, err error) {
	for i := from; i < to; i++ {
		if l.isGone(i) {
			continue
		}
		err := l.e.row(b.Record(i))
		switch e := err.(type) {
		case nil:
			continue
		case *badError:
			err = l.giveUp(ctx, b, i, e.reason)
		default:
			if err == errBlank {
				l.leaveOut(b, i)
				err = nil
			}
		}
		if err != nil {
			return i, err
		}
	}
	return to, nil
}

// startCopy begins a COPY whose first row is record i of b, which says for which
// columns it has values.
func (l *lane) startCopy(b *weir.Batch, i int) {
	if rec := b.Record(i); l.e.scan(rec) == nil && l.e.match(rec) == nil {
		l.e.adopt(rec)
	}
	text := l.allOdd || l.e.onlyText()
	l.e.begin(text)
	into := l.sink.relation.String()
	if len(l.sink.o.Key) > 0 {
		into = stageName
	}
	sql := "COPY " + into + " (" + idents(l.e.columns()) + ") FROM STDIN"
	if !text {
		sql += " (FORMAT binary)"
	}
	l.in = startCopy(l.c, l.before(), sql)
	l.e.send = l.in.send
	l.lines, l.from = 0, i
}

// before returns the statements that the next one needs, and takes them as done.
func (l *lane) before() string {
	var s strings.Builder
	if !l.tx {
		s.WriteString("BEGIN ISOLATION LEVEL READ COMMITTED; SET CONSTRAINTS ALL IMMEDIATE; ")
		if l.each {
			s.WriteString("SET LOCAL synchronous_commit = off; ")
		}
	}
	if l.mark {
		if l.point {
			s.WriteString("RELEASE SAVEPOINT weir; ")
		}
		s.WriteString("SAVEPOINT weir; ")
		l.mark, l.point, l.clean = false, true, true
		l.marks++
	}
	l.tx = true
	return s.String()
}

// endCopy ends the COPY that is running, if there is one.
func (l *lane) endCopy(ctx context.Context, b *weir.Batch) error {
	if l.in == nil {
		return nil
	}
	in := l.in
	l.in = nil
	_ = l.e.end() // an error of sending is one of finish
	err := in.finish(ctx)
	if err == nil {
		l.clean = false
		return l.merge(ctx)
	}
	e, ok := dataError(err)
	if !ok {
		return dropped(err)
	}
	return &placeError{err, l.recordOf(b, e.line())}
}

// refused ends the COPY that the server has answered before its end.
func (l *lane) refused(ctx context.Context, b *weir.Batch) error {
	if err := l.endCopy(ctx, b); err != nil {
		return err
	}
	return errProtocol
}

// writeOdd writes record i as text, in a COPY of its own: the server reads more
// forms of a value than this package.
func (l *lane) writeOdd(ctx context.Context, b *weir.Batch, i int) error {
	if err := l.endCopy(ctx, b); err != nil {
		return err
	}
	l.odd++
	before := l.allOdd
	l.allOdd = true
	l.startCopy(b, i)
	l.allOdd = before
	_, err := l.encode(ctx, b, i, i+1)
	if err == errRefused {
		return l.refused(ctx, b)
	}
	if end := l.endCopy(ctx, b); err == nil {
		err = end
	}
	return err
}

// merge brings what is in the table of Key's rows to where it belongs.
func (l *lane) merge(ctx context.Context) error {
	if len(l.sink.o.Key) == 0 {
		return nil
	}
	_, err := l.c.exec(ctx, l.mergeSQL())
	if _, ok := dataError(err); ok {
		return &placeError{err, -1}
	}
	return dropped(err)
}

// commit ends the transaction, if one is open.
func (l *lane) commit(ctx context.Context) error {
	if err := l.endCopy(ctx, nil); err != nil || !l.tx {
		return err
	}
	tag, err := l.c.exec(ctx, "COMMIT")
	l.tx, l.mark, l.point, l.clean, l.marks = false, false, false, false, 0
	if err != nil {
		return err
	}
	if tag.String() != "COMMIT" {
		return &weir.Error{Kind: weir.Transient, Err: errors.New("the server has rolled the transaction back")}
	}
	l.dirty = l.dirty || l.each
	return nil
}

// end ends the lane: what was not committed is rolled back.
func (l *lane) end(ctx context.Context) {
	if !l.mu.TryLock() { // a call that was abandoned
		l.c.kill()
		return
	}
	defer l.mu.Unlock()
	c := l.c
	if l.in != nil {
		c.hangUp()
		<-l.in.done
		l.in = nil
	}
	if l.tx && !c.broken.Load() {
		ctx, stop := context.WithTimeout(ctx, goodbye)
		if _, err := c.exec(ctx, "ROLLBACK"); err != nil {
			c.broken.Store(true) // the server rolls back when it notices
		}
		stop()
	}
	l.tx = false
	l.sink.giveBack(c)
}
