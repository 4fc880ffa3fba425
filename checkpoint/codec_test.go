package checkpoint

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

// largest is the entry that takes the most bytes.
func largest() Entry {
	return Entry{
		ID: strings.Repeat("i", MaxText), Name: strings.Repeat("n", MaxText), Updated: time.Unix(0, math.MinInt64).UTC(),
		Checkpoint: weir.Checkpoint{
			Position: bytes.Repeat([]byte{255}, weir.MaxPosition), Mark: bytes.Repeat([]byte{255}, weir.MaxPosition),
			Read:    weir.Count{Bytes: math.MaxInt64, Records: math.MaxInt64},
			Written: weir.Count{Bytes: math.MaxInt64, Records: math.MaxInt64},
			Size:    math.MaxInt64, Whole: true,
		},
	}
}

func TestLargestValuesFit(t *testing.T) {
	e := largest()
	if b := appendEntry(nil, &e, e.Updated); len(b) > maxValue || frameHead+recordHead+len(b) > blockSize {
		t.Errorf("an entry of %d bytes; the limit is %d, a block has %d", len(b), maxValue, blockSize)
	}
	j := jobValue{Job: Job{ID: e.ID, Description: e.Name, Created: e.Updated, Updated: e.Updated}, number: maxNumber}
	if b := appendJob(nil, &j); len(b) > maxValue {
		t.Errorf("a job of %d bytes; the limit is %d", len(b), maxValue)
	}
}

// FuzzEntry decodes bytes: what is accepted is within the limits and means the
// same when it is encoded again.
func FuzzEntry(f *testing.F) {
	e := largest()
	f.Add(appendEntry(nil, &e, e.Updated))
	f.Add(appendEntry(nil, &Entry{ID: "a", Checkpoint: weir.Checkpoint{Size: weir.UnknownSize}}, time.Unix(1, 0)))
	f.Add([]byte{1, 'a', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEntry(b)
		if err != nil {
			return
		}
		again := appendEntry(nil, &e, e.Updated)
		if len(again) > maxValue {
			t.Errorf("%d bytes; the limit is %d", len(again), maxValue)
		}
		if same, err := decodeEntry(again); err != nil || !reflect.DeepEqual(same, e) {
			t.Errorf("%+v became %+v, %v", e, same, err)
		}
	})
}

// FuzzJob is FuzzEntry for jobs.
func FuzzJob(f *testing.F) {
	now := time.Unix(1, 0).UTC()
	f.Add(appendJob(nil, &jobValue{Job: Job{ID: "a", Description: "b", Done: true, Created: now, Updated: now}, number: 7}))
	f.Add([]byte{0, 1, 'a', 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := decodeJob(b)
		if err != nil {
			return
		}
		again := appendJob(nil, &j)
		if same, err := decodeJob(again); err != nil || same != j || len(again) > maxValue {
			t.Errorf("%+v became %+v, %v", j, same, err)
		}
	})
}
