package codec_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/weirtest"
)

// small makes streams of many batches, and lets the steps run side by side.
func small(workers int) weir.Options {
	return weir.Options{Batch: 4 << 10, Workers: workers, Streams: 4}
}

// orders returns rows under a header, as this package writes them.
func orders(n int) string {
	r := rand.New(rand.NewPCG(5, 5))
	var b strings.Builder
	b.WriteString("order_id,created_at,customer,status,items,total,currency,channel,address\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,2026-11-%02dT%02d:%02d:%02dZ,customer-%d,%s,%d,%d.%02d,EUR,%s,%s\n",
			9007199254740993+i, r.IntN(28)+1, r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(100_000),
			[]string{"new", "paid", "shipped", "returned"}[r.IntN(4)], r.IntN(20), r.IntN(1000), r.IntN(100),
			[]string{"", "web", "store", `""`}[r.IntN(4)],
			[]string{`"1 Main Street, Springfield"`, "Große Straße 7", `"12"`, "\"two\nlines, \"\"quoted\"\"\"", "00501"}[r.IntN(5)])
	}
	return b.String()
}

func TestFilesComeBackByteForByte(t *testing.T) {
	for _, n := range []int{1, 1000} {
		for _, workers := range []int{1, 4} {
			data := orders(n)
			objects := copying{from: "csv", to: "ndjson", options: small(workers)}.data(t, "orders", data)
			if lines := strings.Count(objects, "\n"); lines != n {
				t.Fatalf("%d rows became %d lines", n, lines)
			}
			if got := (copying{from: "ndjson", to: "csv", options: small(workers)}).data(t, "orders", objects); got != data {
				t.Fatalf("%d rows with %d workers are not what they were:\n%.2000s", n, workers, got)
			}
			array := copying{from: "csv", to: "json", options: small(workers)}.data(t, "orders", data)
			if !stdjson.Valid([]byte(array)) {
				t.Fatalf("not JSON: %.300s", array)
			}
			if got := (copying{from: "json", to: "csv", options: small(workers)}).data(t, "orders", array); got != data {
				t.Fatalf("%d elements with %d workers are not what the rows were", n, workers)
			}
			tabs := copying{from: "csv", to: "tsv", options: small(workers)}.data(t, "orders", data)
			if got := (copying{from: "tsv", to: "csv", options: small(workers)}).data(t, "orders", tabs); got != data {
				t.Fatalf("%d rows of TSV with %d workers are not what they were", n, workers)
			}
		}
	}
}

