package parquet_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
)

type listRow struct {
	N int32   `parquet:"n"`
	L []int32 `parquet:"l,list"`
}

func TestARowLongerThanMaxRecordIsABadRecord(t *testing.T) {
	rows := []listRow{{N: 1}, {N: 2, L: make([]int32, 100_000)}, {N: 3, L: []int32{7}}, {N: 4, L: make([]int32, 100_000)}, {N: 5, L: make([]int32, 300)}}
	data := writeRows(t, rows, 3)
	_, err := drain(t.Context(), openStream(t, data, parquet.Options{MaxRecord: 1000}), 4096, new(bytes.Buffer))
	refused(t, err, weir.Rejected, "stream a.parquet at row=1,", "record 2", "longer than MaxRecord (1000 bytes)")

	for _, size := range []int{64, 700, 1 << 20} {
		var bad []int64
		st := openStream(t, data, parquet.Options{MaxRecord: 1000, Bad: func(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
			bad = append(bad, r.Record)
			return weir.Skipped, nil
		}})
		var got strings.Builder
		noted, b := int64(0), weir.NewBatch(size)
		for {
			b.Reset()
			err := st.Read(t.Context(), b)
			if need, ok := err.(*weir.NeedError); ok {
				if n := b.Noted(weir.Skipped).Records; n != 0 {
					t.Errorf("%d notes are on a batch that was too small", n)
				}
				b = weir.NewBatch(need.Size)
				continue
			}
			noted += b.Noted(weir.Skipped).Records
			if b.Records() > 0 {
				fmt.Fprintf(&got, "%d:", b.FirstRecord())
			}
			got.Write(b.Bytes())
			if err != nil {
				break
			}
		}
		want := "1:{\"n\":1,\"l\":[]}\n3:{\"n\":3,\"l\":[7]}\n5:{\"n\":5,\"l\":[0" + strings.Repeat(",0", 299) + "]}\n"
		if got.String() != want || fmt.Sprint(bad) != "[2 4]" || noted != 2 {
			t.Errorf("with batches of %d bytes: bad are %v (%d noted), and it reads\n%.200s, want\n%.200s", size, bad, noted, got.String(), want)
		}
		must(t, st.Close())
	}
}

// A row of two thousand million elements, in a page of a few bytes.
func TestARowOfAnyLengthIsGivenUpOnSoon(t *testing.T) {
	const n = 1<<31 - 1
	run := func(v byte) []byte { return []byte{0xfe, 0xff, 0xff, 0xff, 0x0f, v} } // n of them
	first := append([]byte{0x02, 0}, 0xfc, 0xff, 0xff, 0xff, 0x0f, 1)             // one 0, and then n-1 of 1
	page := marshal(t, format.PageHeader{
		Type: format.DataPageV2, UncompressedPageSize: 14, CompressedPageSize: 14,
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: n, NumRows: 1, NumNulls: n, Encoding: format.Plain,
			RepetitionLevelsByteLength: 8, DefinitionLevelsByteLength: 6, IsCompressed: thrift.New(false),
		}),
	})
	page = append(append(page, first...), run(1)...)
	meta := format.FileMetaData{
		Version: 1, NumRows: 1,
		Schema: thrift.Slice[format.SchemaElement]{
			{Name: "record", NumChildren: thrift.New[int32](1)},
			{Name: "l", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New[int32](1)},
			{Name: "v", Type: thrift.New(format.Int32), RepetitionType: thrift.New(format.Optional)},
		},
		RowGroups: thrift.Slice[format.RowGroup]{{NumRows: 1, Columns: thrift.Slice[format.ColumnChunk]{{
			MetaData: format.ColumnMetaData{Type: format.Int32, NumValues: n, DataPageOffset: 4},
		}}}},
	}
	data := withFooter(t, page, marshal(t, meta))
	_, err := drain(t.Context(), openStream(t, data, parquet.Options{}), 4096, new(bytes.Buffer))
	refused(t, err, weir.Rejected, "longer than MaxRecord")
}
