package codec_test

import (
	"bytes"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func TestValuesBecomeFields(t *testing.T) {
	for _, c := range []struct{ value, field string }{
		{"9007199254740993", "9007199254740993"},
		{"1e400", "1e400"},
		{"-0", "-0"},
		{"1.0", "1.0"},
		{"null", ""},
		{"true", "true"},
		{"false", "false"},
		{`""`, `""`},
		{`"1"`, `"1"`},
		{`"007"`, "007"},
		{`"-1.5e3"`, `"-1.5e3"`},
		{`"\u0031"`, `"1"`},
		{`"a b"`, "a b"},
		{`" a "`, " a "},
		{`"a,b"`, `"a,b"`},
		{`"a;b"`, "a;b"},
		{`"say \"hi\""`, `"say ""hi"""`},
		{`"\"\"\""`, `""""""""`},
		{`"two\nlines"`, "\"two\nlines\""},
		{`"cr\r"`, "\"cr\r\""},
		{`"tab\t"`, "tab\t"},
		{`"\\."`, `"\."`},
		{`"back\\slash"`, `back\slash`},
		{`"\u00e9 and \ud83d\ude00"`, "é and 😀"},
		{`"\ud800"`, "\ufffd"},
		{`"\udc00\ud800x"`, "\ufffd\ufffdx"},
		{"\"raw \xff\"", "raw \xff"},
		{`"日本語"`, "日本語"},
		{"[]", `"[]"`},
		{"[1, 2]", `"[1,2]"`},
		{`{"a" : "x, \"y\""}`, `"{""a"":""x, \""y\""""}"`},
		{"{}", `"{}"`},
	} {
		steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: []string{"a", "v", "z"}})
		for _, in := range []string{
			`{"a":"x","v":%s,"z":7}` + "\n",
			` { "a" : "x" , "v" : %s , "z" : 7 } ` + "\r\n",
			`{"z":7,"v":%s,"a":"x"}`,
			`{"v":0,"z":7,"v":%s,"a":"x"}`,
			`{"\u0061":"x","v":%s,"z":7}`,
		} {
			in = fmt.Sprintf(in, c.value)
			got := recordsOf(apply(t, steps, batchOf("", in)))
			if want := "x," + c.field + ",7\n"; len(got) != 1 || got[0] != want {
				t.Errorf("%s\n got %q\nwant %q", in, got, want)
			}
		}
	}
}

func TestMissingMembersAreEmptyFields(t *testing.T) {
	steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: []string{"a", "b", "c"}})
	in := batchOf("", "{}", `{"b":1}`, `{"c":1}`, `{"a":1}`, `{"c":1,"a":2}`, `{"a":null,"b":"","c":[]}`)
	out := apply(t, steps, in)
	want := ",,\n,1,\n,,1\n1,,\n2,,1\n,\"\",\"[]\"\n"
	if got := string(out.Bytes()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := string(out.Header()); got != "a,b,c\n" {
		t.Errorf("the header is %q", got)
	}
	one := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: []string{"a"}})
	if got := string(apply(t, one, batchOf("", `{"a":null}`, `{}`, `{"a":""}`)).Bytes()); got != "\"\"\n\"\"\n\"\"\n" {
		t.Errorf("a row of one empty field is %q", got)
	}
}

func TestColumnsMayHaveAnyName(t *testing.T) {
	names := []string{"", "a,b", `q"`, "line\nend", "1", "ä", "x y"}
	steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: names})
	out := apply(t, steps, batchOf("", `{"":1,"a,b":2,"q\"":3,"line\nend":4,"1":5,"ä":6,"x y":7}`))
	rows, err := stdcsv.NewReader(strings.NewReader(string(out.Header()) + string(out.Bytes()))).ReadAll()
	if err != nil || fmt.Sprint(rows) != fmt.Sprint([][]string{names, {"1", "2", "3", "4", "5", "6", "7"}}) {
		t.Errorf("got %q (%v)", rows, err)
	}
}

