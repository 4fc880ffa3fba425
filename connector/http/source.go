package http

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/weirflow/weir"
)

// Defaults of Options.
const (
	DefaultRetries = 10
	DefaultTimeout = 30 * time.Second

	// NoRetries as Options.Retries: no request is repeated.
	NoRetries = -1
)

// Bounds of what a server can make this side hold.
const (
	maxHeader  = 64 << 10
	bufferSize = 4 << 10
)

// Options are how a Source asks. The zero value works.
type Options struct {
	// Retries is how often a request is repeated without a byte of progress in
	// between. Default: DefaultRetries. NoRetries: never.
	Retries int
	// Timeout is how long connecting, and then the header of an answer, may
	// take, each. It does not limit the body. Default: DefaultTimeout.
	Timeout time.Duration
	// Header is sent with every request. It may hold secrets: it is not shown.
	Header http.Header
	// OnRetry, if not nil, is told what went wrong before a request is repeated
	// after wait. It is called by the goroutine that calls Next or Read, and must
	// not block.
	OnRetry func(cause error, wait time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Retries == 0 {
		o.Retries = DefaultRetries
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return o
}

// A Source is one download.
type Source struct {
	o      Options
	url    *url.URL
	client http.Client
	given  bool
}

var _ weir.Source = (*Source)(nil)

// NewSource returns a source of what a GET of the http or https URL answers. A
// user and a password in the URL are sent as Basic authentication. Nothing is
// sent before the first Next.
func NewSource(address string, o Options) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err // without the address, which may hold secrets
		}
		return nil, invalid(fmt.Errorf("not a URL: %w", err))
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "":
		return nil, invalid(errors.New("the URL must begin with http:// or https://"))
	case u.Hostname() == "":
		return nil, invalid(errors.New("the URL has no host, as in https://example.org/data.csv"))
	case o.Retries < NoRetries || o.Timeout < 0:
		return nil, invalid(fmt.Errorf("retries are %d and the timeout is %v; they must be -1 and 0 or more", o.Retries, o.Timeout))
	}
	u.Fragment, u.RawFragment = "", ""
	s := &Source{o: o.withDefaults(), url: u}
	dialer := &net.Dialer{Timeout: s.o.Timeout}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.client.Transport = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    s.o.Timeout,
		ResponseHeaderTimeout:  s.o.Timeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
		Protocols:              protocols,
	}
	return s, nil
}

func invalid(err error) error {
	return &weir.Error{Op: "options", Node: "http", Kind: weir.Invalid, Err: err}
}

// String returns the URL without user, password and query: they may be secret.
func (s *Source) String() string {
	shown := url.URL{Scheme: s.url.Scheme, Host: s.url.Host, Path: s.url.Path}
	return shown.String()
}

// Next makes the request and returns the stream of its answer, once.
func (s *Source) Next(ctx context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	st := &stream{source: s}
	st.ctx, st.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, st.cancel)()
	if err := st.connect(ctx); err != nil {
		st.cancel()
		return nil, err
	}
	s.given = true
	return st, nil
}

// Close closes idle connections, of which there should be none.
func (s *Source) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// info describes the stream of a body of size bytes.
func (s *Source) info(size int64) weir.StreamInfo {
	bare := *s.url
	bare.User = nil
	sum := sha256.Sum256([]byte(bare.String()))
	return weir.StreamInfo{ID: "http:" + hex.EncodeToString(sum[:16]), Name: s.name(), Size: size}
}

// name is the last element of the path, or the host.
func (s *Source) name() string {
	name := path.Base(strings.TrimSuffix(s.url.Path, "/"))
	if name == "." || name == "/" || name == ".." {
		return s.url.Hostname()
	}
	return name
}
