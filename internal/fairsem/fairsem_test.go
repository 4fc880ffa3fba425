package fairsem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errStop = errors.New("stop")

// check fails the test if an invariant of s does not hold. The accounts are
// all that were ever opened.
func check(t *testing.T, s *Sem, accounts ...*Account) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var cores []*account
	for _, a := range accounts {
		cores = append(cores, &a.locked.account)
	}
	if err := s.mu.core.check(cores); err != nil {
		t.Error(err)
	}
	if got, want := s.contended.Load(), s.mu.core.waiting > 0; got != want {
		t.Errorf("contended: %v with %d waiters", got, s.mu.core.waiting)
	}
}

// checkHome fails the test unless every byte is back in the shared pool.
func checkHome(t *testing.T, s *Sem) {
	t.Helper()
	st := s.Stats()
	if st.Used != 0 || st.Guaranteed != 0 || st.SharedUsed != 0 || st.Quarantined != 0 || st.Accounts != 0 || st.Waiters != 0 {
		t.Errorf("not everything is home: %+v", st)
	}
}

func mustAcquire(t *testing.T, a *Account, n int64) {
	t.Helper()
	if !a.TryAcquire(n) {
		t.Fatalf("no %d bytes for %q at once: %+v", n, a.name, a.Stats())
	}
}

func TestRequestsThatCanNeverBeGrantedAreRefusedWithTheArithmetic(t *testing.T) {
	ctx := context.Background()
	s := New(100)
	a := mustOpen(t, s, "orders", 40)
	_, openErr := s.Open(ctx, "big", 101)
	for _, c := range []struct {
		err  error
		want string
	}{
		{openErr, `open account "big": guarantee of 101 bytes is over the limit of 100 by 1`},
		{a.Acquire(ctx, 50), `acquire 50 bytes for account "orders": over its guarantee of 40 by 10`},
	} {
		var tooLarge *TooLargeError
		if !errors.As(c.err, &tooLarge) || c.err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", c.err, c.want)
		}
	}
	if a.TryAcquire(41) {
		t.Error("TryAcquire beyond the guarantee succeeded")
	}
	if err := a.Acquire(ctx, 40); err != nil {
		t.Errorf("the whole guarantee: %v", err)
	}
	check(t, s, a)
}

func TestWaitersOfOneAccountAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := mustOpen(t, New(10), "a", 10)
		mustAcquire(t, a, 10)
		var order []int
		for i, n := range []int64{7, 1, 1, 8, 2} {
			go func() {
				if err := a.Acquire(t.Context(), n); err != nil {
					t.Error(err)
				}
				order = append(order, i)
			}()
			synctest.Wait()
		}
		if a.TryAcquire(0) {
			t.Error("TryAcquire passed the waiters")
		}
		a.Release(4) // enough for the small ones, which must not pass the first
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("granted %v before the first", order)
		}
		for len(order) < 5 { // byte by byte, so that one is granted at a time
			a.Release(1)
			synctest.Wait()
		}
		if !slices.IsSorted(order) {
			t.Errorf("order %v", order)
		}
	})
}

func TestWaitingAccountsTakeTurns(t *testing.T) {
	c := core{limit: 16}
	opened := func(floor, used int64) *account {
		a := &account{}
		if !c.submit(&request{acct: a, kind: open, size: floor}) || !c.try(a, used) {
			t.Fatal("no room")
		}
		return a
	}
	x, y, z := opened(1, 1), opened(1, 1), opened(1, 1)
	if !c.try(z, 1) { // a byte of the shared pool
		t.Fatal("no room")
	}
	// While an opener waits for that byte the others get no shared bytes.
	opener := &request{acct: &account{}, kind: open, size: 13}
	if c.submit(opener) {
		t.Fatal("the opener did not wait")
	}
	for _, a := range []*account{x, x, x, y, z, y, z} { // x asks first
		if c.submit(&request{acct: a, size: 1}) {
			t.Fatal("shared bytes given away while an opener waits")
		}
	}
	c.cancel(opener)
	var turns string
	names := map[*account]string{x: "x", y: "y", z: "z"}
	for r := c.settled.pop(); r != nil; r = c.settled.pop() {
		turns += names[r.acct]
	}
	if turns != "xyzxyzx" {
		t.Errorf("turns %q", turns)
	}
	if err := c.check([]*account{x, y, z}); err != nil {
		t.Error(err)
	}
}

