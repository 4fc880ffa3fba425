package ackwindow

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFullWindowIsBackpressure(t *testing.T) {
	w := New(2)
	for want := range uint64(2) {
		if got, ok := w.Admit(); !ok || got != want {
			t.Fatalf("Admit = %d, %v; want %d, true", got, ok, want)
		}
	}
	if _, ok := w.Admit(); ok {
		t.Fatal("a full window admitted")
	}
	if commit, err := w.Ack(1); err != nil || commit != 0 {
		t.Fatalf("Ack(1) = %d, %v; want 0: index 0 is still in flight", commit, err)
	}
	if _, ok := w.Admit(); ok {
		t.Fatal("a place was given away while the head is in flight")
	}
	if commit, err := w.Ack(0); err != nil || commit != 2 {
		t.Fatalf("Ack(0) = %d, %v; want 2", commit, err)
	}
}

func TestWrongAcksAreRefused(t *testing.T) {
	w := New(4)
	w.Admit()
	w.Admit()
	if _, err := w.Ack(1); err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint64{1, 2, 99} {
		if _, err := w.Ack(i); err == nil {
			t.Errorf("Ack(%d) was accepted", i)
		}
	}
}

// The window against a sorted set, with limits so small that it wraps in every
// run.
func TestWindowMatchesModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		limit := 1 + r.IntN(5)
		w := New(limit)
		var open []uint64 // admitted, not acknowledged, ascending
		next, committed := uint64(0), uint64(0)
		for range 2000 {
			if r.IntN(2) == 0 {
				low := next
				if len(open) > 0 {
					low = open[0]
				}
				i, ok := w.Admit()
				if ok != (next-low < uint64(limit)) || ok && i != next {
					t.Fatalf("seed %d: Admit = %d, %v with %d in the window", seed, i, ok, next-low)
				}
				if ok {
					open = append(open, i)
					next++
				}
				continue
			}
			if len(open) == 0 {
				continue
			}
			k := r.IntN(len(open))
			i := open[k]
			open = slices.Delete(open, k, k+1)
			want := next
			if len(open) > 0 {
				want = open[0]
			}
			commit, err := w.Ack(i)
			if err != nil || commit != want || commit < committed {
				t.Fatalf("seed %d: Ack(%d) = %d, %v; want %d", seed, i, commit, err, want)
			}
			committed = commit
			if w.InFlight() != int(next-commit) {
				t.Fatalf("seed %d: InFlight = %d, want %d", seed, w.InFlight(), next-commit)
			}
		}
	}
}

func BenchmarkAdmitAck(b *testing.B) {
	w := New(4)
	b.ReportAllocs()
	for b.Loop() {
		i, _ := w.Admit()
		if _, err := w.Ack(i); err != nil {
			b.Fatal(err)
		}
	}
}
