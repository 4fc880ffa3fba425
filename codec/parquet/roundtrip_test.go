package parquet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
	"github.com/weirflow/weir/weirtest"
)

// What a column of these records becomes, and that they are read back as they were.
func TestRecordsDecideWhatTheirColumnsAre(t *testing.T) {
	for name, c := range map[string]struct{ values, schema string }{
		"whole":            {"1 -9223372036854775808 9223372036854775807 null 0", "int64 v (INT(64,true))"},
		"unsigned":         {"18446744073709551615 0 null", "int64 v (INT(64,false))"},
		"float":            {"1 2.5 -0.0 1e300 1e-7", "double v"},
		"minus zero":       {"-0.0 -0", "double v"},
		"boolean":          {"true false null true", "boolean v"},
		"string":           {`"" "x" null "ü😀\"\\\n" "\u2028" "\u0000"`, "binary v (STRING)"},
		"more than double": {"9007199254740993 0.5", "binary v (JSON)"},
		"huge":             {"123456789012345678901234567890", "binary v (JSON)"},
		"huge and less":    {"-1 18446744073709551615", "binary v (JSON)"},
		"mixed":            {`1 "1" true null`, "binary v (JSON)"},
		"nested":           {`{"a":[1,{"b":null}]} [] null`, "binary v (JSON)"},
		"nothing":          {"null null", "binary v (JSON)"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := ""
			for v := range strings.SplitSeq(c.values, " ") {
				lines += `{"v":` + v + "}\n"
			}
			data := toParquet(t, lines, parquet.Options{})
			want := strings.NewReplacer(":-0}", ":-0.0}", ":1}", ":1}", "1e300", "1e+300", "1e-7", "1e-07").Replace(lines)
			if strings.Contains(c.schema, "double") {
				want = strings.Replace(want, ":1}", ":1.0}", 1)
			}
			if got := toJSON(t, data, parquet.Options{}); got != want {
				t.Errorf("it is read as\n%s, want\n%s", got, want)
			}
			if got := schemaOf(t, data); got != "optional "+c.schema {
				t.Errorf("the column is %s, want %s", got, c.schema)
			}
		})
	}
}

// schemaOf is the only column of a file as another implementation sees it.
func schemaOf(tb testing.TB, data []byte) string {
	tb.Helper()
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	must(tb, err)
	_, text, _ := strings.Cut(f.Schema().String(), "{")
	text, _, _ = strings.Cut(text, ";")
	return strings.TrimSpace(text)
}

