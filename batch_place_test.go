package weir_test

import (
	"errors"
	"testing"

	"github.com/weirflow/weir"
)

func TestBadRecordsSayWhereTheyStand(t *testing.T) {
	reason := errors.New("it is bad")
	fill := func() *weir.Batch {
		b := weir.NewBatch(200)
		for _, rec := range []string{"a\n", "\n\n  b\nc\n", "\n", "d"} {
			b.Append([]byte(rec))
		}
		b.SetFirstRecord(7)
		return b
	}
	b := fill()
	if off, line := b.Where(3); off != -1 || line != 0 {
		t.Errorf("nothing is known of the place, and it is %d, line %d", off, line)
	}
	if r := b.Bad(1, "csv", reason); r.Error() != "csv: record 8: it is bad" || r.Offset != -1 {
		t.Errorf("%v, %+v", r, r)
	}
	b.SetFirstByte(100, 20)
	for _, x := range []struct {
		i    int
		want string
	}{
		{3, "csv: line 26, record 10, offset 111: it is bad"},
		{1, "csv: line 23, record 8, offset 102: it is bad"}, // the one before may come after
		{2, "csv: line 25, record 9, offset 110: it is bad"},
		{0, "csv: line 20, record 7, offset 100: it is bad"},
	} {
		if got := b.Bad(x.i, "csv", reason); got.Error() != x.want || string(got.Whole) != string(b.Record(x.i)) || got.Size != int64(len(b.Record(x.i))) {
			t.Errorf("record %d: %v, want %s", x.i, got, x.want)
		}
	}
	if off, line := b.Where(b.Len()); off != 112 || line != 26 {
		t.Errorf("the end is at %d, line %d", off, line)
	}
	b.SetFirstByte(100, 0)
	if got := b.Bad(3, "length", reason).Error(); got != "length: record 10, offset 111: it is bad" {
		t.Errorf("without lines: %s", got)
	}
	b.Reset()
	if off, line := b.Where(0); off != -1 || line != 0 {
		t.Errorf("an empty batch stands at %d, line %d", off, line)
	}
}
