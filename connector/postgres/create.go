package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// Bounds of what a table is made from.
const (
	sampleRecords  = 1000
	maxColumns     = 1600
	maxCreateTries = 3
)

// create makes the table from the records of b, unless somebody else has meanwhile,
// and then the encoder. The table stays when the stream does not.
func (l *lane) create(ctx context.Context, b *weir.Batch) error {
	for range maxCreateTries {
		p, err := l.sink.load(ctx, l.c)
		if err != nil {
			return err
		}
		if p != nil {
			return l.prepare(ctx, p)
		}
		sql, err := l.sink.createSQL(b)
		if err != nil {
			return err
		}
		if l.noted {
			sql += "; " + l.sink.noteMadeSQL() // in one transaction
		}
		_, err = l.c.exec(ctx, sql)
		var e *ServerError
		if err != nil && (!errors.As(err, &e) || e.Code != stateExists && e.Code != stateUniqueRace) {
			return err
		}
	}
	return missing(l.sink.relation)
}

// guess is what the values of one member have in common.
type guess struct {
	name string
	seen [numGuesses]bool
}

// What a value can be.
const (
	guessBool = iota
	guessInt
	guessNumeric // an integer of more than 64 bits
	guessFloat
	guessTime
	guessUUID
	guessText
	guessJSON
	numGuesses
)

// createSQL makes the statement that makes the table. The package's description says
// which types the columns have.
func (s *Sink) createSQL(b *weir.Batch) (string, error) {
	guesses, err := s.sample(b)
	if err != nil {
		return "", err
	}
	var defs []string
	has := map[string]bool{}
	add := func(name, kind string) {
		has[name] = true
		defs = append(defs, ident(name)+" "+kind)
	}
	for _, g := range guesses {
		add(g.name, g.kind())
	}
	for _, c := range s.o.Columns {
		if len(c.Path) == 0 {
			add(c.Name, "jsonb")
		}
	}
	for _, name := range s.o.Key {
		if !has[name] {
			return "", invalid("the records have no member for column %s, which is part of Key: the table cannot be made of them", name)
		}
	}
	if len(s.o.Key) > 0 {
		defs = append(defs, "PRIMARY KEY ("+idents(s.o.Key)+")")
	}
	if len(has) == 0 || len(has) > maxColumns {
		return "", invalid("a table cannot be made of %d members; a table has 1 to %d columns", len(has), maxColumns)
	}
	return "CREATE TABLE IF NOT EXISTS " + s.relation.String() + " (" + strings.Join(defs, ", ") + ")", nil
}

// sample looks at the first records of b.
func (s *Sink) sample(b *weir.Batch) ([]*guess, error) {
	var all []*guess
	byName := map[string]*guess{}
	var o jsonscan.Object
	for i := range min(b.Records(), sampleRecords) {
		rec := b.Record(i)
		if len(rec) > maxMembers*perColumn || o.Scan(rec) != nil {
			continue // it is reported when it is written, or too long to be typical
		}
		for _, v := range s.values(rec, &o) {
			g := byName[v.name]
			if g == nil {
				if len(v.name) == 0 || len(v.name) > maxName || strings.IndexByte(v.name, 0) >= 0 {
					return nil, invalid("the member %q cannot be the name of a column, of 1 to %d bytes; give it another with Columns", v.name, maxName)
				}
				g = &guess{name: v.name}
				byName[v.name] = g
				all = append(all, g)
			}
			g.add(v.span)
		}
		if len(all) > maxColumns {
			return nil, invalid("the records have more than %d members, which a table cannot have as columns; keep fewer of them, or make the table with a column for the whole record", maxColumns)
		}
	}
	if len(all) == 0 && len(s.o.Columns) == 0 {
		return nil, invalid("none of the first records is a JSON object with members, of which a table could be made")
	}
	return all, nil
}

// named is a value and the column that takes it.
type named struct {
	name string
	span span
}

// values returns the values of a record that go to a column of their own.
func (s *Sink) values(rec []byte, o *jsonscan.Object) []named {
	var all []named
	for i := range o.Members {
		m := &o.Members[i]
		name, err := jsonscan.Unquote(nil, rec[m.KeyStart-1:m.KeyEnd+1])
		if err != nil || slices.ContainsFunc(s.o.Columns, func(c Column) bool {
			return c.Name == string(name) || len(c.Path) == 1 && c.Path[0] == string(name)
		}) {
			continue // it has another name, or its name is another value's
		}
		all = append(all, named{string(name), span{m.Val(rec), m.Kind, m.ValEscaped}})
	}
	for _, c := range s.o.Columns {
		if len(c.Path) == 0 {
			continue
		}
		if start, end, kind, ok := jsonscan.Path(rec, 0, c.Path); ok {
			all = append(all, named{c.Name, span{rec[start:end], kind, true}})
		}
	}
	return all
}

// add takes one more value.
func (g *guess) add(s span) {
	switch s.kind {
	case jsonscan.True, jsonscan.False:
		g.seen[guessBool] = true
	case jsonscan.Array, jsonscan.ObjectKind:
		g.seen[guessJSON] = true
	case jsonscan.Number:
		_, small := parseInt(s.v)
		_, plain := parseNumeric(s.v)
		switch {
		case small:
			g.seen[guessInt] = true
		case plain && !slices.Contains(s.v, '.'):
			g.seen[guessNumeric] = true
		default:
			g.seen[guessFloat] = true
		}
	case jsonscan.String:
		b := s.inside()
		m, isTime := parseMoment(b)
		_, isUUID := parseUUID(b)
		switch {
		case isTime && m.timed && m.zoned:
			g.seen[guessTime] = true
		case isUUID:
			g.seen[guessUUID] = true
		default:
			g.seen[guessText] = true
		}
	}
}

// kind returns the type that holds all values that were seen.
func (g *guess) kind() string {
	is := func(kinds ...int) bool {
		any := false
		for k, seen := range g.seen {
			if seen && !slices.Contains(kinds, k) {
				return false
			}
			any = any || seen
		}
		return any
	}
	switch {
	case is(guessBool):
		return "boolean"
	case is(guessInt):
		return "bigint"
	case g.seen[guessNumeric] && is(guessInt, guessNumeric, guessFloat):
		return "numeric"
	case is(guessInt, guessFloat):
		return "double precision"
	case is(guessTime):
		return "timestamp with time zone"
	case is(guessUUID):
		return "uuid"
	case g.seen[guessJSON]:
		return "jsonb"
	}
	return "text"
}
