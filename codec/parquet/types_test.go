package parquet_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir/codec/parquet"
)

func bytesValue(b ...byte) pq.Value { return pq.FixedLenByteArrayValue(b) }

func text(s string) pq.Value { return pq.ByteArrayValue([]byte(s)) }

func int96(day uint32, nanos uint64) pq.Value {
	return pq.Int96Value(deprecated.Int96{uint32(nanos), uint32(nanos >> 32), day})
}

func interval(months, days, millis uint32) pq.Value {
	b := binary.LittleEndian.AppendUint32(nil, months)
	b = binary.LittleEndian.AppendUint32(b, days)
	return pq.FixedLenByteArrayValue(binary.LittleEndian.AppendUint32(b, millis))
}

// unscaled is a number of n bytes, the highest one first.
func unscaled(n int, low int64) pq.Value {
	b := make([]byte, n)
	for i := range b {
		b[n-1-i] = byte(low >> min(8*i, 63))
	}
	return pq.FixedLenByteArrayValue(b)
}

func TestEveryTypeBecomesJSON(t *testing.T) {
	i32, i64 := pq.Int32Value, pq.Int64Value
	for name, c := range map[string]struct {
		node   pq.Node
		values []pq.Value
		want   string
	}{
		"boolean": {pq.Leaf(pq.BooleanType), []pq.Value{pq.BooleanValue(true), pq.BooleanValue(false)}, "true false"},
		"int32":   {pq.Leaf(pq.Int32Type), []pq.Value{i32(math.MinInt32), i32(-1), i32(0), i32(math.MaxInt32)}, "-2147483648 -1 0 2147483647"},
		"int64":   {pq.Leaf(pq.Int64Type), []pq.Value{i64(math.MinInt64), i64(math.MaxInt64)}, "-9223372036854775808 9223372036854775807"},
		"int8":    {pq.Int(8), []pq.Value{i32(-128), i32(127)}, "-128 127"},
		"uint8":   {pq.Uint(8), []pq.Value{i32(255)}, "255"},
		"uint32":  {pq.Uint(32), []pq.Value{i32(-1), i32(0)}, "4294967295 0"},
		"uint64":  {pq.Uint(64), []pq.Value{i64(-1), i64(1)}, "18446744073709551615 1"},
		"float": {pq.Leaf(pq.FloatType), []pq.Value{
			pq.FloatValue(0.1), pq.FloatValue(3), pq.FloatValue(math.MaxFloat32), pq.FloatValue(float32(math.Inf(1))), pq.FloatValue(float32(math.NaN())),
		}, "0.1 3.0 3.4028235e+38 null null"},
		"double": {pq.Leaf(pq.DoubleType), []pq.Value{
			pq.DoubleValue(0.1), pq.DoubleValue(-3), pq.DoubleValue(math.Copysign(0, -1)), pq.DoubleValue(5e-324), pq.DoubleValue(1e21),
			pq.DoubleValue(1e20), pq.DoubleValue(math.NaN()), pq.DoubleValue(math.Inf(-1)),
		}, "0.1 -3.0 -0.0 5e-324 1e+21 100000000000000000000.0 null null"},
		"float16": {pq.Leaf(half{pq.FixedLenByteArrayType(2)}), []pq.Value{
			bytesValue(0, 0x3c), bytesValue(0xff, 0x7b), bytesValue(1, 0), bytesValue(0, 0x80), bytesValue(0, 0x7c), bytesValue(0x66, 0x2e),
		}, "1.0 65504.0 5.9604645e-08 -0.0 null 0.099975586"},
		"string": {pq.String(), []pq.Value{text(""), text("a\"\\\n\x00ü😀\u2028"), text("\xff\xfea")}, `"" "a\"\\\n\u0000ü😀\u2028" "\ufffd\ufffda"`},
		"enum":   {pq.Enum(), []pq.Value{text("RED")}, `"RED"`},
		"json":   {pq.JSON(), []pq.Value{text(`{"a": [1, "x"]}`), text("[1,\r\n2]"), text("oops"), text("null")}, `{"a": [1, "x"]}|[1,  2]|"oops"|null`},
		"bytes":  {pq.Leaf(pq.ByteArrayType), []pq.Value{text("\x00\xff"), text("")}, `"AP8=" ""`},
		"bson":   {pq.BSON(), []pq.Value{text("\x05")}, `"BQ=="`},
		"array":  {pq.Leaf(pq.FixedLenByteArrayType(3)), []pq.Value{bytesValue(1, 2, 3)}, `"AQID"`},
		"uuid":   {pq.UUID(), []pq.Value{bytesValue(0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6)}, `"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`},
		"date":   {pq.Date(), []pq.Value{i32(0), i32(-1), i32(19782), i32(-719529)}, `"1970-01-01" "1969-12-31" "2024-02-29" "-000001-12-31"`},
		"dates far away": {
			pq.Date(),
			[]pq.Value{i32(math.MaxInt32), i32(2932897), i32(-719528), i32(math.MinInt32)},
			`"+5881580-07-11" "+010000-01-01" "0000-01-01" "-5877641-06-23"`,
		},
		"time ms":      {pq.Time(pq.Millisecond), []pq.Value{i32(0), i32(86399999)}, `"00:00:00.000" "23:59:59.999"`},
		"time us":      {pq.Time(pq.Microsecond), []pq.Value{i64(1)}, `"00:00:00.000001"`},
		"time ns":      {pq.Time(pq.Nanosecond), []pq.Value{i64(3723000000001)}, `"01:02:03.000000001"`},
		"timestamp ms": {pq.Timestamp(pq.Millisecond), []pq.Value{i64(0), i64(-1)}, `"1970-01-01T00:00:00.000Z" "1969-12-31T23:59:59.999Z"`},
		"timestamp us": {pq.Timestamp(pq.Microsecond), []pq.Value{i64(1700000000123456)}, `"2023-11-14T22:13:20.123456Z"`},
		"timestamp ns": {
			pq.Timestamp(pq.Nanosecond),
			[]pq.Value{i64(math.MinInt64), i64(math.MaxInt64)},
			`"1677-09-21T00:12:43.145224192Z" "2262-04-11T23:47:16.854775807Z"`,
		},
		"timestamp far away": {pq.Timestamp(pq.Millisecond), []pq.Value{i64(math.MaxInt64)}, `"+292278994-08-17T07:12:55.807Z"`},
		"local timestamp":    {pq.TimestampAdjusted(pq.Millisecond, false), []pq.Value{i64(1)}, `"1970-01-01T00:00:00.001"`},
		"int96":              {pq.Leaf(pq.Int96Type), []pq.Value{int96(2440589, 1), int96(0, 0)}, `"1970-01-02T00:00:00.000000001Z" "-004713-11-24T00:00:00.000000000Z"`},
		"interval":           {pq.IntervalNode(), []pq.Value{interval(1, 2, 3004), interval(math.MaxUint32, math.MaxUint32, math.MaxUint32)}, `"P1M2DT3.004S" "P4294967295M4294967295DT4294967.295S"`},
		"decimal 4 bytes":    {pq.Decimal(2, 9, pq.Int32Type), []pq.Value{i32(12345), i32(-5), i32(0), i32(100), i32(math.MinInt32)}, "123.45 -0.05 0.00 1.00 -21474836.48"},
		"decimal 8 bytes":    {pq.Decimal(0, 18, pq.Int64Type), []pq.Value{i64(math.MinInt64), i64(7)}, "-9223372036854775808 7"},
		"decimal 16 bytes": {pq.Decimal(3, 38, pq.FixedLenByteArrayType(16)), []pq.Value{
			unscaled(16, -1), unscaled(16, 0), unscaled(16, math.MaxInt64), bytesValue(append([]byte{0x80}, make([]byte, 15)...)...),
		}, "-0.001 0.000 9223372036854775.807 -170141183460469231731687303715884105.728"},
		"decimal 20 bytes": {
			pq.Decimal(1, 48, pq.FixedLenByteArrayType(20)),
			[]pq.Value{unscaled(20, -12), bytesValue(append([]byte{1}, make([]byte, 19)...)...)},
			"-1.2 570899077082383952423314387779798054553098649.6",
		},
		"decimal in a string": {pq.Decimal(2, 9, pq.ByteArrayType), []pq.Value{text("\x01"), text("\xff\x00"), text("")}, "0.01 -2.56 0.00"},
		"null":                {pq.Optional(pq.String()), []pq.Value{pq.NullValue(), text("x"), pq.NullValue()}, `null "x" null`},
	} {
		t.Run(name, func(t *testing.T) {
			separator := " "
			if strings.Contains(c.want, "|") {
				separator = "|"
			}
			want := ""
			for v := range strings.SplitSeq(c.want, separator) {
				want += `{"v":` + v + "}\n"
			}
			for version := 1; version <= 2; version++ {
				got := toJSON(t, writeValues(t, c.node, c.values, pq.DataPageVersion(version)), parquet.Options{})
				if got != want {
					t.Errorf("it reads\n%s, want\n%s", got, want)
				}
			}
		})
	}
}

// half is the logical type of 16 bits, which the other implementation has no node
// for.
type half struct{ pq.Type }

func (half) LogicalType() *format.LogicalType {
	return &format.LogicalType{Value: &format.Float16Type{}}
}

// The last nanosecond of every day of 500 years.
func TestDatesAreThoseOfPackageTime(t *testing.T) {
	var values []pq.Value
	var want strings.Builder
	for day := -100_000; day <= 100_000; day++ {
		nanos := int64(day)*86400e9 - 1
		values = append(values, pq.Int64Value(nanos))
		want.WriteString(time.Unix(0, nanos).UTC().Format(`{"v":"2006-01-02T15:04:05.000000000Z"}` + "\n"))
	}
	if got := toJSON(t, writeValues(t, pq.Timestamp(pq.Nanosecond), values), parquet.Options{}); got != want.String() {
		t.Error("some day is another one")
	}
}
