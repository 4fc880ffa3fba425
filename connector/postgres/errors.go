package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirflow/weir"
)

// A ServerError is what the server has answered: PostgreSQL's own message, with
// everything that says what is wrong. Its text holds neither host nor password.
type ServerError struct {
	Code    string // SQLSTATE
	Message string
	Detail  string
	Hint    string
	Where   string // such as "COPY t, line 3, column n"
	Advice  string // what to do, where that is known and Hint does not say it

	fatal bool // the connection is gone
}

// Error returns the message, the detail and the rest, in one line.
func (e *ServerError) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, part := range []struct{ before, text string }{{"; ", e.Detail}, {"; ", e.Hint}, {"; ", e.Advice}} {
		if part.text != "" {
			b.WriteString(part.before + strings.TrimSuffix(part.text, "."))
		}
	}
	b.WriteString(" (SQLSTATE " + e.Code)
	if e.Where != "" {
		b.WriteString("; " + e.Where)
	}
	b.WriteString(")")
	return oneLine(b.String())
}

// Kind says what a caller can do about it.
func (e *ServerError) Kind() weir.Kind { return kindOfState(e.Code) }

// isData reports whether the values of a record are the reason, so that others may
// do.
func (e *ServerError) isData() bool { return isDataState(e.Code) && !e.fatal }

func newServerError(e *pgconn.PgError) *ServerError {
	severity := e.SeverityUnlocalized
	if severity == "" {
		severity = e.Severity
	}
	return &ServerError{
		Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Where: e.Where,
		Advice: advice(e), fatal: severity == "FATAL" || severity == "PANIC",
	}
}

// oneLine puts blanks in the place of line breaks and other control characters.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, unicode.IsControl), " ")
}

// networkError is a failure to reach the server, or to go on talking to it, as text:
// the client's own errors hold the configuration, with the password in it.
type networkError struct {
	text  string
	cause error // without secrets; nil: none
}

func (e *networkError) Error() string { return e.text }
func (e *networkError) Unwrap() error { return e.cause }

// classify returns err, which a call to the server ended with, as a *weir.Error, or
// the cause of ctx if that is done. It adds no operation: the engine knows it.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var known *weir.Error
	if errors.As(err, &known) {
		return err
	}
	var own *ServerError
	if errors.As(err, &own) {
		return &weir.Error{Kind: own.Kind(), Err: err}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e := newServerError(pg)
		return &weir.Error{Kind: e.Kind(), Err: e}
	}
	return &weir.Error{Kind: weir.Transient, Err: &networkError{"the connection is lost: " + flat(err), netCause(err)}}
}

// classifyConnect is classify for the making of a connection.
func classifyConnect(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e := newServerError(pg)
		return &weir.Error{Kind: e.Kind(), Err: e}
	}
	var ce *pgconn.ConnectError
	if errors.As(err, &ce) {
		err = errors.Unwrap(ce) // without the configuration
	}
	kind := weir.Transient
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	text := "the server cannot be reached: " + flat(err)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		kind = weir.Invalid
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verify):
		kind = weir.Invalid
		text += "; give the certificate of who signed the server's as sslrootcert=FILE, or check the host's name"
	case strings.Contains(text, "refused TLS"):
		kind = weir.Invalid
		text += "; the server has no TLS: turn it on there, or choose another sslmode"
	case strings.Contains(text, "require_auth"), strings.Contains(text, "channel binding"), strings.Contains(text, "sslcertmode"):
		kind = weir.Invalid
	}
	return &weir.Error{Kind: kind, Err: &networkError{text, netCause(err)}}
}

// netCause returns the network's own error in err, which is safe to keep, or nil.
func netCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	return nil
}

// flat returns the text of err, and of what is joined in it, in one line, each
// part once.
func flat(err error) string {
	var parts []string
	seen := map[string]bool{}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !seen[line] {
			seen[line] = true
			parts = append(parts, line)
		}
	}
	return oneLine(strings.Join(parts, "; "))
}

// invalid returns an error that only a changed call can avoid.
func invalid(format string, args ...any) *weir.Error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf(format, args...)}
}

// dataError returns the server's error in err if the values of a record are its
// reason.
func dataError(err error) (*ServerError, bool) {
	var e *ServerError
	if errors.As(err, &e) && e.isData() {
		return e, true
	}
	return nil, false
}

// dropped returns err, which the writing of rows ended with. If the table is not there any
// more, it says what to do about that.
func dropped(err error) error {
	var e *ServerError
	if errors.As(err, &e) && e.Code == stateNoTable {
		e.Advice = "create the table; if it was dropped meanwhile, what it held is gone with it, and --fresh writes all of it again"
	}
	return err
}
