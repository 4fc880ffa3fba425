package postgres

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// wireBuffer is what is read from the server at once. Long values go past it.
	wireBuffer = 32 << 10
	// maxAnswer is the longest answer of the server that is kept whole, beside rows.
	maxAnswer = 64 << 10
)

// errProtocol says that the server does not speak as PostgreSQL does.
var errProtocol = errors.New("the server's answer is not understood")

// wire reads the rows of COPY TO STDOUT in binary, value by value, from the socket to
// where they belong. The client library would hold each row whole, however long it
// is. It has one user at a time, except that Close may be called at any time.
type wire struct {
	conn   *timedConn
	r      *bufio.Reader
	c      *conn
	closed atomic.Bool

	small [4]byte     // for numbers
	left  int         // bytes of the CopyData message that is being read
	ended atomic.Bool // no COPY is running
}

// timedConn counts the time that reads take.
type timedConn struct {
	net.Conn
	waited time.Duration
}

// Read reads and counts the time.
func (c *timedConn) Read(p []byte) (int, error) {
	began := time.Now()
	n, err := c.Conn.Read(p)
	c.waited += time.Since(began)
	return n, err
}

// newWire takes c over.
func newWire(ctx context.Context, c *conn) (*wire, error) {
	if err := c.pg.SyncConn(ctx); err != nil {
		return nil, c.failed(ctx, err)
	}
	raw, err := c.pg.Hijack()
	if err != nil {
		return nil, err
	}
	w := &wire{conn: &timedConn{Conn: raw.Conn}, c: c}
	w.ended.Store(true)
	w.r = bufio.NewReaderSize(w.conn, wireBuffer)
	return w, nil
}

// start begins a COPY.
func (w *wire) start(sql string) error {
	query, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return err
	}
	if _, err := w.conn.Write(query); err != nil {
		return err
	}
	w.left = 0
	w.ended.Store(false)
	var header [19]byte // the signature, flags, and the length of what follows them
	if err := w.read(header[:]); err != nil {
		return err
	}
	if string(header[:11]) != "PGCOPY\n\xff\r\n\x00" {
		return errProtocol
	}
	return w.skip(int(binary.BigEndian.Uint32(header[15:])))
}

// fields begins a row and returns the number of its values; io.EOF after the last
// row.
func (w *wire) fields() (int, error) {
	n, err := w.number(2)
	if err != nil {
		return 0, err
	}
	if n = int(int16(n)); n != -1 { // two bytes, with a sign
		return n, nil
	}
	for !w.ended.Load() {
		if err := w.message(); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

// length begins a value and returns its length in bytes, -1 if it is NULL.
func (w *wire) length() (int, error) {
	n, err := w.number(4)
	return int(int32(n)), err // four bytes, with a sign
}

// number returns a number of n bytes, 2 or 4.
func (w *wire) number(n int) (int, error) {
	b := w.small[:]
	clear(b)
	if err := w.read(b[4-n:]); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint32(b)), nil
}

// read fills p with what comes next.
func (w *wire) read(p []byte) error {
	for len(p) > 0 {
		if w.left == 0 {
			if err := w.message(); err != nil {
				return err
			}
			continue
		}
		n, err := w.r.Read(p[:min(len(p), w.left)])
		w.left -= n
		p = p[n:]
		if err != nil && len(p) > 0 {
			return cut(err)
		}
	}
	return nil
}

// skip leaves out what comes next.
func (w *wire) skip(n int) error {
	for n > 0 {
		if w.left == 0 {
			if err := w.message(); err != nil {
				return err
			}
			continue
		}
		k, err := w.r.Discard(min(n, w.left))
		w.left -= k
		n -= k
		if err != nil {
			return cut(err)
		}
	}
	return nil
}

// message goes on to the content of the next CopyData message. At the end of the COPY
// it sets ended; when the server refuses it, that is the error.
func (w *wire) message() error {
	if w.ended.Load() {
		return errProtocol // there should be more
	}
	var refused error
	for {
		kind, n, err := w.header()
		if err != nil {
			return err
		}
		switch kind {
		case 'd':
			w.left = n
			return nil
		case 'E':
			if refused, err = w.refusal(n); err != nil {
				return err
			}
		case 'Z':
			w.ended.Store(true)
			_, err := w.r.Discard(n)
			return errors.Join(refused, err)
		default: // what a COPY begins and ends with, notices, and changes of settings
			if _, err := w.r.Discard(n); err != nil {
				return err
			}
		}
	}
}

// cut makes the end of a connection what it is here: io.EOF is the end of the rows.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// header returns the type and the length of the next message.
func (w *wire) header() (kind byte, n int, err error) {
	var b [5]byte
	header, err := w.r.Peek(len(b))
	if err != nil {
		return 0, 0, cut(err)
	}
	copy(b[:], header)
	_, _ = w.r.Discard(len(b))                         // they are there
	n = int(int32(binary.BigEndian.Uint32(b[1:]))) - 4 // four bytes, with a sign
	if n < 0 {
		return 0, 0, errProtocol
	}
	return b[0], n, nil
}

// refusal reads an error of the server of n bytes.
func (w *wire) refusal(n int) (refused, err error) {
	if n > maxAnswer {
		return nil, fmt.Errorf("%w: an error of %d bytes", errProtocol, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(w.r, body); err != nil {
		return nil, err
	}
	var msg pgproto3.ErrorResponse
	if err := msg.Decode(body); err != nil {
		return nil, err
	}
	e := newServerError(pgconn.ErrorResponseToPgError(&msg))
	if e.fatal {
		return nil, e // nothing follows
	}
	return e, nil
}

// soon reports whether the next row is there, or is, before d has passed. The server
// sends a row as one message; of one that is longer than the buffer it suffices that
// it has begun.
func (w *wire) soon(ctx context.Context, d time.Duration) (bool, error) {
	if w.left > 0 || w.buffered() {
		return true, nil
	}
	if err := w.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		return false, err
	}
	err := w.await()
	if e := w.conn.SetReadDeadline(time.Time{}); e != nil {
		return false, e
	}
	if ctx.Err() != nil { // its deadline may just have been undone
		return false, context.Cause(ctx)
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return false, nil
	}
	return err == nil, cut(err)
}

// await waits until the next message is in the buffer, as far as it fits. It takes
// nothing out of it.
func (w *wire) await() error {
	header, err := w.r.Peek(5)
	if err != nil {
		return err
	}
	_, err = w.r.Peek(w.sizeOf(header))
	return err
}

// buffered reports whether the next message is in the buffer, as far as it fits.
func (w *wire) buffered() bool {
	if w.r.Buffered() < 5 {
		return false
	}
	header, _ := w.r.Peek(5) // they are there
	return w.r.Buffered() >= w.sizeOf(header)
}

// sizeOf returns how much of the message with that header fits the buffer.
func (w *wire) sizeOf(header []byte) int {
	return int(min(int64(binary.BigEndian.Uint32(header[1:]))+1, int64(w.r.Size())))
}

// close ends the connection, and whatever waits on it.
func (w *wire) close() {
	if w.closed.Swap(true) {
		return
	}
	if w.ended.Load() {
		_ = w.conn.SetWriteDeadline(time.Now().Add(goodbye)) // a socket that is closed needs none
		text, _ := (&pgproto3.Terminate{}).Encode(nil)       // it has a fixed form
		_, _ = w.conn.Write(text)                            // the server finds out anyway
	}
	w.c.sockets.cut()
	_ = w.conn.Close() // it was only read
	if !w.ended.Load() {
		w.c.cancel()
	}
	w.c.sockets.closeAll()
}
