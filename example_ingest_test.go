package weir_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/weirflow/weir"
)

// The common case: from a reader to a writer. The reader is read only when the
// writer has room for what comes.
func ExampleIngest() {
	var out bytes.Buffer
	result, err := weir.Ingest(context.Background(),
		weir.FromReader(strings.NewReader("all the water of the river")),
		weir.ToWriter(&out),
		weir.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.String())
	fmt.Println(result.Status, result.Acknowledged.Bytes, "bytes in", result.Streams.Committed, "stream")
	// Output:
	// all the water of the river
	// succeeded 26 bytes in 1 stream
}
