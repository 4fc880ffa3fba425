package weir

import (
	"context"
	"sort"
)

// A Divider is a Writer that may store its stream in parts that are each whole by
// themselves, such as files of a limited size. It ends them by itself, behind a
// record where there are records.
type Divider interface {
	// Divide leaves it to a wrapper to end the parts, because something of its own
	// stands around the records of each. From then on what one Write brings is in one
	// part. It is called before anything else of the Writer, at most once. It
	// returns nil, and changes nothing, if the stream is not divided.
	Divide() Parts
}

// Parts are what the stream of a Divider is divided into. The methods are called
// while no Write and no Flush is running.
type Parts interface {
	// Room returns how many more bytes belong into the part that is written: the
	// record that reaches that is its last (see Batch.Cut). 0: the part is full, or
	// its time is over, and End belongs before the next Write. It is not 0 while
	// nothing is in the part.
	Room() int64
	// Begun reports whether anything is in the part that is written.
	Begun() bool
	// End makes the part whole. The next Write begins another one.
	End(ctx context.Context) error
}

// A Timely Writer is a Flusher that may have to be flushed though nothing was
// written: a part of its stream must not stay open for longer than its time. It is
// asked as often as there could be a checkpoint.
type Timely interface {
	// Overdue reports whether a Flush is due. It does not block, and is called
	// while no Write and no Flush is running.
	Overdue() bool
}

// Cut returns where the bytes of b from offset from on are divided if there is room
// for so many of them: behind the record that reaches it; exactly there if there are
// no records; at the end if they all fit, or if the records cannot be addressed.
func (b *Batch) Cut(from int, room int64) int {
	if room >= int64(b.n-from) || b.records == 0 && b.packed > 0 {
		return b.n
	}
	at := from + int(room)
	if b.records == 0 {
		return at
	}
	i := sort.Search(b.records, func(i int) bool { return b.end(i) >= at })
	if i == b.records {
		return b.n
	}
	return b.end(i)
}

// View makes w a batch of the bytes of b between two offsets, without records and
// without a position, for a Writer that passes a batch on piece by piece. It is valid
// until b changes.
func (b *Batch) View(w *Batch, from, to int) {
	mem := b.mem[from:to:to]
	w.mem, w.limit, w.lease, w.owner = mem, len(mem), nil, nil
	w.Reset()
	w.n, w.header, w.format, w.stream = len(mem), b.header, b.format, b.stream
}
