package deadletter

import (
	"context"
	"fmt"
	"sync"

	"github.com/weirflow/weir"
)

// maxWindows bounds the streams that a Window keeps in mind. The one that was bad
// longest ago is forgotten first.
const maxWindows = 256

// Window returns a policy that asks next, and fails the stream when bad of its last
// of records were bad: that is not a bad record, it is a change of format. Records
// without a number do not count. With several workers, records that are decided on
// side by side count as if they came in that order.
func Window(bad, of int, next weir.BadPolicy) weir.BadPolicy {
	w := &window{bad: bad, of: int64(of), next: next, streams: map[string]*recent{}}
	return w.decide
}

type window struct {
	bad  int
	of   int64
	next weir.BadPolicy

	mu      sync.Mutex
	streams map[string]*recent
	clock   int64
}

// recent holds the numbers of the last bad records of a stream, as a ring.
type recent struct {
	numbers []int64
	at      int
	used    int64 // when
}

func (w *window) decide(ctx context.Context, r *weir.BadRecord) (weir.Fate, error) {
	if r.Record > 0 && w.full(r) {
		kept := *r
		kept.Excerpt, kept.Whole = nil, nil
		return weir.Filtered, &weir.Error{Kind: weir.Rejected, Err: fmt.Errorf(
			"%d of the last %d records are bad, which looks like a change of format: %w", w.bad, w.of, &kept)}
	}
	return w.next(ctx, r)
}

// full notes r and reports whether its stream has too many now.
func (w *window) full(r *weir.BadRecord) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.streams[r.Stream]
	if s == nil {
		if len(w.streams) >= maxWindows {
			w.forgetLocked()
		}
		s = &recent{numbers: make([]int64, w.bad)}
		w.streams[r.Stream] = s
	}
	w.clock++
	s.used = w.clock
	s.numbers[s.at] = r.Record
	s.at = (s.at + 1) % w.bad
	first := s.numbers[s.at] // the oldest of the last bad ones
	return first > 0 && r.Record-first < w.of
}

func (w *window) forgetLocked() {
	oldest := ""
	for name, s := range w.streams {
		if oldest == "" || s.used < w.streams[oldest].used {
			oldest = name
		}
	}
	delete(w.streams, oldest)
}
