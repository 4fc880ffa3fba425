package codec_test

import (
	"bytes"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// fieldCases say what a field becomes, and what it is as a row again.
var fieldCases = []struct{ field, value, again string }{
	{"9007199254740993", "9007199254740993", ""},
	{"-9223372036854775809", "-9223372036854775809", ""},
	{"1e400", "1e400", ""},
	{"1E+5", "1E+5", ""},
	{"-0", "-0", ""},
	{"0", "0", ""},
	{"1.0", "1.0", ""},
	{"0.10000000000000000001", "0.10000000000000000001", ""},
	{"12345678", "12345678", ""},
	{"123456789", "123456789", ""},
	{"1234567.25", "1234567.25", ""},
	{"12345678.", `"12345678."`, ""},
	{"007", `"007"`, ""},
	{"00501", `"00501"`, ""},
	{"-", `"-"`, ""},
	{"+1", `"+1"`, ""},
	{".5", `".5"`, ""},
	{"5.", `"5."`, ""},
	{"1e", `"1e"`, ""},
	{"1e+", `"1e+"`, ""},
	{"0x10", `"0x10"`, ""},
	{"1_000", `"1_000"`, ""},
	{" 1", `" 1"`, ""},
	{"1 ", `"1 "`, ""},
	{"NaN", `"NaN"`, ""},
	{"Infinity", `"Infinity"`, ""},
	{"2026-11-23", `"2026-11-23"`, ""},
	{"true", `"true"`, ""},
	{"null", `"null"`, ""},
	{"", "null", ""},
	{`""`, `""`, ""},
	{`"1"`, `"1"`, ""},
	{`"1e400"`, `"1e400"`, ""},
	{`"00501"`, `"00501"`, "00501"},
	{`"a"`, `"a"`, "a"},
	{`"a,b"`, `"a,b"`, ""},
	{`"say ""hi"""`, `"say \"hi\""`, ""},
	{`""""`, `"\""`, ""},
	{"\"two\nlines\"", `"two\nlines"`, ""},
	{"\"two\r\nlines\"", `"two\r\nlines"`, ""},
	{"tab\there", `"tab\there"`, ""},
	{"nul\x00", `"nul\u0000"`, ""},
	{`back\slash`, `"back\\slash"`, ""},
	{`\.`, `"\\."`, `"\."`},
	{"inch 5\"", `"inch 5\""`, `"inch 5"""`},
	{"Zoë", `"Zoë"`, ""},
	{"日本語テキスト", `"日本語テキスト"`, ""},
	{"😀", `"😀"`, ""},
	{"\u2028", "\"\u2028\"", ""},
	{"<a&b>", `"<a&b>"`, ""},
	{"bad\xff", "\"bad\ufffd\"", "bad\ufffd"},
	{"\"bad\xff\"\"\xc3\"", "\"bad\ufffd\\\"\ufffd\"", "\"bad\ufffd\"\"\ufffd\""},
	{"a long field that takes several words and ends in an escape\t", `"a long field that takes several words and ends in an escape\t"`, ""},
}

func TestFieldsBecomeNumbersNullOrStringsAndFieldsAgain(t *testing.T) {
	toJSON := stepsOf(t, "csv", "ndjson", codec.ConvertOptions{})
	toCSV := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: []string{"k", "v", "w"}})
	for _, c := range fieldCases {
		in := batchOf("k,v,w\n", "x,"+c.field+",y\n", "\r\n\nz,"+c.field+","+c.field+"\r\n")
		objects := apply(t, toJSON, in)
		want := []string{`{"k":"x","v":` + c.value + `,"w":"y"}` + "\n", `{"k":"z","v":` + c.value + `,"w":` + c.value + "}\n"}
		if got := recordsOf(objects); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("field %q\n got %q\nwant %q", c.field, got, want)
			continue
		}
		if c.again == "" {
			c.again = c.field
		}
		want = []string{"x," + c.again + ",y\n", "z," + c.again + "," + c.again + "\n"}
		if got := recordsOf(apply(t, toCSV, objects)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("value %q\n got %q\nwant %q", c.value, got, want)
		}
	}
}

