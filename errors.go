package weir

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what a caller can do about an error. Act on the Kind; print the
// message. The list is closed and short on purpose: one is added only when
// some caller must behave differently.
type Kind uint8

const (
	Other     Kind = iota // unclassified; not printed
	Invalid               // the configuration or the call is wrong; do not retry
	Transient             // the same call may succeed later
	Throttled             // transient, and the peer asked us to slow down
	Rejected              // the peer will never take these records
	Corrupt               // what was read back is not what was written, or changed underneath
	Closed                // used after Close, or after the run was stopped
)

var kindText = [...]string{"", "invalid", "transient", "throttled", "rejected", "corrupt", "closed"}

// String returns the Kind in lower case; Other is the empty string.
func (k Kind) String() string {
	if int(k) >= len(kindText) {
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
	return kindText[k]
}

// Error is the error type of every package in this module: what was attempted,
// by which end of the pipeline, on which stream and where in it, and why it
// failed. Fields that do not apply are empty.
type Error struct {
	Op       string   // what was attempted: "open", "read", "write", "commit"
	Node     string   // which end of the pipeline, as it names itself: "slow://", "file out/a.ndjson"
	Stream   string   // the stream's name
	Position Position // the last position known to be good
	Kind     Kind
	Err      error // the cause; never nil
}

// Error joins the fields that are set, outermost first:
//
//	slow://: write: stream a.ndjson at offset 65536: transient: connection refused
//
// Of a position that has a byte offset it shows no more than that.
func (e *Error) Error() string {
	parts := make([]string, 0, 5)
	where := ""
	if e.Stream != "" {
		where = "stream " + Position(e.Stream).String()
	}
	if len(e.Position) > 0 {
		where = strings.TrimPrefix(where+" at "+e.Position.brief(), " ")
	}
	for _, p := range []string{e.Node, e.Op, where, e.Kind.String(), e.Err.Error()} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the outermost classified error in err's chain.
func KindOf(err error) Kind {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return Other
		}
		if e.Kind != Other {
			return e.Kind
		}
		err = e.Err
	}
	return Other
}

var (
	// ErrNotResumable is returned by Stream.Seek when the stream can only be
	// read from its beginning.
	ErrNotResumable = errors.New("the stream cannot resume at a position")

	// ErrBatchFull is returned by a transform whose output does not fit the
	// space declared by Step.Expand.
	ErrBatchFull = errors.New("the batch is full")

	// ErrDrained is the cause of a stream that was cut short because a drain
	// was asked for (Control.Drain).
	ErrDrained = errors.New("drained before the end of the stream")

	// ErrDrainTimeout is the cause of a run whose drain did not finish within
	// Options.DrainTimeout.
	ErrDrainTimeout = errors.New("the drain did not finish in time")

	// ErrIdle is the cause of a stream whose source delivered nothing for
	// Options.IdleTimeout.
	ErrIdle = errors.New("the source delivered nothing for the idle timeout")

	// ErrAbandoned marks a call into a connector that ignored its cancellation
	// for Options.Grace and was left behind.
	ErrAbandoned = errors.New("ignored its cancellation and was abandoned")

	// ErrUnknown marks a Commit whose outcome is not known: it failed or was
	// abandoned on its way.
	ErrUnknown = errors.New("the outcome of the commit is unknown")
)

// A PanicError is a panic in a source, sink or transform, turned into an error
// that fails the stream it happened in.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the panic's value; the stack is in the Stack field.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// A NeedError is returned by Stream.Read when the next record does not fit the
// batch it was given. If the batch is empty, the engine takes the lease back,
// leases Size bytes in one request and reads again. If it is not, because only
// what follows tells how long the record is, the engine makes it larger and reads
// again into what the batch already holds; one stream of a pipeline at a time does
// that. The stream fails when what is asked for is more than the pipeline can give.
// A larger batch should be returned when it holds the record that it was asked for:
// all that is in it needs more than the usual memory on its way.
type NeedError struct {
	Size int // bytes of batch memory needed, see RecordSize

	// Least is what to go on with if the pipeline cannot give Size, for a Stream
	// that does not know how long the record is. 0: Size.
	Least int
}

// Error states the size.
func (e *NeedError) Error() string {
	return fmt.Sprintf("the next record needs a batch of %d bytes", e.Size)
}