func TestASchemaDecidesWhatColumnsAre(t *testing.T) {
	for _, c := range []struct{ kind, values, schema string }{
		{"bool", "true false null", "boolean v"},
		{"int32", "-2147483648 2147483647", "int32 v (INT(32,true))"},
		{"int64", "-9223372036854775808 9223372036854775807", "int64 v (INT(64,true))"},
		{"uint32", "0 4294967295", "int32 v (INT(32,false))"},
		{"uint64", "0 18446744073709551615", "int64 v (INT(64,false))"},
		{"float", "0.1 -1.5 3.4028235e+38", "float v"},
		{"double", "0.1 1.7976931348623157e+308 5e-324", "double v"},
		{"string", `"a" ""`, "binary v (STRING)"},
		{"json", `1 "a" {"b":[]} 123456789012345678901234567890`, "binary v (JSON)"},
		{"bytes", `"AP8=" ""`, "binary v"},
		{"date", `"1970-01-01" "0000-01-01" "9999-12-31" "2024-02-29"`, "int32 v (DATE)"},
		{"time(ms)", `"23:59:59.999"`, "int32 v (TIME(isAdjustedToUTC=false,unit=MILLIS))"},
		{"time", `"00:00:00.000001"`, "int64 v (TIME(isAdjustedToUTC=false,unit=MICROS))"},
		{"timestamp(ms)", `"1969-12-31T23:59:59.999Z" "0000-01-01T00:00:00.000Z"`, "int64 v (TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS))"},
		{"timestamp", `"2023-11-14T22:13:20.123456Z"`, "int64 v (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS))"},
		{"timestamp(ns)", `"2262-04-11T23:47:16.854775807Z" "1677-09-21T00:12:43.145224192Z"`, "int64 v (TIMESTAMP(isAdjustedToUTC=true,unit=NANOS))"},
		{"timestamp_ntz(us)", `"2023-11-14T22:13:20.123456"`, "int64 v (TIMESTAMP(isAdjustedToUTC=false,unit=MICROS))"},
		{"decimal(9,2)", "1234567.89 -0.01 0.00", "int32 v (DECIMAL(9,2))"},
		{"decimal(18)", "999999999999999999 -1", "int64 v (DECIMAL(18,0))"},
		{"decimal(38,10)", "1234567890123456789012345678.0123456789 -1234567890123456789012345678.0123456789 0.0000000001", "fixed_len_byte_array(16) v (DECIMAL(38,10))"},
		{"uuid", `"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`, "fixed_len_byte_array(16) v (UUID)"},
	} {
		lines := ""
		for v := range strings.SplitSeq(c.values, " ") {
			lines += `{"v":` + v + "}\n"
		}
		data := toParquet(t, lines, parquet.Options{Schema: "v " + c.kind})
		if got := toJSON(t, data, parquet.Options{}); got != lines {
			t.Errorf("%s is read as\n%s, want\n%s", c.kind, got, lines)
		}
		if got := schemaOf(t, data); got != "optional "+c.schema {
			t.Errorf("%s is %s, want %s", c.kind, got, c.schema)
		}
	}
}

func TestValuesOfOtherFormsAreTaken(t *testing.T) {
	for _, c := range []struct{ kind, value, want string }{
		{"decimal(5,2)", "1e1", "10.00"},
		{"decimal(5,2)", "12.3400", "12.34"},
		{"decimal(5,2)", "1234E-2", "12.34"},
		{"decimal(5,2)", "0e999999999", "0.00"},
		{"decimal(5,2)", "-0", "0.00"},
		{"timestamp(ms)", `"2024-01-01T02:00:00+02:00"`, `"2024-01-01T00:00:00.000Z"`},
		{"uuid", `"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"`, `"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`},
		{"bytes", `"AP\/8"`, `"AP/8"`},
		{"string", `"\ud800 \u00fc"`, `"\ufffd ü"`},
		{"double", "1E2", "100.0"},
		{"double", "9007199254740992", "9007199254740992.0"},
		{"json", "[ 1 ]", "[ 1 ]"},
		{"json", "[\"\xff\"]", "[\"\ufffd\"]"},
		{"string", "\"\xff\"", "\"\ufffd\""},
	} {
		data := toParquet(t, `{"v": `+c.value+" }\n", parquet.Options{Schema: "v " + c.kind})
		if got, want := toJSON(t, data, parquet.Options{}), strings.Replace(`{"v":`+c.want+"}\n", `\ufffd`, "\ufffd", 1); got != want {
			t.Errorf("%s of %s is read as %s, want %s", c.kind, c.value, got, want)
		}
	}
}