func TestFieldsEndWithTheirRecord(t *testing.T) {
	rows := []string{"1,x", "2,y", "long enough,for words", `3,"q"`, "4,", "5,z"} // without line ends
	got := string(apply(t, stepsOf(t, "csv", "ndjson", codec.ConvertOptions{Strings: true}), batchOf("a,b", rows...)).Bytes())
	want := ""
	for _, row := range rows {
		a, b, _ := strings.Cut(row, ",")
		want += fmt.Sprintf("{\"a\":\"%s\",\"b\":\"%s\"}\n", a, strings.Trim(b, `"`))
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = string(apply(t, stepsOf(t, "csv,header=no", "tsv,header=no", codec.ConvertOptions{}), batchOf("", rows...)).Bytes())
	if want := strings.ReplaceAll(strings.Join(rows, "\n"), ",", "\t") + "\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStringsKeepsEveryFieldAString(t *testing.T) {
	steps := stepsOf(t, "csv", "ndjson", codec.ConvertOptions{Strings: true})
	got := recordsOf(apply(t, steps, batchOf("a,b,c,d,e", `1,,-2.5,"",x`)))
	if want := `{"a":"1","b":"","c":"-2.5","d":"","e":"x"}` + "\n"; got[0] != want {
		t.Errorf("got %q, want %q", got[0], want)
	}
}

func TestHeadersGiveEveryColumnAName(t *testing.T) {
	for _, c := range []struct{ header, row, want string }{
		{"a,b", "1,2", `{"a":1,"b":2}`},
		{"a,b\r\n", "1,2\r\n", `{"a":1,"b":2}`},
		{"\ufeffa,b\n", "1,2\n", `{"a":1,"b":2}`},
		{"\n\na,b\n", "1,2\n", `{"a":1,"b":2}`},
		{`"a,""b""","x` + "\n" + `y"`, "1,2", `{"a,\"b\"":1,"x\ny":2}`},
		{"a,a,a_2,a", "1,2,3,4", `{"a":1,"a_2":2,"a_2_2":3,"a_3":4}`},
		{",,c1", "1,2,3", `{"c1":1,"c2":2,"c1_2":3}`},
		{"a", "1", `{"a":1}`},
		{"größe,\xff", "1,2", "{\"größe\":1,\"\ufffd\":2}"},
		{strings.Repeat("long ", 20), "1", `{"` + strings.Repeat("long ", 20) + `":1}`},
		{strings.Repeat("\x01", 20) + ",b", "1,", `{"` + strings.Repeat(`\u0001`, 20) + `":1,"b":null}`},
	} {
		got := recordsOf(apply(t, stepsOf(t, "csv", "ndjson", codec.ConvertOptions{}), batchOf(c.header, c.row)))
		if got[0] != c.want+"\n" {
			t.Errorf("header %q\n got %q\nwant %q", c.header, got[0], c.want)
		}
	}
}

func TestRowsWithoutAHeaderAreNamedByPlace(t *testing.T) {
	in := batchOf("", "1,2\n", "3\n", "4,5,6\n")
	got := recordsOf(apply(t, stepsOf(t, "csv,header=no", "ndjson", codec.ConvertOptions{}), in))
	if want := []string{`{"c1":1,"c2":2}` + "\n", `{"c1":3}` + "\n", `{"c1":4,"c2":5,"c3":6}` + "\n"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var bad reasons
	steps := stepsOf(t, "csv,header=no", "ndjson", codec.ConvertOptions{Columns: []string{"x", "y"}, Bad: bad.policy})
	if got := recordsOf(apply(t, steps, in)); len(got) != 1 || got[0] != `{"x":1,"y":2}`+"\n" || len(bad.all) != 2 {
		t.Errorf("got %q and %d bad records", got, len(bad.all))
	}
}

func TestBadRowsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ row, want string }{
		{"1,2\n", "the row has 2 fields, the header has 3"},
		{"1,2,3,4\n", "the row has 4 fields, the header has 3"},
		{"1,2,3,4,\"5,5\",6\n", "the row has 6 fields, the header has 3"},
		{"1,2,3,\n", "the row has 4 fields, the header has 3"},
		{"1,\"2\"x,3\n", "neither doubled nor at its end"},
		{"1,2,\"3\n", "ends inside a field in quotes"},
		{"1,2,\"3\"\"\n", "ends inside a field in quotes"},
		{"1,\"2,3", "ends inside a field in quotes"},
	} {
		var bad reasons
		steps := stepsOf(t, "csv", "ndjson", codec.ConvertOptions{Bad: bad.policy})
		out := apply(t, steps, batchOf("a,b,c", "7,8,9\n", c.row, "10,11,12\n"))
		if out.Records() != 2 || len(bad.all) != 1 || out.Noted(weir.Skipped) != (weir.Count{Records: 1, Bytes: int64(len(c.row))}) {
			t.Fatalf("%q: %q, %v", c.row, recordsOf(out), bad.all)
		}
		got := bad.all[0]
		if !strings.Contains(got.Reason.Error(), c.want) || got.Record != 2 || got.Offset != -1 || got.Stage != "csv to ndjson" ||
			string(got.Excerpt) != strings.TrimSpace(c.row) {
			t.Errorf("%q: %+v: %q", c.row, got, got.Reason)
		}
	}
}

func TestTextThatIsNotUTF8IsRefusedWhereItIsAskedFor(t *testing.T) {
	var bad reasons
	steps := stepsOf(t, "csv", "ndjson", codec.ConvertOptions{Text: codec.Refuse, Bad: bad.policy})
	out := apply(t, steps, batchOf("a,b", "\xff,1\n", "ok,ä\n", "1,\"x\xc3\"\n"))
	if got := recordsOf(out); len(got) != 1 || got[0] != `{"a":"ok","b":"ä"}`+"\n" || len(bad.all) != 2 {
		t.Errorf("got %q and %v", got, bad.all)
	}
}

