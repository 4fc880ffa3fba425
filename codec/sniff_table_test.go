package codec_test

import (
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// guessOf returns the format that a stream is taken for where tables are allowed.
func guessOf(t *testing.T, data string, piece func() int) (format, header string) {
	t.Helper()
	o := codec.SourceOptions{Table: func(stream string, f codec.Format, head []byte) {
		format, header = f.String(), string(head)
		if stream != "s" {
			t.Errorf("the stream is called %q", stream)
		}
	}}
	got := readAll(t, of("s", []byte(data), piece), o, always(64<<10))
	must(t, got.err)
	return format, header
}

func TestTablesAreToldByTheirFirstRows(t *testing.T) {
	for _, c := range []struct{ data, format, header string }{
		{"id,qty,note\n1,2,a\n3,4,b\n", "csv", "id,qty,note"},
		{"\ufeffid,qty\r\n1,2\r\n3,4\r\n", "csv", "id,qty"},
		{"id,qty\n1,2", "csv", "id,qty"},
		{"id,qty\n1,2\n3,4\n5,", "csv", "id,qty"},
		{"\"order id\",\"note\"\n1,\"a, \"\"b\"\"\nc\"\n2,\n", "csv", "\"order id\",\"note\""},
		{"Name\tAge\nAnna\t\nJohn\t33\nJane\t\n", "tsv", "Name\tAge"},
		{"Größe;Preis [EUR]\n1;1,50\n2;2,50\n", "csv,sep=semicolon", "Größe;Preis [EUR]"},
		{"a|b|c\n1|2|3\n4|5|6\n", "csv,sep=pipe", "a|b|c"},
		{"\n\nid,qty\n\n1,2\n3,4\n", "csv", "id,qty"},
		{"id,text\n" + strings.Repeat("1,\""+strings.Repeat("x\n", 300)+"\"\n", 20), "csv", "id,text"},
	} {
		for _, piece := range []func() int{nil, always(1), always(5)} {
			if format, header := guessOf(t, c.data, piece); format != c.format || header != c.header {
				t.Errorf("%.60q is %q with the header %q, want %q, %q", c.data, format, header, c.format, c.header)
			}
		}
	}
}

func TestOtherTextsAreNoTables(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":             "",
		"a header alone":      "id,qty\n",
		"a header and a part": "id,qty",
		"one column":          "id\n1\n2\n3\n",
		"no header":           "1,2\n3,4\n5,6\n",
		"a ragged row":        "id,qty\n1,2\n3\n4,5\n",
		"a ragged last row":   "id,qty\n1,2\n3,4,5",
		"a name twice":        "id,ID\n1,2\n3,4\n",
		"a name missing":      "id,\n1,2\n3,4\n",
		"quotes in disorder":  "id,qty\n1,\"2\"x\n3,4\n",
		"an open quote":       "id,qty\n1,2\n3,\"4",
		"two separators":      "a;b,c\n1;2,3\n4;5,6\n",
		"prose":               "Dear Sir, I write to you\nabout a thing, which is\nof interest, perhaps\n",
		"sentences":           "Well, well.\nWell, indeed.\nWell, no.\n",
		"a log":               "2026-11-26 10:00:00,123 INFO started\n2026-11-26 10:00:01,456 INFO ready\n2026-11-26 10:00:02,789 INFO done\n",
		"another log":         "INFO: started, pid 7\nINFO: ready, pid 7\nINFO: done, pid 7\n",
		"logfmt":              "level=info,msg=a\nlevel=info,msg=b\nlevel=warn,msg=c\n",
		"code":                "f(a, b);\ng(c, d);\nh(e, f);\n",
		"words that are none": "alpha, beta\ngamma, delta\nepsilon, zeta\n",
		"words and tabs":      "Name\tCity\nAnna\tBerlin\nJohn\tParis\nJane\tRome\n",
		"names of people":     "Miller,Anna\nSmith,John\nDoe,Jane\nRoe,Richard\n",
		"paths":               "/usr/bin,755\n/usr/lib,755\n/etc,755\n",
		"JSON":                "{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n{\"a\":5,\"b\":6}\n",
		"bytes":               "a,b\x00\n1,2\n3,4\n",
		"no UTF-8":            "a\xff,b\n1,2\n3,4\n",
		"a long name":         strings.Repeat("a", 65) + ",b\n1,2\n3,4\n",
		"a long first line":   strings.Repeat("a,", 4096) + "b\n1,2\n",
	} {
		for _, piece := range []func() int{nil, always(1)} {
			if format, header := guessOf(t, data, piece); format != "" {
				t.Errorf("%s is taken for %s with the header %q", name, format, header)
			}
		}
	}
}

// Where nobody asked for it, nothing is guessed; and a name says more than a guess.
func TestTablesAreGuessedOnlyIfThatIsAllowed(t *testing.T) {
	data := []byte("id,qty\n1,2\n3,4\n")
	if got := readAll(t, of("s", data, nil), codec.SourceOptions{}, always(1000)); len(got.records) != 3 {
		t.Errorf("%d records, want the lines", len(got.records))
	}
	o := codec.SourceOptions{Table: func(stream string, _ codec.Format, _ []byte) { t.Errorf("%s was guessed", stream) }}
	for name, records := range map[string]int{"s.csv": 2, "s.txt": 3} {
		if got := readAll(t, of(name, data, nil), o, always(1000)); len(got.records) != records {
			t.Errorf("%s: %d records, want %d", name, len(got.records), records)
		}
	}
}

// A line that cannot be a header is delivered when it comes; behind one that can,
// two rows are waited for.
func TestOnlyAHeaderWaitsForRows(t *testing.T) {
	for line, want := range map[string]int{"hello\n": 1, "id,qty\n": 3} {
		inner := of("s", []byte(line+"1,2\n3,4\n5,6\n"), nil)
		reads := 0
		lengths := []int{len(line), 4, 4, 4}
		inner.streams[0].piece = func() int { reads++; return lengths[min(reads, 4)-1] }
		st := open(t, inner, codec.SourceOptions{Table: func(string, codec.Format, []byte) {}})
		must(t, st.Read(t.Context(), weir.NewBatch(1000)))
		if reads != want {
			t.Errorf("%q: %d reads, want %d", line, reads, want)
		}
	}
}

func FuzzGuessedTablesAreTables(f *testing.F) {
	f.Add("id,qty\n1,2\n3,4\n")
	f.Add("a\tb\n\"1\n\"\t2")
	f.Fuzz(func(t *testing.T, data string) {
		format, header := "", ""
		o := codec.SourceOptions{Validate: true, Compression: codec.None, Table: func(_ string, f codec.Format, head []byte) {
			format, header = f.String(), string(head)
		}}
		got := readAll(t, of("s", []byte(data), nil), o, always(64<<10))
		if format == "" || len(data) > 4096 {
			return
		}
		bad := len(got.bad)
		if bad > 0 && !strings.HasSuffix(data, "\n") && len(got.records) > 1 {
			bad-- // the last row had not ended when there were rows enough
		}
		if got.err != nil || bad > 0 || header == "" || len(got.records) == 0 {
			t.Fatalf("%q is taken for %s: %v, %d bad, %d records", data, format, got.err, len(got.bad), len(got.records))
		}
	})
}
