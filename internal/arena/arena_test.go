package arena

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// pools runs a test on heap blocks and, where there are any, on mappings.
func pools(t *testing.T, limit int64, poison bool, test func(*testing.T, *Pool)) {
	t.Helper()
	for _, kind := range []struct {
		name   string
		mapped bool
	}{{"heap", false}, {"mapped", true}} {
		t.Run(kind.name, func(t *testing.T) {
			if kind.mapped && !canMap {
				t.Skip("no mappings on this system")
			}
			p := New(limit, poison)
			p.mapped = kind.mapped
			test(t, p)
			checkLists(t, p)
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if st := p.Stats(); st.Free != 0 || st.FreeArenas != 0 {
				t.Errorf("after Close: %+v", st)
			}
		})
	}
}

// checkLists verifies that lists, classes and counts agree.
func checkLists(t *testing.T, p *Pool) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	free, arenas, bytes := map[*Arena]bool{}, 0, int64(0)
	var warmer *Arena
	for a := p.mu.warmest; a != nil; a = a.colder {
		if a.leased || a.warmer != warmer || a.Mem != nil || int64(len(a.mem)) != a.class.size {
			t.Fatalf("bad free arena %+v", a)
		}
		free[a] = true
		bytes += a.class.size
		warmer = a
	}
	if p.mu.coldest != warmer {
		t.Fatal("the list does not end with the coldest")
	}
	for size, c := range p.mu.classes {
		for a := c.top; a != nil; a = a.below {
			if !free[a] || a.class != c {
				t.Fatalf("arena %+v in the stack of %d is not free", a, size)
			}
			delete(free, a)
		}
		arenas += c.arenas
	}
	st := p.mu.stats
	if len(free) != 0 || bytes != st.Free || arenas != st.LeasedArenas+st.FreeArenas || st.Leased+st.Free > p.limit {
		t.Fatalf("%d free arenas without a class, %d bytes free, %d arenas; %+v", len(free), bytes, arenas, st)
	}
}

func mustGet(t testing.TB, p *Pool, size int) *Arena {
	t.Helper()
	a, err := p.Get(size)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func touch(mem []byte) {
	for i := 0; i < len(mem); i += 4 * kib {
		mem[i] = 1
	}
}

// panicOf returns what f panics with, faults included, or nil.
func panicOf(f func()) (r any) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { r = recover() }()
	f()
	return nil
}

func TestSizeIsRoundedUpToPages(t *testing.T) {
	pools(t, 10*mib, false, func(t *testing.T, p *Pool) {
		for size, want := range map[int]int{
			0: p.page, 1: p.page, p.page: p.page, p.page + 1: 2 * p.page,
			64 * kib: 64 * kib, mib - 1: mib, 9 * mib: 9 * mib,
		} {
			a := mustGet(t, p, size)
			if len(a.Mem) != want || cap(a.Mem) != want {
				t.Errorf("Get(%d): len %d, cap %d, want %d", size, len(a.Mem), cap(a.Mem), want)
			}
			if off := uintptr(unsafe.Pointer(&a.Mem[0])) % uintptr(p.page); off != 0 {
				t.Errorf("Get(%d): %d bytes off a page", size, off)
			}
			touch(a.Mem)
			p.Put(a)
		}
	})
}

func TestLastArenaGivenBackIsLeasedNext(t *testing.T) {
	pools(t, 10*mib, false, func(t *testing.T, p *Pool) {
		a, b, other := mustGet(t, p, mib), mustGet(t, p, mib), mustGet(t, p, 64*kib)
		p.Put(b)
		p.Put(a)
		p.Put(other)
		if got := mustGet(t, p, mib); got != a {
			t.Error("the first Get did not return the last Put")
		}
		if got := mustGet(t, p, mib); got != b {
			t.Error("the second Get did not return the Put before it")
		}
		a.Mem = a.Mem[:10] // what the holder does to Mem is forgotten
		p.Put(a)
		p.Put(b)
		if a.Mem != nil {
			t.Error("Mem of a free arena is not nil")
		}
		mustGet(t, p, mib)
		if got := mustGet(t, p, mib); len(got.Mem) != mib {
			t.Errorf("len(Mem) = %d", len(got.Mem))
		}
		p.Put(a)
		p.Put(b)
	})
}

func TestGetBeyondTheLimitIsAnError(t *testing.T) {
	pools(t, mib, false, func(t *testing.T, p *Pool) {
		a := mustGet(t, p, mib-4*kib)
		for _, size := range []int{4*kib + 1, mib, math.MaxInt} {
			_, err := p.Get(size)
			var tooLarge *TooLargeError
			if !errors.As(err, &tooLarge) || tooLarge.Size != int64(size) || tooLarge.Leased != mib-4*kib || tooLarge.Limit != mib {
				t.Errorf("Get(%d): %v", size, err)
			}
		}
		b := mustGet(t, p, 4*kib)
		_, err := p.Get(1)
		if want := "arena of 1 bytes: 1048576 of 1048576 are leased already"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		p.Put(a)
		p.Put(b)
	})
}

