package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/weirflow/weir"
)

const (
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 10 * time.Second
	// retryAfterMost bounds how long a server can make this side wait.
	retryAfterMost = 5 * time.Minute
)

// stream is the body of one URL. ctx is its own; calls end it when theirs ends.
type stream struct {
	source *Source
	ctx    context.Context
	cancel context.CancelFunc

	info      weir.StreamInfo
	validator validator
	digest    *digest // nil: none was sent, or the beginning was not read
	off       int64
	body      io.ReadCloser // nil: not connected
	failures  int           // since the last progress
	position  []byte
}

var _ weir.Stream = (*stream)(nil)

func (s *stream) Info() weir.StreamInfo { return s.info }

// Seek continues at p if the content is still what p is of. It asks for nothing
// yet: the next Read does.
func (s *stream) Seek(_ context.Context, p weir.Position) error {
	off, v, err := parsePosition(p)
	switch {
	case err != nil:
		return s.fail("seek", weir.Invalid, err)
	case v == "" && off > 0:
		return s.fail("seek", weir.Other, fmt.Errorf("%w: the server gave no ETag, and no Last-Modified that is old enough", weir.ErrNotResumable))
	case v != s.validator && off > 0:
		return s.fail("seek", weir.Corrupt, errors.New("the content has changed since; read it from its beginning"))
	case s.info.Size != weir.UnknownSize && off > s.info.Size:
		return s.fail("seek", weir.Corrupt, fmt.Errorf("the position is after the end, %d; read it from its beginning", s.info.Size))
	case off == 0:
		return nil
	}
	s.disconnect()
	s.off, s.digest = off, nil
	return nil
}

// Read fills b with what has come. A connection that dropped is resumed first.
func (s *stream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	defer context.AfterFunc(ctx, s.cancel)()
	began := time.Now()
	defer func() { b.AddWait(time.Since(began)) }()
	for {
		if s.body == nil {
			if s.ended() {
				return s.end()
			}
			if err := s.connect(ctx); err != nil {
				return err
			}
		}
		n, err := s.body.Read(b.Space())
		if n > 0 {
			s.take(b, n)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && n > 0:
			return nil
		case err == nil:
			continue
		}
		s.disconnect()
		if err == io.EOF && (s.info.Size == weir.UnknownSize || s.off == s.info.Size) {
			return s.end()
		}
		if n > 0 {
			return nil // the next Read goes on from here
		}
		if err := s.again(ctx, fmt.Errorf("the connection broke: %w", plain(err)), 0); err != nil {
			return err
		}
	}
}

// take adds n bytes that were read into b's space.
func (s *stream) take(b *weir.Batch, n int) {
	if s.digest != nil {
		s.digest.hash.Write(b.Space()[:n])
	}
	b.Advance(n)
	s.off += int64(n)
	s.failures = 0
	s.position = appendPosition(s.position[:0], s.off, s.validator)
	b.SetPosition(s.position)
}

// ended reports whether all of a known size was read.
func (s *stream) ended() bool { return s.off == s.info.Size }

// end checks the whole at its end and returns io.EOF.
func (s *stream) end() error {
	if s.digest != nil && !s.digest.ok() {
		return s.fail("read", weir.Corrupt, fmt.Errorf("the %s of what was read is not what the server sent", s.digest.name))
	}
	return io.EOF
}

// Close ends a Read that is still running.
func (s *stream) Close() error {
	s.cancel()
	return nil
}

// disconnect closes the connection.
func (s *stream) disconnect() {
	if s.body != nil {
		_ = s.body.Close() // it was only read
		s.body = nil
	}
}

// connect asks for what is after off until there is an answer, or it is clear
// that there will be none.
func (s *stream) connect(ctx context.Context) error {
	for {
		if s.off > 0 && s.validator == "" {
			return s.fail("read", weir.Other, fmt.Errorf("%w: the server gave no ETag, and no Last-Modified that is old enough", weir.ErrNotResumable))
		}
		answer, err := s.ask()
		if err == nil {
			var again time.Duration
			if again, err = s.accept(answer); err == nil {
				s.body = answer.Body
				return nil
			}
			_ = answer.Body.Close() // it is not wanted
			var final *weir.Error
			if errors.As(err, &final) {
				return err
			}
			err = s.again(ctx, err, again)
		} else {
			err = s.again(ctx, err, 0)
		}
		if err != nil {
			return err
		}
	}
}

