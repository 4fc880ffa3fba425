package arena

import (
	"bytes"
	"errors"
	"testing"
)

func TestGrowKeepsTheContentAndCountsOnce(t *testing.T) {
	pools(t, 16*mib, false, func(t *testing.T, p *Pool) {
		cold, err := p.Get(4 * mib)
		if err != nil {
			t.Fatal(err)
		}
		p.Put(cold) // free memory makes room
		a, err := p.Get(64 * kib)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte("weir"), 15*kib)
		copy(a.Mem, want)
		for _, size := range []int{64 * kib, 128*kib + 1, 3*mib + 5, 16 * mib} {
			if err := p.Grow(a, size); err != nil {
				t.Fatal(err)
			}
			if len(a.Mem) < size || !bytes.HasPrefix(a.Mem, want) {
				t.Fatalf("grown to %d: %d bytes, content kept: %t", size, len(a.Mem), bytes.HasPrefix(a.Mem, want))
			}
			a.Mem[size-1] = 1
		}
		if st := p.Stats(); st.Leased != 16*mib || st.Free != 0 || st.LeasedArenas != 1 {
			t.Errorf("%+v", st)
		}
		var tooLarge *TooLargeError
		if err := p.Grow(a, 16*mib+1); !errors.As(err, &tooLarge) {
			t.Errorf("beyond the limit: %v", err)
		}
		p.Put(a)
		if st := p.Stats(); st.Leased != 0 || st.Free != 16*mib {
			t.Errorf("after Put: %+v", st)
		}
	})
}

func TestGrowOfWhatIsNotLeasedPanics(t *testing.T) {
	p := New(mib, false)
	a, err := p.Get(kib)
	if err != nil {
		t.Fatal(err)
	}
	p.Put(a)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	_ = p.Grow(a, 2*kib) // panics
}
