package registry

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Address is an address that was understood: a connector of the table, and a
// valid value for each parameter that was given.
type Address struct {
	Redacted string   // as it was written, without secrets
	Paths    []string // of local files
	Place    string   // what stood after "://", decoded
	URL      string   // of a foreign connector, with its secrets

	connector *Connector
	registry  *Registry
	values    map[string]any
}

// Error is an address that cannot be understood.
type Error struct {
	Address string // without secrets
	Err     error
}

func (e *Error) Error() string { return e.Address + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

const (
	fileScheme  = "file"
	stdioScheme = "stdio"
)

// Parse understands an address.
func (r *Registry) Parse(arg string) (Address, error) {
	scheme, rest := splitScheme(arg)
	a := Address{Redacted: r.Redact(arg), registry: r}
	switch {
	case arg == "":
		return a, &Error{`""`, errors.New("an address is empty; give a path, - or a URL")}
	case arg == "-":
		a.connector = r.Find(stdioScheme)
		return a, nil
	case scheme == "":
		if err := r.slip(arg); err != nil {
			return a, a.fail(err)
		}
		a.connector = r.Find(fileScheme)
		a.Paths = []string{arg}
		return a, nil
	}
	if a.connector = r.Find(scheme); a.connector == nil {
		return a, a.fail(fmt.Errorf("unknown scheme %q; known are %s, and paths; for a file of that name write ./%s",
			scheme, strings.Join(r.Schemes(), ", "), a.Redacted))
	}
	place, query, _ := strings.Cut(rest, a.connector.Mark())
	if a.connector.Foreign {
		a.URL = a.connector.Scheme + "://" + place
	} else if err := a.place(rest); err != nil {
		return a, a.fail(err)
	}
	if err := a.query(query); err != nil {
		return a, a.fail(err)
	}
	return a, nil
}

// splitScheme returns the scheme before "://", and what follows. A scheme of
// one letter is the drive of a path, and a path that begins with a dot or a
// slash has none.
func splitScheme(arg string) (scheme, rest string) {
	scheme, rest, found := strings.Cut(arg, "://")
	if !found || len(scheme) < 2 {
		return "", arg
	}
	for i, c := range []byte(scheme) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return "", arg
		}
	}
	return scheme, rest
}

// place checks and stores what stands between "://" and the query.
func (a *Address) place(rest string) error {
	place, _, _ := strings.Cut(rest, "?")
	if strings.Contains(rest, "#") {
		return errors.New(`"#" has a meaning in URLs; write %23`)
	}
	if a.connector.Place == "" {
		if strings.Trim(place, "/") != "" {
			return fmt.Errorf("%s:// takes no path; parameters come after a question mark, as in %s",
				a.connector.Scheme, a.connector.Examples[0])
		}
		return nil
	}
	decoded, err := url.PathUnescape(place)
	if err != nil {
		return err
	}
	a.Place = decoded
	if a.connector.Scheme != fileScheme {
		return nil
	}
	path, ok := strings.CutPrefix(decoded, "localhost/")
	switch {
	case ok:
		path = "/" + path
	case decoded == "":
		return errors.New("the path is missing, as in file:///var/log/app.log")
	case decoded[0] != '/':
		host, _, _ := strings.Cut(decoded, "/")
		return fmt.Errorf("%q would be another machine; write file:/// and an absolute path, or the path alone", host)
	default:
		path = decoded
	}
	a.Paths = []string{path}
	return nil
}

// query checks and stores the parameters.
func (a *Address) query(query string) error {
	a.values = make(map[string]any)
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, text, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return err
		}
		p := a.connector.param(name)
		if p == nil {
			return a.unknownParam(name)
		}
		before, twice := a.values[name]
		if twice && !p.Many {
			return fmt.Errorf("parameter %s is given twice", name)
		}
		decoded, err := unescapeValue(text)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		v, err := p.parse(decoded)
		if err != nil {
			return fmt.Errorf("parameter %s is %s: %w; example: %s=%s", name, a.shown(text, decoded), err, name, p.Example)
		}
		if inner, ok := v.(nested); ok {
			if v, err = a.registry.Parse(string(inner)); err != nil {
				return fmt.Errorf("parameter %s: %w", name, err)
			}
		}
		if twice {
			v = before.(string) + separator + v.(string)
		}
		a.values[name] = v
	}
	return nil
}

// unescapeValue decodes %XX. A plus sign stays: it is no blank in a path or a
// password.
func unescapeValue(s string) (string, error) { return url.PathUnescape(s) }

