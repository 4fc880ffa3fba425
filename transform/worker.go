package transform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

const (
	// pace is how many bytes a batch is worked on between two looks at the
	// context.
	pace = 8 << 10

	// perRecord is what a record counts for pace beside its bytes.
	perRecord = 256
)

// A worker is what one call of Batch needs for itself; it is used again by later
// calls.
type worker struct {
	p       *Program
	rec     record
	scratch []byte // values that were made for this record
	limit   int    // of scratch
	large   bool   // see extend
	regs    []value
	leaves  []leafState
	text    [2][]byte // of mask and hash, for one value
	saves   []save    // of explode, by depth
	depth   int
	ordinal uint64 // tells the records that explode made of one record apart
	now     time.Duration

	in, out  *weir.Batch
	index    int    // of the record in in
	stream   uint64 // identity of the stream
	number   int64  // of the record in its stream; 0: not known
	filtered weir.Count
	added    weir.Count
}

func newWorker(p *Program) *worker {
	w := &worker{p: p, regs: make([]value, p.regs)}
	w.rec.slots = make([]slot, len(p.slots))
	w.leaves = newLeafStates(p.leaves)
	return w
}

// errNoRecords is for bytes without records: nothing would be left of them.
var errNoRecords = &weir.Error{
	Kind: weir.Invalid,
	Err:  errors.New("the input is bytes without records: give the source a format such as ndjson"),
}

// Batch applies the program to the records of in and appends what remains to
// out: a weir.Transform. It notes on out what it leaves out and adds. It returns
// weir.ErrBatchFull when out is full, the error of Options.Bad, or the cause of
// ctx, which it looks at between records.
func (p *Program) Batch(ctx context.Context, in, out *weir.Batch) error {
	return p.apply(ctx, in, out, false)
}

// apply does what Batch does. large says that in is larger than the footprint of the
// program counts on.
func (p *Program) apply(ctx context.Context, in, out *weir.Batch, large bool) error {
	w := p.workers.Get().(*worker)
	w.large = large
	err := w.batch(ctx, in, out)
	w.release()
	p.workers.Put(w)
	return err
}

func (w *worker) batch(ctx context.Context, in, out *weir.Batch) (err error) {
	if in.Records() == 0 && in.Len() > 0 {
		return errNoRecords
	}
	w.in, w.out = in, out
	w.limit = scratchLimit(in.Cap())
	w.filtered, w.added = weir.Count{}, weir.Count{}
	if len(w.p.tables) > 0 {
		w.now = time.Since(w.p.start)
		w.stream = streamID(in.Stream())
	}
	first := in.FirstRecord()
	credit := 0
	for i := range in.Records() {
		rec := in.Record(i)
		if credit -= len(rec) + perRecord; credit < 0 {
			credit = pace
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		w.index = i
		if first > 0 {
			w.number = first + int64(i)
		}
		if err = w.record(ctx, rec); err != nil {
			break
		}
	}
	if w.filtered.Records > 0 {
		out.Note(weir.Filtered, int(w.filtered.Records), w.filtered.Bytes)
	}
	if w.added.Records > 0 {
		out.Note(weir.Added, int(w.added.Records), w.added.Bytes)
	}
	return err
}

// release gives up what refers to the batch, and memory beyond the usual.
func (w *worker) release() {
	const usual = 64 << 10
	w.in, w.out, w.number, w.rec.raw = nil, nil, 0, nil
	clear(w.rec.slots)
	clear(w.rec.cells[:cap(w.rec.cells)])
	for _, b := range []*[]byte{&w.scratch, &w.text[0], &w.text[1]} {
		if cap(*b) > usual {
			*b = nil
		}
	}
	if cap(w.rec.obj.Members) > usual/32 {
		w.rec.obj.Members, w.rec.act, w.rec.cells = nil, nil, nil
	}
	clear(w.regs)
	for i := range w.leaves {
		clear(w.leaves[i].env)
	}
}

// record takes one record through the program.
func (w *worker) record(ctx context.Context, rec []byte) error {
	w.scratch, w.ordinal, w.depth = w.scratch[:0], 0, 0
	err := checkSize(rec)
	if err == nil {
		err = w.rec.scan(w.p, rec)
	}
	if err != nil {
		if len(bytes.TrimSpace(rec)) == 0 {
			w.leaveOut()
			return nil
		}
		w.rec.raw = rec
		return w.reject(ctx, "json", fmt.Errorf("not a JSON object: %w", err))
	}
	return w.run(ctx, 0)
}

// checkSize refuses a record with more members than their table may have.
func checkSize(rec []byte) error {
	const least = len(`"":0,`)
	if len(rec) <= least*maxMembers {
		return nil
	}
	if err := jsonscan.Check(rec); err != nil {
		return err
	}
	rec = bytes.TrimLeft(rec, " \t\r\n")
	if kindOf(rec) != object {
		return nil // which scan reports
	}
	n := 0
	for c := walk(rec); c.next(); {
		if n++; n > maxMembers {
			return fmt.Errorf("it has more than %d members", maxMembers)
		}
	}
	return nil
}

// run applies the statements from number k on, and writes the record if it is
// still there.
func (w *worker) run(ctx context.Context, k int) error {
	for ; k < len(w.p.ops); k++ {
		v, err := w.p.ops[k].apply(w)
		if err == nil && len(w.scratch) > w.limit {
			err = errTooLong
		}
		switch {
		case err != nil:
			return w.reject(ctx, w.p.names[k], err)
		case v == leaveOut:
			w.leaveOut()
			return nil
		case v == spread:
			return w.explode(ctx, k)
		}
	}
	return w.rec.writeTo(w.out, w.lineEnd())
}

// errTooLong is the reason for a record that statements make much longer than it
// was.
var errTooLong = errors.New("the values made for it are too long: they may take 64 KiB and twice a batch")

// lineEnd returns what a record needs at its end if it has nothing there: it is
// the last one of a stream, and explode made several of it.
func (w *worker) lineEnd() string {
	if w.ordinal == 0 {
		return ""
	}
	return "\n"
}

func (w *worker) leaveOut() {
	w.filtered.Records++
	w.filtered.Bytes += int64(len(w.rec.raw))
}

// reject hands the record to the policy for bad records.
func (w *worker) reject(ctx context.Context, stage string, reason error) error {
	raw := w.rec.raw
	if errors.Is(reason, weir.ErrBatchFull) {
		return reason
	}
	bad := w.in.Bad(w.index, stage, reason)
	bad.Size, bad.Excerpt, bad.Whole = int64(len(raw)), raw[:min(len(raw), weir.MaxExcerpt)], raw
	return w.p.bad.Decide(ctx, bad, w.out)
}
