package weir_test

import (
	"testing"

	"github.com/weirflow/weir"
)

func TestEndRecordsIsEndRecordForBytesThatAreThere(t *testing.T) {
	b := weir.NewBatch(32)
	b.Advance(copy(b.Space(), "a\nbb\nccc\ndd"))
	if n := b.EndRecords([]uint32{2, 5}); n != 2 {
		t.Fatalf("%d records were ended, want 2", n)
	}
	if n := b.EndRecords([]uint32{9}); n != 1 {
		t.Fatalf("%d records were ended, want 1", n)
	}
	b.Drop(2)
	for i, want := range []string{"a\n", "bb\n", "ccc\n"} {
		if got := string(b.Record(i)); got != want {
			t.Errorf("record %d is %q, want %q", i, got, want)
		}
	}
	if b.Records() != 3 || b.Len() != 9 {
		t.Errorf("%d records in %d bytes", b.Records(), b.Len())
	}
}

func TestEndRecordsStopsWhereTheTableIsFull(t *testing.T) {
	b := weir.NewBatch(16)
	b.Advance(copy(b.Space(), "a\nb\nc\n"))
	ends := []uint32{2, 4, 6}
	if n := b.EndRecords(ends); n != 2 {
		t.Fatalf("%d records were ended, want 2: there are 10 bytes for them", n)
	}
	if n := b.EndRecords(ends[2:]); n != 0 {
		t.Fatalf("%d records were ended, want none", n)
	}
	if got := string(b.Bytes()); got != "a\nb\nc\n" {
		t.Errorf("the data is %q", got)
	}
}

func TestEndRecordsOutsideTheDataPanics(t *testing.T) {
	for name, ends := range map[string][]uint32{
		"beyond the data":     {2, 7},
		"before the last":     {4, 3},
		"before what was":     {1},
		"beyond, as the only": {7},
	} {
		t.Run(name, func(t *testing.T) {
			b := weir.NewBatch(64)
			b.Advance(copy(b.Space(), "a\nb\nc\n"))
			b.EndRecords([]uint32{2})
			defer func() {
				if recover() == nil {
					t.Errorf("EndRecords(%d) did not panic", ends)
				}
			}()
			b.EndRecords(ends)
		})
	}
}
