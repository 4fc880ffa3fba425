package parquet_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
)

type flight struct {
	Date        int64  `parquet:"date,timestamp(microsecond)"`
	Delay       int32  `parquet:"delay,dict"`
	Distance    int32  `parquet:"distance,dict"`
	Origin      string `parquet:"origin,dict"`
	Destination string `parquet:"destination,dict"`
}

func flights(n int) []flight {
	rows := make([]flight, n)
	for i := range rows {
		rows[i] = flight{
			Date: 978307260000000 + int64(i)*60_000_000, Delay: int32(i*7919%400 - 50), Distance: int32(i * 104729 % 2500),
			Origin: fmt.Sprintf("A%02d", i*31%97), Destination: fmt.Sprintf("B%02d", i*17%89),
		}
	}
	return rows
}

// Bytes are those of the records.
func BenchmarkRead(b *testing.B) {
	data := writeRows(b, flights(200_000), 100_000, pq.Compression(&pq.Zstd))
	size := int64(len(toJSON(b, data, parquet.Options{})))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		rows, err := drain(b.Context(), openStream(b, data, parquet.Options{}), 1<<18, io.Discard)
		if err != nil || rows != 200_000 {
			b.Fatal(rows, err)
		}
	}
	b.ReportMetric(200_000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkWrite(b *testing.B) {
	lines := toJSON(b, writeRows(b, flights(50_000), 50_000), parquet.Options{})
	var batches []*weir.Batch
	for len(lines) > 0 {
		n := strings.LastIndexByte(lines[:min(len(lines), 1<<18)], '\n') + 1
		batches = append(batches, batchOf(lines[:n]))
		lines = lines[n:]
	}
	for _, compression := range []string{"zstd", "snappy", "none"} {
		b.Run(compression, func(b *testing.B) {
			s := parquet.NewSink(&devNull{}, parquet.Options{Compression: compression})
			w, err := s.Open(b.Context(), weir.StreamInfo{Name: "a"})
			must(b, err)
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				size := 0
				for _, batch := range batches {
					must(b, w.Write(b.Context(), batch))
					size += batch.Len()
				}
				records += 50_000
				b.SetBytes(int64(size))
			}
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
			must(b, w.Abort(b.Context(), errors.New("enough")))
		})
	}
}
