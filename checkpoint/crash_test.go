package checkpoint

import (
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
)

// state is everything a store says, as text by job and stream.
type state map[string]string

func (s state) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%s=%s\n", k, s[k])
	}
	return b.String()
}

// stateOf asks s for everything, stream by stream too.
func stateOf(s *Store) (state, error) {
	all := state{}
	var jobs []string
	err := s.Jobs(func(j Job) bool {
		all[j.ID] = fmt.Sprint(j.Description, j.Done)
		jobs = append(jobs, j.ID)
		return true
	})
	for _, job := range jobs {
		err = errors.Join(err, s.Streams(job, func(e Entry) bool {
			all[job+"/"+e.ID] = describe(e)
			return true
		}))
	}
	for id := range maps.Keys(all) {
		job, stream, _ := strings.Cut(id, "/")
		if stream == "" {
			continue
		}
		e, ok, failure := s.Stream(job, stream)
		if failure == nil && (!ok || describe(e) != all[id]) {
			failure = fmt.Errorf("Stream says %s of %s; Streams says %s", describe(e), id, all[id])
		}
		err = errors.Join(err, failure)
	}
	return all, err
}

func describe(e Entry) string {
	name := fmt.Sprintf("%d,%x", len(e.Name), crc32.ChecksumIEEE([]byte(e.Name)))
	return fmt.Sprintf("%s %q %d %d %d %v", name, e.Position, e.Read.Bytes, e.Read.Records, e.Size, e.Whole)
}

// A program is a random sequence of calls, the same for the same seed, beside a
// model of what they have stored.
type program struct {
	rng   *rand.Rand
	store *Store
	model state
	turn  int64
}

func newProgram(seed uint64, s *Store) *program {
	return &program{rng: rand.New(rand.NewPCG(seed, 2)), store: s, model: state{}}
}

// call does one call and returns the model after it, which is true if there was
// no error.
func (p *program) call() (state, error) {
	p.turn++
	next := maps.Clone(p.model)
	job := string(rune('A' + p.rng.IntN(3)))
	_, known := p.model[job]
	dice := p.rng.IntN(20)
	switch {
	case !known || dice == 0:
		j := Job{ID: job, Description: fmt.Sprint("turn ", p.turn), Done: dice == 0}
		next[job] = fmt.Sprint(j.Description, j.Done)
		return next, p.store.PutJob(j)
	case dice == 1:
		maps.DeleteFunc(next, func(id, _ string) bool { return id == job || strings.HasPrefix(id, job+"/") })
		return next, p.store.RemoveJob(job)
	case dice == 2:
		id := p.stream()
		delete(next, job+"/"+id)
		_, err := p.store.RemoveStream(job, id)
		return next, err
	}
	entries := make([]Entry, p.rng.IntN(4))
	for i := range entries {
		e := Entry{
			ID: p.stream(), Name: strings.Repeat("n", p.rng.IntN(300)), Checkpoint: weir.Checkpoint{
				Position: weir.Position(fmt.Sprint("off=", p.turn)), Mark: []byte(fmt.Sprint("len=", p.turn)),
				Read: weir.Count{Bytes: p.turn, Records: p.turn / 2}, Size: weir.UnknownSize, Whole: p.rng.IntN(2) == 0,
			},
		}
		if p.rng.IntN(10) == 0 {
			e.Name = strings.Repeat("N", MaxText)
		}
		entries[i] = e
		next[job+"/"+e.ID] = describe(e)
	}
	return next, p.store.Save(job, entries)
}

func (p *program) stream() string { return fmt.Sprint("s", p.rng.IntN(12)) }

// checkState fails the test if d's store says anything but one of the states.
func checkState(t *testing.T, what string, d *memDisk, allowed ...state) (*Store, state) {
	t.Helper()
	s, err := d.store(Options{})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	got, err := stateOf(s)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, a := range allowed {
		if maps.Equal(got, a) {
			return s, a
		}
	}
	t.Fatalf("%s: the store has\n%s\nwant one of\n%v", what, got, allowed)
	return nil, nil
}

