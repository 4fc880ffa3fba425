package weir_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
)

var errModel = errors.New("drawn by the model")

// modelRun is one random pipeline and what it must have done.
type modelRun struct {
	src   *fakeSource
	dst   *fakeSink
	o     weir.Options
	c     weir.Control
	mode  string // of the transform
	ended map[string]weir.StreamResult
}

func (m *modelRun) wants(name string) []int {
	var want []int
	for i := range m.src.records {
		if m.mode == "drop" && i%3 == 0 {
			continue
		}
		want = append(want, i)
		if m.mode == "add" {
			want = append(want, i)
		}
	}
	return want
}

// drawRun draws a pipeline. The hooks draw under a lock: they run side by side.
func drawRun(seed uint64, budget *weir.Budget) *modelRun {
	r := rand.New(rand.NewPCG(seed, 7))
	var mu sync.Mutex
	n := func(k int) int { mu.Lock(); defer mu.Unlock(); return r.IntN(k) }
	ms := func(k int) time.Duration { return time.Duration(n(k)) * time.Millisecond }
	chance := func(faulty bool, k int) bool { return faulty && n(k) == 0 }
	faultySrc, faultyDst, faultyTr := n(3) == 0, n(3) == 0, n(4) == 0

	m := &modelRun{ended: map[string]weir.StreamResult{}}
	m.src = &fakeSource{streams: 1 + n(4), records: n(120), perRead: n(9), size: n(3) * n(900), readTime: ms(3)}
	m.src.read = func(context.Context, int, int) error {
		switch {
		case chance(faultySrc, 60):
			return errModel
		case chance(faultySrc, 60):
			panic("drawn by the model")
		}
		return nil
	}
	m.dst = &fakeSink{fp: weir.Footprint{MaxInFlight: n(5), PerWrite: int64(n(2) * 512), PerWriter: int64(n(2) * 1024), Static: int64(n(2) * 1024)}}
	m.dst.write = func(ctx context.Context, _ string, _ int) error {
		pause(ctx, ms(6))
		switch {
		case chance(faultyDst, 60):
			return errModel
		case chance(faultyDst, 60):
			panic("drawn by the model")
		}
		return context.Cause(ctx)
	}
	m.dst.opening = func(context.Context, string) error {
		if chance(faultyDst, 12) {
			return errModel
		}
		return nil
	}
	m.dst.commit = func(ctx context.Context) error {
		pause(ctx, ms(3))
		if chance(faultyDst, 6) {
			return errModel
		}
		return context.Cause(ctx)
	}
	m.dst.abort = func(context.Context, error) error {
		if chance(faultyDst, 3) {
			return errModel
		}
		return nil
	}
	m.o = weir.Options{
		Name: fmt.Sprint("p", seed), Budget: budget, Batch: 4096 << n(2), Streams: n(4), InFlight: n(5), ReadAhead: n(4) - 1,
		Grace: time.Second, FailFast: n(4) == 0, Control: &m.c,
		OnStream: func(s weir.StreamResult) { m.ended[s.Name] = s },
	}
	if n(5) == 0 {
		m.o.Rate = 200_000
	}
	if m.o.Workers = []int{0, 1, 3}[n(3)]; m.o.Workers > 0 {
		m.mode = []string{"copy", "drop", "add"}[n(3)]
		m.o.Steps = []weir.Step{{Expand: 2, Do: func(ctx context.Context, in, out *weir.Batch) error {
			pause(ctx, ms(4))
			if chance(faultyTr, 40) {
				return errModel
			}
			for i := range in.Records() {
				v, err := strconv.Atoi(strings.TrimSpace(string(in.Record(i))))
				if err != nil {
					return err
				}
				if m.mode == "drop" && v%3 == 0 {
					continue
				}
				if !out.Append(in.Record(i)) || m.mode == "add" && !out.Append(in.Record(i)) {
					return weir.ErrBatchFull
				}
			}
			return nil
		}}}
		for range n(3) { // more steps: to and fro between the two pieces of memory
			m.o.Steps = append(m.o.Steps, weir.Step{Name: "copy", Expand: 1 + float64(n(3))/4, Do: func(ctx context.Context, in, out *weir.Batch) error {
				pause(ctx, ms(1))
				return copyRecords(in, out)
			}})
		}
	}
	return m
}

