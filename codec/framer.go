package codec

import "errors"

// A framer finds where the records of one stream end. It looks at each byte once.
type framer interface {
	// frame looks at data from at on and writes where records end, as offsets in
	// data, to ends, which has room for at least one. It stops when either is
	// used up, and returns how many ends there are and how far it has looked: with
	// all of ends written, to the last of them. After a *malformed, which is not
	// wrapped, the last of the ends is that of a record that is not what the format
	// says.
	// Any other error is final: nothing after the last of the ends can be used,
	// and next is where that was seen.
	frame(data []byte, at int, ends []uint32) (n, next int, err error)

	// finish says what the bytes after the last record are when nothing follows
	// them: a record (true, if there are any), nothing (false), a *malformed
	// record, or, with any other error, a stream that was cut off.
	finish() (record bool, err error)

	// size is how many bytes the record has that frame is in, if it has seen
	// enough to tell, and else 0.
	size() int64

	// mark is the state behind the last record that frame has found. Another
	// framer goes on there after restore, which reports false if there is no such
	// state.
	mark() uint8
	restore(mark uint8) bool
}

// malformed is why a record is not what its format says. There is a next record.
type malformed struct{ reason error }

func (e *malformed) Error() string { return e.reason.Error() }

// errCut is the cause of a stream that ends inside a record.
var errCut = errors.New("the stream ends inside a record")

// stateless is the mark of a framer that has no state between records.
type stateless struct{}

func (stateless) mark() uint8        { return 0 }
func (stateless) size() int64        { return 0 }
func (stateless) known(m uint8) bool { return m == 0 }