// randomRow returns fields, of n columns, and the row that encoding/csv makes.
func randomRow(r *rand.Rand, n int) (fields []string, row string) {
	const alphabet = "ab,\"\n \t\\éÿ0123456789.-eE😀"
	letters := []rune(alphabet)
	fields = make([]string, n)
	for k := range fields {
		var s strings.Builder
		for range []int{0, 1, 3, 9, 40}[r.IntN(5)] {
			s.WriteRune(letters[r.IntN(len(letters))])
		}
		fields[k] = s.String()
		if r.IntN(3) == 0 {
			fields[k] = fmt.Sprint(r.Int64() >> r.IntN(64))
		}
	}
	var out bytes.Buffer
	w := stdcsv.NewWriter(&out)
	_ = w.Write(fields) // to memory
	w.Flush()
	return fields, out.String()
}

func TestRowsAreThoseOfEncodingCSV(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		n := 1 + r.IntN(6)
		header, names := "", make([]string, n)
		for k := range names {
			names[k] = fmt.Sprintf("column%d", k)
		}
		header = strings.Join(names, ",")
		var rows []string
		var fields [][]string
		for range 1 + r.IntN(20) {
			f, row := randomRow(r, n)
			if strings.TrimRight(row, "\n") == "" {
				continue // encoding/csv writes an empty line, which it does not read
			}
			fields, rows = append(fields, f), append(rows, row)
		}
		if len(rows) == 0 {
			continue
		}
		out := apply(t, stepsOf(t, "csv", "ndjson", codec.ConvertOptions{}), batchOf(header, rows...))
		for i := range rows {
			checkObject(t, out.Record(i), names, fields[i])
		}
		again := apply(t, stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: names}), out)
		got, err := stdcsv.NewReader(bytes.NewReader(again.Bytes())).ReadAll()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(fields) {
			t.Fatalf("got %q, want %q (%v)", got, fields, err)
		}
	}
}

// checkObject checks that an object has these members in this order, with these
// texts.
func checkObject(t *testing.T, object []byte, names, fields []string) {
	t.Helper()
	d := stdjson.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	tokens := []any{stdjson.Delim('{')}
	for k := range names {
		tokens = append(tokens, names[k], fields[k])
	}
	for _, want := range append(tokens, stdjson.Delim('}')) {
		got, err := d.Token()
		if err != nil {
			t.Fatalf("%q: %v", object, err)
		}
		switch v := got.(type) {
		case nil:
			got = ""
		case stdjson.Number:
			got = v.String()
		}
		if got != want {
			t.Fatalf("%q has %q where %q belongs", object, got, want)
		}
	}
}

// Every room is tried: what does not fit is refused, and nothing is written behind
// the room.
func TestConversionsNeverWriteBeyondTheirRoom(t *testing.T) {
	for _, c := range []struct{ from, to, header, rec string }{
		{"csv", "ndjson", "id,name,a rather long name of a column,n", `12345678,plain text of some words,"quoted ""text""` + "\n\x01" + `",1.5` + "\n"},
		{"csv", "ndjson", "a,b,c", "back\\slash\t,\xff\xff\xff,\n"},
		{"ndjson", "csv", "", `{"id":1,"name":"plain text of some words","q":"say \"hi\"\n\u0041","x":[1, {"a":"b"}],"n":null}` + "\n"},
		{"ndjson", "csv", "", `{"n":1,"x":"a,b","q":"` + "\xff\\n" + `","id":"17"}` + "\n"},
		{"lines", "ndjson", "", "some \"text\" with \xff and \x01\n"},
		{"lines", "length", "", "some text\n"},
		{"lines", "length,width=varint", "", "some text\n"},
		{"csv", "tsv", "a,b", `"quoted ""text""",pl	ain` + "\n"},
	} {
		o := codec.ConvertOptions{}
		if c.to == "csv" {
			o.Columns = []string{"id", "name", "q", "x", "n"}
		}
		steps := stepsOf(t, c.from, c.to, o)
		in := batchOf(c.header, c.rec)
		want := string(apply(t, steps, in).Bytes())
		fits := 0
		for size := range 512 {
			outer := weir.NewBatch(size + 64)
			copy(outer.Space(), bytes.Repeat([]byte{0xee}, size+64))
			var out weir.Batch
			outer.Sub(&out, size)
			err := steps[0].Do(t.Context(), in, &out)
			if tail := outer.Space()[size:]; string(tail) != strings.Repeat("\xee", len(tail)) {
				t.Fatalf("%s to %s: with %d bytes it wrote behind them", c.from, c.to, size)
			}
			if err == nil {
				fits++
				if got := string(out.Bytes()); got != want {
					t.Fatalf("%s to %s: with %d bytes it made %q, want %q", c.from, c.to, size, got, want)
				}
			}
		}
		if fits < 512-len(want)-64 {
			t.Errorf("%s to %s: %d bytes fit only %d of 512 sizes", c.from, c.to, len(want), fits)
		}
	}
}
