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
	pos     Position
	waited  time.Duration

	lease  *arena.Arena // nil: heap memory from NewBatch
	charge int64        // bytes charged to the account for mem and the sink's PerWrite
}

// NewBatch returns an empty batch of size bytes on the heap, for tests of
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
	if b.n+len(rec)+offsetBytes*(b.records+1) > b.limit {
		return false
	}
	copy(b.mem[b.n:], rec)
	b.n += len(rec)
	return b.EndRecord()
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

// Reset empties the batch.
func (b *Batch) Reset() {
	b.n, b.records, b.waited = 0, 0, 0
	b.pos = b.pos[:0]
}
