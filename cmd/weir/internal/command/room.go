package command

import (
	"errors"
	"os"
	"sort"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/cmd/weir/internal/records"
	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/codec"
)

// A roomError is an error about a record that does not fit, with the cap that would
// do.
type roomError struct {
	error
	enough int64 // bytes
	record int64 // of the largest record that it is enough for; 0: the one that did not fit
}

func (e *roomError) Unwrap() error { return e.error }

// hint says what would do.
func (e *roomError) hint() string {
	text := "--memory " + size.Flag(e.enough) + " would do"
	if e.record > 0 {
		text += " for records of up to " + size.Flag(e.record) + " (--max-record)"
	}
	return text + "; 'weir plan' shows what it leaves for data"
}

// explain adds to an error about a record that does not fit which cap would do.
func (t *transfer) explain(err error) error {
	var room *weir.RoomError
	if !errors.As(err, &room) {
		return err
	}
	e := &roomError{error: err}
	need := roundToPages(int64(room.Size)) + room.Steps
	if !room.Whole {
		e.record = t.records.MaxRecord
		if e.record == 0 {
			e.record = codec.DefaultMaxRecord
		}
		need = t.needFor(e.record)
	}
	if e.enough = t.enough(room, need); e.enough == 0 {
		return err
	}
	return e
}

// needFor is what a record of n bytes needs at most on its way, as the steps say.
func (t *transfer) needFor(n int64) int64 {
	const carried = codec.DefaultCarry // may be read behind it
	n += carried
	steps, err := t.pipeline.Steps(int(t.plan.Batch))
	if err != nil || len(steps) == 0 {
		return n
	}
	weight, _ := records.Weight(steps, 1)
	return int64(weight * float64(n))
}

// enough returns the smallest cap, in whole MiB, with which a record that needs so
// many bytes on its way passes; 0: there is none on this machine.
func (t *transfer) enough(room *weir.RoomError, need int64) int64 {
	need += room.PerWrite + room.Windows + room.Static - t.plan.Static
	fits := func(mib int) bool {
		ask := t.memoryAsk()
		ask.Cap = int64(mib) * size.MiB
		p, steps, err := t.planFor(ask, t.machine)
		if err != nil {
			return false
		}
		left := p.Arenas - p.Static - need
		if others := int64(t.options.Streams - 1); others > 0 {
			weight, _ := records.Weight(steps, 1)
			left -= others * (roundToPages(int64(weight*float64(p.Batch))) + 2*roundToPages(1) + room.PerWrite)
		}
		return left >= 0
	}
	const most = int(size.TiB / size.MiB)
	least := int(t.plan.Cap/size.MiB) + 1
	mib := least + sort.Search(most, func(k int) bool { return fits(least + k) })
	if !fits(mib) {
		return 0
	}
	return int64(mib) * size.MiB
}

func roundToPages(n int64) int64 {
	page := int64(os.Getpagesize())
	return (n + page - 1) / page * page
}
