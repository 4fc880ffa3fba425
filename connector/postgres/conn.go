package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
)

// Bounds of the pause before another attempt to connect: a random time up to a
// limit that doubles.
const (
	pauseFirst = 50 * time.Millisecond
	pauseMost  = 2 * time.Second
)

// goodbye bounds how long ending a connection may take: a server that hangs is not
// waited for.
const goodbye = 500 * time.Millisecond

// setup is said at the beginning of each connection. What was flushed must be
// durable, and a transaction may wait for its source.
const setup = `SET client_min_messages = warning; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;` +
	` SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`

// conn is one connection. It has one user at a time, except that kill may be
// called at any time.
type conn struct {
	pg      *pgconn.PgConn
	sockets *sockets
	broken  atomic.Bool // it cannot be used again
	era     int         // of the sink's knowledge of the table
	staged  bool        // it has the temporary table
}

// sockets are what a connection has opened: its own and those that ask the server
// to cancel. All of them can be closed from outside.
type sockets struct {
	mu     sync.Mutex
	open   map[*socket]struct{}
	closed bool
}

type socket struct {
	net.Conn
	of *sockets
}

// Close closes the socket.
func (s *socket) Close() error {
	s.of.mu.Lock()
	delete(s.of.open, s)
	s.of.mu.Unlock()
	return s.Conn.Close()
}

// dial opens one more.
func (s *sockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	one := &socket{c, s}
	s.open[one] = struct{}{}
	return one, nil
}

// cut closes what is open, below TLS, which would say goodbye: whoever waits for it
// returns.
func (s *sockets) cut() {
	s.mu.Lock()
	all := s.open
	s.open = map[*socket]struct{}{}
	s.mu.Unlock()
	for one := range all {
		_ = one.Conn.Close() // whoever uses it has the error
	}
}

// closeAll is cut, and for what is opened later.
func (s *sockets) closeAll() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cut()
}

// connect makes a connection. For a while it waits for a server that is not there
// yet or has no room.
func (s *server) connect(ctx context.Context) (*conn, error) {
	deadline := time.Now().Add(s.wait)
	for try := 0; ; try++ {
		c, err := s.connectOnce(ctx)
		if err == nil {
			return c, nil
		}
		pause := rand.N(min(pauseFirst<<min(try, 16), pauseMost)) // full jitter
		if weir.KindOf(err) != weir.Transient || ctx.Err() != nil || time.Now().Add(pause).After(deadline) {
			return nil, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

func (s *server) connectOnce(ctx context.Context) (*conn, error) {
	opened := &sockets{open: map[*socket]struct{}{}}
	config := s.config.Copy()
	config.DialFunc = opened.dial
	if _, chosen := config.RuntimeParams["timezone"]; s.utc && !chosen {
		config.RuntimeParams["timezone"] = "UTC"
	}
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		opened.closeAll()
		return nil, classifyConnect(ctx, err)
	}
	c := &conn{pg: pg, sockets: opened}
	if _, err := c.exec(ctx, setup); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// exec runs statements and returns the tag of the last one.
func (c *conn) exec(ctx context.Context, sql string) (pgconn.CommandTag, error) {
	results, err := c.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return pgconn.CommandTag{}, c.failed(ctx, err)
	}
	return results[len(results)-1].CommandTag, nil
}

// query runs one statement with parameters, all of them text, and returns the rows
// as text; nil is NULL.
func (c *conn) query(ctx context.Context, sql string, params ...string) (rows [][][]byte, tag pgconn.CommandTag, err error) {
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	r := c.pg.ExecParams(ctx, sql, values, nil, nil, nil).Read()
	if r.Err != nil {
		return nil, r.CommandTag, c.failed(ctx, r.Err)
	}
	return r.Rows, r.CommandTag, nil
}

// failed classifies err and notes whether the connection is still good.
func (c *conn) failed(ctx context.Context, err error) error {
	if c.pg.IsClosed() {
		c.broken.Store(true)
	}
	return classify(ctx, err)
}

// interrupt ends a wait for the server when ctx is done, until release is called,
// which reports whether it has. The connection is then broken.
func (c *conn) interrupt(ctx context.Context) (release func() bool) {
	if ctx.Done() == nil {
		return func() bool { return false }
	}
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		c.broken.Store(true)
		_ = c.pg.Conn().SetDeadline(time.Unix(1, 0)) // a socket that is closed needs none
	})
	return func() bool {
		if stop() {
			return false
		}
		<-fired
		return true
	}
}

// during calls f, which is ended when ctx is done: then the result is the cause.
func (c *conn) during(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	release := c.interrupt(ctx)
	err := f()
	if release() {
		return context.Cause(ctx)
	}
	return err
}

// kill ends whatever waits for the server. It may be called while another method
// is running.
func (c *conn) kill() {
	c.broken.Store(true)
	c.sockets.closeAll()
}

// hangUp ends what waits for the server. The server can still be asked to cancel.
func (c *conn) hangUp() {
	c.broken.Store(true)
	c.sockets.cut()
}

// cancel asks the server to give up on what it does for this connection: it may be
// waiting for a lock.
func (c *conn) cancel() {
	ctx, stop := context.WithTimeout(context.Background(), goodbye)
	defer stop()
	_ = c.pg.CancelRequest(ctx) // a server that cannot be reached has given up already
}

// close ends the connection. It does not wait for a server that hangs.
func (c *conn) close() {
	if c.broken.Load() && !c.pg.IsClosed() {
		c.sockets.cut()
		c.cancel()
	}
	ctx, stop := context.WithTimeout(context.Background(), goodbye)
	defer stop()
	_ = c.pg.Close(ctx) // there is nothing to lose any more
	select {
	case <-c.pg.CleanupDone():
	case <-ctx.Done():
	}
	c.sockets.closeAll()
	select {
	case <-c.pg.CleanupDone():
	case <-time.After(goodbye):
	}
}
