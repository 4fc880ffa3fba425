package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/weirflow/weir"
)

// DefaultPage is the default of SourceOptions.Page.
const DefaultPage = 100_000

// SourceOptions say what is read. The zero value reads the table of the URL.
type SourceOptions struct {
	// Table is the table, view or materialized view to read, "name" or
	// "schema.name", as the catalog has it: case counts. Default: the parameter
	// table of the URL.
	Table string

	// Query is read in place of a table: one SELECT, without a semicolon.
	Query string

	// Key are columns whose values together are different in every row and never
	// NULL. Rows come in their order, and the stream can be continued behind any
	// row. Default: the primary key of the table; a query, and a table without one,
	// is read in any order and from its beginning only.
	Key []string

	// Page is how many rows one statement reads of a table with a key. The server
	// keeps what it needs for a page in one state until the last row of it was
	// taken. Default: DefaultPage.
	Page int

	// ConnectFor is how long a server is waited for that is not there yet or has no
	// room. Default: DefaultConnectFor.
	ConnectFor time.Duration
}

// validate reports every option that is out of bounds.
func (o SourceOptions) validate() error {
	var errs []error
	if o.Page < 0 || o.Page > 1<<30 {
		errs = append(errs, fmt.Errorf("option Page is %d; it must be 0 (default) or up to %d", o.Page, 1<<30))
	}
	if o.ConnectFor < 0 {
		errs = append(errs, fmt.Errorf("option ConnectFor is %v; it must be 0 (default) or more", o.ConnectFor))
	}
	if slices.Contains(o.Key, "") {
		errs = append(errs, errors.New("option Key has a column without a name"))
	}
	switch {
	case o.Table == "" && o.Query == "":
		errs = append(errs, errors.New("what is to be read? Give Table or Query, or ?table=NAME in the URL"))
	case o.Table != "" && o.Query != "":
		errs = append(errs, errors.New("both a table and a query are given; give one of them"))
	}
	return errors.Join(errs...)
}

// Source reads the rows of a table or a query as JSON objects, one a record.
type Source struct {
	server   *server
	relation relation // of a table
	o        SourceOptions
	given    bool
}

var _ weir.Source = (*Source)(nil)

// NewSource returns a source of the table that the URL or SourceOptions.Table names,
// or of a query. What the URL leaves out comes from the variables PG* and the
// password file. Nothing is sent before the first Next.
func NewSource(url string, o SourceOptions) (*Source, error) {
	server, table, err := parseAddress(url)
	if err != nil {
		return nil, optionsError(err)
	}
	if o.Table == "" {
		o.Table = table
	}
	o.Query = strings.TrimRight(o.Query, "; \t\r\n")
	if err := o.validate(); err != nil {
		return nil, optionsError(err)
	}
	s := &Source{server: server, o: o}
	if o.Table != "" {
		if s.relation, err = parseRelation(o.Table); err != nil {
			return nil, optionsError(err)
		}
	}
	if o.Page == 0 {
		s.o.Page = DefaultPage
	}
	if o.ConnectFor > 0 {
		server.wait = o.ConnectFor
	}
	server.utc = true
	return s, nil
}

// String returns the URL, without user, password and parameters.
func (s *Source) String() string {
	if s.o.Query != "" {
		return s.server.String()
	}
	return s.server.String() + "?table=" + s.relation.plain()
}

// Next connects and returns the stream of the rows, once.
func (s *Source) Next(ctx context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	c, err := s.server.connect(ctx)
	if err != nil {
		return nil, err
	}
	st, err := s.open(ctx, c)
	if err != nil {
		c.close()
		return nil, err
	}
	s.given = true
	return st, nil
}

// Close does nothing: the stream has the connection.
func (s *Source) Close() error { return nil }

// open looks at what is to be read and hands the connection over to its stream.
func (s *Source) open(ctx context.Context, c *conn) (*stream, error) {
	if _, err := c.exec(ctx, "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1"); err != nil {
		return nil, err
	}
	st := &stream{source: s, from: s.relation.String()}
	if s.o.Query != "" {
		st.from = "(" + s.o.Query + "\n)" // a comment may end the query
	}
	var err error
	if st.key, err = s.findKey(ctx, c, st.from); err != nil {
		return nil, err
	}
	st.info = s.info(st.key)
	if st.wire, err = newWire(ctx, c); err != nil {
		return nil, err
	}
	return st, nil
}

// info describes the stream. Its identity is of what was configured: where, what,
// and in which order.
func (s *Source) info(key []keyColumn) weir.StreamInfo {
	name := s.relation.plain()
	if s.o.Query != "" {
		name = "query"
	}
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%s\x00%s\x00%s", s.server, s.relation, s.o.Query) // never fails
	for _, k := range key {
		_, _ = fmt.Fprintf(hash, "\x00%s", k.name)
	}
	return weir.StreamInfo{
		ID: "postgres:" + hex.EncodeToString(hash.Sum(nil)[:16]), Name: strings.ReplaceAll(name, "/", "_") + ".ndjson",
		Size: weir.UnknownSize, Resumable: len(key) > 0,
	}
}
