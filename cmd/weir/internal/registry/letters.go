package registry

import (
	"errors"

	"github.com/weirflow/weir"
)

// IsURL reports whether arg names a scheme, and so is no path.
func (*Registry) IsURL(arg string) bool {
	scheme, _ := splitScheme(arg)
	return scheme != ""
}

// OpenLetters returns the sink of dead letters at an address, beside destination. A
// table that is not there is made.
func (r *Registry) OpenLetters(arg, destination string) (weir.Sink, error) {
	a, err := r.Parse(arg)
	if err != nil {
		return nil, err
	}
	if !a.connector.Keeps || a.connector.Takes == "" {
		return nil, a.fail(errors.New("dead letters go into a directory or a table; give a path, or an address such as sqlite://dead.db?table=letters"))
	}
	to, err := r.Parse(destination)
	if err == nil && a.connector.Scheme == sqliteScheme && to.connector.Scheme == sqliteScheme && a.Place == to.Place {
		return nil, a.fail(errors.New("SQLite has one writer at a time, and the records go into that file; give the letters a file of their own"))
	}
	return a.openSink(Env{Table: Table{Create: true}})
}
