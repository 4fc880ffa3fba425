package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
)

// DefaultConnectFor is the default of SinkOptions.ConnectFor and
// SourceOptions.ConnectFor.
const DefaultConnectFor = 5 * time.Second

// dialTimeout bounds one attempt to reach one host, unless connect_timeout does.
const dialTimeout = 10 * time.Second

// tableParam is the parameter of the URL that is ours.
const tableParam = "table"

// server is whom to connect to.
type server struct {
	config *pgconn.Config
	wait   time.Duration // how long a server that is not there is waited for
	utc    bool          // the session's time zone is set to UTC unless the user chose one
}

// parseAddress returns the server that a URL names, and the table in it, if any.
// What the URL leaves out comes from the variables PG* and ~/.pgpass.
func parseAddress(address string) (s *server, table string, err error) {
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, "", errors.New("the URL must begin with postgres://, as in postgres://user@host/database")
	}
	rest, table, err := cutTable(address)
	if err != nil {
		return nil, "", err
	}
	config, err := pgconn.ParseConfig(rest)
	if err != nil {
		return nil, "", parseError(rest, err)
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "weir"
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = dialTimeout
	}
	return &server{config: config, wait: DefaultConnectFor}, table, nil
}

// cutTable takes our parameter out of the URL's query.
func cutTable(address string) (rest, table string, err error) {
	host := strings.Index(address, "://") + len("://")
	if i := strings.IndexAny(address[host:], "@/"); i >= 0 && address[host+i] == '@' {
		host += i // a password may hold a question mark
	}
	query := strings.IndexByte(address[host:], '?')
	if query < 0 {
		return address, "", nil
	}
	query += host
	place := address[:query]
	var kept []string
	for pair := range strings.SplitSeq(address[query+1:], "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name != tableParam {
			kept = append(kept, pair)
			continue
		}
		if table, err = url.PathUnescape(value); err != nil {
			return "", "", fmt.Errorf("parameter table of the URL: %w", err)
		}
	}
	if len(kept) == 0 {
		return place, table, nil
	}
	return place + "?" + strings.Join(kept, "&"), table, nil
}

// parseError says why a URL cannot be understood, and shows nothing of it where that
// can be part of a password: in a URL that is broken it can be anywhere.
func parseError(address string, err error) error {
	const form = "it is postgres://user@host:port/database?name=value, and in each part @ is written %40, / %2F, : %3A, ? %3F, # %23 and % %25"
	var e *pgconn.ParseConfigError
	if !errors.As(err, &e) || !unambiguous(address) {
		return errors.New("the URL cannot be understood; " + form)
	}
	e.ConnString = ""
	_, why, _ := strings.Cut(e.Error(), "``: ")
	return errors.New("the URL cannot be understood: " + oneLine(why) + "; " + form)
}

// unambiguous reports whether it is clear where in the URL a password is, and there
// is none in the query.
func unambiguous(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	at := strings.LastIndexByte(rest, '@')
	return (at < 0 || !strings.ContainsAny(rest[:at], "/?#@")) && !strings.Contains(strings.ToLower(rest), "pass")
}

// String returns the URL without user, password and parameters.
func (s *server) String() string {
	hosts := make([]string, 0, 1)
	add := func(host string, port uint16) {
		h := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if strings.HasPrefix(host, "/") {
			h = url.PathEscape(host)
		}
		if len(hosts) == 0 || hosts[len(hosts)-1] != h { // a fallback without TLS is the same host
			hosts = append(hosts, h)
		}
	}
	add(s.config.Host, s.config.Port)
	for _, f := range s.config.Fallbacks {
		add(f.Host, f.Port)
	}
	u := "postgres://" + strings.Join(hosts, ",")
	if s.config.Database != "" {
		u += "/" + url.PathEscape(s.config.Database)
	}
	return u
}

// optionsError is how a constructor refuses.
func optionsError(err error) error {
	return &weir.Error{Op: "options", Node: "postgres", Kind: weir.Invalid, Err: err}
}
