package weir

import (
	"context"
	"testing"
	"time"
)

// A stream's first turn counts from its own beginning, not from that of the run:
// hundreds of short ones end one after another then, in memory for a few.
func TestFirstTurnCountsFromTheBeginningOfTheStream(t *testing.T) {
	st := &stream{r: &run{opts: Options{InFlight: 1}}, ctx: context.Background()}
	st.begin(time.Hour)
	if got := yield(st.yielded, time.Hour+yieldEvery-1); got != time.Hour {
		t.Errorf("before its turn is over it lets others go first, and the next turn begins at %v", got)
	}
	if got := yield(st.yielded, time.Hour+yieldEvery); got != time.Hour+yieldEvery {
		t.Errorf("after its turn the next one begins at %v", got)
	}
}