func TestAValueThatDoesNotFitMakesABadRecord(t *testing.T) {
	for _, c := range []struct{ kind, record, says string }{
		{"bool", `{"v":1}`, `column "v" (bool): it is number and not a boolean`},
		{"int32", `{"v":2147483648}`, "out of range"},
		{"int32", `{"v":-2147483649}`, "out of range"},
		{"int64", `{"v":9223372036854775808}`, "out of range"},
		{"int64", `{"v":-9223372036854775809}`, "out of range"},
		{"uint32", `{"v":-1}`, "out of range"},
		{"uint64", `{"v":18446744073709551616}`, "out of range"},
		{"int64", `{"v":1.0}`, "not a whole number"},
		{"int64", `{"v":1e3}`, "not a whole number"},
		{"int64", `{"v":-0}`, "sign of -0"},
		{"int64", `{"v":"1"}`, "it is string and not a number"},
		{"double", `{"v":9007199254740993}`, "more digits"},
		{"double", `{"v":123456789012345678901234567890}`, "more digits"},
		{"double", `{"v":1e400}`, "out of range"},
		{"float", `{"v":1e39}`, "out of range"},
		{"string", `{"v":1}`, "it is number and not a string"},
		{"bytes", `{"v":"*"}`, "base64"},
		{"date", `{"v":"2024-02-30"}`, "not a date"},
		{"time", `{"v":"24:00:00"}`, "not a time"},
		{"timestamp(ms)", `{"v":"2024-01-01T00:00:00.0001Z"}`, "more digits"},
		{"timestamp", `{"v":"2024-01-01T00:00:00"}`, "not a timestamp"},
		{"timestamp_ntz", `{"v":"2024-01-01T00:00:00Z"}`, "without a zone"},
		{"timestamp(ns)", `{"v":"2262-04-11T23:47:16.854775808Z"}`, "out of range"},
		{"timestamp(ns)", `{"v":"1677-09-21T00:12:43.145224191Z"}`, "out of range"},
		{"decimal(3,1)", `{"v":100}`, "out of range"},
		{"decimal(3,1)", `{"v":0.01}`, "more digits"},
		{"decimal(38)", `{"v":123456789012345678901234567890123456789}`, "more digits"},
		{"decimal(3,1)", `{"v":1e99999999999}`, "out of range"},
		{"uuid", `{"v":"f81d4fae-7dec-11d0-a765-00a0c91e6bfg"}`, "UUID"},
		{"int64", `{"v":1,"w":2}`, `"w"`},
		{"int64", "{\"\xff\":1}", "no such column"},
		{"int64", `[1]`, "not a JSON object"},
		{"int64", `{"v":1}x`, "invalid JSON at offset 7"},
		{"int64", `{"v":}`, "invalid JSON at offset 5"},
		{"int64", `{"v":1,}`, "invalid JSON at offset 7"},
		{"int64", `{"v" 1}`, "invalid JSON at offset 5"},
		{"int64", `{v:1}`, "invalid JSON at offset 1"},
		{"int64", `{"v":1 "w":2}`, "invalid JSON at offset 7"},
		{"int64", ``, "not a JSON object"},
	} {
		var bad []string
		o := parquet.Options{Schema: "v " + c.kind, Bad: func(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
			bad = append(bad, fmt.Sprint(r.Stage, r.Stream, r.Record, r.Offset, r.Size, string(r.Excerpt)))
			if !strings.Contains(r.Reason.Error(), c.says) {
				t.Errorf("%s of %s: %v; want %q", c.kind, c.record, r.Reason, c.says)
			}
			return weir.Skipped, nil
		}}
		good := `{"v":null}` + "\n"
		data := toParquet(t, good+c.record+"\n"+good, o)
		if want := fmt.Sprint("parquet", "a", 2, -1, len(c.record)+1, c.record+"\n"); len(bad) != 1 || bad[0] != want {
			t.Errorf("the bad records are %q, want %q", bad, want)
		}
		if got := toJSON(t, data, parquet.Options{}); got != good+good {
			t.Errorf("%s: the other records are %q", c.record, got)
		}
	}
}