func TestColumnsWithLongNamesAreToldApart(t *testing.T) {
	names := []string{"customer_a", "customer_b", "customer", "customer_b2"}
	steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: names})
	for k, name := range names {
		got := string(apply(t, steps, batchOf("", fmt.Sprintf("{%q:1}\n", name), "{}\n")).Bytes())
		if want := strings.Repeat(",", k) + "1" + strings.Repeat(",", 3-k) + "\n,,,\n"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestBadObjectsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ to, rec, want string }{
		{"csv", `{"a":1,"total":2}`, `the member "total" is not one of the columns`},
		{"csv", `{"tot\u0061l":2}`, `the member "total" is not one of the columns`},
		{"csv", `{"a":1`, "offset 6"},
		{"csv", `[1,2]`, "object"},
		{"csv", `"text"`, "object"},
		{"csv", `{"a":1} x`, ""},
		{"csv,quotes=no", `{"a":"x,y"}`, "no quotes"},
		{"tsv,quotes=no", `{"a":"x\ty"}`, "no quotes"},
		{"tsv,quotes=no", `{"a":"x\ny"}`, "no quotes"},
	} {
		var bad reasons
		steps := stepsOf(t, "ndjson", c.to, codec.ConvertOptions{Columns: []string{"a", "b"}, Bad: bad.policy})
		out := apply(t, steps, batchOf("", `{"a":1}`, c.rec, `{"b":2}`))
		if out.Records() != 2 || len(bad.all) != 1 || out.Noted(weir.Skipped).Records != 1 {
			t.Fatalf("%s: %q, %v", c.rec, recordsOf(out), bad.all)
		}
		if got := bad.all[0]; !strings.Contains(got.Reason.Error(), c.want) || got.Record != 2 || string(got.Excerpt) != c.rec {
			t.Errorf("%s: %+v: %v", c.rec, got, got.Reason)
		}
	}
}

func TestOtherMembersAreDroppedWhereThatIsAskedFor(t *testing.T) {
	steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: []string{"c", "a"}, DropOthers: true})
	out := apply(t, steps, batchOf("", `{"a":1,"b":2,"c":3}`, `{"b":{"a":9}}`))
	if got := string(out.Bytes()); got != "3,1\n,\n" {
		t.Errorf("got %q", got)
	}
}

func TestSeparatorsAndQuotesAreThoseOfTheFormat(t *testing.T) {
	rec := `{"a":"x,y","b":"x;y","c":"x\ty","d":"say \"hi\"","e":"","f":"1"}`
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, c := range []struct{ to, want string }{
		{"csv", `"x,y",x;y,x` + "\t" + `y,"say ""hi""","","1"`},
		{"csv,sep=semicolon", `x,y;"x;y";x` + "\t" + `y;"say ""hi""";"";"1"`},
		{"tsv", "x,y\tx;y\t\"x\ty\"\t\"say \"\"hi\"\"\"\t\"\"\t\"1\""},
		{"csv,sep=pipe,quotes=no", `x,y|x;y|x` + "\t" + `y|say "hi"||1`},
	} {
		got := string(apply(t, stepsOf(t, "ndjson", c.to, codec.ConvertOptions{Columns: names}), batchOf("", rec)).Bytes())
		if got != c.want+"\n" {
			t.Errorf("%s: got %q, want %q", c.to, got, c.want)
		}
	}
}

// randomObject returns an object with some of these members, in any order, and the
// field that each becomes.
func randomObject(r *rand.Rand, names []string) (object []byte, fields map[string]string) {
	fields = map[string]string{}
	var out bytes.Buffer
	out.WriteByte('{')
	for _, k := range r.Perm(len(names)) {
		if r.IntN(4) == 0 {
			continue
		}
		value, field := randomValue(r)
		fields[names[k]] = field
		if len(fields) > 1 {
			out.WriteString(strings.Repeat(" ", r.IntN(2)) + ",")
		}
		key, _ := stdjson.Marshal(names[k]) // strings can be marshalled
		fmt.Fprintf(&out, "%s:%s%s", key, strings.Repeat(" ", r.IntN(2)), value)
	}
	out.WriteByte('}')
	return out.Bytes(), fields
}

func randomValue(r *rand.Rand) (value, field string) {
	switch r.IntN(6) {
	case 0:
		n := fmt.Sprint(r.Int64() >> r.IntN(64))
		return n, n
	case 1:
		return "null", ""
	case 2:
		return "true", "true"
	case 3:
		_, text := randomRow(r, 1+r.IntN(3))
		nested, _ := stdjson.Marshal(map[string]any{"t": text, "n": []any{nil, 1.5}}) // can be marshalled
		return string(nested), string(nested)
	}
	text, _ := randomRow(r, 1)
	quoted, _ := stdjson.Marshal(text[0]) // strings can be marshalled
	return string(quoted), text[0]
}