// TestPowerLossAtEachStepKeepsWhatWasSaved runs random programs, cuts the power
// at each write, sync and rename in turn, and again after the recovery. What was
// returned as saved is there; of the call that was interrupted all or nothing.
func TestPowerLossAtEachStepKeepsWhatWasSaved(t *testing.T) {
	const calls = 40
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		for failAt := 1; ; failAt++ {
			d := newMemDisk(seed<<32 + uint64(failAt))
			d.failAt, d.err = failAt, errCrash
			model, next, done := runProgram(t, seed, d, calls)
			what := fmt.Sprintf("seed %d, power lost at step %d", seed, failAt)
			d = d.crashed()
			if failAt%3 == 0 { // and again during the recovery
				d.failAt, d.err = 1+d.rng.IntN(6), errCrash
				_, _ = d.store(Options{}) // it fails, or not, if that is too late
				d = d.crashed()
			}
			s, now := checkState(t, what, d, model, next)
			p := newProgram(seed+100, s)
			p.model = now
			for range 5 {
				after, err := p.call()
				if err != nil {
					t.Fatalf("%s, after recovery: %v", what, err)
				}
				p.model = after
			}
			checkState(t, what+", later", d.crashed(), p.model)
			if done {
				break
			}
		}
	}
}

// runProgram runs calls until one fails. It returns what is stored, what would
// be if the last call had succeeded, and whether all calls were done.
func runProgram(t *testing.T, seed uint64, d *memDisk, calls int) (model, next state, done bool) {
	t.Helper()
	s, err := d.store(Options{})
	if err != nil {
		return state{}, state{}, false
	}
	p := newProgram(seed, s)
	for range calls {
		next, err := p.call()
		if err != nil {
			return p.model, next, false
		}
		p.model = next
	}
	if s.Stats().Compactions < 2 {
		t.Fatalf("a program with %d compactions; want some", s.Stats().Compactions)
	}
	return p.model, p.model, s.Close() == nil
}

// TestFailureAtEachStepLosesNothing lets each write, sync and rename in turn
// fail once. The call reports it; what was saved before stays.
func TestFailureAtEachStepLosesNothing(t *testing.T) {
	for _, failure := range []error{errDisk, errFull} {
		for failAt := 1; ; failAt++ {
			d := newMemDisk(uint64(failAt))
			d.failAt, d.err = failAt, failure
			model, next, done := runProgram(t, 1, d, 40)
			what := fmt.Sprintf("%v at step %d", failure, failAt)
			checkState(t, what+", killed", d.killed(), model, next)
			checkState(t, what+", power lost", d.crashed(), model, next)
			if done && d.steps < failAt {
				break
			}
		}
	}
}

// TestFullDiskDoesNotEndTheStore: the zeros ahead of the log do not fit, then
// they do.
func TestFullDiskDoesNotEndTheStore(t *testing.T) {
	d := newMemDisk(1)
	s, err := d.store(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutJob(Job{ID: "A"}); err != nil {
		t.Fatal(err)
	}
	before, _ := stateOf(s)
	e := Entry{ID: "x", Name: strings.Repeat("n", 2000)} // needs more zeros
	d.failAt, d.err = d.steps+1, errFull
	err = s.Save("A", []Entry{e})
	if err == nil || !strings.Contains(err.Error(), "free some space") {
		t.Fatalf("a full disk: %v", err)
	}
	if got, err := stateOf(s); err != nil || !maps.Equal(got, before) {
		t.Fatalf("after a full disk: %v, %v", got, err)
	}
	if err := s.Save("A", []Entry{e}); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	checkState(t, "power lost", d.crashed(), state{"A": "false", "A/x": describe(e)})
}

// TestFailedSyncEndsTheStore: after a sync that failed nobody knows what is on
// the disk, and a second one that succeeds says nothing about it.
func TestFailedSyncEndsTheStore(t *testing.T) {
	d := newMemDisk(1)
	s, err := d.store(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutJob(Job{ID: "A"}); err != nil {
		t.Fatal(err)
	}
	d.failAt, d.err = d.steps+2, errDisk // the write, then the sync
	e := []Entry{{ID: "x"}}
	for range 2 {
		if err := s.Save("A", e); !errors.Is(err, errDisk.(interface{ Unwrap() error }).Unwrap()) {
			t.Fatalf("a failed sync: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkState(t, "opened again", d.crashed(), state{"A": "false"}, state{"A": "false", "A/x": describe(e[0])})
}