func TestHeadersAndBracketsAreWrittenOnce(t *testing.T) {
	for _, c := range []struct {
		from, to, in, want string
		columns            []string
	}{
		{"csv", "csv", "a,b\n1,2\n3,4\n", "a,b\n1,2\n3,4\n", nil},
		{"csv", "csv", "a,b\r\n1,2\r\n", "a,b\n1,2\r\n", nil},
		{"csv", "csv,header=no", "a,b\n1,2\n3,4\n", "1,2\n3,4\n", nil},
		{"csv", "csv,sep=semicolon", "a,b\n1,2;3\n", "a;b\n1;\"2;3\"\n", nil},
		{"csv", "csv", "a,b\n1,\"2\"\n", "b,a\n\"2\",1\n", []string{"b", "a"}},
		{"csv", "tsv", "a,b\n1,\n", "b\ta\tc\n\t1\t\n", []string{"b", "a", "c"}},
		{"csv,header=no", "csv", "1,2\n3,4\n", "x,y\n1,2\n3,4\n", []string{"x", "y"}},
		{"csv,header=no", "ndjson", "1,2\n", `{"x":1,"y":2}` + "\n", []string{"x", "y"}},
		{"csv", "json", "a,b\n1,2\n3,4\n", "[\n{\"a\":1,\"b\":2},\n{\"a\":3,\"b\":4}\n]\n", nil},
		{"json", "json", "[1,\n{\"a\": 2}]\n[3]", "[\n1,\n{\"a\": 2},\n3\n]\n", nil},
		{"ndjson", "csv", "{\"a\":1}\n{\"a\":2}\n", "a\n1\n2\n", nil},
		{"ndjson", "csv", "{}\n{\"a\":1}\n", "a\n\"\"\n1\n", nil},
		{"ndjson", "csv,header=no", "{\"b\":1,\"a\":2}\n", "1,2\n", nil},
		{"ndjson", "tsv", "{\"b\":1,\"a\":2}\n", "a\tb\n2\t1\n", []string{"a", "b"}},
		{"lines", "csv", "x\ny,z\n", "message\nx\n\"y,z\"\n", nil},
		{"lines", "json", "x\n", "[\n{\"message\":\"x\"}\n]\n", nil},
		{"bytes", "bytes", "x\x00y", "x\x00y", nil},
		// Without records:
		{"csv", "json", "a,b\n", "[]\n", nil},
		{"csv", "csv", "a,b\n", "a,b\n", nil},
		{"csv", "csv", "\ufeffa,b", "a,b\n", nil},
		{"csv", "csv", "a,a,\r\n\r\n", "a,a,\n", nil},
		{"csv", "csv", "\"a\nb\",c\n", "\"a\nb\",c\n", nil},
		{"csv", "tsv", "\"a,\",\"b\"\"\"\n", "\"a,\"\t\"b\"\"\"\n", nil},
		{"csv", "csv,sep=semicolon", "a,b;\n", "a;\"b;\"\n", nil},
		{"csv", "csv", "a,b\n", "b,c\n", []string{"b", "c"}},
		{"csv", "csv,header=no", "a,b\n", "", nil},
		{"csv", "ndjson", "a,b\n", "", nil},
		{"csv", "csv", "", "", nil},
		{"ndjson", "json", "", "[]\n", nil},
		{"ndjson", "csv", "", "", nil},
		{"ndjson", "csv", "", "a,b\n", []string{"a", "b"}},
		{"ndjson", "csv,header=no", "", "", []string{"a", "b"}},
		{"ndjson", "nul", "", "", nil},
	} {
		x := copying{from: c.from, to: c.to, encode: codec.EncodeOptions{Convert: codec.ConvertOptions{Columns: c.columns}}}
		if got := x.data(t, "stream", c.in); got != c.want {
			t.Errorf("%s to %s\n got %q\nwant %q", c.from, c.to, got, c.want)
		}
	}
}

// unpack decompresses with the method's own library.
func unpack(t *testing.T, m compress.Method, data []byte) string {
	t.Helper()
	var r io.Reader
	var err error
	switch m {
	case compress.Gzip:
		r, err = gzip.NewReader(bytes.NewReader(data))
	case compress.Zstd:
		r, err = zstd.NewReader(bytes.NewReader(data))
	default:
		r = lz4.NewReader(bytes.NewReader(data))
	}
	must(t, err)
	text, err := io.ReadAll(r)
	must(t, err)
	return string(text)
}

func TestCompressedFilesAreTheSameFiles(t *testing.T) {
	data := orders(1000)
	for _, c := range []struct{ from, to, in string }{
		{"csv", "csv", data},
		{"csv", "ndjson", data},
		{"csv", "json", data},
		{"csv", "tsv", data},
		{"csv", "json", "a,b\n"},
		{"csv", "csv", "a,b\n"},
		{"bytes", "bytes", data},
		{"bytes", "bytes", ""},
	} {
		want := copying{from: c.from, to: c.to}.data(t, "orders", c.in)
		for _, m := range []compress.Method{compress.Gzip, compress.Zstd, compress.LZ4} {
			for _, workers := range []int{1, 4} {
				packed := copying{from: c.from, to: c.to + "+" + m.String(), options: small(workers)}.data(t, "orders", c.in)
				if got := unpack(t, m, []byte(packed)); got != want {
					t.Errorf("%s to %s+%s with %d workers: %d bytes, want %d\n%.200q", c.from, c.to, m, workers, len(got), len(want), got)
				}
			}
		}
	}
}

