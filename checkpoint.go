package weir

import (
	"context"
	"errors"
	"time"
)

// DefaultCheckpointEvery is the default of Options.CheckpointEvery.
const DefaultCheckpointEvery = time.Second

// ErrCommitted is returned by Resumer.Resume for a stream that is whole at the
// sink already.
var ErrCommitted = errors.New("the stream was committed already")

// A Checkpoint is how far a stream has come: everything before Position is
// durable in the sink.
type Checkpoint struct {
	Position Position `json:"position"`
	// Mark is the sink's own bookmark: the state of what it has written that
	// belongs to Position, such as the length of a file. At most MaxPosition
	// bytes.
	Mark []byte `json:"mark,omitempty"`
	// Read and Written are what was read and written up to Position, over all
	// runs.
	Read    Count `json:"read"`
	Written Count `json:"written"`
	// Size is the stream's size when it was stored, or UnknownSize.
	Size int64 `json:"size"`
	// Whole says that the stream was read to its end: all that is missing, if
	// anything, is the sink's Commit.
	Whole bool `json:"whole"`
}

// Checkpoints stores checkpoints durably, by stream. It is used from several
// goroutines at once. Package checkpoint has an embedded one.
type Checkpoints interface {
	// Load returns the last checkpoint of a stream; ok is false if there is
	// none.
	Load(ctx context.Context, s StreamInfo) (c Checkpoint, ok bool, err error)
	// Save stores a checkpoint. It returns nil when it is durable.
	Save(ctx context.Context, s StreamInfo, c Checkpoint) error
}

// A Flusher is a Writer whose writes become durable before Commit. The engine
// flushes before each checkpoint, with no Write running, and sooner when a Write asks
// for it (Batch.AskFlush).
type Flusher interface {
	// Flush makes every Write that returned nil durable. upTo is the position
	// after the last of them; a sink that can stores it in the same transaction
	// as the data (see Resumer). It returns the sink's mark for the checkpoint,
	// or nil. ctx bounds the call.
	Flush(ctx context.Context, upTo Position) (mark []byte, err error)
}

// A Finisher is a Flusher that writes something behind the last batch of a stream,
// such as the bracket that ends an array.
type Finisher interface {
	// Finish is called at most once, after the last Write of a stream that is
	// whole and before its last Flush. Commit does what it does if it was not
	// called.
	Finish(ctx context.Context) error
}

// A Resumer is a Flusher whose stream can be continued after a crash with
// nothing lost and nothing doubled: it can go back to where the last Flush was. A
// Commit of it that fails leaves what was flushed, for a later run.
type Resumer interface {
	Flusher

	// Resume is called once, before the first Write. last is the stream's
	// checkpoint, the zero Checkpoint if there is none. The sink takes back
	// what it has beyond last.Mark, or looks up the position that it stored
	// with the data, keeps older writers of the same stream from writing on,
	// and returns the position up to which it has everything: the stream is
	// read from there; from its beginning if that is empty. ErrCommitted: the
	// stream is whole, and only Suspend follows; a Commit of an endless stream
	// does not make it so, because a drain does that, and it goes on. Another error
	// fails the stream; if what last says is there is not, that is one.
	Resume(ctx context.Context, last Checkpoint) (Position, error)

	// Suspend ends the Writer in place of Commit and Abort when the stream was
	// cut short after a checkpoint: what was flushed stays, for a later run. It
	// is called once, last. ctx is bounded by Options.Grace.
	Suspend(ctx context.Context, cause error) error
}

// A Committer is a Stream that wants to know what is durable downstream, to
// acknowledge it to its origin, or a Flusher that does something when a checkpoint
// covers what it flushed, such as to show it.
type Committer interface {
	// Committed says that everything before upTo is durable in the sink and in
	// the checkpoint. It may be called while Read is running, but not while Write
	// is, with later positions each time.
	Committed(ctx context.Context, upTo Position) error
}
