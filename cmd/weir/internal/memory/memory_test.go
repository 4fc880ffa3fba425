package memory

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir/cmd/weir/internal/size"
	"github.com/weirflow/weir/observe"
)

var machine = Machine{RSS: 4 * size.MiB, Procs: 2}

func TestPlanAddsUpToTheCap(t *testing.T) {
	for _, mib := range []int64{24, 32, 64, 256, 1024} {
		for _, streams := range []int{1, 8, 64} {
			p, err := NewPlan(Ask{Cap: mib * size.MiB, Streams: streams}, machine)
			if err != nil {
				t.Fatalf("%d MiB, %d streams: %v", mib, streams, err)
			}
			if sum := p.Program + p.Heap + p.Procs + p.Streams + p.Writes + p.Reserve + p.Arenas; sum != p.Cap {
				t.Errorf("%d MiB: the sum is %d", mib, sum)
			}
			if p.Batch&(p.Batch-1) != 0 || p.Batch < 64*size.KiB || p.Batch > size.MiB {
				t.Errorf("%d MiB, %d streams: batch %d", mib, streams, p.Batch)
			}
		}
	}
}

// Where a record may need most of the memory, little else is set aside.
func TestLargeRecordsLeaveLittleForTheRest(t *testing.T) {
	many := machine
	many.Procs = 32
	ask := Ask{Cap: 64 * size.MiB, Streams: 1, Weight: 2}
	usual, err := NewPlan(ask, ask.On(many))
	if err != nil || usual.Batch != size.MiB || ask.On(many).Procs != 32 {
		t.Errorf("batches of %d, %v", usual.Batch, err)
	}
	ask.Record = 20 * size.MiB
	p, err := NewPlan(ask, ask.On(many))
	if err != nil || p.Batch != 128*size.KiB || p.Procs >= usual.Procs || p.Arenas < 44*size.MiB {
		t.Errorf("%+v, %v", p, err)
	}
	ask.Cap = 256 * size.MiB
	if p, err = NewPlan(ask, ask.On(many)); err != nil || p.Batch != size.MiB {
		t.Errorf("with 256 MiB: %+v, %v", p, err)
	}
}

func TestSmallestCapIsAccepted(t *testing.T) {
	for _, streams := range []int{1, 8, 500} {
		for _, procs := range []int{1, 2, 64} {
			m := Machine{RSS: machine.RSS, Procs: procs}
			least := Smallest(Ask{Streams: streams}, m)
			if _, err := NewPlan(Ask{Cap: least, Streams: streams}, m); err != nil {
				t.Errorf("%d streams, %d processors: %v", streams, procs, err)
			}
			if streams == 8 && least > 24*size.MiB {
				t.Errorf("%d processors: the smallest cap is %s; want at most 24 MiB", procs, size.Flag(least))
			}
		}
	}
}

