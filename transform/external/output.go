package external

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// maxExcerpt is how much is shown of a line that is not JSON, in bytes.
const maxExcerpt = 80

// NotJSONError is a line of a program's output that is not a JSON value, where it
// must be one. It is wrapped as weir.Rejected.
type NotJSONError struct {
	Line    int    // its number in the output for one batch, from 1
	Excerpt string // its beginning
}

func (e *NotJSONError) Error() string {
	return fmt.Sprintf("line %d of its output is not a JSON value: %s; a record is one line: let the program print it compact, as jq -c does",
		e.Line, strconv.Quote(e.Excerpt))
}

// output makes records of the lines that a program prints.
type output struct {
	batch   *weir.Batch
	json    bool // each line must be a JSON value
	lines   int  // seen
	waiting int  // bytes behind the last record, in the batch's space
}

// read appends the lines of r to the batch as records.
func (o *output) read(r io.Reader) error {
	for {
		space := o.batch.Space()
		if o.waiting == len(space) {
			if !o.batch.Grow(o.waiting + growStep) {
				return weir.ErrBatchFull
			}
			space = o.batch.Space()
		}
		n, err := r.Read(space[o.waiting:])
		unseen := o.waiting
		o.waiting += n
		for {
			at := bytes.IndexByte(o.batch.Space()[unseen:o.waiting], '\n')
			if at < 0 {
				break
			}
			if err := o.take(unseen + at + 1); err != nil {
				return err
			}
			unseen = 0
		}
		if err == io.EOF && o.waiting > 0 { // a last line without an end
			return o.take(o.waiting)
		}
		if err != nil {
			return nil // the end; the exit code says whether it is a good one
		}
	}
}

// take makes the first size bytes of what is waiting a record, if they are one.
func (o *output) take(size int) error {
	o.lines++
	space := o.batch.Space()
	line := space[:size]
	switch {
	case !o.json:
	case len(bytes.TrimSpace(line)) == 0:
		copy(space, space[size:o.waiting])
		o.waiting -= size
		return nil
	case !jsonscan.Valid(line):
		shown := strings.ToValidUTF8(string(bytes.TrimSpace(line[:min(size, maxExcerpt)])), "\uFFFD")
		return &weir.Error{Kind: weir.Rejected, Err: &NotJSONError{o.lines, shown}}
	}
	if room := len(space) - o.waiting; room < weir.RecordSize(0) && !o.batch.Grow(o.waiting+growStep) {
		return weir.ErrBatchFull
	}
	o.batch.Advance(size)
	o.waiting -= size
	if !o.batch.EndRecord() {
		return weir.ErrBatchFull
	}
	return nil
}
