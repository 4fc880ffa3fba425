package sqlite_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sqlite"
)

// accessLog returns a batch of n access-log records of about 220 bytes.
func accessLog(n int) *weir.Batch {
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf(`{"id":"%08x-ec6c-4088-819a-%012x","ts":"2026-11-18T11:%02d:%02d.%03dZ","ip":"10.%d.%d.142","method":"GET","path":"/api/v1/items/%d","status":%d,"bytes":%d,"dur_ms":%d.%03d,"ua":"curl/8.5.0"}`+"\n",
			i*7919, i, i/60%60, i%60, i%1000, i%256, i/256%256, i*31%1_000_000, 200+i%5, i*97%100_000, i%90, i%1000))
	}
	return batchOf(records...)
}

// BenchmarkWrite stores batches in one transaction, which is rolled back.
func BenchmarkWrite(b *testing.B) {
	for name, key := range map[string][]string{"insert": nil, "upsert": {"id"}} {
		b.Run(name, func(b *testing.B) {
			s := newSink(b, sqlite.SinkOptions{Path: filepath.Join(b.TempDir(), "test.db"), Table: "t", Create: true, Key: key})
			defer func() { equal(b, "Close", s.Close(), nil) }()
			w, err := s.Open(b.Context(), info("a"))
			if err != nil {
				b.Fatal(err)
			}
			in := accessLog(5000)
			b.SetBytes(int64(in.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*in.Records())/b.Elapsed().Seconds(), "rows/s")
			equal(b, "Abort", w.Abort(b.Context(), errors.New("enough")), nil)
		})
	}
}

// BenchmarkRead reads a table of 50,000 rows in batches of 256 KiB.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "test.db")
	in := accessLog(50_000)
	var records []string
	for i := range in.Records() {
		records = append(records, string(in.Record(i)))
	}
	mustLoad(b, sqlite.SinkOptions{Path: path, Table: "t", Create: true}, records...)
	batch := weir.NewBatch(256 << 10)
	b.SetBytes(int64(in.Len()))
	b.ReportAllocs()
	for b.Loop() {
		src, err := sqlite.NewSource(sqlite.SourceOptions{Path: path, Table: "t"})
		if err != nil {
			b.Fatal(err)
		}
		st, err := src.Next(b.Context())
		for err == nil {
			batch.Reset()
			err = st.Read(b.Context(), batch)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		equal(b, "Close", errors.Join(st.Close(), src.Close()), nil)
	}
	b.ReportMetric(float64(b.N*in.Records())/b.Elapsed().Seconds(), "rows/s")
}
