// Package jsonscan checks JSON and finds where its parts are, without decoding
// it. A program that drops, renames or reads a few members of a record copies
// the spans that stay as they are, which is many times faster than building a
// tree of values and writing it out again.
//
// It accepts and rejects what json.Valid of encoding/json does: RFC 8259, with
// at most 10000 arrays and objects inside one another. Text that is not valid
// UTF-8 is accepted in strings, as there. Of members with the same name the
// last one counts, as there; the earlier ones are scanned and listed all the
// same.
//
// Positions are indexes into the slice that was scanned. Nothing is read
// outside of it, nothing of it is kept or changed, and nothing is allocated
// but room in an [Object], the results that are appended, and errors. All
// functions may be called at the same time; an Object has one user at a time.
package jsonscan

// A Kind is the kind of a JSON value.
type Kind uint8

// The kinds. The one of an object is named ObjectKind because [Object] is the
// type that holds a scanned object.
const (
	Invalid Kind = iota // no value
	Null
	False
	True
	Number
	String
	Array
	ObjectKind
)

// kinds gives the kind of a value by its first byte.
var kinds = [256]Kind{
	'n': Null, 'f': False, 't': True, '"': String, '[': Array, '{': ObjectKind, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number,
	'5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

var kindNames = [...]string{"invalid", "null", "false", "true", "number", "string", "array", "object"}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Invalid]
}

// Valid reports whether b is one JSON value, with white space around it or
// not.
func Valid(b []byte) bool {
	i, found := value(b, skipSpace(b, 0), 0)
	return !found.bad() && skipSpace(b, i) == len(b)
}

// Check is [Valid] with a reason: it returns nil, or a *[SyntaxError].
func Check(b []byte) error {
	i, found := value(b, skipSpace(b, 0), 0)
	return finish(b, i, found)
}

// finish returns the error of a scan that ended at b[i] with found, and one if
// something other than white space follows.
func finish(b []byte, i int, found outcome) error {
	if found.bad() {
		return syntaxError(b, i, found)
	}
	if i = skipSpace(b, i); i < len(b) {
		return syntaxError(b, i, badEnd)
	}
	return nil
}

// Value scans the value that begins at b[i] or behind white space there. The
// value is b[start:end], and what follows it is not looked at: a number ends
// where it can be no longer number. The error is a *[SyntaxError]; k is then
// Invalid, start is where the value begins and end is the error's offset.
func Value(b []byte, i int) (start, end int, k Kind, err error) {
	start = skipSpace(b, i)
	end, found := value(b, start, 0)
	if found.bad() {
		return start, end, Invalid, syntaxError(b, end, found)
	}
	return start, end, kinds[b[start]], nil
}
