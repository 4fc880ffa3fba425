package parquet_test

import (
	"context"
	"fmt"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
	"github.com/weirflow/weir/weirtest"
)

// Records are written as a Parquet file with the columns of a schema, and two of the
// columns are read back. In a program, files take the places of the two ends in memory.
func Example() {
	records := weirtest.BytesStream{Name: "prices.ndjson", Lines: true, Data: []byte(
		`{"id":1,"price":19.9,"tags":["new"]}` + "\n" +
			`{"id":2,"price":7.25}` + "\n")}
	stored := weirtest.NewMemSink(weir.Footprint{})
	sink := parquet.NewSink(stored, parquet.Options{
		Schema: "id int64, price decimal(12,2), tags json",
		Rename: parquet.RenameFile,
	})
	if _, err := weir.Ingest(context.Background(), weirtest.NewBytesSource(records), sink, weir.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	file, _ := stored.Committed("prices.parquet")

	read := weirtest.NewMemSink(weir.Footprint{})
	source := parquet.NewSource(diskOf("prices.parquet", file), parquet.Options{Columns: []string{"id", "price"}})
	if _, err := weir.Ingest(context.Background(), source, read, weir.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	lines, _ := read.Committed("prices.parquet")
	fmt.Printf("%s", lines)
	// Output:
	// {"id":1,"price":19.90}
	// {"id":2,"price":7.25}
}
