package codec_test

import (
	"context"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func TestSpecsAreRead(t *testing.T) {
	for text, want := range map[string]codec.Spec{
		"":                            {},
		"ndjson":                      {Format: codec.Format{Name: codec.NDJSON}},
		"jsonl":                       {Format: codec.Format{Name: codec.NDJSON}},
		"lines+zstd":                  {Format: codec.Format{Name: codec.Lines}, Compression: "zstd"},
		"+gzip":                       {Compression: "gzip"},
		"csv+none":                    {Format: codec.Format{Name: codec.CSV}, Compression: codec.None},
		"csv,sep=semicolon":           {Format: codec.Format{Name: codec.CSV, Separator: ';'}},
		"csv,sep=|,header=no":         {Format: codec.Format{Name: codec.CSV, Separator: '|', NoHeader: true}},
		"tsv,quotes=no":               {Format: codec.Format{Name: codec.TSV, NoQuotes: true}},
		"csv,header=yes,quotes=yes":   {Format: codec.Format{Name: codec.CSV}},
		"length,width=varint":         {Format: codec.Format{Name: codec.Length, Width: codec.Varint}},
		"length,width=8,order=little": {Format: codec.Format{Name: codec.Length, Width: 8, LittleEndian: true}},
		"fixed,size=512+lz4":          {Format: codec.Format{Name: codec.Fixed, Size: 512}, Compression: "lz4"},
	} {
		got, err := codec.ParseSpec(text)
		if err != nil || got != want {
			t.Errorf("%q is %+v, want %+v: %v", text, got, want, err)
		}
	}
}

func TestWrongSpecsSayWhy(t *testing.T) {
	for text, words := range map[string]string{
		"xml":                      `no format is called "xml": it is one of lines, ndjson, json, csv`,
		"csv+rar":                  `no compression is called "rar"`,
		"csv+":                     "no compression behind it",
		"csv,sep=":                 `the setting "sep" cannot be ""`,
		"csv,sep=ab":               `cannot be "ab"`,
		"csv,sep=\"":               "not a quote",
		"csv,sep=é":                `cannot be "é"`,
		"csv,colour=red":           `no setting is called "colour"`,
		"csv,header=maybe":         `cannot be "maybe"`,
		"lines,header=no":          `format "lines" has no header`,
		"lines,sep=tab,quotes=no":  `format "lines" has no quotes`,
		"ndjson,size=4":            `format "ndjson" has no size`,
		"fixed":                    "the size of records is 0",
		"fixed,size=0":             `cannot be "0"`,
		"fixed,size=-1":            `cannot be "-1"`,
		"length,width=3":           "it must be 1, 2, 4, 8 or Varint",
		"csv,width=4,order=little": `format "csv" has no width`,
	} {
		_, err := codec.ParseSpec(text)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", text, err, words)
		}
	}
}

func TestNamesSayWhatStreamsAre(t *testing.T) {
	for name, want := range map[string]string{
		"a/orders.csv.gz": "csv+gzip",
		"a.ndjson":        "ndjson+none",
		"A.JSONL.ZST":     "ndjson+zstd",
		"log.txt":         "lines+none",
		"x.tsv.bz2":       "tsv+bzip2",
		"x.json.xz":       "json+xz",
		"dump.gz":         "+gzip",
		"a.dat":           "",
		"":                "",
		".gz":             "",
		"dir.csv/file":    "",
	} {
		got, ok := codec.InferSpec(name)
		if got.String() != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"a/b.csv.gz": "a/b.csv", "a.csv": "a.csv", ".gz": ".gz", "a/.zst": "a/.zst"} {
		if got := codec.TrimCompression(name); got != want {
			t.Errorf("%q is called %q, want %q", name, got, want)
		}
	}
}

func FuzzSpecHasOneText(f *testing.F) {
	for _, text := range []string{"csv,sep=;,header=no+gzip", "length,width=varint", "fixed,size=3", "lines", "+zstd", "tsv,sep=plus"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := codec.ParseSpec(text)
		if err != nil {
			return
		}
		again, err := codec.ParseSpec(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q is %q and then %q: %v", text, s, again, err)
		}
	})
}

func TestWrongOptionsSayWhy(t *testing.T) {
	for words, o := range map[string]codec.SourceOptions{
		"option MaxRecord is -1":    {MaxRecord: -1},
		"option Carry is 5":         {Carry: 5},
		"option UTF8 is 9":          {UTF8: 9},
		"option MaxWindow is -2":    {MaxWindow: -2},
		"option MaxRatio is -1":     {MaxRatio: -1},
		"option Format.Size is 100": {Format: codec.Format{Name: codec.Fixed, Size: 100}, MaxRecord: 10},
		"no format is called":       {Format: codec.Format{Name: "x"}},
		"no compression is called":  {Compression: "x"},
	} {
		_, err := codec.NewSource(weir.FromReader(nothing{}), o)
		failed(t, err, weir.Invalid, words)
	}
}

