package registry

import (
	"os"
	"strings"

	"github.com/weirflow/weir/connector/file"
)

// Many reports whether the sources can be several streams by what they are: more
// than one address, a directory, a pattern, or a generator of several streams.
func (r *Registry) Many(args []string) bool {
	if len(args) > 1 {
		return true
	}
	for _, arg := range args {
		a, err := r.Parse(arg)
		if err != nil {
			return false // opening it says what is wrong
		}
		if p := a.connector.param("streams"); p != nil && value[int64](a, "streams") > 1 {
			return true
		}
		for _, path := range a.Paths {
			st, err := os.Stat(path)
			if err == nil && st.IsDir() || err != nil && isPattern(path) {
				return true
			}
		}
	}
	return false
}

// Total returns the number of bytes that the sources hold, if all of them are
// plain files.
func (r *Registry) Total(args []string) (int64, bool) {
	var total int64
	for _, arg := range args {
		a, err := r.Parse(arg)
		if err != nil || len(a.Paths) == 0 {
			return 0, false
		}
		for _, path := range a.Paths {
			st, err := os.Stat(path)
			if err != nil || !st.Mode().IsRegular() || isPattern(path) {
				return 0, false
			}
			total += st.Size()
		}
	}
	return total, len(args) > 0
}

// isPattern reports whether a path has characters that are special in a glob.
func isPattern(path string) bool { return strings.ContainsAny(path, "*?[{") }

// Origin is what is known of an address that is read before it is opened.
type Origin struct {
	Name   string // that tells its format by its extensions; "": none does
	Yields string // see Connector
	Piped  bool   // it is standard input: there is no name that could say what it is
}

// Origins returns what is known of the sources. Those that cannot be understood
// are left out: opening them says what is wrong.
func (r *Registry) Origins(args []string) []Origin {
	var all []Origin
	for _, arg := range args {
		a, err := r.Parse(arg)
		if err != nil {
			continue
		}
		s := Origin{Piped: a.connector.Scheme == stdioScheme}
		if a.connector.Yields != nil {
			s.Yields = a.connector.Yields(a)
		}
		switch {
		case len(a.Paths) > 0:
			s.Name = a.Paths[0]
		case a.URL != "":
			s.Name, _, _ = strings.Cut(a.URL, "?")
		}
		all = append(all, s)
	}
	return all
}

// Target is what is known of an address that is written before it is opened.
type Target struct {
	Name  string // of the one file that will be written; "": none, or several
	Takes string // see Connector
	Joins bool   // several streams become one: see Connector
	Keeps bool   // see Connector
	Rolls bool   // each stream becomes several files
}

// Target returns what is known of the destination of these sources, which is divided
// like roll if it does not say so itself. One that
// cannot be understood is nothing: opening it says what is wrong.
func (r *Registry) Target(arg string, sources []string, roll file.Roll) Target {
	a, err := r.Parse(arg)
	if err != nil {
		return Target{}
	}
	d := Target{
		Takes: a.connector.Takes, Keeps: a.connector.Keeps, Joins: a.connector.Joins && r.Many(sources),
		Rolls: a.Roll(roll) != file.Roll{},
	}
	if len(a.Paths) == 1 && !r.Many(sources) && !directory(a.Paths[0]) {
		d.Name = a.Paths[0]
	}
	return d
}

// directory reports whether streams become files below path.
func directory(path string) bool {
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return true
	}
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
