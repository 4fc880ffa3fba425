package parquet

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// A field is a column that a sink writes. Every value of it may be missing.
type field struct {
	name string
	kind kind
	// digits are those of a decimal; of a time or timestamp, those behind the
	// second: 3, 6 or 9.
	digits int
	scale  int // digits of a decimal behind the point
}

// A kind is what the values of a field are, and so what of a record fits it.
type kind uint8

const (
	kindJSON    kind = iota // any value, kept as its text
	kindBool                // true and false
	kindInt32               // numbers without point and exponent, as the next three
	kindInt64               //
	kindUint32              //
	kindUint64              //
	kindFloat               // numbers; the nearest one of 32 bits is kept
	kindDouble              // numbers; the nearest one of 64 bits is kept, whole ones if that is the same
	kindString              // strings
	kindBytes               // base64 in a string
	kindDate                // "2006-01-02"
	kindTime                // "15:04:05.999"
	kindInstant             // "2006-01-02T15:04:05.999Z", as in RFC 3339
	kindLocal               // "2006-01-02T15:04:05.999"
	kindDecimal             // numbers, of which every digit is kept
	kindUUID                // "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
)

// kindNames are what a schema calls the kinds.
var kindNames = [...]string{
	kindJSON: "json", kindBool: "bool", kindInt32: "int32", kindInt64: "int64", kindUint32: "uint32",
	kindUint64: "uint64", kindFloat: "float", kindDouble: "double", kindString: "string", kindBytes: "bytes",
	kindDate: "date", kindTime: "time", kindInstant: "timestamp", kindLocal: "timestamp_ntz",
	kindDecimal: "decimal", kindUUID: "uuid",
}

// The largest precisions of decimals in 4, 8 and 16 bytes.
const (
	digitsInInt32   = 9
	digitsInInt64   = 18
	digitsIn16Bytes = 38
)

// physical is how values are stored, and the bytes that each takes; 0: as many as
// it has.
func (f *field) physical() (format.Type, int) {
	switch f.kind {
	case kindBool:
		return format.Boolean, 1
	case kindInt32, kindUint32, kindDate:
		return format.Int32, 4
	case kindTime:
		if f.digits == 3 {
			return format.Int32, 4
		}
		return format.Int64, 8
	case kindInt64, kindUint64, kindInstant, kindLocal:
		return format.Int64, 8
	case kindFloat:
		return format.Float, 4
	case kindDouble:
		return format.Double, 8
	case kindDecimal:
		if f.digits <= digitsInInt32 {
			return format.Int32, 4
		} else if f.digits <= digitsInInt64 {
			return format.Int64, 8
		}
		return format.FixedLenByteArray, 16
	case kindUUID:
		return format.FixedLenByteArray, 16
	}
	return format.ByteArray, 0
}

// isBytes reports whether cells of the field say where bytes are.
func (f *field) isBytes() bool {
	_, width := f.physical()
	return width == 0 || width == 16
}

// element is the field's part of the file's schema. Older readers know the
// converted type, where there is one.
func (f *field) element() format.SchemaElement {
	physical, width := f.physical()
	e := format.SchemaElement{
		Name: f.name, Type: thrift.New(physical), RepetitionType: thrift.New(format.Optional),
	}
	if physical == format.FixedLenByteArray {
		e.TypeLength = thrift.New(int32(width))
	}
	meant := func(v format.LogicalTypeValue, converted ...deprecated.ConvertedType) {
		e.LogicalType.Value = v
		for _, c := range converted {
			e.ConvertedType = thrift.New(c)
		}
	}
	switch f.kind {
	case kindJSON:
		meant(&format.JsonType{}, deprecated.Json)
	case kindUint32:
		meant(&format.IntType{BitWidth: 32}, deprecated.Uint32)
	case kindUint64:
		meant(&format.IntType{BitWidth: 64}, deprecated.Uint64)
	case kindString:
		meant(&format.StringType{}, deprecated.UTF8)
	case kindDate:
		meant(&format.DateType{}, deprecated.Date)
	case kindTime:
		meant(&format.TimeType{Unit: timeUnit(f.digits)})
	case kindInstant:
		meant(&format.TimestampType{IsAdjustedToUTC: true, Unit: timeUnit(f.digits)}, instants[f.digits]...)
	case kindLocal:
		meant(&format.TimestampType{Unit: timeUnit(f.digits)})
	case kindDecimal:
		meant(&format.DecimalType{Precision: int32(f.digits), Scale: int32(f.scale)}, deprecated.Decimal)
		e.Precision, e.Scale = thrift.New(int32(f.digits)), thrift.New(int32(f.scale))
	case kindUUID:
		meant(&format.UUIDType{})
	}
	return e
}

// instants are the converted types of timestamps, by their digits.
var instants = [10][]deprecated.ConvertedType{3: {deprecated.TimestampMillis}, 6: {deprecated.TimestampMicros}}

func timeUnit(digits int) format.TimeUnit {
	switch digits {
	case 3:
		return format.TimeUnit{Value: &format.MilliSeconds{}}
	case 6:
		return format.TimeUnit{Value: &format.MicroSeconds{}}
	}
	return format.TimeUnit{Value: &format.NanoSeconds{}}
}