func TestBadRecordsAreNotedOrFailTheWrite(t *testing.T) {
	lines := `{"v":1}` + "\n" + `{"v":"x"}` + "\n"
	inner := weirtest.NewMemSink(weir.Footprint{})
	w, err := parquet.NewSink(inner, parquet.Options{Schema: "v int64", Bad: weir.SkipBad}).Open(t.Context(), weir.StreamInfo{Name: "a"})
	must(t, err)
	b := batchOf(lines)
	must(t, w.Write(t.Context(), b))
	if n := b.Noted(weir.Skipped); n.Records != 1 || n.Bytes != 10 {
		t.Errorf("noted: %+v", n)
	}
	must(t, w.Abort(t.Context(), errors.New("enough")))

	w, err = parquet.NewSink(inner, parquet.Options{Schema: "v int64"}).Open(t.Context(), weir.StreamInfo{Name: "a"})
	must(t, err)
	err = w.Write(t.Context(), batchOf(lines))
	refused(t, err, weir.Rejected, "stream a", "record 2", `column "v" (int64)`)
	must(t, w.Abort(t.Context(), err))
}

func TestMembersOfRecords(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"in another order": {`{"a":1,"b":"x"}` + "\n" + `{"b":"y","a":2}`, `{"a":1,"b":"x"}` + "\n" + `{"a":2,"b":"y"}`},
		"missing":          {`{"a":1}` + "\n" + `{"b":2}` + "\n" + `{}`, `{"a":1,"b":null}` + "\n" + `{"a":null,"b":2}` + "\n" + `{"a":null,"b":null}`},
		"twice":            {`{"a":1,"a":2}` + "\n" + `{"a":1,"a":null}`, `{"a":2}` + "\n" + `{"a":null}`},
		"escaped":          {`{"\u0061\"":1}` + "\n" + `{"a\"":2}`, `{"a\"":1}` + "\n" + `{"a\"":2}`},
		"white space":      {` { "a" : 1 , "b" : [ 2 ] } `, `{"a":1,"b":[ 2 ]}`},
		"none":             {"{}\n{}", "{}\n{}"},
		"odd names":        {`{"":1,"a.b":2,"😀":3}`, `{"":1,"a.b":2,"😀":3}`},
	} {
		if got := toJSON(t, toParquet(t, c.lines+"\n", parquet.Options{}), parquet.Options{}); got != c.want+"\n" {
			t.Errorf("%s: it is read as\n%s, want\n%s", name, got, c.want)
		}
	}
}

// Random records in many writes and row groups, with every compression, as another
// implementation and this one read them.
func TestManyRecordsComeBackAsTheyWere(t *testing.T) {
	for seed, compression := range []string{"zstd", "snappy", "gzip", "none"} {
		r := rand.New(rand.NewPCG(uint64(seed), 0))
		inner := weirtest.NewMemSink(weir.Footprint{MaxWrite: 1000 + r.IntN(10_000)})
		w, err := parquet.NewSink(inner, parquet.Options{RowGroupBytes: 256 << 10, Compression: compression}).Open(t.Context(), weir.StreamInfo{Name: "a"})
		must(t, err)
		var want strings.Builder
		for range 160 {
			lines := ""
			for range 1 + r.IntN(100) {
				lines += randomRecord(r)
			}
			want.WriteString(lines)
			must(t, w.Write(t.Context(), batchOf(lines)))
		}
		must(t, w.Commit(t.Context()))
		data, _ := inner.Committed("a")
		if got := toJSON(t, data, parquet.Options{}); got != want.String() {
			t.Errorf("%s: what is read is not what was written", compression)
		}
		agrees(t, data, want.String())
	}
}

func randomRecord(r *rand.Rand) string {
	pick := func(s string) string {
		if r.IntN(4) == 0 {
			return "null"
		}
		return s
	}
	few, _ := json.Marshal(strings.Repeat("é", r.IntN(6)))
	many, _ := json.Marshal(fmt.Sprintf("%x", r.Uint64()))
	return fmt.Sprintf(`{"n":%s,"few":%s,"many":%s,"f":%s,"b":%s,"one":"same","any":%s}`+"\n",
		pick(fmt.Sprint(r.Int64()>>r.IntN(64))), pick(string(few)), pick(string(many)),
		pick(fmt.Sprintf("%d.5", r.IntN(1000))), pick(fmt.Sprint(r.IntN(2) == 0)), pick(fmt.Sprintf("[%d]", r.IntN(10))))
}

