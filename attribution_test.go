package weir

import (
	"container/heap"
	"context"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// simPipe is a pipeline to simulate, in seconds: service times of the source,
// the transform and the sink; up is the time between arrivals at the origin, 0
// if there is always data.
type simPipe struct {
	source, transform, sink, up float64
	workers, window, batches    int
}

// A floats is a heap of the times at which the servers of a station are free.
type floats []float64

func (h floats) Len() int           { return len(h) }
func (h floats) Less(i, j int) bool { return h[i] < h[j] }
func (h floats) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *floats) Push(x any)        { *h = append(*h, x.(float64)) }
func (h *floats) Pop() any {
	x := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return x
}

// next is when the first server is free, and serves it from then until done.
func (h floats) next() float64 { return h[0] }

func (h floats) serve(done float64) {
	h[0] = done
	heap.Fix(&h, 0)
}

// run simulates n batches and returns the throughput and what the stages'
// clocks would measure.
func (p simPipe) run(seed uint64, n int) (rate float64, source, transform, sink Stage) {
	r := rand.New(rand.NewPCG(seed, 3))
	jitter := func(m float64) float64 { return m * math.Exp(r.NormFloat64()*0.3-0.045) }
	tokens, workers, window := make(floats, p.batches), make(floats, p.workers), make(floats, p.window)
	var src, arrived, previous, last, srcWork, waitBudget, waitUp, trWork, skWork float64
	for range n {
		if t := tokens.next(); t > src {
			waitBudget += t - src
			src = t
		}
		if p.up > 0 {
			if arrived += jitter(p.up); arrived > src {
				waitUp += arrived - src
				src = arrived
			}
		}
		d := jitter(p.source)
		srcWork += d
		src += d
		d = jitter(p.transform)
		trWork += d
		transformed := max(src, workers.next()) + d
		workers.serve(transformed)
		start := max(transformed, window.next(), previous)
		previous = start
		d = jitter(p.sink)
		skWork += d
		window.serve(start + d)
		tokens.serve(start + d)
		last = max(last, start+d)
	}
	dur := func(s float64) time.Duration { return time.Duration(s * 1e9) }
	source = Stage{
		Work: dur(srcWork), WaitBudget: dur(waitBudget), WaitInput: dur(waitUp),
		WaitDownstream: dur(max(0, last-srcWork-waitBudget-waitUp)),
	}
	transform = Stage{Work: dur(trWork), WaitInput: dur(last*float64(p.workers) - trWork)}
	sink = Stage{Work: dur(skWork), WaitInput: dur(last*float64(p.window) - skWork)}
	return float64(n) / last, source, transform, sink
}

// What limits a pipeline is, by definition, what makes it faster when there is
// more of it. Where that is one thing, the verdict must name it.
func TestAttributionOnRandomPipelines(t *testing.T) {
	const pipelines, batches = 2000, 1000
	r := rand.New(rand.NewPCG(9, 9))
	between := func(a, b float64) float64 { return a * math.Pow(b/a, r.Float64()) }
	right, clear := 0, 0
	confusion := map[string]map[string]int{}
	for i := range uint64(pipelines) {
		p := simPipe{
			source: between(.0005, .02), transform: between(.001, .1), sink: between(.005, 1),
			workers: 1 + r.IntN(8), window: 1 + r.IntN(64), batches: 2 + r.IntN(96),
		}
		if r.IntN(4) == 0 {
			p.up = between(.001, .05)
		}
		rate, source, transform, sink := p.run(i, batches)
		var truth string
		var best, second float64
		better := func(name string, change func(*simPipe)) {
			q := p
			change(&q)
			faster, _, _, _ := q.run(i, batches)
			if gain := faster/rate - 1; gain > best {
				truth, best, second = name, gain, best
			} else {
				second = max(second, gain)
			}
		}
		better("source", func(q *simPipe) { q.source /= 2 })
		better("transform", func(q *simPipe) { q.workers *= 2 })
		better("sink", func(q *simPipe) { q.window *= 2 })
		better("budget", func(q *simPipe) { q.batches *= 2 })
		if p.up > 0 {
			better("upstream", func(q *simPipe) { q.up /= 2 })
		}
		if best < 0.15 || second > best*0.6 {
			continue // no single limit
		}
		named, _ := attribute(source, transform, sink)
		clear++
		if named == truth {
			right++
		}
		if confusion[truth] == nil {
			confusion[truth] = map[string]int{}
		}
		confusion[truth][named]++
	}
	t.Logf("%d of %d pipelines with one limit named right", right, clear)
	for truth, named := range confusion {
		t.Logf("true %s: named %v", truth, named)
	}
	if clear < pipelines/4 || float64(right) < 0.97*float64(clear) {
		t.Errorf("%d of %d right, want 97 %%", right, clear)
	}
}

// pacedNode is a source of one stream and a sink at once, each of known speed.
type pacedNode struct {
	left        int
	read, write time.Duration
	fp          Footprint
	given       bool
}

func (p *pacedNode) Next(context.Context) (Stream, error) {
	if p.given {
		return nil, io.EOF
	}
	p.given = true
	return pacedStream{p}, nil
}
func (p *pacedNode) Footprint() Footprint                             { return p.fp }
func (p *pacedNode) Open(context.Context, StreamInfo) (Writer, error) { return p, nil }
func (p *pacedNode) Write(context.Context, *Batch) error              { time.Sleep(p.write); return nil }
func (p *pacedNode) Commit(context.Context) error                     { return nil }
func (p *pacedNode) Abort(context.Context, error) error               { return nil }
func (p *pacedNode) Close() error                                     { return nil }

type pacedStream struct{ *pacedNode }

func (s pacedStream) Info() StreamInfo                     { return StreamInfo{Name: "s", Size: UnknownSize} }
func (s pacedStream) Seek(context.Context, Position) error { return ErrNotResumable }
func (s pacedStream) Read(_ context.Context, b *Batch) error {
	time.Sleep(s.read)
	b.Advance(1000)
	if s.left--; s.left == 0 {
		return io.EOF
	}
	return nil
}

func TestAttributionOfRealPipelines(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 5))
		stages := []string{"source", "transform", "sink"}
		truth := stages[r.IntN(3)]
		slow := time.Duration(10+r.IntN(40)) * time.Millisecond // a batch, by the slowest
		of := func(stage string, servers int) time.Duration {
			d := slow * time.Duration(servers)
			if stage != truth {
				d = d * time.Duration(5+r.IntN(55)) / 100 // well separated
			}
			return d
		}
		inFlight, workers := 1+r.IntN(6), 1+r.IntN(4)
		synctest.Test(t, func(t *testing.T) {
			n := &pacedNode{left: 400, read: of("source", 1), write: of("sink", inFlight), fp: Footprint{MaxInFlight: inFlight}}
			process := of("transform", workers)
			o := Options{Batch: 4096, Workers: workers, ReadAhead: 4, Steps: []Step{{Do: func(_ context.Context, in, out *Batch) error {
				time.Sleep(process)
				out.Advance(copy(out.Space(), in.Bytes()))
				return nil
			}}}}
			src := struct{ Source }{n}
			dst := struct{ Sink }{n}
			res, err := Ingest(t.Context(), src, dst, o)
			if err != nil {
				t.Fatal(err)
			}
			if res.Bottleneck.Stage != truth {
				t.Errorf("seed %d: named %q, want %q (read %v, transform %v by %d, write %v by %d): %s", seed,
					res.Bottleneck.Stage, truth, n.read, process, workers, n.write, inFlight, res.Bottleneck.Text)
			}
		})
	}
}