func TestDoneContextIsSeenEvenWhereNothingIsToBeWaitedFor(t *testing.T) {
	s := New(10)
	a := mustOpen(t, s, "a", 5)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	_, openErr := s.Open(ctx, "b", 1)
	for _, err := range []error{openErr, a.Acquire(ctx, 1)} {
		if !errors.Is(err, errStop) {
			t.Errorf("got %v, want the cause", err)
		}
	}
	a.Close()
	checkHome(t, s)
}

func TestCancelReturnsTheCauseAndLetsTheNextPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(10)
		a := mustOpen(t, s, "a", 10)
		mustAcquire(t, a, 8)
		ctx, cancel := context.WithCancelCause(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- a.Acquire(ctx, 5) }()
		synctest.Wait()
		go func() { second <- a.Acquire(t.Context(), 2) }()
		synctest.Wait()
		cancel(errStop)
		if err := <-first; !errors.Is(err, errStop) {
			t.Errorf("the cancelled one: got %v, want %v", err, errStop)
		}
		if err := <-second; err != nil {
			t.Errorf("the one behind it: %v", err)
		}
		if st := a.Stats(); st.Used != 10 || st.Waiters != 0 || st.Waits != 2 {
			t.Errorf("after the cancel: %+v", st)
		}
		check(t, s, a)
	})
}

// A waiter that was woken by its context and granted before it got hold of the
// lock gives the grant back.
func TestGrantThatRacesACancelIsGivenBack(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Account) error{
		"acquire": func(ctx context.Context, a *Account) error { return a.Acquire(ctx, 9) },
		"open": func(ctx context.Context, a *Account) error {
			_, err := a.sem.Open(ctx, "b", 3)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(12)
				a := mustOpen(t, s, "a", 9)
				mustAcquire(t, a, 9)
				mustAcquire(t, a, 3)
				ctx, cancel := context.WithCancelCause(t.Context())
				ended := make(chan error)
				go func() { ended <- call(ctx, a) }()
				synctest.Wait()

				s.mu.Lock()
				cancel(errStop)
				s.mu.core.release(&a.locked.account, 12)
				s.wakeLocked()
				if s.mu.core.waiting != 0 {
					t.Error("not granted")
				}
				s.mu.Unlock()

				if err := <-ended; !errors.Is(err, errStop) {
					t.Errorf("got %v, want the cause", err)
				}
				a.Close()
				checkHome(t, s)
			})
		})
	}
}

func TestThresholdIsTwiceWhatStaysFree(t *testing.T) {
	for limit := range int64(24) {
		for held := range limit + 1 {
			for n := range int64(5) {
				c := core{limit: limit + 4}
				a, other := &account{}, &account{}
				c.submit(&request{acct: a, kind: open, size: 4})
				c.charge(a, 4)
				c.charge(a, held)
				alone := c.fits(a, n)
				if want := held+n <= limit; alone != want && n > 0 {
					t.Errorf("alone with %d of %d shared bytes: fits %d = %v", held, limit, n, alone)
				}
				c.submit(&request{acct: other, kind: open})
				got, want := c.fits(a, n), held+n <= 2*(limit-held-n)
				if got != want && n > 0 {
					t.Errorf("one of two with %d of %d shared bytes: fits %d = %v", held, limit, n, got)
				}
			}
		}
	}
}

func TestOpenersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(10)
		a := mustOpen(t, s, "a", 6)
		var order []string
		go func() {
			b := mustOpen(t, s, "big", 8)
			order = append(order, "big")
			b.Close()
		}()
		synctest.Wait()
		go func() {
			mustOpen(t, s, "small", 3)
			order = append(order, "small")
		}()
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("%v passed the first opener", order)
		}
		a.Close()
		synctest.Wait()
		if want := []string{"big", "small"}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestOpenIsNotStarvedByBusyAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(64)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 3 {
			a := mustOpen(t, s, fmt.Sprint(i), 4)
			for range 30 {
				wg.Go(func() {
					for a.Acquire(ctx, 2) == nil {
						time.Sleep(100 * time.Millisecond)
						a.Release(2)
					}
				})
			}
		}
		time.Sleep(time.Second)
		start := time.Now()
		a, err := s.Open(ctx, "late", 40)
		if err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited > 200*time.Millisecond {
			t.Errorf("Open waited %v behind batches of 100ms", waited)
		}
		mustAcquire(t, a, 8) // a static cost: inside the guarantee it never waits
		if st := a.Stats(); st.Guarantee != 40 || st.Used != 8 {
			t.Errorf("%+v", st)
		}
		cancel()
		wg.Wait()
	})
}

