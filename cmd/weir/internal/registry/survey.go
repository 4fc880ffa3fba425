package registry

import (
	"os"
	"strings"
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
