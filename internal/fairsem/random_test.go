package fairsem

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// program is a random set of pipelines that open, acquire, give up, release and
// close on one semaphore, checking its invariants as they go.
type program struct {
	t    *testing.T
	sem  *Sem
	seed uint64

	mu struct {
		sync.Mutex
		accounts []*Account // all that were ever opened
	}
}

func (p *program) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	check(p.t, p.sem, p.mu.accounts...)
}

// open is Sem.Open for an account that check knows before it is granted.
func (p *program) open(ctx context.Context, name string, guarantee int64) (*Account, error) {
	a := &Account{sem: p.sem, name: name}
	p.mu.Lock()
	p.mu.accounts = append(p.mu.accounts, a)
	p.mu.Unlock()
	return a, a.submit(ctx, open, guarantee)
}

// pipeline runs a few workers on an account of its own; every third closes it
// under their feet.
func (p *program) pipeline(i int) {
	r := rand.New(rand.NewPCG(p.seed, uint64(i)))
	time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
	guarantee := int64(40 + r.IntN(60))
	a, err := p.open(context.Background(), fmt.Sprint(i), guarantee)
	if err != nil {
		p.t.Error(err)
		return
	}
	early := r.IntN(3) == 0
	var wg sync.WaitGroup
	for w := range 1 + r.IntN(4) {
		r := rand.New(rand.NewPCG(p.seed, uint64(i*100+w+50)))
		wg.Go(func() { p.worker(a, r, early) })
	}
	if early {
		time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
		a.Close()
		p.check()
	}
	wg.Wait()
	a.Close()
	p.check()
}

func (p *program) worker(a *Account, r *rand.Rand, early bool) {
	granted := 0
	for range 40 {
		n := int64(r.IntN(41))
		ctx, cancel := context.WithCancel(context.Background())
		if r.IntN(5) == 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(20))*time.Millisecond)
		}
		var err error
		got := false
		if r.IntN(8) == 0 {
			got = a.TryAcquire(n)
		} else {
			err = a.Acquire(ctx, n)
			got = err == nil
		}
		if got {
			granted++
			p.hold(a, r, n)
		}
		cancel()
		if errors.Is(err, ErrClosed) && early {
			return
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			p.t.Error(err)
		}
	}
	if granted == 0 {
		p.t.Errorf("seed %d: a worker of account %q starved", p.seed, a.name)
	}
}

// hold keeps n bytes for a while and gives them back in two portions.
func (p *program) hold(a *Account, r *rand.Rand, n int64) {
	p.check()
	first := r.Int64N(n + 1)
	for _, part := range []int64{first, n - first} {
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		a.Release(part)
		p.check()
	}
}

// A deadlock or a lost wake-up leaves every goroutine of the bubble blocked,
// which makes synctest fail the test.
func TestRandomProgramsEndWithEverythingHome(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			pipelines := 1 + r.IntN(8)
			// From hardly one guarantee to more than all of them.
			p := program{t: t, sem: New(100 + r.Int64N(int64(pipelines)*120)), seed: seed}
			var wg sync.WaitGroup
			for i := range pipelines {
				wg.Go(func() { p.pipeline(i) })
			}
			wg.Wait()
			p.check()
			checkHome(t, p.sem)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// The same on real threads and real time, for the race detector: grants,
// cancels and closes meet at random.
func TestManyGoroutinesOnOneSem(t *testing.T) {
	s := New(256)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				a, err := s.Open(ctx, fmt.Sprint(i), 64)
				if err != nil {
					return
				}
				a.stress(ctx, uint64(i))
				a.Close()
			}
		})
	}
	wg.Wait()
	checkHome(t, s)
}

// stress has four goroutines acquire and give up for some hundred rounds.
func (a *Account) stress(ctx context.Context, seed uint64) {
	var wg sync.WaitGroup
	for w := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, w))
		wg.Go(func() {
			for range 100 {
				n := r.Int64N(65)
				once, cancel := context.WithCancel(ctx)
				if r.IntN(4) == 0 {
					go cancel()
				}
				if a.Acquire(once, n) == nil {
					a.Release(n)
				}
				cancel()
			}
		})
	}
	wg.Wait()
}