// check compares what the run did with what it must have done.
func (m *modelRun) check(t *testing.T, res weir.Result, err error) {
	t.Helper()
	checkEnds(t, m.src, m.dst, nil)
	if (err == nil) != (res.Status == weir.Succeeded) {
		t.Errorf("status %v with error %v", res.Status, err)
	}
	if len(res.Abandoned) > 0 {
		t.Errorf("abandoned %q", res.Abandoned)
	}
	c := res.Streams
	if c.Active != 0 || c.Opened != c.Committed+c.Aborted+c.Failed || int(c.Opened) != len(m.ended) {
		t.Errorf("streams %+v, %d told", c, len(m.ended))
	}
	if res.InFlightBytes != 0 || res.InFlightBatches != 0 {
		t.Errorf("in flight at the end: %d bytes, %d batches", res.InFlightBytes, res.InFlightBatches)
	}
	var read, written, acked weir.Count
	for name, s := range m.ended {
		read.Bytes, read.Records = read.Bytes+s.Read.Bytes, read.Records+s.Read.Records
		written.Bytes, written.Records = written.Bytes+s.Written.Bytes, written.Records+s.Written.Records
		w := m.dst.writers[name]
		if (s.Err == nil) != (s.Status == weir.Succeeded) {
			t.Errorf("stream %s: %v with %v", name, s.Status, s.Err)
		}
		if s.Status == weir.Succeeded {
			acked.Bytes, acked.Records = acked.Bytes+s.Written.Bytes, acked.Records+s.Written.Records
			if w == nil || w.commits != 1 {
				t.Errorf("stream %s succeeded without a commit", name)
				continue
			}
		}
		if w == nil {
			continue
		}
		got, want := slices.Clone(w.records), m.wants(name)
		if min(m.o.InFlight, m.dst.fp.MaxInFlight) > 1 || m.o.InFlight == 0 && m.dst.fp.MaxInFlight > 1 {
			slices.Sort(got)
		}
		if s.Written.Records > int64(len(got)) {
			t.Errorf("stream %s: %d records counted as written, %d arrived", name, s.Written.Records, len(got))
		}
		if s.Status == weir.Succeeded && !slices.Equal(got, want) {
			t.Errorf("stream %s: %d records arrived, want %d: %v", name, len(got), len(want), got)
		}
		if ordered := max(1, m.dst.fp.MaxInFlight) == 1 || m.o.InFlight == 1; ordered && (len(got) > len(want) || !slices.Equal(got, want[:len(got)])) {
			t.Errorf("stream %s: not a prefix: %v", name, got)
		}
	}
	if read != res.Read || written != res.Written || acked != res.Acknowledged {
		t.Errorf("streams add up to read %v, written %v, acknowledged %v; the result says %v, %v, %v",
			read, written, acked, res.Read, res.Written, res.Acknowledged)
	}
	if in, out := res.Read.Records+res.Added.Records, res.Written.Records+res.Filtered.Records+res.Undelivered.Records; in != out {
		t.Errorf("read %v + added %v is not written %v + filtered %v + undelivered %v", res.Read, res.Added, res.Written, res.Filtered, res.Undelivered)
	}
	if res.Status == weir.Succeeded && (res.Undelivered.Records != 0 || m.mode != "add" && res.Added.Records != 0) {
		t.Errorf("undelivered %v, added %v", res.Undelivered, res.Added)
	}
}

func TestModel(t *testing.T) {
	const seeds = 300
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			limit := int64(96+r.IntN(96)) << 10
			budget := weir.NewBudget(limit, weir.BudgetOptions{Poison: seed%2 == 0}) // without, leases are kept from write to read
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if r.IntN(3) == 0 {
				time.AfterFunc(time.Duration(r.IntN(400))*time.Millisecond, func() { cancel(errStop) })
			}
			done := make(chan struct{})
			stopWatch := make(chan struct{})
			go func() {
				for {
					if s := budget.Stats(); s.Used > s.Limit || s.Peak > s.Limit {
						t.Errorf("used %d, peak %d of %d", s.Used, s.Peak, s.Limit)
					}
					select {
					case <-stopWatch:
						return
					case <-time.After(7 * time.Millisecond):
					}
				}
			}()
			n := 1 + r.IntN(3)
			for k := range n {
				m := drawRun(seed*10+uint64(k), budget)
				if r.IntN(6) == 0 {
					time.AfterFunc(time.Duration(r.IntN(300))*time.Millisecond, m.c.Drain)
				}
				go func() {
					res, err := weir.Ingest(ctx, m.src, m.dst, m.o)
					m.check(t, res, err)
					done <- struct{}{}
				}()
			}
			for range n {
				<-done
			}
			close(stopWatch)
			synctest.Wait()
			checkHome(t, budget)
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A record larger than a batch pays the rate limit for all of it.
func TestRateLimitHoldsForRecordsLargerThanABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &fakeSource{records: 20, size: 64 << 10}
		dst := &fakeSink{}
		res, err := ingest(t, t.Context(), src, dst, weir.Options{Batch: 4096, Guarantee: 1 << 20, Rate: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		if rate := float64(res.Read.Bytes) / res.Elapsed.Seconds(); rate > 1.2*(64<<10) {
			t.Errorf("%d bytes in %v: %.0f bytes/s, the limit is %d", res.Read.Bytes, res.Elapsed, rate, 64<<10)
		}
	})
}
