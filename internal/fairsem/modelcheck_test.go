package fairsem

import (
	"math/rand/v2"
	"testing"
)

// node is a reachable state, as the step that first led to it.
type node struct {
	parent int
	step   action
}

// verdict is the outcome of an exhaustive search.
type verdict struct {
	states    int
	deadlocks int
	trace     []action // to the first deadlock; the shortest there is
}

// explore visits every reachable state of p, breadth first, and checks the
// core's invariants in each. A state is rebuilt by replaying the steps to it.
func explore(t *testing.T, p *protocol) verdict {
	t.Helper()
	nodes := []node{{parent: -1}}
	seen := map[string]bool{string(newWorld(p).key(nil)): true}
	var v verdict
	var path, next []action
	var key []byte
	for i := 0; i < len(nodes); i++ {
		path = trace(nodes, i, path[:0])
		w := replay(p, path)
		next = w.actions(next[:0])
		if len(next) == 0 && !w.finished() {
			if v.deadlocks++; v.trace == nil {
				v.trace = append([]action(nil), path...)
			}
		}
		if len(next) == 0 && w.finished() && w.core.used != 0 {
			t.Fatalf("finished with %d units out after %v", w.core.used, path)
		}
		for k, step := range next {
			if k > 0 {
				w = replay(p, path)
			}
			w.apply(step)
			if err := w.core.check(w.accounts()); err != nil {
				t.Fatalf("after %v, %v: %v", path, step, err)
			}
			key = w.key(key[:0])
			if !seen[string(key)] {
				seen[string(key)] = true
				nodes = append(nodes, node{parent: i, step: step})
			}
		}
	}
	v.states = len(nodes)
	return v
}

func trace(nodes []node, i int, path []action) []action {
	if nodes[i].parent < 0 {
		return path
	}
	return append(trace(nodes, nodes[i].parent, path), nodes[i].step)
}

func replay(p *protocol, path []action) *world {
	w := newWorld(p)
	for _, step := range path {
		w.apply(step)
	}
	return w
}

// TestWrongProtocolsDeadlockAndCorrectedOnesDoNot pairs each natural way to
// build a pipeline wrongly with its correction. The wrong ones show that the
// checker can fail.
func TestWrongProtocolsDeadlockAndCorrectedOnesDoNot(t *testing.T) {
	one, two, three := []int64{1}, []int64{2}, []int64{3}
	for _, c := range []struct {
		name string
		dead bool
		p    protocol
	}{
		{
			"encode buffer acquired in mid-pipeline", true,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 3, sizes: one, encode: fromPool},
		},
		{
			"encode buffer acquired with the batch", false,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 3, sizes: two},
		},
		{
			"encode buffer from a lane set aside", false,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 3, sizes: one, static: 1, encode: fromLane},
		},

		{
			"encode buffer from a lane, in any order, acknowledged in order", true,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 3, sizes: one, static: 1, encode: fromLane, ordered: true},
		},
		{
			"encode buffer from a lane, oldest first, acknowledged in order", false,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 3, sizes: one, static: 1, encode: fromLane, ordered: true, oldest: true},
		},

		{
			"sink that waits for three batches", true,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 4, sizes: one, gather: 3},
		},
		{
			"sink that waits for three batches or pressure", false,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 4, sizes: one, gather: 3, pressure: true},
		},
		{
			"sink that waits for three batches or a timer", false,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 4, sizes: one, gather: 3, linger: true},
		},

		{
			"oversize record collected arena by arena", true,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 2, grow: 3},
		},
		{
			"oversize record in one acquisition", false,
			protocol{limit: 4, pipes: 2, guarantee: 3, batches: 2, sizes: three},
		},

		{
			"retry scratch acquired behind finished batches", true,
			protocol{limit: 3, pipes: 1, guarantee: 3, batches: 4, sizes: one, retry: fromPool, ordered: true},
		},
		{
			"retry scratch from a lane set aside", false,
			protocol{limit: 4, pipes: 2, guarantee: 2, batches: 3, sizes: one, static: 1, retry: fromLane, ordered: true},
		},

		// Collecting a record under a process-wide token is an exception to
		// the single acquisition. Being inside the guarantee is not enough:
		// another reader of the account may be first in the queue, waiting
		// for more than the collector leaves.
		{
			"token, guarantee of one record, two readers", true,
			protocol{limit: 3, pipes: 1, guarantee: 3, batches: 3, streams: 2, sizes: two, grow: 3, token: true},
		},
		{
			"token, guarantee of one record less an arena plus a batch", false,
			protocol{limit: 4, pipes: 1, guarantee: 4, batches: 3, streams: 2, sizes: two, grow: 3, token: true},
		},
		{
			"token, guarantee of one record, one reader", false,
			protocol{limit: 4, pipes: 2, guarantee: 3, batches: 2, grow: 3, token: true},
		},

		// A second Open waits while the pipeline holds its first guarantee.
		{
			"static cost opened later, does not fit side by side", true,
			protocol{limit: 4, pipes: 2, guarantee: 1, batches: 1, sizes: one, static: 3, nested: true, retry: fromLane},
		},
		{
			"static cost opened later, fits side by side", false,
			protocol{limit: 4, pipes: 2, guarantee: 1, batches: 2, sizes: one, static: 1, nested: true, retry: fromLane},
		},
		{
			"static cost opened with, does not fit side by side", false,
			protocol{limit: 4, pipes: 2, guarantee: 4, batches: 2, sizes: one, static: 3, retry: fromLane},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := explore(t, &c.p)
			t.Logf("%d states, %d deadlocks %v", v.states, v.deadlocks, v.trace)
			if (v.deadlocks > 0) != c.dead {
				t.Errorf("%d deadlocks, the first after %v", v.deadlocks, v.trace)
			}
		})
	}
}

