package parquet

import (
	"fmt"
	"math/rand"
	"runtime"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/format"
)

func hp() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestZZMem(t *testing.T) {
	data := make([]byte, 4<<20)
	r := rand.New(rand.NewSource(1))
	for i := range data {
		data[i] = "the quick brown fox jumps over lazy dogs"[r.Intn(40)]
		if i > 1000 && r.Intn(20) == 0 {
			copy(data[i:], data[i-1000+r.Intn(900):i])
		}
	}
	for _, name := range []string{"zstd", "gzip", "snappy"} {
		room := make([]byte, 0, worstCase(len(data)))
		before := hp()
		c, _ := newCompressor(name)
		a := hp()
		for _, n := range []int{100, 10000, 300000, 1 << 20, 4 << 20} {
			out, _ := c.compress(room, data[:n])
			fmt.Println(name, n, len(out), hp()-before, a-before)
		}
		runtime.KeepAlive(c)
	}
	for _, c := range []compress.Codec{&pq.Zstd, &pq.Gzip, &pq.Brotli, &compressBest} {
		for _, n := range []int{100, 10000, 300000, 1 << 20, 4 << 20} {
			in, _ := c.Encode(nil, data[:n])
			out := make([]byte, n)
			before := hp()
			var d decompressor
			codec := c.CompressionCodec()
			if err := d.decompress(codec, out, in); err != nil {
				t.Fatal(err)
			}
			fmt.Println("decode", format.CompressionCodec(codec), n, len(in), hp()-before)
			runtime.KeepAlive(&d)
			runtime.KeepAlive(in)
			runtime.KeepAlive(out)
		}
	}
}

var compressBest = pq.Zstd
