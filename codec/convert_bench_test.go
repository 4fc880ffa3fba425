package codec_test

import (
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/sim"
	"github.com/weirflow/weir/weirtest"
)

// plainOrders returns about n bytes of CSV as shops and databases export it, some
// 100 bytes a row.
func plainOrders(n int) string {
	header, rows, _ := strings.Cut(orders(10_000), "\n")
	rows = strings.ReplaceAll(rows, "\"two\nlines, \"\"quoted\"\"\"", "second floor")
	return header + "\n" + strings.Repeat(rows, n/len(rows)+1)
}

// convertedOrders is plainOrders in another format.
func convertedOrders(b *testing.B, n int, to string) string {
	return copying{from: "csv", to: to}.data(b, "orders", plainOrders(n))
}

// BenchmarkConvert takes each conversion beside the same scan without it: from
// memory to nowhere, on one worker. The rate is of what is read.
func BenchmarkConvert(b *testing.B) {
	const size = 16 << 20
	rows := plainOrders(size)
	objects := convertedOrders(b, size, "ndjson")
	for _, c := range []struct{ name, data, from, to string }{
		{"csv/scan", rows, "csv", "csv"},
		{"csv/ndjson", rows, "csv", "ndjson"},
		{"csv/json", rows, "csv", "json"},
		{"csv/tsv", rows, "csv", "tsv"},
		{"csv/ndjson+zstd", rows, "csv", "ndjson+zstd"},
		{"csv/ndjson+gzip", rows, "csv", "ndjson+gzip"},
		{"csv/ndjson+lz4", rows, "csv", "ndjson+lz4"},
		{"ndjson/scan", objects, "ndjson", "ndjson"},
		{"ndjson/csv", objects, "ndjson", "csv"},
		{"ndjson/length", objects, "ndjson", "length"},
		{"lines/scan", rows, "lines", "lines"},
		{"lines/ndjson", rows, "lines", "ndjson"},
	} {
		data := []byte(c.data)
		measure(b, c.name, int64(len(data)), func(b *testing.B) {
			src, err := codec.NewSource(weirtest.NewBytesSource(weirtest.BytesStream{Name: "orders", Data: data}),
				codec.SourceOptions{Format: format(b, c.from), Compression: codec.None})
			must(b, err)
			to, err := codec.ParseSpec(c.to)
			must(b, err)
			e, err := codec.NewEncoder(format(b, c.from), to, codec.EncodeOptions{})
			must(b, err)
			_, err = weir.Ingest(b.Context(), src, e.Sink(sim.NewNull()), weir.Options{Steps: e.Steps(), Workers: 1})
			must(b, err)
		})
	}
}
