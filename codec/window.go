package codec

import (
	"errors"

	"github.com/weirflow/weir"
)

// entry is what a record takes of a batch beside its bytes.
var entry = weir.RecordSize(0)

// A window is what a stream knows of the batch it is filling.
type window struct {
	start int  // where the record begins that has not ended
	at    int  // what the framer has not seen begins here
	kept  bool // a NeedError asked for a larger batch with what is in it
	asked bool // a NeedError asked for a larger batch, or another one
	large bool // the batch was made larger for a record
	noted bool // something was noted on it
	extra int  // bytes behind its last record that are of the stream and of no record
}

var errOtherBatch = errors.New("after a NeedError Read was not given the same batch, larger")

// begin takes a new batch, in which the framer has seen the first scanned bytes
// that will come, or one that was kept.
func (w *window) begin(b *weir.Batch, scanned int) error {
	if w.kept {
		if b.Len() < w.at {
			return &weir.Error{Kind: weir.Invalid, Err: errOtherBatch}
		}
		w.kept, w.asked, w.large = false, false, true
		return nil
	}
	if b.Len() > 0 {
		return &weir.Error{Kind: weir.Invalid, Err: errors.New("the batch to read into is not empty")}
	}
	*w = window{at: scanned, large: w.asked}
	return nil
}

// tail is how many bytes of b belong to no record yet.
func (w *window) tail(b *weir.Batch) int { return b.Len() - w.start }

// space is how many bytes can be added to b such that there is room for the end of
// one record more.
func space(b *weir.Batch) int { return len(b.Space()) - entry }
