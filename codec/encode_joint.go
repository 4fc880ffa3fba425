package codec

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/weirflow/weir"
)

// errNotWatched is the error of a stream that does not come from Encoder.Source.
var errNotWatched = errors.New("where streams are joined, the source must be that of Encoder.Source")

// A joint is where a stream meets the one before it in the same output. Its
// methods are safe for concurrent use; those of a nil joint are of streams that
// have an output each.
type joint struct {
	mu     sync.Mutex
	begun  bool   // records were written
	broken bool   // a stream failed
	header []byte // that was written; nil: none
	first  string // the stream whose header it is
}

// begin reports whether records of another stream came before, and notes that some
// have come now.
func (j *joint) begin() bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.begun
	j.begun = true
	return before
}

// fail notes that a stream has failed: the output is not whole any more.
func (j *joint) fail() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = true
}

// state reports whether there are records, and whether a stream has failed.
func (j *joint) state() (begun, broken bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.begun, j.broken
}

// share reports whether the header of a stream is there already. It is an error if
// it is not the one that is. packed says that both are compressed.
func (j *joint) share(stream string, header []byte, f Format, packed bool) (bool, error) {
	if j == nil {
		return false, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.header == nil:
		j.header, j.first = header, stream
		return false, nil
	case bytes.Equal(header, j.header):
		return true, nil
	case packed:
		return false, otherColumns("its columns are not those of %s", j.first)
	}
	have, err1 := headerFields(header, f)
	want, err2 := headerFields(j.header, f)
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	for k := range max(len(have), len(want)) {
		switch {
		case k >= len(want):
			return false, otherColumns("it has the column %q, which %s has not", have[k], j.first)
		case k >= len(have):
			return false, otherColumns("it has not the column %q, which %s has", want[k], j.first)
		case have[k] != want[k]:
			return false, otherColumns("its column %d is %q, that of %s is %q", k+1, have[k], j.first, want[k])
		}
	}
	return true, nil
}

// otherColumns is the error of a stream that cannot follow the others.
func otherColumns(format string, args ...any) error {
	return &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf(format+", and both go into one output: name its columns (--columns), or write the streams to files of their own", args...)}
}
