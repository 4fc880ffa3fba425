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
	var least *weir.GuaranteeError
	e := &roomError{error: err}
	need := int64(0)
	switch {
	case errors.As(err, &least):
		// Writers take half of the guarantee at most, but for the first one.
		need = least.Sink + least.Writer + max(least.Charge, t.needFor(t.records.MaxRecord))
		room = new(weir.RoomError)
	case !errors.As(err, &room):
		return err
	case room.Whole:
		need = roundToPages(int64(room.Size)) + room.Steps + room.Static - t.plan.Static
	default:
		if e.record = t.records.MaxRecord; e.record == 0 {
			e.record = codec.DefaultMaxRecord
		}
		need = t.needFor(e.record) + room.Static - t.plan.Static
	}
	if e.enough = t.enough(need+room.Windows, room.PerWrite); e.enough == 0 {
		return err
	}
	return e
}

// needFor is what a record of n bytes needs on its way. The steps say what short
// records become; of a long one each makes something that is not much longer.
func (t *transfer) needFor(n int64) int64 {
	const carried = codec.DefaultCarry // may be read behind it
	const inAndOut = 2.5
	n += carried
	steps, err := t.pipeline.Steps(int(t.plan.Batch))
	if err != nil || len(steps) == 0 {
		return n
	}
	weight, _ := records.Weight(steps, 1)
	return int64(min(weight, inAndOut) * float64(n))
}

// enough returns the smallest cap, in whole MiB, with which need bytes are left beside
// what other streams and the steps hold, and perWrite for each write; 0: there is none
// on this machine.
func (t *transfer) enough(need, perWrite int64) int64 {
	fits := func(mib int) bool {
		ask := t.memoryAsk()
		ask.Cap = int64(mib) * size.MiB
		p, steps, _, err := t.planFor(ask, t.machine)
		if err != nil {
			return false
		}
		left := p.Arenas - p.Static - need - perWrite
		if others := int64(t.options.Streams - 1); others > 0 {
			weight, _ := records.Weight(steps, 1)
			left -= others * (roundToPages(int64(weight*float64(p.Batch))) + 2*roundToPages(1) + perWrite)
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
