package transform

import (
	"context"
	"unsafe"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// A Footprint is the memory that a program needs, in bytes, for its caller to
// charge before it runs.
type Footprint struct {
	// Static is held for the life of the program: the keys of dedupe.
	Static int64

	// PerWorker is the most that one call of Batch holds beside its batches.
	// It is reached by a record that fills a batch; what records of the usual size
	// need is some KiB.
	PerWorker int64

	// Expand is the output, in bytes per byte of input batch memory, that is to be
	// set aside (weir.Step.Expand). Bounded says whether no input needs more.
	// If it is false, Expand is an estimate for records of 128 bytes or more on
	// average, and for explode that doubles the bytes. An output that needs more
	// grows while the budget has memory at hand (weir.Batch.Grow); after that,
	// Batch returns weir.ErrBatchFull.
	Expand  float64
	Bounded bool
}

const (
	// expectedRecord is the size of a record that Expand counts on when a
	// statement adds to each.
	expectedRecord = 128

	// expectedSpread is by how much explode multiplies the bytes, as Expand counts
	// on.
	expectedSpread = 2

	// machineBytes is what the values of an expression take in expr's machine.
	machineBytes = 4 << 20

	// baseScratch is the part of the scratch memory that does not depend on the
	// size of a batch.
	baseScratch = 64 << 10
)

// scratchLimit is how many bytes of values may be made for one record of an input
// batch of so many bytes.
func scratchLimit(batch int) int { return baseScratch + 2*batch }

// Step returns the program as a step of a pipeline whose batches have so many
// bytes.
func (p *Program) Step(batch int) weir.Step {
	f := p.Footprint(batch)
	do := func(ctx context.Context, in, out *weir.Batch) error { return p.apply(ctx, in, out, in.Cap() > batch) }
	return weir.Step{Name: p.String(), Do: do, Expand: f.Expand, PerWorker: f.PerWorker, Borrows: true, Static: f.Static}
}

// A cost sums what the statements of a program need.
type cost struct {
	adds     int // bytes that are expected to be added to each record
	explodes int // statements that make several records of one

	everywhere bool // a statement may change every member
	texts      bool // a statement looks into strings
}

// add says that a statement is expected to add n bytes to a record.
func (c *cost) add(n int) { c.adds += max(n, 0) }

// set counts a field that is set.
func (c *cost) set(o *setOp) {
	const number, other = 24, 64 // bytes of a computed value, as expected
	size := other
	switch {
	case o.before != nil:
		size = len(o.before)
	case o.from.kinds()&^(ofNumber|ofBool|ofNull) == 0:
		size = number
	}
	for _, s := range o.at.path {
		size += len(s.key) + len(`{},`)
	}
	c.add(size)
}

// rename counts a field that gets another name, or moves.
func (c *cost) rename(from, to path) {
	size := 0
	for _, s := range to {
		size += len(s.key) + len(`{},`)
	}
	if len(from) == 1 && len(to) == 1 {
		size = len(to[0].key) - len(from[0].key)
	}
	c.add(size)
}

// mask counts the text of two matches, the quotes of numbers, and what a string
// may need when it is written again.
func (c *cost) mask(o *maskOp) {
	const matches, again = 2, 8
	c.texts = true
	c.everywhere = c.everywhere || len(o.at) == 0
	c.add(again)
	if !o.each || len(o.with) > 1 {
		c.add(matches * len(o.with))
	}
	c.add(len(o.at) * len(`""`))
}

// Footprint returns the memory that the program needs when its batches have so
// many bytes.
func (p *Program) Footprint(batch int) Footprint {
	f := Footprint{
		Expand:  1 + float64(p.cost.adds)/expectedRecord,
		Bounded: p.cost.adds == 0 && p.cost.explodes == 0,
	}
	for range p.cost.explodes {
		f.Expand *= expectedSpread
	}
	for _, t := range p.tables {
		f.Static += t.bytes()
	}
	perMember := int64(unsafe.Sizeof(jsonscan.Member{}) + unsafe.Sizeof(int32(0)))
	if p.cost.everywhere || p.cost.explodes > 0 {
		perMember += int64(unsafe.Sizeof(cell{}))
	}
	members := int64(min(maxMembers, batch/len(`"":0,`)))
	f.PerWorker = members*perMember*int64(1+p.cost.explodes) + int64(scratchLimit(batch))
	if p.cost.texts {
		f.PerWorker += int64(2 * batch)
	}
	if len(p.leaves) > 0 {
		f.PerWorker += machineBytes
	}
	return f
}
