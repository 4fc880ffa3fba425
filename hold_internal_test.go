package weir

import "testing"

// What all streams hold together leaves room for a batch, or nobody can be read to
// its end and give back what it holds.
func TestHoldsLeaveRoomForABatch(t *testing.T) {
	for _, c := range []struct{ largest, charge int64 }{{1000, 10}, {1000, 499}, {1000, 700}, {1000, 1000}, {10, 1000}} {
		h, err := newHolds(c.largest, c.charge)
		if err != nil {
			t.Fatal(err)
		}
		if together := max(h.half, h.limit); together > 0 && together+c.charge > c.largest {
			t.Errorf("of %d streams hold %d together, which leaves no room for a batch of %d", c.largest, together, c.charge)
		}
	}
}