// TestSingleAcquisitionNeverDeadlocks explores the protocol that weir uses,
// with everything a pipeline can do, on up to three accounts and four arenas.
func TestSingleAcquisitionNeverDeadlocks(t *testing.T) {
	one, mixed := []int64{1}, []int64{1, 2}
	for name, p := range map[string]protocol{
		"three accounts": {limit: 4, pipes: 3, guarantee: 1, batches: 2, sizes: one, cancels: 1},
		"three accounts that do not fit at once": {
			limit: 4, pipes: 3, guarantee: 2, batches: 2,
			sizes: []int64{2}, cancels: 1, abandon: true,
		},
		"jumbo that needs all": {
			limit: 4, pipes: 3, guarantee: 4, batches: 1,
			sizes: []int64{1, 4}, cancels: 1, abandon: true,
		},
		"fan-out in order": {
			limit: 4, pipes: 2, guarantee: 2, batches: 2,
			sizes: mixed, ordered: true, fanout: 2, cancels: 1,
		},
		"retry in order, groups": {
			limit: 4, pipes: 2, guarantee: 2, batches: 3,
			sizes: one, static: 1, retry: fromLane, ordered: true, gather: 2, pressure: true, linger: true,
		},
		"two readers": {
			limit: 4, pipes: 2, guarantee: 2, batches: 2,
			sizes: mixed, streams: 2, cancels: 1, abandon: true,
		},
		"everything": {
			limit: 4, pipes: 2, guarantee: 2, batches: 2, sizes: one, streams: 2, static: 1, retry: fromLane,
			fanout: 2, gather: 2, pressure: true, linger: true, cancels: 1, abandon: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := explore(t, &p)
			t.Logf("%d states", v.states)
			if v.deadlocks > 0 {
				t.Errorf("%d deadlocks, the first after %v", v.deadlocks, v.trace)
			}
		})
	}
}

// randomProtocol draws a correct protocol of any size with features mixed.
func randomProtocol(r *rand.Rand) protocol {
	p := protocol{
		pipes:    1 + r.IntN(8),
		batches:  1 + r.IntN(20),
		streams:  1 + r.IntN(3),
		ordered:  r.IntN(2) == 0,
		fanout:   1 + r.IntN(3),
		gather:   r.IntN(4),
		pressure: true,
		linger:   r.IntN(2) == 0,
		cancels:  r.IntN(6),
		abandon:  r.IntN(4) == 0,
	}
	for range 1 + r.IntN(3) {
		p.sizes = append(p.sizes, int64(1+r.IntN(7)))
	}
	largest := int64(0)
	for _, size := range p.sizes {
		largest = max(largest, size)
	}
	p.guarantee = largest + int64(r.IntN(8))
	if r.IntN(3) == 0 {
		p.grow = 1 + int64(r.IntN(7))
		p.token = true
		p.guarantee += p.grow - 1
	}
	if r.IntN(2) == 0 {
		p.static = int64(1 + r.IntN(3))
		p.guarantee += p.static
		p.retry = fromLane
		if r.IntN(2) == 0 {
			p.encode, p.oldest = fromLane, true
			p.retry = nowhere // one lane serves one purpose
		}
	}
	// The guarantees may be too many to fit side by side.
	p.limit = p.guarantee + int64(r.IntN(60))
	return p
}

func TestRandomPipelinesFinishWithEverythingHome(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 7))
		p := randomProtocol(r)
		w := newWorld(&p)
		var next []action
		for steps := 0; ; steps++ {
			next = w.actions(next[:0])
			if len(next) == 0 {
				break
			}
			step := next[r.IntN(len(next))]
			w.apply(step)
			if err := w.core.check(w.accounts()); err != nil {
				t.Fatalf("seed %d, %+v: step %d, %v: %v", seed, p, steps, step, err)
			}
		}
		if !w.finished() {
			t.Fatalf("seed %d, %+v: deadlock", seed, p)
		}
		if w.core.used != 0 || w.core.guaranteed != 0 || w.core.sharedFree() != p.limit {
			t.Fatalf("seed %d, %+v: not everything is home: %+v", seed, p, w.core)
		}
	}
}
