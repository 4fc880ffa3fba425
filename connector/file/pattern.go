package file

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// pattern selects files below a directory.
type pattern struct {
	text string
	// segments are the leading parts of text that match one directory each.
	// Below them there is nothing to look for, unless deep.
	segments []string
	deep     bool
}

// isPattern says whether s has special characters.
func isPattern(s string) bool { return strings.ContainsAny(s, "*?[{") }

// parsePattern splits s into the directory it starts in and the pattern below
// it.
func parsePattern(s string) (root string, p *pattern, err error) {
	s = filepath.ToSlash(s)
	if !doublestar.ValidatePattern(s) {
		return "", nil, fmt.Errorf("%s: malformed pattern; close its brackets and braces", show(s))
	}
	root, text := doublestar.SplitPattern(s)
	text = strings.TrimPrefix(filepath.ToSlash(filepath.Clean(text)), "/")
	p = &pattern{text: text}
	parts := strings.Split(text, "/")
	for i, part := range parts {
		if !doublestar.ValidatePattern(part) {
			// A slash in braces: the parts are no patterns of their own.
			p.segments, p.deep = nil, true
			break
		}
		if part == "**" {
			p.deep = true
			break
		}
		if i < len(parts)-1 {
			p.segments = append(p.segments, part)
		}
	}
	return filepath.FromSlash(root), p, nil
}

// matches says whether the file name, below the root, is selected.
func (p *pattern) matches(name string) bool { return doublestar.MatchUnvalidated(p.text, name) }

// enters says whether there may be selected files in the directory name. Its
// parents have been asked before.
func (p *pattern) enters(name string) bool {
	depth := strings.Count(name, "/")
	if depth >= len(p.segments) {
		return p.deep
	}
	return doublestar.MatchUnvalidated(p.segments[depth], name[strings.LastIndexByte(name, '/')+1:])
}
