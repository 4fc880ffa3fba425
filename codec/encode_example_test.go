package codec_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func ExampleNewEncoder() {
	objects := `{"id":9007199254740993,"zip":"00501","note":"fragile, heavy"}
{"id":2,"note":null,"zip":"1"}
`
	from := codec.Format{Name: codec.NDJSON}
	source, err := codec.NewSource(weir.FromReader(strings.NewReader(objects)), codec.SourceOptions{Format: from})
	if err != nil {
		fmt.Println(err)
		return
	}
	encoder, err := codec.NewEncoder(from, codec.Spec{Format: codec.Format{Name: codec.CSV}}, codec.EncodeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = weir.Ingest(context.Background(), source, encoder.Sink(weir.ToWriter(os.Stdout)), weir.Options{
		Steps: encoder.Steps(),
	})
	fmt.Println(err)
	// Output:
	// id,zip,note
	// 9007199254740993,00501,"fragile, heavy"
	// 2,"1",
	// <nil>
}

func ExampleConvert() {
	steps, err := codec.Convert(codec.Format{Name: codec.CSV}, codec.Format{Name: codec.NDJSON}, codec.ConvertOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	in, out := weir.NewBatch(256), weir.NewBatch(1024)
	in.SetHeader([]byte("id,zip,note\n"))
	in.Append([]byte("1,00501,\"\"\n"))
	in.Append([]byte("2,501,\n"))
	err = steps[0].Do(context.Background(), in, out)
	fmt.Printf("%s%v\n", out.Bytes(), err)
	// Output:
	// {"id":1,"zip":"00501","note":""}
	// {"id":2,"zip":501,"note":null}
	// <nil>
}