// agrees has another implementation read the file, and compares the statistics of
// every row group with its values.
func agrees(t *testing.T, data []byte, lines string) {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	d := json.NewDecoder(strings.NewReader(lines))
	d.UseNumber()
	groups := 0
	for g, group := range f.RowGroups() {
		groups++
		rows := group.Rows()
		least := make([]pq.Value, len(f.Root().Columns()))
		buf := make([]pq.Row, 64)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				var want map[string]any
				must(t, d.Decode(&want))
				for i, c := range f.Root().Columns() {
					if got, want := fmt.Sprint(row[i]), fmt.Sprint(orNull(want[c.Name()])); got != want {
						t.Fatalf("column %s is %s, want %s", c.Name(), got, want)
					}
					if v := row[i]; !v.IsNull() && c.Name() != "any" && (least[i].IsNull() || c.Type().Compare(v, least[i]) < 0) {
						least[i] = v.Clone()
					}
				}
			}
			if err != nil {
				break
			}
		}
		must(t, rows.Close())
		for i, chunk := range group.ColumnChunks() {
			low, _, ok := chunk.(*pq.FileColumnChunk).Bounds()
			if ok == least[i].IsNull() || ok && chunk.Type().Compare(low, least[i]) != 0 {
				t.Errorf("row group %d: the smallest value of column %d is %v and %v in its statistics", g, i, least[i], low)
			}
		}
	}
	if groups < 3 {
		t.Errorf("%d row groups are too few to test anything", groups)
	}
}

func orNull(v any) any {
	switch v := v.(type) {
	case nil:
		return "<null>"
	case []any:
		return fmt.Sprint("[", v[0], "]")
	}
	return v
}

func TestSmallestAndLargestValues(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	for _, c := range []struct {
		kind, values string
		low, high    pq.Value
	}{
		{"double", "0.0 1.5", pq.DoubleValue(negativeZero), pq.DoubleValue(1.5)},
		{"double", "-1.5 -0.0", pq.DoubleValue(-1.5), pq.DoubleValue(0)},
		{"float", "0 -0.0", pq.FloatValue(float32(negativeZero)), pq.FloatValue(0)},
		{"uint64", "18446744073709551615 1", pq.Int64Value(1), pq.Int64Value(-1)},
		{"int32", "-5 5", pq.Int32Value(-5), pq.Int32Value(5)},
		{"date", `"1969-12-31" "1970-01-02"`, pq.Int32Value(-1), pq.Int32Value(1)},
		{"bool", "true true", pq.BooleanValue(true), pq.BooleanValue(true)},
		{"string", `"b" "ab"`, text("ab"), text("b")},
		{"string", `"b" "` + strings.Repeat("x", 100) + `"`, pq.Value{}, pq.Value{}}, // too long
		{"uuid", `"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`, pq.Value{}, pq.Value{}},
	} {
		lines := ""
		for v := range strings.SplitSeq(c.values, " ") {
			lines += `{"v":` + v + "}\n"
		}
		data := toParquet(t, lines+"{}\n", parquet.Options{Schema: "v " + c.kind})
		f, err := pq.OpenFile(bytes.NewReader(data), int64(len(data)))
		must(t, err)
		chunk := f.RowGroups()[0].ColumnChunks()[0].(*pq.FileColumnChunk)
		low, high, ok := chunk.Bounds()
		if ok == c.low.IsNull() || ok && (!same(low, c.low) || !same(high, c.high)) {
			t.Errorf("%s of %s: from %v to %v, want %v to %v", c.kind, c.values, low, high, c.low, c.high)
		}
		if n := chunk.NullCount(); n != 1 {
			t.Errorf("%s: %d nulls", c.kind, n)
		}
	}
}

// same reports whether two values have the same bytes: -0 is not 0.
func same(a, b pq.Value) bool { return bytes.Equal(a.Bytes(), b.Bytes()) }