func TestPackedRecordsAreCounted(t *testing.T) {
	_, result, err := copying{from: "csv", to: "ndjson+zstd"}.run(t, weirtest.BytesStream{Name: "a", Data: []byte(orders(100))})
	must(t, err)
	if result.Read.Records != 100 || result.Written.Records != 100 {
		t.Errorf("read %d, written %d of 100 records", result.Read.Records, result.Written.Records)
	}
}

func TestStreamsAreRenamed(t *testing.T) {
	for _, c := range []struct{ from, to, name, want string }{
		{"csv", "ndjson+zstd", "orders.csv.gz", "orders.ndjson.zst"},
		{"csv", "ndjson", "dir.csv/orders.csv", "dir.csv/orders.ndjson"},
		{"csv", "csv+gzip", "orders.csv", "orders.csv.gz"},
		{"csv", "csv", "orders.csv.zst", "orders.csv"},
		{"ndjson", "json", "a.jsonl", "a.json"},
		{"ndjson", "ndjson+lz4", "a.jsonl", "a.jsonl.lz4"},
		{"csv", "ndjson", "orders", "orders.ndjson"},
		{"csv", "ndjson", "orders.2026", "orders.2026.ndjson"},
		{"csv", "ndjson", "dir/.csv", "dir/.csv.ndjson"},
		{"lines", "nul", "a.log", "a.nul"},
		{"lines", "length", "a", "a.length"},
		{"bytes", "bytes+gzip", "image.iso", "image.iso.gz"},
	} {
		to, err := codec.ParseSpec(c.to)
		must(t, err)
		e, err := codec.NewEncoder(format(t, c.from), to, codec.EncodeOptions{})
		must(t, err)
		if got := e.Rename(c.name); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.name, got, c.want)
		}
	}
	sink, _, err := copying{from: "csv", to: "ndjson+zstd"}.run(t, weirtest.BytesStream{Name: "x/orders.csv", Data: []byte("a\n1\n")})
	must(t, err)
	if _, ok := sink.Committed("x/orders.ndjson.zst"); !ok {
		t.Errorf("written: %+v", sink.Streams())
	}
}

func TestEveryStreamHasItsOwnColumns(t *testing.T) {
	var streams []weirtest.BytesStream
	for i := range 20 {
		streams = append(streams, weirtest.BytesStream{
			Name: fmt.Sprintf("s%d.ndjson", i),
			Data: bytes.Repeat(fmt.Appendf(nil, "{\"a%d\":1,\"b%d\":2}\n", i, i), 1000),
		})
	}
	sink, _, err := copying{from: "ndjson", to: "csv", options: small(4)}.run(t, streams...)
	must(t, err)
	for i := range streams {
		got, _ := sink.Committed(fmt.Sprintf("s%d.csv", i))
		if want := fmt.Sprintf("a%d,b%d\n", i, i) + strings.Repeat("1,2\n", 1000); string(got) != want {
			t.Errorf("stream %d: %.100q", i, got)
		}
	}
}

func TestBadRecordsAreCountedAndTheRestArrives(t *testing.T) {
	data := "{\"a\":1}\n" + strings.Repeat("{\"a\":2}\nnot JSON\n{\"a\":3,\"late\":true}\n", 300)
	x := copying{from: "ndjson", to: "csv+gzip", options: small(4)}
	x.encode.Convert.Bad = weir.SkipBad
	sink, result, err := x.run(t, weirtest.BytesStream{Name: "a.ndjson", Data: []byte(data)})
	must(t, err)
	if result.Read.Records != 901 || result.Written.Records != 301 || result.Skipped.Records != 600 {
		t.Errorf("%d read, %d written, %d skipped", result.Read.Records, result.Written.Records, result.Skipped.Records)
	}
	packed, _ := sink.Committed("a.csv.gz")
	if got := unpack(t, compress.Gzip, packed); got != "a\n1\n"+strings.Repeat("2\n", 300) {
		t.Errorf("got %.100q", got)
	}

	_, _, err = copying{from: "ndjson", to: "csv"}.run(t, weirtest.BytesStream{Name: "a.ndjson", Data: []byte(data)})
	failed(t, err, weir.Rejected, "a.ndjson", "record 3")
	if bad := reasonOf(t, err); bad.Record != 3 || bad.Stage != "ndjson to csv" {
		t.Errorf("%+v", bad)
	}
}

