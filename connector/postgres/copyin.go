package postgres

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// errRefused says that the server has answered a COPY before its end: finish knows
// why.
var errRefused = errors.New("the server does not take the rows")

// copyIn is a COPY FROM STDIN that is running. What goes to the server is written by
// its owner; what comes back is read by a goroutine of its own until the server is
// ready for the next statement. So neither side waits for the other with full
// buffers, and an error is noticed while rows are written. finish waits for it.
type copyIn struct {
	c      *conn
	failed atomic.Bool // there is nothing to be gained by sending more
	done   chan struct{}
	err    error // after done
}

// startCopy begins a COPY. before are statements that run first, each ending in a
// semicolon; they and the COPY are one message, and nobody waits for an answer.
func startCopy(c *conn, before, copy string) *copyIn {
	in := &copyIn{c: c, done: make(chan struct{})}
	f := c.pg.Frontend()
	f.SendQuery(&pgproto3.Query{String: before + copy})
	err := f.Flush()
	go in.listen()
	if err != nil {
		c.hangUp() // the goroutine finds out
	}
	return in
}

// listen reads answers up to the one that says that the server is ready.
func (in *copyIn) listen() {
	defer close(in.done)
	defer in.failed.Store(true)
	f := in.c.pg.Frontend()
	for {
		msg, err := f.Receive()
		if err != nil {
			if in.err == nil {
				in.err = err
			}
			in.c.hangUp() // whoever is writing must not wait
			return
		}
		switch msg := msg.(type) {
		case *pgproto3.ErrorResponse:
			e := newServerError(pgconn.ErrorResponseToPgError(msg))
			if in.err == nil {
				in.err = e
			}
			in.failed.Store(true)
		case *pgproto3.ReadyForQuery:
			return
		}
	}
}

// send sends a piece of the rows: a CopyData message.
func (in *copyIn) send(piece []byte) error {
	if in.failed.Load() {
		return errRefused
	}
	if err := in.c.pg.Frontend().SendUnbufferedEncodedCopyData(piece); err != nil {
		in.c.hangUp()
		return errRefused
	}
	return nil
}

// finish ends the COPY and returns how it went.
func (in *copyIn) finish(ctx context.Context) error {
	f := in.c.pg.Frontend()
	f.Send(&pgproto3.CopyDone{})
	if err := f.Flush(); err != nil {
		in.c.hangUp()
	}
	<-in.done
	if errors.Is(in.err, io.ErrUnexpectedEOF) {
		in.err = io.ErrUnexpectedEOF // the client's text adds nothing
	}
	return classify(ctx, in.err)
}

// line returns the number of the row, from 1, that the server's error is about, 0 if
// it does not say.
func (e *ServerError) line() int {
	at := strings.LastIndex(e.Where, "COPY ")
	if at < 0 {
		return 0
	}
	// COPY table, line 3, column name: "text". The name can hold anything, and the
	// words are in the server's language.
	where := e.Where[at:]
	for {
		_, rest, ok := strings.Cut(where, ", ")
		if !ok {
			return 0
		}
		word, number, ok := strings.Cut(rest, " ")
		if ok && word != "" {
			n := 0
			for n < len(number) && n < 9 && isDigit(number[n]) {
				n++
			}
			if n > 0 && (n == len(number) || strings.IndexByte(",:.\n", number[n]) >= 0) {
				return int(digits([]byte(number[:n])))
			}
		}
		where = rest
	}
}