// ask makes one request.
func (s *stream) ask() (*http.Response, error) {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.source.url.String(), nil)
	if err != nil {
		return nil, err
	}
	for name, values := range s.source.o.Header {
		request.Header[name] = values
	}
	request.Header.Set("Accept-Encoding", "identity")
	if s.off > 0 {
		request.Header.Set("Range", "bytes="+strconv.FormatInt(s.off, 10)+"-")
		request.Header.Set("If-Range", string(s.validator))
	}
	answer, err := s.source.client.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	return answer, nil
}

// plain returns the cause in an error of package net/http, without the URL.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// accept checks an answer. An error that is not a *weir.Error may be gone after
// a while; wait is how long the server wants that to be.
func (s *stream) accept(a *http.Response) (wait time.Duration, err error) {
	switch {
	case a.StatusCode == http.StatusOK && s.off == 0:
		return 0, s.acceptWhole(a)
	case a.StatusCode == http.StatusPartialContent && s.off > 0:
		return 0, s.acceptRest(a)
	case a.StatusCode == http.StatusOK, a.StatusCode == http.StatusPreconditionFailed, a.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		if v := validatorOf(a.Header); v == s.validator && a.StatusCode == http.StatusOK {
			return 0, s.fail("read", weir.Other, fmt.Errorf("%w: the server sends the whole instead of what is missing", weir.ErrNotResumable))
		}
		return 0, s.changed("its validator is another")
	case retryable(a.StatusCode):
		return retryAfter(a.Header, time.Now()), fmt.Errorf("the server answers %s", a.Status)
	case a.StatusCode < 400: // a redirect without a target, or nonsense
		return 0, s.fail("read", weir.Rejected, fmt.Errorf("the server answers %s, which is no content", a.Status))
	}
	return 0, s.fail("read", weir.Rejected, fmt.Errorf("the server answers %s", a.Status))
}

func (s *stream) acceptWhole(a *http.Response) error {
	first := s.info.ID == ""
	v := validatorOf(a.Header)
	switch {
	case first:
		s.info, s.validator = s.source.info(a.ContentLength), v
		s.info.Resumable = v != ""
	case v != s.validator:
		return s.changed("its validator is another")
	case s.info.Size != a.ContentLength:
		return s.changed("its length is another")
	}
	s.digest = digestOf(a.Header)
	return nil
}

func (s *stream) acceptRest(a *http.Response) error {
	first, last, total, err := parseContentRange(a.Header.Get("Content-Range"))
	switch {
	case err != nil:
		return s.fail("read", weir.Corrupt, err)
	case first != s.off:
		return s.fail("read", weir.Corrupt, fmt.Errorf("asked for what is after %d, the server sends what is after %d", s.off, first))
	case s.info.Size != weir.UnknownSize && total != weir.UnknownSize && total != s.info.Size:
		return s.changed("its length is another")
	case a.ContentLength >= 0 && a.ContentLength != last-first+1:
		return s.fail("read", weir.Corrupt, errors.New("the Content-Range is not as long as the content"))
	}
	if v := validatorOf(a.Header); v != "" && v != s.validator && strongTag(string(v)) == strongTag(string(s.validator)) {
		return s.changed("its validator is another")
	}
	return nil
}

func (s *stream) changed(how string) error {
	return s.fail("read", weir.Corrupt, fmt.Errorf("the content has changed while it was read (%s); read it from its beginning", how))
}

// retryable reports whether a status may be another later.
func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// retryAfter returns how long the server wants to be left alone, 0 if it does
// not say (RFC 9110, section 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := parseDigits(text); err == nil {
		return min(time.Duration(min(n, int64(retryAfterMost/time.Second)))*time.Second, retryAfterMost)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), retryAfterMost)
	}
	return 0
}

// again waits before the next try, or returns why there is none. cause is what
// went wrong, wait what the server asked for.
func (s *stream) again(ctx context.Context, cause error, wait time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.ctx.Err() != nil {
		return s.fail("read", weir.Closed, net.ErrClosed)
	}
	if s.failures >= s.source.o.Retries {
		return s.fail("read", weir.Transient, fmt.Errorf("given up after %d tries: %w", s.failures+1, cause))
	}
	if wait == 0 {
		most := min(backoffFirst<<min(s.failures, 10), backoffMost)
		wait = rand.N(most) // full jitter
	}
	s.failures++
	if told := s.source.o.OnRetry; told != nil {
		told(cause, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *stream) fail(op string, kind weir.Kind, err error) error {
	e := &weir.Error{Op: op, Node: s.source.String(), Kind: kind, Err: err}
	if s.off > 0 {
		e.Position = weir.Position(positionPrefix + strconv.FormatInt(s.off, 10))
	}
	return e
}