func TestBatchesThatGrowBeyondTheirRoomGetMore(t *testing.T) {
	names := make([]string, 40)
	for k := range names {
		names[k] = fmt.Sprintf("a_column_with_a_long_name_%d", k)
	}
	row := strings.Repeat("1,", 39) + "1\n"
	got := copying{from: "csv", to: "ndjson"}.data(t, "wide", strings.Join(names, ",")+"\n"+strings.Repeat(row, 20_000))
	if n := strings.Count(got, "\n"); n != 20_000 {
		t.Errorf("%d lines", n)
	}
}

func TestFoundColumnsHaveALimit(t *testing.T) {
	var object strings.Builder
	object.WriteString(`{"a":1`)
	for i := range 1500 {
		fmt.Fprintf(&object, `,"member_%d":%d`, i, i)
	}
	object.WriteString("}\n")
	_, _, err := copying{from: "ndjson", to: "csv"}.run(t, weirtest.BytesStream{Name: "a", Data: []byte(object.String())})
	failed(t, err, weir.Rejected, "the limit is 196608 where they are not named")
}

func TestFoundColumnsNeedTheSink(t *testing.T) {
	to, err := codec.ParseSpec("csv")
	must(t, err)
	e, err := codec.NewEncoder(format(t, "ndjson"), to, codec.EncodeOptions{})
	must(t, err)
	out := weir.NewBatch(100)
	err = e.Steps()[0].Do(t.Context(), batchOf("", "{\"a\":1}\n"), out)
	failed(t, err, weir.Invalid, "Encoder.Sink")
}

func TestEncodersRefuseWhatCannotBeWritten(t *testing.T) {
	for _, c := range []struct {
		from, to string
		o        codec.EncodeOptions
		want     string
	}{
		{"csv", "ndjson+bzip2", codec.EncodeOptions{}, "cannot be written"},
		{"csv", "ndjson+gzip", codec.EncodeOptions{Level: 99}, "level"},
		{"", "ndjson", codec.EncodeOptions{}, "found by name"},
		{"csv", "", codec.EncodeOptions{}, "found by name"},
	} {
		to, err := codec.ParseSpec(c.to)
		must(t, err)
		_, err = codec.NewEncoder(format(t, c.from), to, c.o)
		failed(t, err, weir.Invalid, c.want)
	}
}

// The first object whose record gets as far as the encoder decides, whatever the
// workers do: what comes before it may be bad, filtered or without members.
func TestColumnsAreThoseOfTheFirstObjectWithAnyNumberOfWorkers(t *testing.T) {
	var data strings.Builder
	for range 2000 {
		data.WriteString("not an object\n")
	}
	data.WriteString("{\"z\":1,\"a\":2}\n")
	for range 5000 {
		data.WriteString("{\"a\":2,\"z\":1}\n")
	}
	for range 10 {
		x := copying{from: "ndjson", to: "csv", options: small(4)}
		x.encode.Convert.Bad = weir.SkipBad
		sink, _, err := x.run(t, weirtest.BytesStream{Name: "a.ndjson", Data: []byte(data.String())})
		must(t, err)
		if got, _ := sink.Committed("a.csv"); string(got) != "z,a\n"+strings.Repeat("1,2\n", 5001) {
			t.Fatalf("got %.60q", got)
		}
	}
}
