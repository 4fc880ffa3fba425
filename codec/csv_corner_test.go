package codec_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/weirtest"
)

// csvCorners are what RFC 4180 says, what it leaves open, and what files are really
// like.
var csvCorners = []struct {
	name, format, data string
	want               []string // objects
	bad                []string // parts of the reasons of bad records, in their order
	fails              string   // a part of the error
}{
	// RFC 4180, section 2, in its order.
	{name: "rows end with CRLF", data: "a,b\r\naaa,bbb\r\nzzz,yyy\r\n", want: []string{`{"a":"aaa","b":"bbb"}`, `{"a":"zzz","b":"yyy"}`}},
	{name: "the last row has no end", data: "a,b\r\naaa,bbb", want: []string{`{"a":"aaa","b":"bbb"}`}},
	{name: "no header", format: "csv,header=no", data: "aaa,bbb\r\n", want: []string{`{"c1":"aaa","c2":"bbb"}`}},
	{name: "spaces are part of a field", data: "a,b\n x , y \n", want: []string{`{"a":" x ","b":" y "}`}},
	{name: "fields in quotes", data: "a,b\n\"aaa\",bbb\n", want: []string{`{"a":"aaa","b":"bbb"}`}},
	{name: "line ends and commas in quotes", data: "a,b\n\"x\r\ny\nz\",\"1,2\"\n", want: []string{`{"a":"x\r\ny\nz","b":"1,2"}`}},
	{name: "doubled quotes", data: "a,b\n\"x\"\"y\",\"\"\"\"\n", want: []string{`{"a":"x\"y","b":"\""}`}},

	// Line ends.
	{name: "LF and CRLF", data: "a,b\n1,2\r\n3,4\n", want: []string{`{"a":1,"b":2}`, `{"a":3,"b":4}`}},
	{name: "CR alone", data: "a,b\r1,2\r3,4\r", fails: "a CR is in it that no LF follows"},
	{name: "CR CR LF", data: "a,b\r\r\n1,2\r\r\n", fails: "a CR is in it that no LF follows"},
	{name: "CR alone in a field", data: "a,b\n1\r2,3\n", want: []string{`{"a":"1\r2","b":3}`}},
	{name: "CR in quotes in the header", data: "\"a\rb\",c\n1,2\n", want: []string{`{"a\rb":1,"c":2}`}},
	{name: "CR at the end of the stream", data: "a,b\n1,2\r", want: []string{`{"a":1,"b":2}`}},
	{name: "other line ends are none", data: "a,b\n1\u2028,2\u0085\n", want: []string{"{\"a\":\"1\u2028\",\"b\":\"2\u0085\"}"}},
	{name: "form feed and vertical tab", data: "a,b\n1\f,2\v\n", want: []string{`{"a":"1\f","b":"2\u000b"}`}},
	{name: "empty lines", data: "\n\r\na,b\n\n\n1,2\n\r\n3,4\n\n", want: []string{`{"a":1,"b":2}`, `{"a":3,"b":4}`}},
	{name: "a line of spaces is a row", data: "a\n \n", want: []string{`{"a":" "}`}},
	{name: "a line of spaces is a short row", data: "a,b\n \n", bad: []string{"the row has 1 fields, the header has 2"}},

	// Quotes.
	{name: "quotes in the middle", data: "a,b\n5\" disk,x\"y\"z\n", want: []string{`{"a":"5\" disk","b":"x\"y\"z"}`}},
	{name: "a quote at the end of a field", data: "a,b\n1\",2\n", want: []string{`{"a":"1\"","b":2}`}},
	{name: "quotes behind a space", data: "a,b\n1, \"x\"\n", want: []string{`{"a":1,"b":" \"x\""}`}},
	{name: "a space behind quotes", data: "a,b\n\"x\" ,2\n3,4\n", want: []string{`{"a":3,"b":4}`}, bad: []string{"neither doubled nor at its end"}},
	{name: "text behind quotes", data: "a,b\n1,\"x\"y\n3,4\n", want: []string{`{"a":3,"b":4}`}, bad: []string{"neither doubled nor at its end"}},
	{name: "a quote that is escaped with a backslash", data: "a,b\n1,\"x\\\"y\"\n3,4\n", want: []string{`{"a":3,"b":4}`}, bad: []string{"neither doubled nor at its end"}},
	{name: "a backslash is a character", data: "a,b\n\\n,\\\\\n", want: []string{`{"a":"\\n","b":"\\\\"}`}},
	{name: "single quotes are characters", data: "a,b,c\n'1,2',3\n", want: []string{`{"a":"'1","b":"2'","c":3}`}},
	{name: "a lone quote at the end", data: "a,b\n1,\"", bad: []string{"has no end"}},
	{name: "a lone quote as a row", data: "a\n\"", bad: []string{"has no end"}},
	{name: "an open quote takes the rest", data: "a,b\n1,\"2\n3,4\n5,6\n", bad: []string{"has no end"}},
	{name: "an open quote in the last field", data: "a,b\n\"1\",\"2", bad: []string{"has no end"}},
	{name: "three quotes at the end", data: "a,b\n1,\"\"\"", bad: []string{"has no end"}},
	{name: "empty quotes and nothing", data: "a,b\n\"\",\n", want: []string{`{"a":"","b":null}`}},
	{name: "quotes hold a quote alone", data: "a,b\n\"\"\"\",\"\"\"\"\"\"\n", want: []string{`{"a":"\"","b":"\"\""}`}},
	{name: "quotes=no", format: "csv,quotes=no", data: "a,b\n\"1,2\"\n", want: []string{`{"a":"\"1","b":"2\""}`}},

	// Fields.
	{name: "an empty last field", data: "a,b\n1,\n2,", want: []string{`{"a":1,"b":null}`, `{"a":2,"b":null}`}},
	{name: "nothing but empty fields", data: "a,b,c\n,,\n", want: []string{`{"a":null,"b":null,"c":null}`}},
	{name: "a row of an empty string", data: "a\n\"\"\n", want: []string{`{"a":""}`}},
	{name: "rows too short and too long", data: "a,b\n1\n1,2,3\n1,2,\n4,5\n", want: []string{`{"a":4,"b":5}`}, bad: []string{
		"the row has 1 fields, the header has 2", "the row has 3 fields, the header has 2", "the row has 3 fields, the header has 2",
	}},
	{name: "ragged rows without a header", format: "csv,header=no", data: "1\n1,2\n,\n", want: []string{`{"c1":1}`, `{"c1":1,"c2":2}`, `{"c1":null,"c2":null}`}},
	{name: "a comma as the decimal point", format: "csv,sep=semicolon", data: "a;b\n1,5;2\n", want: []string{`{"a":"1,5","b":2}`}},
	{name: "numbers of other notations", data: "a,b,c,d\n1_0,0x1,\u0661,1e5\n", want: []string{"{\"a\":\"1_0\",\"b\":\"0x1\",\"c\":\"\u0661\",\"d\":1e5}"}},
	{name: "a formula", data: "a,b\n=1+2,@x\n", want: []string{`{"a":"=1+2","b":"@x"}`}},
	{name: "tabs", format: "tsv", data: "a\tb\n1\t\"x\ty\"\n\t\n", want: []string{`{"a":1,"b":"x\ty"}`, `{"a":null,"b":null}`}},
	{name: "spaces as separators", format: "csv,sep=space", data: "a b\n1 2\n", want: []string{`{"a":1,"b":2}`}},

	// Headers.
	{name: "names twice", data: "a,a,a_2,a\n1,2,3,4\n", want: []string{`{"a":1,"a_2":2,"a_2_2":3,"a_3":4}`}},
	{name: "names missing", data: ",\"\",x\n1,2,3\n", want: []string{`{"c1":1,"c2":2,"x":3}`}},
	{name: "a line end in a name", data: "\"a\nb\",c\n1,2\n", want: []string{`{"a\nb":1,"c":2}`}},
	{name: "a quote in a name", data: "\"a\"\"b\",c\"d\n1,2\n", want: []string{`{"a\"b":1,"c\"d":2}`}},
	{name: "a header alone", data: "a,b\n"},
	{name: "nothing", data: ""},
	{name: "nothing but empty lines", data: "\n\r\n\n"},
	{name: "a header with text behind quotes", data: "\"a\"x,b\n1,2\n", fails: "the header: a quote inside a field"},
	{name: "a header that does not end", data: "\"a,b\n1,2\n", fails: "the header: a field in quotes has no end"},
	{name: "a comment is a row", data: "a,b\n# x\n1,2\n", want: []string{`{"a":1,"b":2}`}, bad: []string{"the row has 1 fields"}},

	// Bytes.
	{name: "a byte order mark", data: "\ufeffa,b\n1,2\n", want: []string{`{"a":1,"b":2}`}},
	{name: "a byte order mark before quotes", data: "\ufeff\"a,\",b\n1,2\n", want: []string{`{"a,":1,"b":2}`}},
	{name: "a byte order mark later", data: "a,b\n\ufeff1,2\n", want: []string{"{\"a\":\"\ufeff1\",\"b\":2}"}},
	{name: "a byte order mark of UTF-16", data: "\xff\xfea\x00,\x00", fails: "UTF-16"},
	{name: "zero bytes", data: "a,b\n1\x00,\x00\n", want: []string{`{"a":"1\u0000","b":"\u0000"}`}},
	{name: "bytes that are not UTF-8", data: "a,b\n\xe9,\"\xff\"\n", want: []string{"{\"a\":\"\ufffd\",\"b\":\"\ufffd\"}"}},
	{name: "letters of all kinds", data: "größe,名\nä,\U0001f30d\n", want: []string{"{\"größe\":\"ä\",\"名\":\"\U0001f30d\"}"}},
}