func TestObjectsAreTheirFieldsForEncodingCSV(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	names := []string{"id", "näme", "quoted \"x\"", "d", "e,e"}
	steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: names})
	for range 2000 {
		object, fields := randomObject(r, names)
		row := apply(t, steps, batchOf("", string(object)))
		got, err := stdcsv.NewReader(bytes.NewReader(row.Bytes())).Read()
		if err != nil {
			t.Fatalf("%s\n%s\n%v", object, row.Bytes(), err)
		}
		for k, name := range names {
			// encoding/csv makes LF of a CRLF in quotes.
			if want := strings.ReplaceAll(fields[name], "\r\n", "\n"); got[k] != want {
				t.Fatalf("%s\n%s\n%q has %q where %q belongs", object, row.Bytes(), got, got[k], want)
			}
		}
	}
}

// Objects of scalars come back as they were, but for members that are missing, and
// for true and false, which are text in a row.
func TestObjectsComeBackFromRows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	names := []string{"a", "b", "c", "d"}
	toCSV := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: names})
	toJSON := stepsOf(t, "csv", "ndjson", codec.ConvertOptions{})
	for range 2000 {
		want := map[string]any{}
		for _, name := range names {
			text, _ := randomRow(r, 1)
			want[name] = []any{text[0], nil, stdjson.Number(fmt.Sprint(r.Int64()))}[r.IntN(3)]
		}
		object, err := stdjson.Marshal(want)
		must(t, err)
		rows := apply(t, toCSV, batchOf("", string(object)))
		d := stdjson.NewDecoder(bytes.NewReader(apply(t, toJSON, rows).Bytes()))
		d.UseNumber()
		got := map[string]any{}
		if err := d.Decode(&got); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%s\n%s\n%v (%v)", object, rows.Bytes(), got, err)
		}
	}
}

func TestJSONIsPassedOnLineByLine(t *testing.T) {
	steps := stepsOf(t, "json", "ndjson", codec.ConvertOptions{})
	got := string(apply(t, steps, batchOf("", `[ {"a": 1}`, ",\n{\n \"b\" : \"x\\n y\",\r\n \"c\": [1,\n2]\n}", `, "text"`, `,7`)).Bytes())
	if want := "{\"a\": 1}\n{\"b\":\"x\\n y\",\"c\":[1,2]}\n\"text\"\n7\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var bad reasons
	steps = stepsOf(t, "ndjson", "ndjson", codec.ConvertOptions{Validate: true, Bad: bad.policy})
	got = string(apply(t, steps, batchOf("", "{\"a\":01}\n", " {\"a\":1}\n", "\n[]\n", "nope\n")).Bytes())
	if got != " {\"a\":1}\n[]\n" || len(bad.all) != 2 {
		t.Errorf("got %q and %v", got, bad.all)
	}
	bad.all = nil
	got = string(apply(t, stepsOf(t, "ndjson", "json", codec.ConvertOptions{Bad: bad.policy}), batchOf("", "{\"a\":1}\n", "{a:1}\n", "2\n")).Bytes())
	if got != "{\"a\":1},\n2" || len(bad.all) != 1 {
		t.Errorf("got %q and %v", got, bad.all)
	}
	if steps := stepsOf(t, "ndjson", "ndjson", codec.ConvertOptions{}); steps != nil {
		t.Error("passing records on takes a step")
	}
}

func TestWideObjectsAreRefusedWithoutHoldingTheirMembers(t *testing.T) {
	var wide strings.Builder
	wide.WriteString(`{"a":1`)
	for i := range 10_000 {
		fmt.Fprintf(&wide, `,"m%d" : {"x:":[1,2]}`, i)
	}
	wide.WriteString("}")
	long := `{"a":"` + strings.Repeat(":", 100_000) + `"}`
	var bad reasons
	steps := stepsOf(t, "ndjson", "csv", codec.ConvertOptions{Columns: []string{"a", "b"}, Bad: bad.policy, DropOthers: true})
	out := apply(t, steps, batchOf("", wide.String(), long))
	if len(bad.all) != 1 || !strings.Contains(bad.all[0].Reason.Error(), "10001 members") || out.Records() != 1 {
		t.Errorf("%d records, %v", out.Records(), bad.all)
	}
}

