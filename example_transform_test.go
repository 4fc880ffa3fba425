package weir_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/weirflow/weir"
)

// lines is a source of one stream whose records are its lines: a whole
// connector, without resuming.
type lines struct {
	all   []string
	given bool
}

func (l *lines) Next(context.Context) (weir.Stream, error) {
	if l.given {
		return nil, io.EOF
	}
	l.given = true
	return l, nil
}

func (l *lines) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "lines", Name: "lines", Size: weir.UnknownSize}
}

func (l *lines) Seek(context.Context, weir.Position) error { return weir.ErrNotResumable }

func (l *lines) Read(_ context.Context, b *weir.Batch) error {
	for len(l.all) > 0 {
		if !b.Append([]byte(l.all[0])) {
			return nil // full: the rest comes with the next batch
		}
		l.all = l.all[1:]
	}
	return io.EOF
}

func (l *lines) Close() error { return nil }

// A transform takes a batch and fills another: here it leaves out what is not an
// error. It runs on several workers; the order of the records stays.
func ExampleTransform() {
	source := &lines{all: []string{"info: up\n", "error: disk full\n", "info: fine\n", "error: no route\n"}}
	onlyErrors := func(_ context.Context, in, out *weir.Batch) error {
		for i := range in.Records() {
			if rec := in.Record(i); bytes.HasPrefix(rec, []byte("error: ")) && !out.Append(rec) {
				return weir.ErrBatchFull
			}
		}
		return nil
	}
	result, err := weir.Ingest(context.Background(), source, weir.ToWriter(os.Stdout), weir.Options{
		Steps: []weir.Step{{Name: "onlyErrors", Do: onlyErrors}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("read", result.Read.Records, "written", result.Written.Records, "filtered", result.Filtered.Records)
	// Output:
	// error: disk full
	// error: no route
	// read 4 written 2 filtered 2
}