func TestCornersOfCSV(t *testing.T) {
	for _, c := range csvCorners {
		t.Run(c.name, func(t *testing.T) {
			if c.format == "" {
				c.format = "csv"
			}
			records, bad, err := convertedRows(t, c.format, c.data, always(1<<20))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("the error is %v, want %q", err, c.fails)
				}
				return
			}
			must(t, err)
			if !slices.Equal(records, c.want) {
				t.Errorf("\n got %q\nwant %q", records, c.want)
			}
			if len(bad) != len(c.bad) {
				t.Fatalf("bad records: %v, want %q", bad, c.bad)
			}
			for i, b := range bad {
				if !strings.Contains(b.Reason.Error(), c.bad[i]) {
					t.Errorf("the reason is %v, want %q", b.Reason, c.bad[i])
				}
			}
			for _, piece := range []func() int{always(1), always(3)} {
				again, _, err := convertedRows(t, c.format, c.data, piece)
				must(t, err)
				if !slices.Equal(again, records) {
					t.Errorf("in pieces of %d bytes: %q", piece(), again)
				}
			}
		})
	}
}

// convertedRows copies rows to NDJSON, reading so many bytes at once.
func convertedRows(t *testing.T, from, data string, piece func() int) (records []string, bad []weir.BadRecord, err error) {
	t.Helper()
	policy := func(_ context.Context, b *weir.BadRecord) (weir.Fate, error) {
		bad = append(bad, *b)
		return weir.Skipped, nil
	}
	src, err := codec.NewSource(of("s", []byte(data), piece), codec.SourceOptions{Format: format(t, from), Bad: policy})
	must(t, err)
	e, err := codec.NewEncoder(format(t, from), codec.Spec{Format: named(codec.NDJSON)}, codec.EncodeOptions{
		KeepNames: true, Convert: codec.ConvertOptions{Bad: policy},
	})
	must(t, err)
	sink := weirtest.NewMemSink(weir.Footprint{})
	_, err = weir.Ingest(t.Context(), src, e.Sink(sink), weir.Options{Steps: e.Steps(), Workers: 1})
	got, _ := sink.Committed("s")
	for line := range strings.Lines(string(got)) {
		records = append(records, strings.TrimSuffix(line, "\n"))
	}
	return records, bad, err
}
