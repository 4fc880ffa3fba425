package sqlite

import (
	"slices"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// Bounds of what a table is made from.
const (
	sampleRecords = 1000
	maxColumns    = 2000 // of a table, as SQLite is built by default
	maxName       = 512  // of a column, in bytes
)

// guess is what the values of one member have in common.
type guess struct {
	name string
	seen [numGuesses]bool
}

// What a value can be.
const (
	guessInt  = iota // also true and false
	guessBig         // an integer that float64 does not keep, beside guessInt
	guessReal        // a number that float64 keeps
	guessText        // also objects and arrays
	guessLong        // a number of more digits
	numGuesses
)

// createSQL makes the statement that makes the table; see the package's description
// for the types.
func createSQL(o *SinkOptions, b *weir.Batch) (string, error) {
	guesses, err := sample(o, b)
	if err != nil {
		return "", err
	}
	var defs []string
	has := map[string]bool{}
	add := func(name, kind string) error {
		if has[foldASCII(name)] {
			return invalid("two members make a column %s, and case does not count in SQLite; give one of them another name with Columns", name)
		}
		has[foldASCII(name)] = true
		if slices.Contains(o.Key, name) {
			kind += " NOT NULL"
		}
		defs = append(defs, strings.TrimSuffix(ident(name)+" "+kind, " "))
		return nil
	}
	for _, g := range guesses {
		if err := add(g.name, g.kind()); err != nil {
			return "", err
		}
	}
	for _, c := range o.Columns {
		if len(c.Path) == 0 {
			if err := add(c.Name, "TEXT"); err != nil {
				return "", err
			}
		}
	}
	for _, name := range o.Key {
		if !has[foldASCII(name)] {
			return "", invalid("the records have no member for column %s, which is part of Key: the table cannot be made of them", name)
		}
	}
	if len(defs) == 0 || len(defs) > maxColumns {
		return "", invalid("a table cannot be made of %d members; a table has 1 to %d columns", len(defs), maxColumns)
	}
	if len(o.Key) > 0 {
		defs = append(defs, "PRIMARY KEY ("+idents(o.Key)+")")
	}
	return "CREATE TABLE " + ident(o.Table) + " (" + strings.Join(defs, ", ") + ")", nil
}

// foldASCII returns a name as SQLite compares it.
func foldASCII(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, name)
}

// sample looks at the first records of b.
func sample(o *SinkOptions, b *weir.Batch) ([]*guess, error) {
	var all []*guess
	byName := map[string]*guess{}
	var obj jsonscan.Object
	for i := range min(b.Records(), sampleRecords) {
		rec := b.Record(i)
		if len(rec) > o.MaxRecord || checkMembers(rec) != nil || obj.Scan(rec) != nil {
			continue // it is reported when it is written
		}
		err := values(o, rec, &obj, func(name string, v []byte, kind jsonscan.Kind) error {
			g := byName[name]
			if g == nil {
				if len(name) == 0 || len(name) > maxName || strings.IndexByte(name, 0) >= 0 {
					return invalid("the member %q cannot be the name of a column, of 1 to %d bytes; give it another with Columns", name, maxName)
				}
				if len(all) == maxColumns {
					return invalid("the records have more than %d members, which a table cannot have as columns; keep fewer of them, or make the table with a column for the whole record", maxColumns)
				}
				g = &guess{name: name}
				byName[name] = g
				all = append(all, g)
			}
			g.add(v, kind)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(all) == 0 && len(o.Columns) == 0 {
		return nil, invalid("none of the first records is a JSON object with members, of which a table could be made")
	}
	return all, nil
}

// values calls f for each value of a record that goes to a column of its own.
func values(o *SinkOptions, rec []byte, obj *jsonscan.Object, f func(name string, v []byte, kind jsonscan.Kind) error) error {
	for i := range obj.Members {
		m := &obj.Members[i]
		name, err := jsonscan.Unquote(nil, rec[m.KeyStart-1:m.KeyEnd+1])
		if err != nil || slices.ContainsFunc(o.Columns, func(c Column) bool {
			return c.Name == string(name) || len(c.Path) == 1 && c.Path[0] == string(name)
		}) {
			continue // it has another name, or its name is another value's
		}
		if err := f(string(name), m.Val(rec), m.Kind); err != nil {
			return err
		}
	}
	for _, c := range o.Columns {
		if len(c.Path) == 0 {
			continue
		}
		if start, end, kind, ok := jsonscan.Path(rec, 0, c.Path); ok {
			if err := f(c.Name, rec[start:end], kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes one more value.
func (g *guess) add(v []byte, kind jsonscan.Kind) {
	switch kind {
	case jsonscan.True, jsonscan.False:
		g.seen[guessInt] = true
	case jsonscan.String, jsonscan.Array, jsonscan.ObjectKind:
		g.seen[guessText] = true
	case jsonscan.Number:
		_, whole := parseInt(v)
		_, kept := parseFloat(v)
		switch {
		case whole && kept:
			g.seen[guessInt] = true
		case whole:
			g.seen[guessInt], g.seen[guessBig] = true, true
		case kept:
			g.seen[guessReal] = true
		default:
			g.seen[guessLong] = true
		}
	}
}

// kind returns the type whose affinity changes none of the values that were seen;
// empty: none does that.
func (g *guess) kind() string {
	switch g.seen {
	case [numGuesses]bool{guessInt: true}, [numGuesses]bool{guessInt: true, guessBig: true}:
		return "INTEGER"
	case [numGuesses]bool{guessReal: true}, [numGuesses]bool{guessInt: true, guessReal: true}:
		return "REAL"
	case [numGuesses]bool{guessText: true}:
		return "TEXT"
	}
	return ""
}
