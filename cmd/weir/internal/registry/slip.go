package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// withoutSlashes returns the connector of an address that begins with a known
// scheme and a colon and has no "//" behind it, and what follows the colon.
func (r *Registry) withoutSlashes(arg string) (c *Connector, rest string) {
	scheme, rest, found := strings.Cut(arg, ":")
	if !found || strings.HasPrefix(rest, "//") {
		return nil, ""
	}
	return r.Find(scheme), rest
}

// slip returns an error for a path that looks as if the slashes of a URL were left
// out, such as "sqlite:shop.db", unless there is a file of that name.
func (r *Registry) slip(arg string) error {
	c, rest := r.withoutSlashes(arg)
	if c == nil {
		return nil
	}
	if _, err := os.Lstat(arg); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("did you mean %s? for a file of that name write ./%s", r.Redact(c.withSlashes(rest)), r.Redact(arg))
}

// withSlashes returns the address that was meant by the scheme, a colon and rest.
func (c *Connector) withSlashes(rest string) string {
	switch {
	case c.Scheme == fileScheme && rest != "" && rest[0] != '/':
		return rest // a URL of a file is absolute
	case c.Foreign:
		rest = strings.TrimLeft(rest, "/")
	case c.Place == "" && strings.Contains(rest, "=") && !strings.Contains(rest, c.Mark()):
		rest = c.Mark() + rest
	}
	return c.Scheme + "://" + rest
}
