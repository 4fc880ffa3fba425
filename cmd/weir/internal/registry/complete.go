package registry

import (
	"slices"
	"strings"
)

// Completion is a way to go on with an address.
type Completion struct{ Text, Description string }

// Complete returns the ways to go on with an address of one side that begins
// with prefix. Paths are left to the shell.
func (r *Registry) Complete(prefix string, side Side) []Completion {
	scheme, rest := splitScheme(prefix)
	if scheme == "" {
		return r.completeScheme(prefix, side)
	}
	c := r.Find(scheme)
	if c == nil {
		return nil
	}
	place, query, asked := strings.Cut(rest, c.Mark())
	if place != "" && c.Place == "" {
		return nil
	}
	if !asked && c.Place != "" {
		return nil
	}
	pairs := strings.Split(query, "&")
	last := pairs[len(pairs)-1]
	head := scheme + "://" + place + c.Mark() + strings.TrimSuffix(query, last)
	if name, text, found := strings.Cut(last, "="); found {
		return c.completeValue(head+name+"=", name, text)
	}
	var out []Completion
	for _, p := range c.Params {
		given := slices.ContainsFunc(pairs, func(pair string) bool { return strings.HasPrefix(pair, p.Name+"=") })
		if strings.HasPrefix(p.Name, last) && !given && (p.Side == Both || p.Side == side) {
			out = append(out, Completion{head + p.Name + "=", p.Text})
		}
	}
	return out
}

func (r *Registry) completeScheme(prefix string, side Side) []Completion {
	var out []Completion
	for _, c := range r.connectors {
		if side == Source && c.Reads() || side == Sink && c.Writes() {
			if text := c.Scheme + "://"; strings.HasPrefix(text, prefix) {
				out = append(out, Completion{text, c.Summary})
			}
		}
	}
	return out
}

func (c *Connector) completeValue(head, name, text string) []Completion {
	p := c.param(name)
	if p == nil {
		return nil
	}
	choices := p.Choices
	if p.Kind == Bool {
		choices = []string{"true", "false"}
	}
	var out []Completion
	for _, choice := range choices {
		if strings.HasPrefix(choice, text) {
			out = append(out, Completion{head + choice, p.Text})
		}
	}
	return out
}
