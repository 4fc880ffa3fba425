package codec_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func TestReadDoesNotAllocate(t *testing.T) {
	var plain, gz, zst bytes.Buffer
	must(t, logLines(&plain, 4<<20))
	g := gzip.NewWriter(&gz)
	must(t, logLines(g, 4<<20))
	must(t, g.Close())
	z, err := zstd.NewWriter(&zst)
	must(t, err)
	must(t, logLines(z, 4<<20))
	must(t, z.Close())

	for name, x := range map[string]struct {
		data []byte
		o    codec.SourceOptions
	}{
		"lines":     {plain.Bytes(), codec.SourceOptions{Format: codec.Format{Name: codec.Lines}}},
		"ndjson":    {plain.Bytes(), codec.SourceOptions{Format: codec.Format{Name: codec.NDJSON}}},
		"validated": {plain.Bytes(), codec.SourceOptions{Format: codec.Format{Name: codec.NDJSON}, Validate: true, UTF8: codec.RejectInvalid}},
		"json":      {plain.Bytes(), codec.SourceOptions{Format: codec.Format{Name: codec.JSON}}},
		"csv":       {bytes.ReplaceAll(plain.Bytes(), []byte(`"`), []byte("'")), codec.SourceOptions{Format: codec.Format{Name: codec.CSV}}},
		"gzip":      {gz.Bytes(), codec.SourceOptions{Format: codec.Format{Name: codec.NDJSON}}},
		"zstd":      {zst.Bytes(), codec.SourceOptions{Format: codec.Format{Name: codec.NDJSON}}},
	} {
		t.Run(name, func(t *testing.T) {
			st := open(t, of("log", x.data, nil), x.o)
			b := weir.NewBatch(256 << 10)
			must(t, st.Read(context.Background(), b)) // gets ready
			allocs := testing.AllocsPerRun(10, func() {
				b.Reset()
				must(t, st.Read(context.Background(), b))
			})
			if allocs > 0 {
				t.Errorf("%v allocations a batch", allocs)
			}
			if b.Records() < 700 {
				t.Errorf("%d records in a batch", b.Records())
			}
		})
	}
}
