package sqlite

import "slices"

// field is a column and where its value comes from.
type field struct {
	name     string
	path     []string // inside of the member; empty: the member itself
	whole    bool     // it takes the record itself
	optional bool     // it is left out when a record has nothing for it
	key      bool     // it is part of the key: it needs a value
	next     int32    // the next field that begins at the same member, -1 at the last
}

// plan is how records become rows of a table. It does not change.
type plan struct {
	table  *table
	fields []field
	heads  map[string]int32 // the first field that begins at a member
	wholes int              // fields that take the record itself
	copies int              // how often a value can be needed
}

// newPlan maps the members of records to the columns of t.
func newPlan(t *table, o *SinkOptions) *plan {
	p := &plan{table: t, heads: map[string]int32{}, copies: 1}
	for _, a := range t.attributes {
		f := field{name: a.name, optional: a.optional, key: slices.Contains(o.Key, a.name), next: -1}
		head := a.name
		if i := slices.IndexFunc(o.Columns, func(c Column) bool { return c.Name == a.name }); i >= 0 {
			p.copies++
			if f.whole = len(o.Columns[i].Path) == 0; f.whole {
				f.optional = false
				p.wholes++
			} else {
				head, f.path = o.Columns[i].Path[0], o.Columns[i].Path[1:]
			}
		}
		if !f.whole {
			if before, ok := p.heads[head]; ok {
				f.next = before
			}
			p.heads[head] = int32(len(p.fields))
		}
		p.fields = append(p.fields, f)
	}
	return p
}