func TestStreamsAreWhatTheirFirstBytesSay(t *testing.T) {
	lines := strings.Repeat("a,b\n", 2000)
	for _, x := range []struct {
		name, data string
		records    int
		payload    string // of the first record
	}{
		{"x", "{\"a\":1}\n{\"a\":2}\n", 2, "{\"a\":1}\n"},
		{"x", "\n  {\n\"a\":1}\n{\"a\":2}\n", 2, "\n  {\n\"a\":1}"},
		{"x", "[1, 2,3]", 3, "[1"},
		{"x", "  [\n1, 2,3]", 3, "  [\n1"},
		{"x", lines, 2000, "a,b\n"},
		{"x", "\xef\xbb\xbfab\ncd\n", 2, "ab\n"},
		{"x", "\xef\xbb\xbf", 0, ""},
		{"x", "\xef", 1, "\xef"},
		{"x", "", 0, ""},
		{"x", "\xef\xbb\xbf[1,2]", 2, "[1"},
		{"x.csv", "\xef\xbb\xbfa,b\n1,2\n", 1, "1,2\n"},
		{"x.csv", "a,b", 0, ""},
		{"x.csv", "\n\na,b\n\n1,2", 1, "\n1,2"},
		{"x.csv", "", 0, ""},
		{"x.json", "{\"a\":1}\n{\"a\":2}\n", 2, "{\"a\":1}"},
		{"x", "ab\x00c\nd", 0, ""},
		{"x", "Buffer\nBZ\n(a)\nP*\n", 4, "Buffer\n"},
		{"x", "(\n", 1, "(\n"},
		{"x", "B", 1, "B"},
	} {
		for packing, pack := range packings {
			name := x.name
			if packing != codec.None && strings.HasPrefix(name, "x.") {
				name += map[string]string{"gzip": ".gz", "zstd": ".zst"}[packing]
			}
			for _, pieces := range []func() int{nil, always(1)} {
				got := readAll(t, of(name, pack(nil, []byte(x.data)), pieces), codec.SourceOptions{}, always(200))
				must(t, got.err)
				if len(got.records) != x.records || x.records > 0 && string(got.records[0]) != x.payload {
					t.Errorf("%s+%s: of %.30q there are %d records, the first of %.30q", name, packing, x.data, len(got.records), got.records)
				}
			}
		}
	}
}

func TestTextInUTF16IsRefused(t *testing.T) {
	for _, data := range []string{"\xff\xfea\x00\n\x00", "\xfe\xff\x00a"} {
		got := readAll(t, of("x.csv", []byte(data), always(1)), codec.SourceOptions{}, always(100))
		failed(t, got.err, weir.Invalid, "UTF-16; convert it to UTF-8 first")
	}
}

func TestANameThatIsWrongAboutTheCompressionIsAnError(t *testing.T) {
	got := readAll(t, of("x.csv", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), nil), codec.SourceOptions{}, always(100))
	failed(t, got.err, weir.Invalid, "begins as gzip does")
	got = readAll(t, of("x.csv.gz", []byte("a,b\n1,2\n3,4\n5,6\n"), nil), codec.SourceOptions{}, always(100))
	failed(t, got.err, weir.Corrupt, "is not the beginning of a gzip member")
}

func TestTheSizeIsKnownOfWhatIsNotCompressed(t *testing.T) {
	for name, want := range map[string]int64{"a.csv": 8, "a.csv.gz": weir.UnknownSize, "a": weir.UnknownSize} {
		inner := &origin{streams: []originStream{{name: name, data: []byte("a\nb\nc\nd\n"), sized: true}}}
		src, err := codec.NewSource(inner, codec.SourceOptions{Rename: codec.TrimCompression})
		must(t, err)
		st, err := src.Next(context.Background())
		must(t, err)
		if got := st.Info(); got.Size != want || got.Name != strings.TrimSuffix(name, ".gz") {
			t.Errorf("%s is %+v, want size %d", name, got, want)
		}
	}
}

// TestALineThatIsTypedIsDeliveredAtOnce reads from an origin that has one line and
// then nothing.
func TestALineThatIsTypedIsDeliveredAtOnce(t *testing.T) {
	inner := &typed{origin: of("stdin", []byte("hi\n"), nil)}
	st := open(t, inner, codec.SourceOptions{})
	b := weir.NewBatch(1000)
	must(t, st.Read(context.Background(), b))
	if string(b.Bytes()) != "hi\n" {
		t.Errorf("there is %q", b.Bytes())
	}
}

type typed struct{ *origin }

func (s *typed) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.origin.Next(ctx)
	return typedStream{st.(*originStream)}, err
}

type typedStream struct{ *originStream }

func (s typedStream) Read(ctx context.Context, b *weir.Batch) error {
	if s.off == len(s.data) {
		panic("it was read on")
	}
	return s.originStream.Read(ctx, b)
}
