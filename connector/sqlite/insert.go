package sqlite

import (
	"slices"
	"strings"
)

// Bounds of the statements that store rows.
const (
	groupRows       = 32   // most rows of a statement
	groupParameters = 2048 // most parameters of a statement of several rows
	maxInserts      = 16   // statements that are kept ready, by the columns they store
)

// insert is the statement that stores rows with values for certain columns.
type insert struct {
	in   []bool  // by field: it is stored
	cols []int32 // the fields that are
	rows int     // of many
	one  *stmt
	many *stmt // nil: not made
}

// inserts are the statements for a table.
type inserts struct {
	c    *conn
	p    *plan
	key  []string
	all  []*insert
	last *insert
}

// choose returns the statement for the record r.
func (n *inserts) choose(r *record) (*insert, error) {
	if n.last != nil && n.last.suits(r) {
		return n.last, nil
	}
	for _, i := range n.all {
		if i.suits(r) {
			n.last = i
			return i, nil
		}
	}
	in := make([]bool, len(n.p.fields))
	for f := range in {
		in[f] = !n.p.fields[f].optional || r.has(f)
	}
	return n.add(in)
}

// whole makes the statement for all columns, which finds out whether there can be
// one.
func (n *inserts) whole() error {
	_, err := n.add(slices.Repeat([]bool{true}, len(n.p.fields)))
	return err
}

func (n *inserts) add(in []bool) (*insert, error) {
	i := &insert{in: in}
	for f, is := range in {
		if is {
			i.cols = append(i.cols, int32(f))
		}
	}
	i.rows = max(min(groupRows, groupParameters/max(len(i.cols), 1)), 1)
	var err error
	if i.one, err = n.c.prepare(n.sql(i, 1)); err != nil {
		if strings.Contains(err.Error(), "ON CONFLICT clause") {
			err = invalid("%w: create a unique index on (%s), or make it the primary key", err, idents(n.key))
		}
		return nil, err
	}
	if len(n.all) == maxInserts {
		n.close()
	}
	n.all = append(n.all, i)
	n.last = i
	return i, nil
}

// group returns the statement for i.rows rows at once.
func (n *inserts) group(i *insert) (*stmt, error) {
	var err error
	if i.many == nil {
		i.many, err = n.c.prepare(n.sql(i, i.rows))
	}
	return i.many, err
}

func (n *inserts) close() {
	for _, i := range n.all {
		i.one.close()
		i.many.close()
	}
	n.all, n.last = nil, nil
}

// suits reports whether the record has values for the columns that i stores.
func (i *insert) suits(r *record) bool {
	for f := range r.p.fields {
		if r.p.fields[f].optional && i.in[f] != r.has(f) {
			return false
		}
	}
	return true
}

// sql makes the statement for a number of rows.
func (n *inserts) sql(i *insert, rows int) string {
	var names, sets []string
	for _, f := range i.cols {
		name := n.p.fields[f].name
		names = append(names, name)
		if !n.p.fields[f].key {
			sets = append(sets, ident(name)+" = excluded."+ident(name))
		}
	}
	var b strings.Builder
	b.WriteString("INSERT INTO " + ident(n.p.table.name))
	if len(names) == 0 {
		b.WriteString(" DEFAULT VALUES")
		return b.String()
	}
	row := "(?" + strings.Repeat(",?", len(names)-1) + ")"
	b.WriteString(" (" + idents(names) + ") VALUES " + row + strings.Repeat(","+row, rows-1))
	if len(n.key) > 0 {
		b.WriteString(" ON CONFLICT (" + idents(n.key) + ") DO ")
		if len(sets) == 0 {
			b.WriteString("NOTHING")
		} else {
			b.WriteString("UPDATE SET " + strings.Join(sets, ", "))
		}
	}
	return b.String()
}
