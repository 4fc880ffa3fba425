package weir

import (
	"encoding/binary"
	"time"

	"github.com/weirflow/weir/internal/arena"
)

// offsetBytes is the size of one entry of a batch's offset table.
const offsetBytes = 4

// RecordSize returns the batch memory that a record of n bytes takes: its
// bytes and its entry in the offset table.
func RecordSize(n int) int { return n + offsetBytes }

// A Batch is a leased piece of memory with bytes in it, the end offsets of the
// records in them (none for opaque bytes), and the Position after it. It is the
// one unit that flows.
//
// Records grow from the front of the memory and the table of their end offsets
// grows from its back; the batch is full when they would meet, so one number,
// the capacity, covers both.
//
// A Batch belongs to whom it was passed to until that call returns. Slices of
// it share the lease: they must not be used after that.
type Batch struct {
	mem     []byte // the whole lease
	limit   int    // bytes of mem in use by this pipeline: len(mem) or less
	n       int    // bytes of data
	records int
	packed  int // records that the bytes stand for and that cannot be addressed
	pos     Position
	waited  time.Duration
	notes   [fates]Count
	header  []byte
	format  string
	stream  string
	first   int64 // number of its first record in the stream, from 1; 0: not known
	after   Count // what the stream has read up to its end, in this run
	begins  place
	flush   bool // the Writer asks for a Flush
	anew    bool // another file begins behind it, see SetBegins

	lease  *arena.Arena // nil: heap memory from NewBatch
	charge int64        // bytes charged to the account for mem and the sink's PerWrite
	owner  *run         // of the output of a step: can make it larger
	alone  *stream      // of the output of a step on a large batch that goes alone
	most   int64        // bytes that such an output can be made, with what it lent

	borrowed []*arena.Arena // by the step that makes it
	lent     int64          // bytes charged for them
	refused  int64          // bytes that a step wanted to borrow in vain
	asked    int            // size that it asked for in vain
}

// NewBatch returns an empty batch of size bytes on the heap, for a wrapper's own
// buffers, which it must declare (see Reserver, Footprint), and for tests of
// connectors and transforms. The engine makes its own.
func NewBatch(size int) *Batch {
	return &Batch{mem: make([]byte, size), limit: size}
}

// Bytes returns all bytes of the batch.
func (b *Batch) Bytes() []byte { return b.mem[:b.n:b.n] }

// Len returns the number of bytes in the batch.
func (b *Batch) Len() int { return b.n }

// Cap returns the number of bytes that an opaque batch can hold; with records
// each entry of the offset table takes four of them (see RecordSize).
func (b *Batch) Cap() int { return b.limit }

// Records returns the number of records; 0 for opaque bytes.
func (b *Batch) Records() int { return b.records }

// Record returns record i, in [0, Records()).
func (b *Batch) Record(i int) []byte {
	start := 0
	if i > 0 {
		start = b.end(i - 1)
	}
	end := b.end(i)
	return b.mem[start:end:end]
}

// end returns the end offset of record i.
func (b *Batch) end(i int) int {
	return int(binary.LittleEndian.Uint32(b.mem[b.limit-offsetBytes*(i+1):]))
}

// Append copies rec to the end of the batch as one record. It reports false,
// and changes nothing, when there is no room: the batch is full.
func (b *Batch) Append(rec []byte) bool {
	if b.n+len(rec)+offsetBytes*(b.records+1) > b.limit && !b.Grow(len(rec)) {
		return false
	}
	copy(b.mem[b.n:], rec)
	b.n += len(rec)
	return b.EndRecord()
}

// Grow makes room for a record of n more bytes. It reports false when it cannot:
// only the output of a step can become larger than it was given, and only while
// the budget has the memory at hand. Slices of the batch that were taken before
// are invalid when it reports true.
func (b *Batch) Grow(n int) bool {
	need := b.n + n + offsetBytes*(b.records+1)
	if need <= b.limit {
		return true
	}
	if b.owner != nil && b.owner.growOutput(b, need, max(need, b.limit+b.limit/2)) {
		return true
	}
	b.asked = need
	return false
}