func (a *Address) unknownParam(name string) error {
	names := make([]string, 0, len(a.connector.Params))
	for _, p := range a.connector.Params {
		names = append(names, p.Name)
	}
	valid := "it has none"
	if len(names) > 0 {
		valid = "valid: " + strings.Join(names, ", ")
	}
	return fmt.Errorf("unknown query parameter %s of %s://; %s", a.shown(name, name), a.connector.Scheme, valid)
}

// shown returns a part of the address for an error, decoded and quoted, unless
// it is, or may be, part of a secret.
func (a *Address) shown(raw, decoded string) string {
	if strings.Contains(a.Redacted, raw) {
		return strconv.Quote(decoded)
	}
	return "(hidden)"
}

// only reports a parameter that the other side alone knows.
func (a Address) only(side Side) error {
	for _, p := range a.connector.Params {
		if _, given := a.values[p.Name]; given && p.Side != Both && p.Side != side {
			where := "a destination"
			if p.Side == Source {
				where = "a source"
			}
			return a.fail(fmt.Errorf("parameter %s is for %s", p.Name, where))
		}
	}
	return nil
}

// local reports whether the address is a local path without parameters.
func (a Address) local() bool { return len(a.Paths) > 0 && len(a.values) == 0 }

func (a Address) fail(err error) error { return &Error{a.Redacted, err} }

// value returns a parameter as its kind's type, or the default.
func value[T any](a Address, name string) T {
	if v, ok := a.values[name]; ok {
		return v.(T)
	}
	p := a.connector.param(name)
	if p.Default == "" {
		var zero T
		return zero
	}
	v, err := p.parse(p.Default)
	if err != nil {
		panic("registry: default of " + a.connector.Scheme + ": " + err.Error()) // a test checks each
	}
	return v.(T)
}

const hidden = "xxxxx"

// Redact returns an address without its secrets: the password before an "@",
// and every parameter that the table calls secret. Where it is not clear what is
// part of a password, too much is hidden.
func (r *Registry) Redact(arg string) string {
	scheme, rest := splitScheme(arg)
	if scheme == "" {
		if c, behind := r.withoutSlashes(arg); c != nil { // it may be a URL all the same
			return c.Scheme + ":" + strings.TrimPrefix(r.Redact(c.Scheme+"://"+behind), c.Scheme+"://")
		}
		return arg
	}
	place, _, _ := strings.Cut(rest, "?")
	user, _, hasPassword := strings.Cut(place, ":")
	before := ""
	if at := strings.LastIndexByte(rest, '@'); hasPassword && at > len(user) {
		before, rest = user+":"+hidden, rest[at:] // the "@" may stand after a "?" that belongs to the password
	}
	c := r.Find(scheme)
	if c != nil && c.Foreign {
		return scheme + "://" + before + r.redactForeign(c, rest)
	}
	place, query, hasQuery := strings.Cut(rest, "?")
	out := scheme + "://" + before + r.redactQuery(c, place)
	if hasQuery {
		out += "?" + r.redactQuery(c, query)
	}
	return out
}

// redactForeign hides a user as well, which may be a token, and secrets in the
// server's query and in our parameters.
func (r *Registry) redactForeign(c *Connector, rest string) string {
	rest, params, hasParams := strings.Cut(rest, "#")
	authority, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at > 0 {
		rest = hidden + rest[at:]
	}
	place, query, hasQuery := strings.Cut(rest, "?")
	if hasQuery {
		place += "?" + r.redactQuery(nil, query)
	}
	if hasParams {
		place += "#" + r.redactQuery(c, params)
	}
	return place
}

func (r *Registry) redactQuery(c *Connector, query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, text, found := strings.Cut(pair, "=")
		if !found {
			continue
		}
		var p *Param
		if plain, err := url.QueryUnescape(name); err == nil && c != nil {
			p = c.param(plain)
		}
		switch {
		case p == nil && soundsSecret(name), p != nil && p.Secret:
			pairs[i] = name + "=" + hidden
		case p != nil && p.Kind == URL:
			if plain, err := unescapeValue(text); err == nil {
				if inner := r.Redact(plain); inner != plain {
					pairs[i] = name + "=" + url.QueryEscape(inner)
				}
			}
		}
	}
	return strings.Join(pairs, "&")
}

// soundsSecret is for parameters that the table does not know.
func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"pass", "pwd", "secret", "token", "key", "auth", "cred", "sig"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// Shorten cuts a text for people to at most n bytes, in its middle.
func Shorten(text string, n int) string {
	const gap = " … "
	if len(text) <= n {
		return text
	}
	half := (n - len(gap)) / 2
	return strings.ToValidUTF8(text[:half], "") + gap + strings.ToValidUTF8(text[len(text)-half:], "")
}
