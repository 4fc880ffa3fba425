package codec_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func ExampleNewSource() {
	orders := "id,customer\n1,\"Miller, Anna\"\n2,Smith\n3,\"no end\n"

	format := codec.Format{Name: codec.CSV}
	source, err := codec.NewSource(weir.FromReader(strings.NewReader(orders)), codec.SourceOptions{
		Format: format,
		Bad: func(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
			fmt.Println("bad:", r)
			return weir.Skipped, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	payload := format.Payload()
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		for i := range b.Records() {
			fmt.Printf("%d: %s of %s\n", b.FirstRecord()+int64(i), payload(b.Record(i)), b.Header())
		}
		return nil
	})
	result, err := weir.Ingest(context.Background(), source, sink, weir.Options{})
	fmt.Println(result.Status, result.Stats.Skipped.Records, "skipped", err)
	// Output:
	// 1: 1,"Miller, Anna" of id,customer
	// 2: 2,Smith of id,customer
	// bad: csv: line 4, record 3, offset 37: a field in quotes has no end
	// succeeded 1 skipped <nil>
}

func ExampleParseSpec() {
	spec, err := codec.ParseSpec("csv,sep=semicolon,header=no+gzip")
	fmt.Println(spec, spec.Format.Separator == ';', err)
	spec, _ = codec.InferSpec("2026/orders.ndjson.zst")
	fmt.Println(spec)
	// Output:
	// csv,sep=semicolon,header=no+gzip true <nil>
	// ndjson+zstd
}