// Borrow returns n bytes of memory, with any content, for the step that makes b to
// use until it returns: for what it holds of a record that is larger than its
// PerWorker counts on. It returns nil when the budget has not that much; the step
// then fails with ErrBatchFull. A batch that is not an output of the engine lends
// memory of the heap. Slices of the batch that were taken before are invalid.
func (b *Batch) Borrow(n int) []byte {
	if b.owner == nil {
		return make([]byte, n)
	}
	return b.owner.lend(b, n)
}

// Space returns the memory between the data and the offset table, to read
// into. Advance says how much of it was filled.
func (b *Batch) Space() []byte {
	end := b.limit - offsetBytes*b.records
	return b.mem[b.n:end:end]
}

// Advance adds the first n bytes of Space to the data. They are opaque, or part
// of the record that the next EndRecord ends.
func (b *Batch) Advance(n int) {
	if n < 0 || n > b.limit-offsetBytes*b.records-b.n {
		panic("weir: Batch.Advance beyond its space")
	}
	b.n += n
}

// EndRecord ends a record at the end of the data. It reports false when the
// offset table has no room for it.
func (b *Batch) EndRecord() bool {
	at := b.limit - offsetBytes*(b.records+1)
	if at < b.n {
		return false
	}
	binary.LittleEndian.PutUint32(b.mem[at:], uint32(b.n))
	b.records++
	return true
}

// EndRecords ends records inside the data, at the offsets ends: none is less than
// the one before it or than the end of the last record, or more than Len. It is
// for a source that reads first and looks for records then. It returns how many of
// them the offset table had room for, the first ones, and panics if they are out
// of order.
func (b *Batch) EndRecords(ends []uint32) int {
	n := min(len(ends), (b.limit-b.n)/offsetBytes-b.records)
	at := b.limit - offsetBytes*(b.records+n)
	table := b.mem[at : at+offsetBytes*n]
	last := uint32(0)
	if b.records > 0 {
		last = uint32(b.end(b.records - 1))
	}
	for _, end := range ends[:n] {
		if end < last {
			panic("weir: Batch.EndRecords out of order")
		}
		last = end
		binary.LittleEndian.PutUint32(table[len(table)-offsetBytes:], end)
		table = table[:len(table)-offsetBytes]
	}
	if int(last) > b.n {
		panic("weir: Batch.EndRecords beyond the data")
	}
	b.records += n
	return n
}

// Sub makes w an empty batch over the first n bytes of b's Space, for a source
// that wraps another one: what the inner source reads into w is at its place in b
// and is added to b by Advance(w.Len()). w is valid until b changes otherwise. It
// panics if Space is shorter.
func (b *Batch) Sub(w *Batch, n int) {
	mem := b.Space()[:n:n]
	w.mem, w.limit, w.lease, w.owner = mem, n, nil, nil
	w.Reset()
}

// Drop takes the last n bytes off the data, which must not belong to a record
// that has ended.
func (b *Batch) Drop(n int) {
	start := 0
	if b.records > 0 {
		start = b.end(b.records - 1)
	}
	if n < 0 || b.n-n < start {
		panic("weir: Batch.Drop of a record")
	}
	b.n -= n
}

// SetPacked says that the bytes stand for n records that cannot be addressed,
// because they are compressed or encoded as a whole. They are counted.
func (b *Batch) SetPacked(n int) { b.packed = n }

// Packed returns what SetPacked was told.
func (b *Batch) Packed() int { return b.packed }

// Note counts records, and their bytes, that were read or made for this batch
// and are not in it: what a source or transform leaves out, gives up on or adds
// (Added: records in it beyond one for each that came in). A transform that
// notes nothing has the difference between its records counted as Filtered or
// Added.
func (b *Batch) Note(f Fate, records int, bytes int64) {
	b.notes[f].Records += int64(records)
	b.notes[f].Bytes += bytes
}

// Noted returns the sum of what Note was told of f since the batch was empty.
func (b *Batch) Noted(f Fate) Count { return b.notes[f] }

// AskFlush is for a Writer, while it writes b: it wants a Flush before the next Write,
// as if a checkpoint were due, because a transaction has grown. If there are no
// checkpoints, nothing comes of it.
func (b *Batch) AskFlush() { b.flush = true }

// FlushAsked reports whether AskFlush was called since the batch was empty or handed to
// a Writer.
func (b *Batch) FlushAsked() bool { return b.flush }

