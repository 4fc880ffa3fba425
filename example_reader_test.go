package weir_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/weirflow/weir"
)

// A source that is many times faster than its sink: at most two batches are
// ever in memory, one being written and one read ahead.
func ExampleFromReader() {
	const size = 10 << 20
	river := io.LimitReader(strings.NewReader(strings.Repeat("water ", size/6+1)), size)
	var largest int
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		largest = max(largest, b.Len())
		return nil // b is the engine's again
	})
	result, err := weir.Ingest(context.Background(), weir.FromReader(river), sink, weir.Options{
		Batch: 64 << 10,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("bytes:", result.Acknowledged.Bytes)
	fmt.Println("largest write:", largest)
	fmt.Println("two batches at most:", result.PeakInFlightBytes <= 2*64<<10)
	// Output:
	// bytes: 10485760
	// largest write: 65536
	// two batches at most: true
}
