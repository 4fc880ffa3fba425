package sim

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/weirflow/weir"
)

const (
	// Unlimited as SlowOptions.Concurrency: the peer serves every write at
	// once, however many there are.
	Unlimited = -1
	// UnlimitedInFlight is Footprint.MaxInFlight of such a sink.
	UnlimitedInFlight = 1024

	// MaxConcurrency bounds SlowOptions.Concurrency.
	MaxConcurrency = 1 << 20
)

// SlowOptions are how a Slow sink is slow. The zero value is not slow.
type SlowOptions struct {
	// Delay is how long the peer works on one write. Default: 0.
	Delay time.Duration
	// Jitter is the most that a write takes longer than Delay; each takes a
	// random part of it. Default: 0.
	Jitter time.Duration
	// Concurrency is how many writes the peer works on at once, over all
	// streams; others queue, first come, first served. Unlimited (-1) shows
	// what a peer without limits would do: there is none. Default: 1.
	Concurrency int
	// Rate is how fast the peer takes data, in bytes a second, over all
	// streams. Default: no limit.
	Rate int64
	// Seed chooses the jitter: the n-th write takes the same in every run.
	// Default: 0.
	Seed uint64
}

func (o SlowOptions) withDefaults() SlowOptions {
	if o.Concurrency == 0 {
		o.Concurrency = 1
	}
	return o
}

func (o SlowOptions) validate() error {
	var p problems
	p.check("Delay", o.Delay, o.Delay >= 0, "0 or more")
	p.check("Jitter", o.Jitter, o.Jitter >= 0, "0 or more")
	p.check("Concurrency", o.Concurrency, o.Concurrency >= Unlimited && o.Concurrency <= MaxConcurrency,
		"-1 (unlimited), 0 (default) or up to 1048576")
	p.check("Rate", o.Rate, o.Rate >= 0, "0 (no limit) or more, in bytes a second")
	return p.err(slowName)
}

const slowName = "slow://"

// Slow is a sink that takes its time and keeps nothing: a database that is
// busy with one insert at a time, or an API with a rate limit. What it does to
// time is stated, counted and the same in every run.
type Slow struct {
	o      SlowOptions
	slots  chan struct{} // one element a write being served; the runtime queues senders in order; nil: unlimited
	pace   pacer
	pauses pauses

	outstanding, peak      atomic.Int64
	started                atomic.Uint64
	writes, bytes, records atomic.Int64
}

var _ weir.Sink = (*Slow)(nil)

// NewSlow returns a slow sink, or an error that names every option out of
// bounds. Under testing/synctest call it inside the bubble.
func NewSlow(o SlowOptions) (*Slow, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Slow{o: o.withDefaults()}
	s.pace.rate = s.o.Rate
	if s.o.Concurrency != Unlimited {
		s.slots = make(chan struct{}, s.o.Concurrency)
	}
	return s, nil
}

func (*Slow) String() string { return slowName }

// Outstanding returns the number of writes that are queued or being served.
func (s *Slow) Outstanding() int { return int(s.outstanding.Load()) }

// MaxOutstanding returns the most there were at once.
func (s *Slow) MaxOutstanding() int { return int(s.peak.Load()) }

// Writes returns the number of writes accepted so far.
func (s *Slow) Writes() int64 { return s.writes.Load() }

// Count returns what was accepted so far, whether or not it was committed.
func (s *Slow) Count() weir.Count {
	return weir.Count{Bytes: s.bytes.Load(), Records: s.records.Load()}
}

// Footprint says: no memory, as many writes of a stream at once as the peer
// serves.
func (s *Slow) Footprint() weir.Footprint {
	n := s.o.Concurrency
	if n == Unlimited {
		n = UnlimitedInFlight
	}
	return weir.Footprint{MaxInFlight: n, Durable: true, Idempotent: true}
}

// Open returns at once: only writes are slow.
func (s *Slow) Open(context.Context, weir.StreamInfo) (weir.Writer, error) {
	return (*slowWriter)(s), nil
}

// Close does nothing.
func (*Slow) Close() error { return nil }

// slowWriter is the sink itself: what is slow is the peer, not the stream.
type slowWriter Slow

// Write waits for its turn and for the time that the write takes.
func (w *slowWriter) Write(ctx context.Context, b *weir.Batch) error {
	raise(&w.peak, w.outstanding.Add(1))
	defer w.outstanding.Add(-1)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.slots != nil {
		select {
		case w.slots <- struct{}{}:
			defer func() { <-w.slots }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := w.pauses.until(ctx, w.due(b.Len())); err != nil {
		return err
	}
	w.writes.Add(1)
	w.bytes.Add(int64(b.Len()))
	w.records.Add(int64(b.Records()))
	return nil
}

// due returns when the peer has done with a write of n bytes that it begins
// now.
func (w *slowWriter) due(n int) time.Time {
	d := w.o.Delay
	if w.o.Jitter > 0 {
		d += time.Duration(mix(w.o.Seed+w.started.Add(1)) % uint64(w.o.Jitter+1))
	}
	due := time.Now().Add(d)
	if w.o.Rate > 0 {
		if at := w.pace.reserve(n); at.After(due) {
			return at
		}
	}
	return due
}

func (*slowWriter) Commit(context.Context) error       { return nil }
func (*slowWriter) Abort(context.Context, error) error { return nil }

// raise makes peak at least n.
func raise(peak *atomic.Int64, n int64) {
	for {
		p := peak.Load()
		if n <= p || peak.CompareAndSwap(p, n) {
			return
		}
	}
}
