package jsonscan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

func TestScanFindsTheMembers(t *testing.T) {
	record := []byte(" {\"a\": 1 ,\n\"b\\n\":\"x\\ty\",\"\":[1,\"\\\\\"],\"d\":{\"e\":null},\"f\":true,\"g\":false,\"h\":null}\r\n")
	var o jsonscan.Object
	if err := o.Scan(record); err != nil {
		t.Fatal(err)
	}
	type member struct {
		key, val               string
		kind                   jsonscan.Kind
		keyEscaped, valEscaped bool
	}
	var got []member
	for _, m := range o.Members {
		got = append(got, member{string(m.Key(record)), string(m.Val(record)), m.Kind, m.KeyEscaped, m.ValEscaped})
	}
	want := []member{
		{`a`, `1`, jsonscan.Number, false, false},
		{`b\n`, `"x\ty"`, jsonscan.String, true, true},
		{``, `[1,"\\"]`, jsonscan.Array, false, true},
		{`d`, `{"e":null}`, jsonscan.ObjectKind, false, false},
		{`f`, `true`, jsonscan.True, false, false},
		{`g`, `false`, jsonscan.False, false, false},
		{`h`, `null`, jsonscan.Null, false, false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("members\n%v; want\n%v", got, want)
	}
	if object := string(record[o.Start:o.End]); object != strings.TrimSpace(string(record)) {
		t.Errorf("object %q", object)
	}
}

func TestScanRefusesWhatIsNotOneObject(t *testing.T) {
	var o jsonscan.Object
	for _, x := range []struct {
		record string
		offset int
	}{
		{``, 0},
		{` null`, 1},
		{`[{}]`, 0},
		{`{}{}`, 2},
		{`{"a":1}}`, 7},
		{`{"a":1`, 6},
		{`{"a":1,}`, 7},
		{`{"a":[1,{"b":01}]}`, 14},
		{`{"a":` + strings.Repeat("[", 10000), 5 + 9999},
	} {
		if err := o.Scan([]byte(`{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		err := o.Scan([]byte(x.record))
		var syntax *jsonscan.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != x.offset {
			t.Errorf("%.20s: %v; want a SyntaxError at %d", x.record, err, x.offset)
		}
		if len(o.Members) != 0 || o.End != 0 {
			t.Errorf("%.20s: %d members up to %d are left from the record before", x.record, len(o.Members), o.End)
		}
	}
}

func TestScanForgetsTheRecordBefore(t *testing.T) {
	var o jsonscan.Object
	for _, record := range []string{`{"a":"\n","b\t":2,"c":[]}`, `{}`, `{"x":1}`, ` { } `, `{"a":1,"b":"2"}`} {
		var fresh jsonscan.Object
		if err := errors.Join(o.Scan([]byte(record)), fresh.Scan([]byte(record))); err != nil {
			t.Fatal(err)
		}
		if o.Start != fresh.Start || o.End != fresh.End || !slices.Equal(o.Members, fresh.Members) {
			t.Errorf("%s: %+v; want %+v", record, o, fresh)
		}
	}
}

func TestMembersTakeAtMostFourTimesTheRecord(t *testing.T) {
	for _, n := range []int{1, 16, 17, 1000, 100_000} {
		record := []byte("{" + strings.Repeat(`"":0,`, n-1) + `"":0}`)
		var o jsonscan.Object
		if err := o.Scan(record); err != nil || len(o.Members) != n {
			t.Fatalf("%d members, %v; want %d", len(o.Members), err, n)
		}
		if size := 20 * cap(o.Members); size > 4*len(record) {
			t.Errorf("%d members of %d bytes take %d bytes", n, len(record), size)
		}
	}
}

func TestTheLastOfANameCounts(t *testing.T) {
	record := []byte(`{"a":1,"b":2,"\u0061":3,"a\u0062":4,"ab":5,"\ud83d\ude00":6,"\ud83d":7,"":8,"a":{"b":1,"b":2}}`)
	var o jsonscan.Object
	if err := o.Scan(record); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"a": 8, "b": 1, "ab": 4, "😀": 5, "\ufffd": 6, "": 7,
		"c": -1, "abc": -1, `\u0061`: -1, "A": -1, "\xff": -1, "a\"": -1,
	} {
		if got := o.Index(record, name); got != want {
			t.Errorf("Index(%q) = %d; want %d", name, got, want)
		}
		for hint := -2; hint < 12; hint++ {
			if got := o.IndexHint(record, name, hint); got != want {
				t.Errorf("IndexHint(%q, %d) = %d; want %d", name, hint, got, want)
			}
		}
	}
	if got := new(jsonscan.Object).Index(nil, "a"); got != -1 {
		t.Errorf("in an Object that was not scanned: %d; want -1", got)
	}
}

func TestPathWalksThroughObjects(t *testing.T) {
	record := []byte(` {"a":{"b":{"c":1}, "b" : {"c": [2] ,"d\n":"x"}},"e":{},"a\u0062":{"":3},"f":[{"g":1}]}`)
	for _, x := range []struct{ path, want string }{
		{"a.b.c", "[2]"},
		{"a.b.d\n", `"x"`},
		{"a.b", `{"c": [2] ,"d\n":"x"}`},
		{"ab.", "3"},
		{"e", "{}"},
		{"f", `[{"g":1}]`},
		{"e.a", ""},
		{"f.g", ""},
		{"a.b.c.d", ""},
		{"x", ""},
		{`ab":{"`, ""},
	} {
		start, end, kind, ok := jsonscan.Path(record, 0, strings.Split(x.path, "."))
		if ok != (x.want != "") || string(record[start:end]) != x.want || (kind == jsonscan.Invalid) == ok {
			t.Errorf("%q: %q, %v, %t; want %q", x.path, record[start:end], kind, ok, x.want)
		}
	}
	if start, end, kind, ok := jsonscan.Path(record, 0, nil); !ok || kind != jsonscan.ObjectKind || start != 1 || end != len(record) {
		t.Errorf("no names: [%d:%d], %v, %t; want all of it", start, end, kind, ok)
	}
	if _, _, _, ok := jsonscan.Path([]byte(`{"a":01}`), 0, nil); ok {
		t.Error("no names, and no value: true; want false")
	}
	for _, doc := range []string{``, `1`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a":1]`, `{"a" 1}`, `{a:1}`, `{"a":01}`, `{"a\q":1}`} {
		if _, _, _, ok := jsonscan.Path([]byte(doc), 0, []string{"a"}); ok {
			t.Errorf("%s: true; want false", doc)
		}
	}
}

func TestElementsVisitsEachOnce(t *testing.T) {
	var got []string
	collect := func(b []byte) func(int, int, jsonscan.Kind) error {
		got = nil
		return func(start, end int, k jsonscan.Kind) error {
			got = append(got, fmt.Sprintf("%v %s", k, b[start:end]))
			return nil
		}
	}
	for _, x := range []struct {
		doc   string
		start int
		want  string
	}{
		{` [ ] `, 0, ``},
		{`{"a": [1 , "b",[2,3],{"c":[]}, null] }`, 5, `number 1|string "b"|array [2,3]|object {"c":[]}|null null`},
		{`[true,false]]`, 0, `true true|false false`},
	} {
		if err := jsonscan.Elements([]byte(x.doc), x.start, collect([]byte(x.doc))); err != nil || strings.Join(got, "|") != x.want {
			t.Errorf("%s: %q, %v; want %q", x.doc, got, err, x.want)
		}
	}
	for _, x := range []struct {
		doc            string
		offset, before int
	}{
		{`{}`, 0, 0},
		{``, 0, 0},
		{`[`, 1, 0},
		{`[1,]`, 3, 1},
		{`[1 2]`, 3, 1},
		{`[1,2}`, 4, 2},
		{`[` + strings.Repeat("[", 10000), 10000, 0},
	} {
		err := jsonscan.Elements([]byte(x.doc), 0, collect([]byte(x.doc)))
		var syntax *jsonscan.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != x.offset || len(got) != x.before {
			t.Errorf("%.20s: %v after %q; want a SyntaxError at %d after %d elements", x.doc, err, got, x.offset, x.before)
		}
	}
}

func TestElementsStopsAtTheFirstErrorOfItsCaller(t *testing.T) {
	enough, n := errors.New("enough"), 0
	err := jsonscan.Elements([]byte(`[1,2,3,x`), 0, func(int, int, jsonscan.Kind) error {
		if n++; n == 2 {
			return enough
		}
		return nil
	})
	if err != enough || n != 2 {
		t.Errorf("%v after %d elements; want the caller's error after 2", err, n)
	}
}