func TestColdestArenasOfOtherSizesMakeRoom(t *testing.T) {
	pools(t, 4*mib, false, func(t *testing.T, p *Pool) {
		var free []*Arena
		for range 4 {
			free = append(free, mustGet(t, p, mib))
		}
		for _, a := range free {
			p.Put(a)
		}
		large := mustGet(t, p, 2*mib+1) // needs three of them gone, the coldest
		checkLists(t, p)
		if st := p.Stats(); st.Free != mib || st.Unmaps != 3 || st.Leased+st.Free > 4*mib {
			t.Errorf("%+v", st)
		}
		if got := mustGet(t, p, mib); got != free[3] {
			t.Error("the warmest was evicted")
		}
		p.Put(free[3])
		if r := panicOf(func() { p.Put(free[0]) }); r == nil {
			t.Error("an evicted arena could be given back")
		}
		p.Put(large)
	})
}

func TestSecondPutPanics(t *testing.T) {
	pools(t, mib, false, func(t *testing.T, p *Pool) {
		a := mustGet(t, p, 1)
		p.Put(a)
		if panicOf(func() { p.Put(a) }) == nil {
			t.Error("no panic")
		}
		if b := mustGet(t, p, 1); b != a {
			t.Error("the pool is damaged")
		}
		p.Put(a)
	})
}

func TestPoisonShowsUseAfterPut(t *testing.T) {
	pools(t, mib, true, func(t *testing.T, p *Pool) {
		a := mustGet(t, p, 64*kib)
		kept := a.Mem
		var read byte
		touch(kept)
		p.Put(a)
		if p.mapped {
			if panicOf(func() { read = kept[100] }) == nil {
				t.Errorf("a read after Put did not fault but gave %#x", read)
			}
			if panicOf(func() { kept[100] = 1 }) == nil {
				t.Error("a write after Put did not fault")
			}
		}
		if b := mustGet(t, p, 64*kib); b != a || b.Mem[100] != poisonByte {
			t.Error("not the poisoned arena")
		}
		touch(a.Mem)
		p.Put(a)
		if !p.mapped {
			kept[100] = 1
			if panicOf(func() { _, _ = p.Get(64 * kib) }) == nil {
				t.Error("a write after Put went unnoticed")
			}
			return
		}
		mustGet(t, p, 64*kib)
		p.Put(a)
	})
}

func TestTrimGivesBackWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(10*mib, false)
		old, young := mustGet(t, p, mib), mustGet(t, p, 2*mib)
		p.Put(old)
		time.Sleep(20 * time.Second)
		p.Put(young)
		time.Sleep(20 * time.Second)
		for idle, want := range map[time.Duration]int64{41 * time.Second: 0, time.Hour: 0} {
			if got := p.Trim(idle); got != want {
				t.Errorf("Trim(%v) = %d, want %d", idle, got, want)
			}
		}
		if got := p.Trim(40 * time.Second); got != mib {
			t.Errorf("Trim gave back %d bytes, want the old arena", got)
		}
		leased := mustGet(t, p, 2*mib)
		p.Put(leased)
		if got := p.Trim(time.Second); got != 0 {
			t.Errorf("Trim gave back %d bytes of an arena that was just used", got)
		}
		if got := p.Trim(0); got != 2*mib {
			t.Errorf("Trim(0) gave back %d bytes, want all", got)
		}
		checkLists(t, p)
		if len(p.mu.classes) != 0 {
			t.Errorf("%d sizes remembered without arenas", len(p.mu.classes))
		}
	})
}

func TestSizeThatWasTrimmedAwayComesBack(t *testing.T) {
	pools(t, mib, false, func(t *testing.T, p *Pool) {
		for range 3 {
			p.Put(mustGet(t, p, 64*kib))
			checkLists(t, p)
			p.Trim(0)
		}
	})
}

