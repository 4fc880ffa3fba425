package prove

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/weirflow/weir"
)

// probe counts what passes between a source and a sink. Its counters are safe
// for concurrent use.
type probe struct {
	read, finished       atomic.Int64 // bytes
	peakInFlight         atomic.Int64 // bytes read and not finished
	writing, peakWriting atomic.Int64 // writes that stand against the sink
	calls                atomic.Int64 // of Write, that are running
	mixed                atomic.Bool  // calls overlapped: sum has no order

	mu struct {
		sync.Mutex
		sum hash.Hash // of what was written, in the order of the writes
	}
}

func newProbe() *probe {
	p := &probe{}
	p.mu.sum = sha256.New()
	return p
}

func (p *probe) inFlight() int64 { return p.read.Load() - p.finished.Load() }

// fired counts a write from the moment it was meant to happen.
func (p *probe) fired() { raise(&p.peakWriting, p.writing.Add(1)) }

// done counts a write of n bytes that was fired as finished.
func (p *probe) done(n int, err error) {
	p.writing.Add(-1)
	if err == nil {
		p.finished.Add(int64(n))
	}
}

// content returns the checksum of what was written, "" if it has no order.
func (p *probe) content() string {
	if p.mixed.Load() {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return hex.EncodeToString(p.mu.sum.Sum(nil))
}

func raise(peak *atomic.Int64, n int64) {
	for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
	}
}

// source returns s with its bytes counted.
func (p *probe) source(s weir.Source) weir.Source { return &probedSource{Source: s, p: p} }

type probedSource struct {
	weir.Source
	p *probe
}

func (s *probedSource) String() string { return nodeName(s.Source) }

func (s *probedSource) Next(ctx context.Context) (weir.Stream, error) {
	stream, err := s.Source.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &probedStream{Stream: stream, p: s.p}, nil
}

type probedStream struct {
	weir.Stream
	p *probe
}

func (s *probedStream) Read(ctx context.Context, b *weir.Batch) error {
	err := s.Stream.Read(ctx, b)
	s.p.read.Add(int64(b.Len()))
	raise(&s.p.peakInFlight, s.p.inFlight())
	return err
}

// sink returns s with its writes counted. Writes are counted as fired when they
// reach the sink, unless fire says that the caller has done so before.
func (p *probe) sink(s weir.Sink, fire bool) weir.Sink {
	return &probedSink{Sink: s, p: p, fire: fire}
}

type probedSink struct {
	weir.Sink
	p    *probe
	fire bool
}

func (s *probedSink) String() string { return nodeName(s.Sink) }

func (s *probedSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	w, err := s.Sink.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	return &probedWriter{Writer: w, sink: s}, nil
}

type probedWriter struct {
	weir.Writer
	sink *probedSink
}

func (w *probedWriter) Write(ctx context.Context, b *weir.Batch) error {
	p, n := w.sink.p, b.Len()
	if w.sink.fire {
		p.fired()
	}
	if p.calls.Add(1) > 1 {
		p.mixed.Store(true)
	}
	if !p.mixed.Load() {
		p.mu.Lock()
		p.mu.sum.Write(b.Bytes())
		p.mu.Unlock()
	}
	err := w.Writer.Write(ctx, b)
	p.calls.Add(-1)
	p.done(n, err)
	return err
}

// nodeName is what a source or a sink calls itself.
func nodeName(v any) string {
	if s, ok := v.(interface{ String() string }); ok {
		return s.String()
	}
	return "unnamed"
}
