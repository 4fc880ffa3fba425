package weir_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// forever is a reader without an end.
type forever struct{}

func (forever) Read(p []byte) (int, error) { return len(p), nil }

// A Control watches a run and drains it: nothing more is read, and what was read
// is delivered. A stream that was cut short before its end is aborted, because
// it is not whole.
func ExampleControl() {
	var control weir.Control
	sink := weir.SinkFunc(func(context.Context, *weir.Batch) error {
		if control.Stats().Written.Bytes >= 1<<20 {
			control.Drain()
		}
		return nil
	})
	result, err := weir.Ingest(context.Background(), weir.FromReader(io.Reader(forever{})), sink, weir.Options{
		Control: &control,
	})
	fmt.Println(result.Status)
	fmt.Println("drained:", errors.Is(err, weir.ErrDrained))
	fmt.Println("everything read was written:", result.Read == result.Written)
	// Output:
	// aborted
	// drained: true
	// everything read was written: true
}