// An opener that waits for somebody's Close must not cost the others the
// shared pool meanwhile.
func TestOpenerThatCannotFitYetLeavesTheSharedPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(64)
		a := mustOpen(t, s, "a", 4)
		opened := make(chan *Account)
		go func() {
			b, err := s.Open(t.Context(), "b", 61)
			if err != nil {
				t.Error(err)
			}
			opened <- b
		}()
		synctest.Wait()
		for range 16 {
			mustAcquire(t, a, 4)
		}
		a.Close() // 60 bytes are in quarantine now, and b can be served
		a.Release(60)
		synctest.Wait()
		select {
		case <-opened:
			t.Fatal("opened with 4 bytes still held")
		default:
		}
		a.Release(4)
		b := <-opened
		check(t, s, a, b)
		b.Close()
		checkHome(t, s)
	})
}

func TestBytesHeldAtCloseStayChargedUntilReleased(t *testing.T) {
	s := New(100)
	a, b := mustOpen(t, s, "a", 30), mustOpen(t, s, "b", 10)
	mustAcquire(t, a, 30)
	mustAcquire(t, a, 10)
	a.Close()
	a.Close()
	check(t, s, a, b)
	if st := s.Stats(); st.Quarantined != 40 || st.Used != 40 || st.Guaranteed != 10 || st.SharedUsed != 0 || st.Accounts != 1 {
		t.Errorf("after Close: %+v", st)
	}
	if st := a.Stats(); st.Guarantee != 0 || st.Used != 40 {
		t.Errorf("after Close: %+v", st)
	}
	if err := a.Acquire(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Acquire after Close: %v", err)
	}
	for b.TryAcquire(5) {
	}
	if used := b.Stats().Used; used != 60 {
		t.Errorf("the other account got %d bytes, want the 60 that are not in quarantine", used)
	}
	a.Release(35)
	check(t, s, a, b)
	a.Release(5)
	if st := s.Stats(); st.Quarantined != 0 || st.Used != 60 {
		t.Errorf("after the releases: %+v", st)
	}
	b.Release(60)
	b.Close()
	check(t, s, a, b)
	checkHome(t, s)
}

func TestCloseRefusesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(100)
		a, b := mustOpen(t, s, "a", 20), mustOpen(t, s, "b", 50)
		mustAcquire(t, a, 20)
		mustAcquire(t, b, 50)
		mustAcquire(t, b, 20)
		errs := make(chan error, 2)
		go func() { errs <- a.Acquire(t.Context(), 20) }()
		go func() { errs <- a.Acquire(t.Context(), 20) }()
		synctest.Wait()
		if st := a.Stats(); st.Waiters != 2 {
			t.Errorf("%d waiters, want 2", st.Waiters)
		}
		check(t, s, a, b)
		a.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, ErrClosed) {
				t.Errorf("got %v, want ErrClosed", err)
			}
		}
		check(t, s, a, b)
	})
}

func TestWaitedCountsTimeOfEndedAndOngoingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(10)
		a := mustOpen(t, s, "a", 10)
		mustAcquire(t, a, 10)
		for range 2 {
			go func() {
				if err := a.Acquire(t.Context(), 10); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		opener, stop := context.WithCancel(t.Context())
		go func() { _, _ = s.Open(opener, "b", 5) }() // ends with stop
		time.Sleep(3 * time.Second)
		a.Release(10)
		synctest.Wait()
		time.Sleep(time.Second)
		if st := a.Stats(); st.Waited != 7*time.Second || st.Waits != 2 || st.Waiters != 1 {
			t.Errorf("account: %+v", st)
		}
		if st := s.Stats(); st.Waited != 11*time.Second || st.Waits != 3 || st.Waiters != 2 || st.Peak != 10 {
			t.Errorf("semaphore: %+v", st)
		}
		stop()
		a.Release(10)
	})
}

func TestMisuseOfBytesPanicsAndLeavesTheSemUsable(t *testing.T) {
	s := New(10)
	a := mustOpen(t, s, "a", 10)
	mustAcquire(t, a, 4)
	for name, misuse := range map[string]func(){
		"release of more than held": func() { a.Release(5) },
		"negative release":          func() { a.Release(-1) },
		"negative acquire":          func() { _ = a.Acquire(t.Context(), -1) },
		"negative guarantee":        func() { _, _ = s.Open(t.Context(), "b", -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse()
		}()
	}
	check(t, s, a)
	a.Release(4)
	a.Close()
	checkHome(t, s)
}
