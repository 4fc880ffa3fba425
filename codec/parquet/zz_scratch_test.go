package parquet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

type fileStream struct {
	*os.File
	size int64
}

func (f fileStream) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: f.Name(), Name: f.Name(), Size: f.size}
}
func (f fileStream) Seek(context.Context, weir.Position) error { panic("no") }
func (f fileStream) Read(context.Context, *weir.Batch) error   { panic("no") }

func TestScratch(t *testing.T) {
	path := os.Getenv("PQ")
	if path == "" {
		t.Skip()
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	st, _ := f.Stat()
	s := newStream(fileStream{f, st.Size()}, Options{})
	out := io.Writer(io.Discard)
	if o := os.Getenv("OUT"); o != "" {
		w, _ := os.Create(o)
		defer w.Close()
		out = w
	}
	n, err := s.Reserve(t.Context())
	fmt.Println("reserve", n, err)
	start := time.Now()
	b := weir.NewBatch(1 << 18)
	rows, total := 0, 0
	for {
		b.Reset()
		err := s.Read(t.Context(), b)
		if need, ok := err.(*weir.NeedError); ok {
			b = weir.NewBatch(need.Size)
			continue
		}
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		out.Write(b.Bytes())
		rows += b.Records()
		total += b.Len()
		if bytes.IndexByte(b.Bytes(), 0) >= 0 {
			t.Fatal("zero")
		}
		if err == io.EOF {
			break
		}
	}
	d := time.Since(start)
	fmt.Println(rows, total, d, float64(rows)/d.Seconds()/1e6, "Mrows/s", float64(total)/d.Seconds()/1e6, "MB/s")
}