// noted reports whether Note was told anything.
func (b *Batch) noted() bool { return b.notes != [fates]Count{} }

// SetHeader says what stands above the records of the stream, such as the first
// row of a CSV file. The bytes are shared by the batches of the stream and must
// not change any more; a transform's output has the header of its input unless
// the transform sets another one.
func (b *Batch) SetHeader(h []byte) { b.header = h }

// Header returns what SetHeader was told, or nil.
func (b *Batch) Header() []byte { return b.header }

// SetFormat says how the records are written, as package codec calls it: "ndjson",
// "csv,sep=semicolon". A transform's output has the format of its input unless the
// transform sets another one.
func (b *Batch) SetFormat(name string) { b.format = name }

// Format returns what SetFormat was told; empty: not known.
func (b *Batch) Format() string { return b.format }

// SetBegins says, on a batch without data, that what is read from here on begins
// something of its own, such as the next of the files that a followed name leads to:
// no record goes on in it, and a header comes again. It is for sources that divide
// bytes into records.
func (b *Batch) SetBegins() { b.anew = true }

// Begins reports whether SetBegins was called since the batch was empty.
func (b *Batch) Begins() bool { return b.anew }

// Stream returns the name of the stream that the batch is of.
func (b *Batch) Stream() string { return b.stream }

// FirstRecord returns the number, from 1, that the batch's first record has in
// its stream; 0: not known. The records of a batch follow each other.
func (b *Batch) FirstRecord() int64 { return b.first }

// SetFirstRecord is for a source that knows the number better than the engine,
// which counts what it reads: after a Seek, or where lines count that are no
// records.
func (b *Batch) SetFirstRecord(n int64) { b.first = n }

// SetPosition stores a copy of p as the position after the batch. It panics if
// p is longer than MaxPosition.
func (b *Batch) SetPosition(p Position) {
	if len(p) > MaxPosition {
		panic("weir: position longer than MaxPosition")
	}
	b.pos = append(b.pos[:0], p...)
}

// Position returns the position after the batch. It shares the batch's life.
func (b *Batch) Position() Position { return b.pos }

// AddWait says that d of the time spent in this Read went by waiting for the
// origin to have data, not working. It keeps an idle upstream from being taken
// for a slow source.
func (b *Batch) AddWait(d time.Duration) { b.waited += d }

// Waited returns the sum of what AddWait was told since the batch was empty.
func (b *Batch) Waited() time.Duration { return b.waited }

// Larger returns a batch of size bytes on the heap with the content of b: what the
// engine does with memory of its own when Read returns a *NeedError. It is for
// those who read a Stream without the engine. It panics if b does not fit.
func (b *Batch) Larger(size int) *Batch {
	l := *b
	l.lease, l.charge, l.owner = nil, 0, nil
	l.pos = append(Position(nil), b.pos...)
	l.mem = make([]byte, size)
	copy(l.mem, b.mem[:b.n])
	table := offsetBytes * b.records
	copy(l.mem[size-table:], b.mem[b.limit-table:b.limit])
	l.limit = size
	return &l
}

// cut takes the room between the data and the table of offsets away.
func (b *Batch) cut() {
	table := offsetBytes * b.records
	copy(b.mem[b.n:b.n+table], b.mem[b.limit-table:b.limit])
	b.limit = b.n + table
}

// grown moves the batch to larger memory that holds its content, and the table
// of offsets to the end of the first limit bytes of it.
func (b *Batch) grown(mem []byte, limit int) {
	table := offsetBytes * b.records
	copy(mem[limit-table:limit], mem[b.limit-table:b.limit])
	b.mem, b.limit = mem, limit
}

// inherit makes b an empty batch that continues in: the same place in the same
// stream.
func (b *Batch) inherit(in *Batch) {
	b.Reset()
	b.pos = append(b.pos, in.pos...)
	b.header, b.format, b.stream, b.first = in.header, in.format, in.stream, in.first
}

// Reset empties the batch.
func (b *Batch) Reset() {
	b.n, b.records, b.packed, b.waited = 0, 0, 0, 0
	b.asked, b.refused = 0, 0
	b.pos = b.pos[:0]
	b.notes, b.flush = [fates]Count{}, false
	b.header, b.format = nil, ""
	b.begins, b.anew = place{}, false
}