func FuzzRowBecomesAnObject(f *testing.F) {
	for _, c := range fieldCases {
		f.Add([]byte(c.field+","+c.field), byte(','))
	}
	f.Add([]byte(`a;"b;c"`+"\r\n"), byte(';'))
	f.Fuzz(func(t *testing.T, row []byte, sep byte) {
		from := codec.Format{Name: codec.CSV, Separator: sep, NoHeader: true}
		if from.Validate() != nil || bytes.IndexByte(row, 0) >= 0 {
			return
		}
		var bad reasons
		steps, err := codec.Convert(from, codec.Format{Name: codec.NDJSON}, codec.ConvertOptions{Bad: bad.policy})
		must(t, err)
		out := apply(t, steps, batchOf("", string(row), "1"))
		if out.Records()+len(bad.all) != 2 {
			t.Fatalf("%q became %q", row, recordsOf(out))
		}
		for i := range out.Records() {
			if !stdjson.Valid(out.Record(i)) || !utf8.Valid(out.Record(i)) {
				t.Fatalf("%q became %q", row, out.Record(i))
			}
		}
		std := stdcsv.NewReader(bytes.NewReader(row))
		std.Comma = rune(sep)
		fields, err := std.ReadAll()
		if sep == 0 || err != nil || len(fields) != 1 || bytes.Contains(row, []byte("\r")) || !utf8.Valid(row) {
			return
		}
		if bytes.HasPrefix(row, []byte("\n")) || bytes.HasSuffix(row, []byte("\n\n")) { // several lines, not one record
			return
		}
		if len(bad.all) > 0 {
			t.Fatalf("%q is refused: %v", row, bad.all[0].Reason)
		}
		names := make([]string, len(fields[0]))
		for k := range names {
			names[k] = fmt.Sprintf("c%d", k+1)
		}
		checkObject(t, out.Record(0), names, fields[0])
	})
}

func FuzzObjectBecomesARow(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":"x,\"y\"","c":[1, {"d":null}]}`), byte(','))
	f.Add([]byte(`{"b":"\u0041\ud83d\ude00","a":"1","a":""}`), byte('\t'))
	f.Add([]byte("{\"a\" : \"\xff\\n\"}"), byte(' '))
	f.Fuzz(func(t *testing.T, object []byte, sep byte) {
		to := codec.Format{Name: codec.CSV, Separator: sep}
		if to.Validate() != nil {
			return
		}
		var bad reasons
		names := []string{"a", "b", "c"}
		steps, err := codec.Convert(codec.Format{Name: codec.NDJSON}, to, codec.ConvertOptions{Columns: names, DropOthers: true, Bad: bad.policy})
		must(t, err)
		out := apply(t, steps, batchOf("", string(object), `{"a":1}`))
		want, valid := fieldsOf(t, object, names)
		if valid != (len(bad.all) == 0) {
			t.Fatalf("%q: %v", object, bad.all)
		}
		std := stdcsv.NewReader(bytes.NewReader(out.Bytes()))
		std.Comma = rune(sep)
		if !valid || sep == 0 || bytes.Contains(out.Bytes(), []byte("\r")) || !utf8.Valid(object) {
			return
		}
		rows, err := std.ReadAll()
		if err != nil || len(rows) != 2 || !slices.Equal(rows[0], want) {
			t.Fatalf("%q became %q, want %q (%v)", object, rows, want, err)
		}
	})
}

// fieldsOf returns what encoding/json sees of an object, as fields.
func fieldsOf(tb testing.TB, object []byte, names []string) ([]string, bool) {
	members := map[string]stdjson.RawMessage{}
	if err := stdjson.Unmarshal(object, &members); err != nil || members == nil || bytes.TrimLeft(object, " \r\n\t")[0] != '{' {
		return nil, false
	}
	fields := make([]string, len(names))
	for k, name := range names {
		raw, ok := members[name]
		var text string
		var compact bytes.Buffer
		switch {
		case !ok || string(raw) == "null":
		case raw[0] == '"':
			must(tb, stdjson.Unmarshal(raw, &text))
			fields[k] = text
		default:
			must(tb, stdjson.Compact(&compact, raw))
			fields[k] = compact.String()
		}
	}
	return fields, true
}