func TestSmallerCapIsRefusedWithTheSum(t *testing.T) {
	_, err := NewPlan(Ask{Cap: 4 * size.MiB, Streams: 8}, machine)
	if err == nil {
		t.Fatal("4 MiB was accepted")
	}
	for _, want := range []string{"--memory 4MiB is too small", "the smallest is", "program", "heap", "8 x 16.0 KiB", "arenas", "--streams"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestControlGroupLimitIsNoticed(t *testing.T) {
	limited := machine
	limited.Limit, limited.Limited = observe.Limit{Bytes: 64 * size.MiB, File: "/cg/memory.max"}, true
	if _, err := NewPlan(Ask{Cap: 60 * size.MiB, Streams: 8}, limited); err != nil {
		t.Errorf("60 of 64 MiB: %v", err)
	}
	_, err := NewPlan(Ask{Cap: 62 * size.MiB, Streams: 8}, limited)
	if err == nil || !strings.Contains(err.Error(), "/cg/memory.max") || !strings.Contains(err.Error(), "60MiB") {
		t.Errorf("62 of 64 MiB: %v; want the file and the largest cap", err)
	}
	p, err := NewPlan(Ask{Streams: 8}, limited)
	if err != nil || p.Cap != limited.Limit.Bytes/20*19 {
		t.Errorf("default under a limit: cap %d, %v", p.Cap, err)
	}
}

func TestManyStreamsReadNothingAhead(t *testing.T) {
	p, err := NewPlan(Ask{Cap: 64 * size.MiB, Streams: 500}, machine)
	if err != nil || p.ReadAhead || p.Batch != 64*size.KiB {
		t.Errorf("500 streams in 64 MiB: %+v, %v; want one batch of 64 KiB each", p, err)
	}
	p, err = NewPlan(Ask{Cap: 64 * size.MiB, Streams: 8}, machine)
	if err != nil || !p.ReadAhead {
		t.Errorf("8 streams in 64 MiB: %+v, %v; want to read ahead", p, err)
	}
}

func TestPlainBytesLeaveRoomInTheCache(t *testing.T) {
	for _, c := range []struct {
		ask  Ask
		want int64
	}{
		{Ask{Cap: 64 * size.MiB, Streams: 1}, size.MiB},
		{Ask{Cap: 64 * size.MiB, Streams: 1, Plain: true}, 768 * size.KiB},
		{Ask{Cap: 64 * size.MiB, Streams: 1, Plain: true, Batch: size.MiB}, size.MiB},
		{Ask{Cap: 32 * size.MiB, Streams: 8, Plain: true}, 512 * size.KiB},
	} {
		p, err := NewPlan(c.ask, machine)
		if err != nil || p.Batch != c.want {
			t.Errorf("%+v: batches of %d, %v; want %d", c.ask, p.Batch, err, c.want)
		}
	}
}

func TestBatchMustFitTheArenas(t *testing.T) {
	_, err := NewPlan(Ask{Cap: 32 * size.MiB, Streams: 1, Batch: 64 * size.MiB}, machine)
	if err == nil || !strings.Contains(err.Error(), "--batch") {
		t.Errorf("error = %v; want it to name --batch", err)
	}
}

func TestWatchdogBrakesBeforeTheCapAndFreesRarely(t *testing.T) {
	var trims, frees int
	w := &Watchdog{
		cap:  100,
		trim: func(time.Duration) int64 { trims++; return 0 },
		free: func() { frees++ },
	}
	start := time.Now()
	for i, rss := range []int64{50, 95, 96, 97, 50} {
		w.see(start.Add(time.Duration(i)*time.Second), rss)
	}
	if trims != 2 || frees != 1 || w.Brakes() != 2 || w.RSS() != 50 {
		t.Errorf("trims %d, frees %d, brakes %d, rss %d; want 2, 1, 2, 50", trims, frees, w.Brakes(), w.RSS())
	}
	w.see(start.Add(20*time.Second), 99)
	if frees != 2 {
		t.Errorf("frees = %d after ten seconds; want 2", frees)
	}
}

func TestWritesInFlightAreBounded(t *testing.T) {
	for _, c := range []struct {
		ask  Ask
		want int
	}{
		{Ask{Cap: 64 * size.MiB, Streams: 500}, 1},
		{Ask{Cap: 64 * size.MiB, Streams: 1, Batch: size.MiB, InFlight: 3}, 3},
		{Ask{Cap: 256 * size.MiB, Streams: 1, Batch: 100 * size.MiB, InFlight: 1000}, 2},
	} {
		p, err := NewPlan(c.ask, machine)
		if err != nil || p.InFlight != c.want {
			t.Errorf("%+v: %d writes in flight, %v; want %d", c.ask, p.InFlight, err, c.want)
		}
	}
	_, err := NewPlan(Ask{Cap: 64 * size.MiB, Streams: 8, Batch: 4 * size.KiB, InFlight: 5000}, machine)
	if err == nil || !strings.Contains(err.Error(), "--in-flight") || !strings.Contains(err.Error(), "writes") {
		t.Errorf("8 streams with 5000 writes each: %v; want the sum and --in-flight", err)
	}
}

func TestGoLimitFollowsWhatIsHeldOnTheHeap(t *testing.T) {
	p, err := NewPlan(Ask{Cap: 64 * size.MiB, Streams: 1}, machine)
	if err != nil {
		t.Fatal(err)
	}
	var limits []int64
	w := &Watchdog{plan: p, limit: func(n int64) { limits = append(limits, n) }}
	for _, held := range []int64{0, 20 * size.MiB, 20 * size.MiB, 0} {
		w.follow(held)
	}
	want := []int64{p.Cap - p.Program - p.Arenas + 20*size.MiB, p.Cap - p.Arenas}
	if !slices.Equal(limits, want) {
		t.Errorf("limits %d, want %d", limits, want)
	}
}
