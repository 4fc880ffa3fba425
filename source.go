package weir

import (
	"context"
	"strconv"
	"unicode/utf8"
)

// MaxPosition is the largest Position, in bytes.
const MaxPosition = 384

// A Position is a source's own bookmark: everything before it has been read.
// Only the source that issued it can interpret it; weir stores it and hands it
// back. It is at most MaxPosition bytes.
type Position []byte

// String returns the position as text; bytes that are not printable UTF-8 are
// quoted.
func (p Position) String() string {
	if utf8.Valid(p) && !hasControl(p) {
		return string(p)
	}
	return strconv.Quote(string(p))
}

// MarshalText returns the position as String does.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func hasControl(p []byte) bool {
	for _, c := range p {
		if c < ' ' || c == 0x7f {
			return true
		}
	}
	return false
}

// UnknownSize is the Size of a stream whose length is not known ahead.
const UnknownSize int64 = -1

// StreamInfo describes a stream.
type StreamInfo struct {
	// ID is the stream's identity, stable over restarts and renames, such as
	// "file:2049:131075" or "topic/3".
	ID string
	// Name is what people call it. A sink that makes one object a stream
	// derives the object's name from it: relative, separated by slashes.
	Name string
	// Size is the number of bytes from the beginning to the end, or
	// UnknownSize.
	Size int64
	// Endless says that the stream has no end of its own (a tail, a
	// partition). A drain commits what was delivered of an endless stream; any
	// other stream that is cut short is aborted, because it is not whole.
	Endless bool
	// Resumable says that Seek works, in another process too: the stream can be
	// continued after a crash. Without it the stream has no checkpoints.
	Resumable bool
}

// A Source yields streams until io.EOF. To give it a name in errors and
// statistics, let it implement fmt.Stringer; the name must not hold secrets.
type Source interface {
	// Next blocks until there is a stream, ctx is done, or there will never be
	// another one (io.EOF). ctx bounds this call, not the stream. Next is not
	// called again while a call is running. Streams are read side by side.
	Next(ctx context.Context) (Stream, error)

	// Close releases what the source holds. It is called once, after every
	// stream was closed; it may be called while an abandoned Next is still
	// running.
	Close() error
}

// A Stream is one ordered run of bytes or records, read by pull. Its methods
// are called one at a time, except that Close may be called while an abandoned
// Read is still running.
type Stream interface {
	// Info describes the stream. It does not block and always returns the
	// same.
	Info() StreamInfo

	// Seek continues after position p, one of those this stream gave a batch
	// before, in this process or an earlier one. The engine calls it before the
	// first Read or not at all; a source that wraps this one may call it later.
	// It returns ErrNotResumable if the stream can only be
	// read from its beginning (see StreamInfo.Resumable).
	Seek(ctx context.Context, p Position) error

	// Read fills b, which is empty and whose memory has been granted: at least
	// one byte, at most what fits, and sets the position after it. It blocks
	// until there is something, ctx is done, or the source fails; what it
	// cannot place it must not take from the origin. It returns io.EOF when
	// there will never be more; b may hold the last bytes then. With any other
	// error the content of b is ignored, and the stream fails when what was
	// read before is delivered. When the next record does not fit, it returns a
	// *NeedError, and is called again with a larger batch: an empty one if it
	// left b empty, or else b with what it holds. A batch may be without data if
	// something was noted on it (Batch.Note), or if what comes next begins
	// something of its own (Batch.SetBegins). Read must not keep b or any slice
	// of it.
	Read(ctx context.Context, b *Batch) error

	// Close releases what the stream holds. It is called once.
	Close() error
}

// A Reserver is a Stream that holds memory of its own while it is read, such as
// the window of a decompressor. It is charged to the budget before the first
// Read, and until the stream is closed.
type Reserver interface {
	// Reserve returns how many bytes the stream holds at most beside its
	// batches. It is called once, before everything but Info, and may read what
	// it must to find out, but not hold the bytes yet. An error fails the
	// stream.
	Reserve(ctx context.Context) (int64, error)
}
