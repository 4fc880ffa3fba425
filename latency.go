package weir

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// latencyBits is the number of bits below the leading one that a bucket keeps:
// 16 buckets an octave, so that a bucket's middle is within 3.2 % of what is in
// it.
const latencyBits = 4

// latencyBuckets covers all durations up to 2^42 ns, over an hour; longer ones
// fall in the last.
const latencyBuckets = (42 - latencyBits + 1) << latencyBits

// latencyHist is a log-linear histogram of durations, of fixed size and safe
// for concurrent use. (HdrHistogram's layout: Gil Tene, 2012.)
type latencyHist struct {
	max    atomic.Int64
	counts [latencyBuckets]atomic.Uint32
}

func latencyBucket(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 1<<latencyBits {
		return int(v)
	}
	shift := bits.Len64(v) - latencyBits - 1
	return min((shift+1)<<latencyBits|int(v>>shift)&(1<<latencyBits-1), latencyBuckets-1)
}

// latencyMiddle is the duration in the middle of bucket i.
func latencyMiddle(i int) time.Duration {
	if i < 1<<latencyBits {
		return time.Duration(i)
	}
	shift := i>>latencyBits - 1
	low := uint64(1<<latencyBits|i&(1<<latencyBits-1)) << shift
	return time.Duration(low + uint64(1)<<shift/2)
}

func (h *latencyHist) record(d time.Duration) {
	h.counts[latencyBucket(d)].Add(1)
	for {
		old := h.max.Load()
		if int64(d) <= old || h.max.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

func (h *latencyHist) summary() Latency {
	l := Latency{Max: time.Duration(h.max.Load())}
	for i := range h.counts {
		l.Count += int64(h.counts[i].Load())
	}
	l.P50 = min(h.quantile(l.Count, 50), l.Max)
	l.P99 = min(h.quantile(l.Count, 99), l.Max)
	return l
}

func (h *latencyHist) quantile(count, percent int64) time.Duration {
	rank := (count*percent + 99) / 100
	for i := range h.counts {
		rank -= int64(h.counts[i].Load())
		if rank <= 0 {
			return latencyMiddle(i)
		}
	}
	return 0
}
