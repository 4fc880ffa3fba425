package postgres

import (
	"slices"
)

// encoding is how a value is written in binary.
type encoding uint8

const (
	asText        encoding = iota // the text itself
	textOnly                      // not in binary: a type that only the server can read
	asBool                        // one byte
	asInt2                        // big-endian integers
	asInt4                        //
	asInt8                        //
	asFloat4                      // IEEE 754
	asFloat8                      //
	asNumeric                     // digits to the base of 10000
	asJSON                        // the text of the value
	asJSONB                       // the same behind a version
	asTimestamp                   // microseconds since 2000
	asTimestamptz                 //
	asDate                        // days since 2000
	asUUID                        // 16 bytes
	asBytea                       // the bytes
	asInet                        // an address with its family and prefix
	asCIDR
)

// encodings gives the encoding of the types that have fixed numbers.
var encodings = map[uint32]encoding{
	16: asBool, 17: asBytea, 20: asInt8, 21: asInt2, 23: asInt4, 25: asText, 114: asJSON,
	650: asCIDR, 869: asInet, 700: asFloat4, 701: asFloat8, 1042: asText, 1043: asText, 1082: asDate, 1114: asTimestamp,
	1184: asTimestamptz, 1700: asNumeric, 2950: asUUID, 3802: asJSONB,
}

// field is a column and where its value comes from.
type field struct {
	name string
	how  encoding
	path []string // inside of the member; empty: the member itself
	// whole says that it takes the record itself, simple that it takes a member.
	whole, simple bool
	// tracked says that it is left out when a record has nothing for it.
	tracked bool
	// array says that a JSON array becomes one of PostgreSQL.
	array bool
	// next is the next field that begins at the same member, -1 at the last.
	next int32
}

// head is the name of a member and the first field that begins at it, -1 if none
// does.
type head struct {
	name  string
	field int32
}

// plan is how records become rows of a table. It does not change; encoders share
// it.
type plan struct {
	table   *table
	fields  []field
	heads   map[string]head
	tracked []int32 // the fields that are
	wholes  int     // fields that take the record itself
	mapped  int     // fields that Columns names: they can take a value again
}

// newPlan maps the members of records to the columns of t.
func newPlan(t *table, columns []Column) (*plan, error) {
	p := &plan{table: t, heads: map[string]head{}}
	for _, c := range columns {
		if slices.Contains(t.generated, c.Name) {
			return nil, invalid("column %s of table %s is computed by the server; leave it out of Columns", c.Name, t.name.plain())
		}
		if !slices.ContainsFunc(t.attributes, func(a attribute) bool { return a.name == c.Name }) {
			return nil, invalid("the table %s has no column %s, which Columns names", t.name.plain(), c.Name)
		}
	}
	for _, a := range t.attributes {
		f := field{name: a.name, how: encodingOf(a), tracked: a.optional, array: a.array, next: -1}
		f.tracked = f.tracked || f.how == textOnly
		from := a.name
		if i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == a.name }); i >= 0 {
			p.mapped++
			if f.whole = len(columns[i].Path) == 0; f.whole {
				f.tracked = false
				p.wholes++
			} else {
				from, f.path = columns[i].Path[0], columns[i].Path[1:]
			}
		}
		n := int32(len(p.fields)) // a table has at most 1600 columns
		f.simple = !f.whole && len(f.path) == 0
		if f.tracked {
			p.tracked = append(p.tracked, n)
		}
		if !f.whole {
			if before, ok := p.heads[from]; ok {
				f.next = before.field
			}
			p.heads[from] = head{from, n}
		}
		p.fields = append(p.fields, f)
	}
	return p, nil
}

func encodingOf(a attribute) encoding {
	if a.enum {
		return asText // an enum is sent as its label
	}
	if how, ok := encodings[a.oid]; ok {
		return how
	}
	return textOnly
}
