package arena

import (
	"bytes"
	"testing"
)

func TestShrinkKeepsTheContentAndCountsLess(t *testing.T) {
	for _, poison := range []bool{false, true} {
		pools(t, 16*mib, poison, func(t *testing.T, p *Pool) {
			a := mustGet(t, p, 12*mib)
			want := bytes.Repeat([]byte("weir"), mib)
			copy(a.Mem, want)
			p.Shrink(a, 13*mib) // no smaller than it is
			if st := p.Stats(); st.Leased != 12*mib {
				t.Errorf("%+v", st)
			}
			p.Shrink(a, 4*mib+1)
			if len(a.Mem) != 4*mib+p.page || cap(a.Mem) != len(a.Mem) || !bytes.HasPrefix(a.Mem, want) {
				t.Errorf("%d bytes, content kept: %t", len(a.Mem), bytes.HasPrefix(a.Mem, want))
			}
			b := mustGet(t, p, 11*mib) // has room now
			checkLists(t, p)
			p.Put(b)
			if err := p.Grow(a, 5*mib); err != nil || len(a.Mem) != 5*mib || !bytes.HasPrefix(a.Mem, want) {
				t.Errorf("grown within what it was: %d bytes, %v", len(a.Mem), err)
			}
			if err := p.Grow(a, 16*mib); err != nil || len(a.Mem) != 16*mib || !bytes.HasPrefix(a.Mem, want) {
				t.Errorf("grown beyond what it was: %d bytes, %v", len(a.Mem), err)
			}
			p.Shrink(a, mib)
			p.Put(a)
			if st := p.Stats(); st.Leased != 0 || st.LeasedArenas != 0 || st.Free != 0 {
				t.Errorf("an arena that was made smaller is kept: %+v", st)
			}
			if panicOf(func() { p.Put(a) }) == nil || panicOf(func() { p.Shrink(a, 1) }) == nil {
				t.Error("an arena that is not leased was given back, or made smaller")
			}
			p.Put(mustGet(t, p, mib))
		})
	}
}
