package codec_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/weirtest"
)

// A batch that was made larger for a record is delivered with it, and what was read
// with its end, and not filled up with those that follow: all that is in it costs more
// on its way.
func TestLargerBatchEndsWithItsRecord(t *testing.T) {
	var data bytes.Buffer
	long := strings.Repeat("long ", 40<<10)
	for n := range 5000 {
		if n%1000 == 10 {
			fmt.Fprintf(&data, "{\"n\":%d,\"x\":%q}\n", n, long)
			continue
		}
		fmt.Fprintf(&data, "{\"n\":%d}\n", n)
	}
	const carry = 4 << 10
	for _, piece := range []func() int{nil, always(1000), always(1)} {
		st := open(t, of("a.ndjson", data.Bytes(), piece), codec.SourceOptions{MaxRecord: 1 << 20, Carry: carry})
		records, large := 0, 0
		for err := error(nil); err != io.EOF; {
			var b *weir.Batch
			if b, err = weirtest.Read(t.Context(), st, weir.NewBatch(16<<10)); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			behind := math.MinInt // bytes behind a large record
			for i := range b.Records() {
				if len(b.Record(i)) > len(long) {
					large++
					behind = 0
					continue
				}
				if behind += len(b.Record(i)); behind > carry {
					t.Fatalf("%d bytes follow a large record", behind)
				}
			}
			records += b.Records()
		}
		if records != 5000 || large != 5 {
			t.Errorf("%d records, %d large ones", records, large)
		}
	}
}
