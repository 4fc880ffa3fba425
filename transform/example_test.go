package transform_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

// logs returns a batch with three records.
func logs() *weir.Batch {
	b := weir.NewBatch(1 << 10)
	for _, rec := range []string{
		`{"status":200,"latency_ms":12,"referer":"-","user":"anna@example.com"}`,
		`{"status":500,"latency_ms":2345,"referer":"-","user":"bob@example.com"}`,
		`{"status":503,"latency_ms":88,"referer":"/a","user":"carol@example.com"}`,
	} {
		b.Append([]byte(rec + "\n"))
	}
	return b
}

// A program is parsed once; its Step is one of weir.Options.
func ExampleParse() {
	p, err := transform.Parse(`
		where status >= 500
		set latency_s = latency_ms / 1000
		drop referer, latency_ms
		mask email with [email]
	`, transform.Options{Bad: weir.SkipBad})
	if err != nil {
		fmt.Println(err)
		return
	}
	options := weir.Options{Steps: []weir.Step{p.Step(weir.MaxBatch)}}
	out := weir.NewBatch(1 << 10)
	if err := options.Steps[0].Do(context.Background(), logs(), out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out.Bytes()))
	fmt.Println(p, "left out", out.Noted(weir.Filtered).Records)
	// Output:
	// {"status":500,"user":"[email]","latency_s":2.345}
	// {"status":503,"user":"[email]","latency_s":0.088}
	// where, set latency_s, drop referer, latency_ms, mask email left out 1
}

// An error shows the place.
func ExampleError() {
	_, err := transform.Parse("drop referer | where status >= 'x' + 5", transform.Options{})
	fmt.Println(err)
	// Output:
	// line 1, column 36: + cannot take a string and a number
	//   drop referer | where status >= 'x' + 5
	//                                      ^
}

// Statements may come from the flags of a command line, in their order.
func ExampleNew() {
	var all []transform.Statement
	for _, flag := range []string{"where status >= 500", "keep status,user", "hash user with xxh3(pepper)"} {
		name, argument, _ := strings.Cut(flag, " ")
		st, err := transform.ParseStatement(name, argument)
		if err != nil {
			fmt.Println(err)
			return
		}
		all = append(all, st)
	}
	p, err := transform.New(all, transform.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	out := weir.NewBatch(1 << 10)
	if err := p.Batch(context.Background(), logs(), out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out.Bytes()))
	// Output:
	// {"status":500,"user":"b54cb147037dcdae"}
	// {"status":503,"user":"62b7aab47683b504"}
}

// A plain function over records emits as many as it likes.
func ExampleRecords() {
	twice := transform.Records(func(_ context.Context, rec []byte, emit func([]byte) error) error {
		if strings.Contains(string(rec), `"status":200`) {
			return nil // left out
		}
		if err := emit(rec); err != nil {
			return err
		}
		return emit([]byte("{\"again\":true}\n"))
	}, transform.Options{})
	out := weir.NewBatch(1 << 10)
	if err := twice(context.Background(), logs(), out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out.Bytes()))
	// Output:
	// {"status":500,"latency_ms":2345,"referer":"-","user":"bob@example.com"}
	// {"again":true}
	// {"status":503,"latency_ms":88,"referer":"/a","user":"carol@example.com"}
	// {"again":true}
}

// A function over maps is the comfortable way, at thirty times the cost.
func ExampleMaps() {
	f := transform.Maps(func(_ context.Context, rec map[string]any) (map[string]any, error) {
		delete(rec, "user")
		rec["seen"] = true
		return rec, nil
	}, transform.Options{})
	out := weir.NewBatch(1 << 10)
	if err := f(context.Background(), logs(), out); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(out.Bytes()))
	// Output:
	// {"latency_ms":12,"referer":"-","seen":true,"status":200}
	// {"latency_ms":2345,"referer":"-","seen":true,"status":500}
	// {"latency_ms":88,"referer":"/a","seen":true,"status":503}
}
