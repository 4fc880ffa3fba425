package parquet

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// none marks a number that the file does not give.
const none = -1

// The members of the union LogicalType that matter here, by their field.
const (
	logicalString    = 1
	logicalMap       = 2
	logicalList      = 3
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
	logicalUnknown   = 11
	logicalJSON      = 12
	logicalUUID      = 14
	logicalFloat16   = 15
)

// An element is one node of the schema as the file has it: the tree is written
// down depth first, each node with the number of its children.
type element struct {
	name     []byte
	physical format.Type // none: a group
	length   int         // of FIXED_LEN_BYTE_ARRAY, in bytes
	repeat   format.FieldRepetitionType
	children int
	logical  logical
}

// A logical is how the bytes of a column are meant.
type logical struct {
	kind   int  // one of logicalString to logicalFloat16; 0: as they are
	scale  int  // of a decimal: digits behind the point
	digits int  // of a time: digits behind the second
	utc    bool // of a time: it is an instant and not the hands of some clock
	signed bool // of an integer
}

// element reads a SchemaElement.
func (r *compact) element() element {
	e := element{physical: none}
	scale, converted := 0, deprecated.ConvertedType(none)
	r.fields(func(id int, kind byte) bool {
		switch id {
		case 1:
			e.physical = format.Type(r.small(kind, int64(format.FixedLenByteArray)))
		case 2:
			e.length = r.small(kind, 1<<30)
		case 3:
			e.repeat = format.FieldRepetitionType(r.small(kind, int64(format.Repeated)))
		case 4:
			e.name = r.binary(kind, maxName)
		case 5:
			e.children = r.small(kind, maxElements)
		case 6:
			converted = deprecated.ConvertedType(r.integer(kind))
		case 7:
			scale = r.small(kind, maxScale)
		case 10:
			r.logical(&e.logical)
		default:
			return false
		}
		return true
	})
	if e.logical.kind == 0 {
		e.logical = logicalOf(converted)
		e.logical.scale = scale
	}
	return e
}

// logical reads the union LogicalType.
func (r *compact) logical(l *logical) {
	r.fields(func(id int, _ byte) bool {
		l.kind = id
		r.fields(func(field int, kind byte) bool {
			switch {
			case id == logicalDecimal && field == 1:
				l.scale = r.small(kind, maxScale)
			case (id == logicalTime || id == logicalTimestamp) && field == 1:
				l.utc = r.bool(kind)
			case (id == logicalTime || id == logicalTimestamp) && field == 2:
				r.fields(func(unit int, _ byte) bool { l.digits = 3 * unit; return false })
			case id == logicalInteger && field == 2:
				l.signed = r.bool(kind)
			default:
				return false
			}
			return true
		})
		return true
	})
	if l.digits > 9 {
		l.kind = 0 // a unit of time that is not known
	}
}

// logicalOf is what an older writer means.
func logicalOf(c deprecated.ConvertedType) logical {
	switch c {
	case deprecated.UTF8:
		return logical{kind: logicalString}
	case deprecated.Map, deprecated.MapKeyValue:
		return logical{kind: logicalMap}
	case deprecated.List:
		return logical{kind: logicalList}
	case deprecated.Enum:
		return logical{kind: logicalEnum}
	case deprecated.Decimal:
		return logical{kind: logicalDecimal}
	case deprecated.Date:
		return logical{kind: logicalDate}
	case deprecated.TimeMillis:
		return logical{kind: logicalTime, digits: 3, utc: true}
	case deprecated.TimeMicros:
		return logical{kind: logicalTime, digits: 6, utc: true}
	case deprecated.TimestampMillis:
		return logical{kind: logicalTimestamp, digits: 3, utc: true}
	case deprecated.TimestampMicros:
		return logical{kind: logicalTimestamp, digits: 6, utc: true}
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return logical{kind: logicalInteger}
	case deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		return logical{kind: logicalInteger, signed: true}
	case deprecated.Json:
		return logical{kind: logicalJSON}
	case deprecated.Interval:
		return logical{kind: logicalInterval}
	}
	return logical{}
}

// logicalInterval has no member in the union: only older writers have it.
const logicalInterval = -2

// form says how a value of the element becomes JSON. A logical type on bytes
// that cannot be of it is as if there were none.
func (e *element) form() form {
	l := e.logical
	integer := e.physical == format.Int32 || e.physical == format.Int64
	bytes := e.physical == format.ByteArray || e.physical == format.FixedLenByteArray
	switch {
	case l.kind == logicalUnknown:
		return formNull
	case l.kind == logicalDecimal && (integer || bytes):
		return formDecimal
	case l.kind == logicalDate && e.physical == format.Int32:
		return formDate
	case l.kind == logicalTime && integer:
		return formTime
	case l.kind == logicalTimestamp && e.physical == format.Int64:
		return formTimestamp
	case l.kind == logicalInteger && integer && !l.signed:
		return formUint
	case (l.kind == logicalString || l.kind == logicalEnum) && bytes:
		return formText
	case l.kind == logicalJSON && bytes:
		return formJSON
	case l.kind == logicalUUID && e.physical == format.FixedLenByteArray && e.length == 16:
		return formUUID
	case l.kind == logicalFloat16 && e.physical == format.FixedLenByteArray && e.length == 2:
		return formFloat16
	case l.kind == logicalInterval && e.physical == format.FixedLenByteArray && e.length == 12:
		return formInterval
	}
	return [...]form{
		format.Boolean: formBool, format.Int32: formInt, format.Int64: formInt, format.Int96: formInt96,
		format.Float: formFloat, format.Double: formDouble, format.ByteArray: formBytes, format.FixedLenByteArray: formBytes,
	}[e.physical]
}
