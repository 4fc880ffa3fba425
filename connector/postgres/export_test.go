package postgres

// Line returns the number of the row that a context of the server names.
func Line(where string) int { return (&ServerError{Where: where}).line() }

// Encoder is an encoder on its own.
type Encoder struct{ e *encoder }

// NewEncoder returns an encoder of rows for a table whose columns have the types of
// those numbers. send gets the pieces.
func NewEncoder(names []string, oids []uint32, columns []Column, send func([]byte) error) (*Encoder, error) {
	t := &table{name: relation{name: "t"}}
	for i, name := range names {
		t.attributes = append(t.attributes, attribute{name: name, oid: oids[i], array: oids[i] == 1007})
	}
	p, err := newPlan(t, columns)
	if err != nil {
		return nil, err
	}
	return &Encoder{newEncoder(p, send)}, nil
}

// Begin, Row and End make a COPY.
func (e *Encoder) Begin(text bool)      { e.e.begin(text) }
func (e *Encoder) Row(rec []byte) error { return e.e.row(rec) }
func (e *Encoder) End() error           { return e.e.end() }

// What fuzzing and tables look at.
var (
	ParseInt      = parseInt
	ParseFloat64  = parseFloat64
	ParseFloat32  = parseFloat32
	UnescapedLen  = unescapedLen
	ParsePosition = parsePosition
	ErrOdd        = errOdd
)

// Moment returns the microseconds since 2000 of a time as text.
func Moment(b []byte) (micros int64, zoned, ok bool) {
	m, ok := parseMoment(b)
	return m.days*microsPerDay + m.micros - m.offset, m.zoned, ok
}

// Numeric returns a number as its groups give it.
func Numeric(b []byte) (groups []uint16, weight int, negative, ok bool) {
	d, ok := parseNumeric(b)
	if !ok {
		return nil, 0, false, false
	}
	for i := range d.groups {
		groups = append(groups, d.group(i))
	}
	return groups, d.weight, d.negative, ok
}

// Relation parses the name of a table and writes it again in SQL.
func Relation(text string) (sql string, err error) {
	r, err := parseRelation(text)
	return r.String(), err
}

// Literal writes a constant in SQL.
var Literal = literal

// Memory returns what the sink says one connection and one Write hold.
func Memory() (connection, write int64) { return perConnection, perWrite }
