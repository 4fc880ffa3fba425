package transform_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

func TestFootprintSaysWhatIsNeeded(t *testing.T) {
	const batch = 256 << 10
	for _, x := range []struct {
		program string
		bounded bool
		most    float64 // Expand
	}{
		{"where a > 1; drop b; keep c, d; sample 1%; dedupe by a within 1m", true, 1},
		{"rename longer to short", true, 1},
		{"rename a to longer", false, 1.1},
		{"set a = 1", false, 1.1},
		{"hash id with sha256", false, 2},
		{"mask email", false, 1.1},
		{"explode a", false, 2},
	} {
		p := mustParse(t, x.program, transform.Options{})
		f := p.Footprint(batch)
		if f.Bounded != x.bounded || f.Expand < 1 || f.Expand > x.most {
			t.Errorf("%s: %+v", x.program, f)
		}
		if f.PerWorker < batch || f.PerWorker > 16*batch {
			t.Errorf("%s: %d bytes for a worker with batches of %d", x.program, f.PerWorker, batch)
		}
		if has := strings.Contains(x.program, "dedupe"); has != (f.Static > 0) {
			t.Errorf("%s: %d bytes for its life", x.program, f.Static)
		}
	}
}

func TestExpandHoldsForRecordsOfTheUsualSize(t *testing.T) {
	in := accessLog(500)
	for _, program := range []string{
		"hash user_id, ip, path with sha256", "set a = status, b = latency_ms / 1000, c = method", "rename ts to timestamp, ip to address",
		"mask email, ip with [personal]", "parse_time ts to unix", "set list = [1]; explode list",
	} {
		p := mustParse(t, program, transform.Options{})
		full := weir.NewBatch(in.Len() + 4*in.Records())
		for i := range in.Records() {
			if !full.Append(in.Record(i)) {
				t.Fatal("the batch is too small")
			}
		}
		out := weir.NewBatch(int(float64(full.Cap()) * p.Footprint(full.Cap()).Expand))
		if err := p.Batch(context.Background(), full, out); err != nil {
			t.Errorf("%s: %v", program, err)
		}
	}
}

// TestAWorkerStaysWithinItsFootprint gives programs one record that fills its
// batch, and measures what is alive afterwards and what was allocated.
func TestAWorkerStaysWithinItsFootprint(t *testing.T) {
	const size = 1 << 20
	wide := "{" + strings.Repeat(`"k":0,`, 10_000) + `"email":"` + strings.Repeat(`\u0061@b.com `, 60_000) + `"}`
	for _, program := range []string{"drop k", "mask email", "hash email", "keep email", "set x = email", "where lower(email) != 'x'"} {
		p := mustParse(t, program, skipBad)
		in, out := batchOf(t, wide), weir.NewBatch(2*size)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := p.Batch(context.Background(), in, out); err != nil {
			t.Errorf("%s: %v", program, err)
		}
		runtime.ReadMemStats(&after)
		made := int64(after.TotalAlloc - before.TotalAlloc)
		// Memory grows by doubling: what was allocated is up to three times what is
		// held at the end.
		if most := 3 * p.Footprint(size).PerWorker; made > most {
			t.Errorf("%s: %d bytes were allocated; want at most %d", program, made, most)
		}
	}
}
