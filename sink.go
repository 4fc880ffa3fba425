package weir

import "context"

// A Sink opens one Writer a stream and declares, before the first byte is
// read, what it needs and what it can do. To give it a name in errors and
// statistics, let it implement fmt.Stringer; the name must not hold secrets.
type Sink interface {
	// Footprint is called once, before anything else.
	Footprint() Footprint

	// Open prepares to take the stream s. ctx bounds this call, not the
	// Writer. It may be called while other Writers are in use.
	Open(ctx context.Context, s StreamInfo) (Writer, error)

	// Close releases what the sink holds. It is called once, after every
	// Writer has ended.
	Close() error
}

// A Writer takes one stream. Exactly one of Commit or Abort is called, once,
// last, whatever happens.
type Writer interface {
	// Write takes all of b. It returns nil when the sink has taken
	// responsibility for it, and durably so if Footprint.Durable says so; b and
	// all slices of it belong to the engine again when Write returns, and must
	// not be modified or kept. Records that it gave up on, by policy, it notes on b
	// (Batch.Note). Up to Footprint.MaxInFlight calls run at once;
	// with 1 they come one at a time and in order. Write must end soon after
	// ctx is done; one that does not is abandoned after Options.Grace, and
	// Abort is called while it is still running.
	Write(ctx context.Context, b *Batch) error

	// Commit makes the stream whole and durable: it includes flush, sync,
	// close and rename. It is called after every Write has returned nil. If it
	// fails, it cleans up itself as far as it can; Abort is not called.
	Commit(ctx context.Context) error

	// Abort makes it as if the stream had never happened, as far as the sink
	// can, and releases what the Writer holds. cause says why the stream did
	// not become whole. ctx is not the one that was cancelled; it is bounded
	// by Options.Grace.
	Abort(ctx context.Context, cause error) error
}

// Footprint is capability as data: bytes that are charged ahead, and promises
// that the conformance kit (weirtest) measures. The zero value is an ordered
// sink that needs no memory of its own.
type Footprint struct {
	// PerWrite is the memory, in bytes, that each Write in flight needs beside
	// its batch: encode copies, request buffers.
	PerWrite int64
	// PerWriter is the memory, in bytes, that each open Writer holds:
	// connection buffers, compression windows.
	PerWriter int64
	// Static is the memory, in bytes, that the sink holds while it is open.
	Static int64
	// MaxWrite is the largest write it takes, in bytes. 0: any.
	MaxWrite int
	// MaxInFlight is the number of Writes of one Writer that may run at once.
	// 0 and 1: one at a time, in order. More: they may complete in any order.
	MaxInFlight int
	// MaxWriters is the number of Writers that may be open at once. 0: any.
	MaxWriters int
	// Durable says that a Write that returned nil is durable at once. Otherwise
	// what was written counts as acknowledged when Commit has returned.
	Durable bool
	// Idempotent says that the same write twice does no harm.
	Idempotent bool
	// Whole says that nothing of a stream is seen at the destination before it
	// was committed, and all of it after.
	Whole bool
	// Resumes says that the Writers of resumable streams are Resumers, and how
	// they know where they stand.
	Resumes Resumption
}

// Resumption is how a sink continues a stream after a crash.
type Resumption uint8

const (
	// ResumesNot says that it cannot take back what came after a checkpoint.
	ResumesNot Resumption = iota
	// ResumesAtMark says that it goes back to the mark in the checkpoint.
	ResumesAtMark
	// ResumesAtPosition says that it stores the position in the transaction
	// that stores the data.
	ResumesAtPosition
)