func TestArenasLeasedAtCloseAreUnmappedWhenPut(t *testing.T) {
	p := New(mib, false)
	a, b := mustGet(t, p, 64*kib), mustGet(t, p, 64*kib)
	p.Put(b)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if _, err := p.Get(1); !errors.Is(err, ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	touch(a.Mem)
	if st := p.Stats(); st.Leased != 64*kib || st.Free != 0 {
		t.Errorf("after Close: %+v", st)
	}
	p.Put(a)
	if st := p.Stats(); st.Leased != 0 || st.Free != 0 || st.Maps != st.Unmaps || st.Peak != 128*kib {
		t.Errorf("after Put: %+v", st)
	}
	if panicOf(func() { p.Put(a) }) == nil {
		t.Error("second Put after Close: no panic")
	}
	checkLists(t, p)
}

// Random leases of random sizes. Every page of a leased arena carries its
// tag, so two arenas that share one are found.
func TestRandomLeasesNeverShareMemoryOrExceedTheLimit(t *testing.T) {
	for _, poison := range []bool{false, true} {
		pools(t, 4*mib, poison, func(t *testing.T, p *Pool) {
			r := rand.New(rand.NewPCG(1, 2))
			sizes := []int{1, 4 * kib, 12 * kib, 64 * kib, 65 * kib, 256 * kib, mib, 3 * mib}
			tags := map[*Arena]byte{}
			var leased []*Arena
			sum := int64(0)
			for step := range 4000 {
				size := sizes[r.IntN(len(sizes))]
				if r.IntN(2) == 0 || len(leased) == 0 {
					a, err := p.Get(size)
					if fits := sum+int64(max(size, p.page)) <= 4*mib-int64(p.page); fits && err != nil {
						t.Fatal(err)
					}
					if err != nil {
						continue
					}
					sum += int64(len(a.Mem))
					tags[a] = byte(step)
					tag(a.Mem, byte(step))
					leased = append(leased, a)
				} else {
					i := r.IntN(len(leased))
					a := leased[i]
					if !tagged(a.Mem, tags[a]) {
						t.Fatal("somebody else wrote to a leased arena")
					}
					sum -= int64(len(a.Mem))
					p.Put(a)
					leased[i] = leased[len(leased)-1]
					leased = leased[:len(leased)-1]
				}
				if r.IntN(100) == 0 {
					p.Trim(time.Duration(r.IntN(2)) * time.Millisecond)
				}
				if st := p.Stats(); st.Leased != sum || st.LeasedArenas != len(leased) {
					t.Fatalf("%d bytes in %d arenas are leased, the pool says %+v", sum, len(leased), st)
				}
				if step%16 == 0 {
					checkLists(t, p)
				}
			}
			for _, a := range leased {
				p.Put(a)
			}
		})
	}
}

func tag(mem []byte, tag byte) {
	for i := 0; i < len(mem); i += 4 * kib {
		mem[i], mem[i+4*kib-1] = tag, tag
	}
}

func tagged(mem []byte, tag byte) bool {
	for i := 0; i < len(mem); i += 4 * kib {
		if mem[i] != tag || mem[i+4*kib-1] != tag {
			return false
		}
	}
	return true
}

func TestManyGoroutinesOnOnePool(t *testing.T) {
	pools(t, 8*mib, true, func(t *testing.T, p *Pool) {
		var wg sync.WaitGroup
		for g := range byte(8) { // each has at most an eighth of the limit
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 3))
				for range 200 {
					a, err := p.Get(1 + r.IntN(mib/2))
					if err != nil {
						t.Error(err)
						return
					}
					b, err := p.Get(64 * kib)
					if err != nil {
						t.Error(err)
						return
					}
					tag(a.Mem, g)
					tag(b.Mem, ^g)
					if st := p.Stats(); st.Leased+st.Free > 8*mib {
						t.Errorf("over the limit: %+v", st)
					}
					if !tagged(a.Mem, g) || !tagged(b.Mem, ^g) {
						t.Error("somebody else wrote to a leased arena")
					}
					p.Put(a)
					p.Put(b)
					if r.IntN(50) == 0 {
						p.Trim(0)
					}
				}
			})
		}
		wg.Wait()
		if st := p.Stats(); st.Leased != 0 || st.LeasedArenas != 0 {
			t.Errorf("not everything is home: %+v", st)
		}
	})
}

func TestLeasingAFreeArenaDoesNotAllocate(t *testing.T) {
	pools(t, 8*mib, false, func(t *testing.T, p *Pool) {
		p.Put(mustGet(t, p, mib))
		p.Put(mustGet(t, p, 64*kib))
		n := testing.AllocsPerRun(1000, func() {
			a, b := mustGet(t, p, mib), mustGet(t, p, 64*kib)
			p.Put(a)
			p.Put(b)
		})
		if n != 0 {
			t.Errorf("%v allocations, want 0", n)
		}
	})
}

func getAndPut(b *testing.B, p *Pool, size int) {
	a, err := p.Get(size)
	if err != nil {
		b.Fatal(err)
	}
	p.Put(a)
}

func BenchmarkGetPut(b *testing.B) {
	b.ReportAllocs()
	p := New(8*mib, false)
	for b.Loop() {
		getAndPut(b, p, mib)
	}
}

// BenchmarkGetPutTwoSizes is two pairs.
func BenchmarkGetPutTwoSizes(b *testing.B) {
	b.ReportAllocs()
	p := New(8*mib, false)
	for b.Loop() {
		getAndPut(b, p, mib)
		getAndPut(b, p, 64*kib)
	}
}

func BenchmarkContended(b *testing.B) {
	b.ReportAllocs()
	p := New(1<<30, false)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			getAndPut(b, p, mib)
		}
	})
}

// BenchmarkMap is what a Get costs that finds nothing to lease again: the
// system calls, without the page faults.
func BenchmarkMap(b *testing.B) {
	b.ReportAllocs()
	p := New(8*mib, false)
	for b.Loop() {
		getAndPut(b, p, mib)
		p.Trim(0)
	}
}
