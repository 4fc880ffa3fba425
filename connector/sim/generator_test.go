package sim_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/sim"
)

// read is everything of one stream: its bytes and its records' sizes.
type read struct {
	bytes   []byte
	records []int
}

func newGenerator(t testing.TB, o sim.GeneratorOptions) *sim.Generator {
	t.Helper()
	g, err := sim.NewGenerator(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func next(t testing.TB, s weir.Source) weir.Stream {
	t.Helper()
	st, err := s.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// readAll reads st to its end in batches of the sizes that size returns.
func readAll(t testing.TB, st weir.Stream, size func() int) read {
	t.Helper()
	var all read
	n := size()
	for {
		b := weir.NewBatch(n)
		err := st.Read(context.Background(), b)
		var need *weir.NeedError
		if errors.As(err, &need) {
			n = need.Size
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		all.bytes = append(all.bytes, b.Bytes()...)
		for i := range b.Records() {
			all.records = append(all.records, len(b.Record(i)))
		}
		if errors.Is(err, io.EOF) {
			return all
		}
		n = size()
	}
}

func always(n int) func() int { return func() int { return n } }

func TestContentDoesNotDependOnBatchSizes(t *testing.T) {
	for _, o := range []sim.GeneratorOptions{
		{Size: 100_000},
		{Size: 100_001, Record: 1},
		{Size: 100_003, Record: 4097},
		{Size: 100_003, Record: 99_999},
		{Size: 100_000, Opaque: true},
		{Size: 100_000, Format: sim.Zeros},
		{Size: 100_000, Format: sim.NDJSON},
		{Size: 100_001, Format: sim.NDJSON, Opaque: true},
		{Size: 100_000, Format: sim.NDJSON, Record: 61},
		{Size: 20_000, Format: sim.NDJSON, Record: 3},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			whole := readAll(t, next(t, newGenerator(t, o)), always(1<<20))
			r := rand.New(rand.NewPCG(1, 2))
			pieces := readAll(t, next(t, newGenerator(t, o)), func() int { return 1 + r.IntN(9000) })
			if int64(len(whole.bytes)) != o.Size {
				t.Fatalf("%d bytes, want %d", len(whole.bytes), o.Size)
			}
			if !bytes.Equal(whole.bytes, pieces.bytes) {
				t.Error("the bytes differ")
			}
			if fmt.Sprint(whole.records) != fmt.Sprint(pieces.records) {
				t.Error("the records differ")
			}
			if o.Opaque != (len(whole.records) == 0) {
				t.Errorf("%d records", len(whole.records))
			}
		})
	}
}

func TestSeedAndStreamChooseTheContent(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(3) {
		for _, f := range []sim.Format{sim.Random, sim.NDJSON} {
			g := newGenerator(t, sim.GeneratorOptions{Size: 3001, Streams: 3, Seed: seed, Format: f})
			total := 0
			for range 3 {
				all := readAll(t, next(t, g), always(64<<10)).bytes
				total += len(all)
				seen[string(all[:1000])] = true
			}
			if total != 3001 {
				t.Errorf("%d bytes in all streams, want 3001", total)
			}
			if _, err := g.Next(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("after the last stream: %v", err)
			}
		}
	}
	if len(seen) != 18 {
		t.Errorf("%d different contents, want 18", len(seen))
	}
}

func TestRandomDoesNotCompress(t *testing.T) {
	all := readAll(t, next(t, newGenerator(t, sim.GeneratorOptions{Size: 1 << 20})), always(64<<10)).bytes
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.DefaultCompression)
	_, _ = w.Write(all) // bytes.Buffer does not fail
	_ = w.Close()
	if out.Len() < len(all) {
		t.Errorf("%d bytes compress to %d", len(all), out.Len())
	}
	blocks := map[string]bool{}
	for i := 0; i < len(all); i += 64 {
		blocks[string(all[i:i+64])] = true
	}
	if len(blocks) != len(all)/64 {
		t.Errorf("%d different blocks of %d", len(blocks), len(all)/64)
	}
}

func TestNDJSONLinesAreValidAndNumbered(t *testing.T) {
	for record := 2; record < 300; record += 1 + record/20 {
		const size = 5000
		all := readAll(t, next(t, newGenerator(t, sim.GeneratorOptions{
			Size: size, Format: sim.NDJSON, Record: record,
		})), always(64<<10))
		for n, line := range bytes.SplitAfter(all.bytes, []byte("\n")) {
			if len(line) <= 1 { // after the last newline, or a remainder of one byte
				continue
			}
			if want := min(record, size-n*record); len(line) != want {
				t.Fatalf("record=%d: line %d has %d bytes, want %d: %s", record, n, len(line), want, line)
			}
			if len(line) < 20 {
				if !json.Valid(line) {
					t.Fatalf("record=%d: line %d is not JSON: %s", record, n, line)
				}
				continue
			}
			var v struct {
				ID   *int      `json:"id"`
				Time time.Time `json:"time"`
			}
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatalf("record=%d: line %d: %v: %s", record, n, err, line)
			}
			if len(line) == record && (v.ID == nil || *v.ID != n) {
				t.Fatalf("record=%d: line %d has another id: %s", record, n, line)
			}
		}
	}
}

func TestRecordLargerThanTheBatchAsksForRoom(t *testing.T) {
	const record = 16 << 20
	st := next(t, newGenerator(t, sim.GeneratorOptions{Size: 2*record + 10, Record: record}))
	b := weir.NewBatch(64 << 10)
	var need *weir.NeedError
	if err := st.Read(t.Context(), b); !errors.As(err, &need) || need.Size != weir.RecordSize(record) {
		t.Fatalf("Read = %v, want a NeedError of %d", err, weir.RecordSize(record))
	}
	if b.Len() != 0 {
		t.Fatalf("%d bytes in the batch", b.Len())
	}
	big := weir.NewBatch(need.Size)
	for i := range 2 {
		big.Reset()
		if err := st.Read(t.Context(), big); err != nil || big.Records() != 1 || big.Len() != record {
			t.Fatalf("record %d: %v, %d records, %d bytes", i, err, big.Records(), big.Len())
		}
	}
	if err := st.Read(t.Context(), b); !errors.Is(err, io.EOF) || b.Len() != 10 {
		t.Fatalf("the short last record: %v, %d bytes", err, b.Len())
	}
}

func TestSeekRefusesPositionsThatAreNotItsOwn(t *testing.T) {
	for _, p := range []string{
		"", "0", "off=", "off=-1", "off=+1", "off=007", "off=256 ", "OFF=256",
		"off=99999999999999999999", "off=100", "off=1025",
	} {
		st := next(t, newGenerator(t, sim.GeneratorOptions{Size: 1000}))
		if err := st.Seek(t.Context(), weir.Position(p)); weir.KindOf(err) != weir.Invalid {
			t.Errorf("Seek(%q) = %v", p, err)
		}
	}
	for _, p := range []string{"off=0", "off=256", "off=1000"} {
		st := next(t, newGenerator(t, sim.GeneratorOptions{Size: 1000}))
		if err := st.Seek(t.Context(), weir.Position(p)); err != nil {
			t.Errorf("Seek(%q) = %v", p, err)
		}
	}
}

func TestRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, rate = 10_000_000, 1_000_000
		g := newGenerator(t, sim.GeneratorOptions{Size: size, Rate: rate, Streams: 2})
		began := time.Now()
		for range 2 {
			readAll(t, next(t, g), always(64<<10))
		}
		if d := time.Since(began); d < 9900*time.Millisecond || d > 10*time.Second {
			t.Errorf("%d bytes at %d a second took %v", size, rate, d)
		}
	})
}

func TestRateWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := next(t, newGenerator(t, sim.GeneratorOptions{Record: 1 << 20, Rate: 1000}))
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		began := time.Now()
		if err := st.Read(ctx, weir.NewBatch(2<<20)); !errors.Is(err, cause) {
			t.Errorf("Read = %v", err)
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("it took %v to end", d)
		}
	})
}

func TestInvalidGeneratorOptionsAreAllNamed(t *testing.T) {
	_, err := sim.NewGenerator(sim.GeneratorOptions{Size: -1, Record: -1, Rate: -1, Streams: -1, Format: 9})
	if weir.KindOf(err) != weir.Invalid {
		t.Fatalf("err = %v", err)
	}
	for _, name := range []string{"Size", "Record", "Rate", "Streams", "Format"} {
		if !bytes.Contains([]byte(err.Error()), []byte(name)) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	for _, f := range []sim.Format{sim.Random, sim.NDJSON} {
		st := next(t, newGenerator(t, sim.GeneratorOptions{Format: f}))
		b := weir.NewBatch(64 << 10)
		if n := testing.AllocsPerRun(100, func() {
			b.Reset()
			if err := st.Read(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations a batch", f, n)
		}
	}
}

func BenchmarkGenerator(b *testing.B) {
	for _, o := range []sim.GeneratorOptions{
		{Record: 256},
		{Record: 1},
		{Record: 16},
		{Record: 4096},
		{Opaque: true},
		{Record: 256, Format: sim.NDJSON},
		{Record: 1024, Format: sim.NDJSON},
		{Record: 100, Format: sim.NDJSON},
	} {
		b.Run(fmt.Sprintf("%v/record=%d/opaque=%v", o.Format, o.Record, o.Opaque), func(b *testing.B) {
			st := next(b, newGenerator(b, o))
			batch := weir.NewBatch(64 << 10)
			b.ReportAllocs()
			bytes := int64(0)
			for b.Loop() {
				batch.Reset()
				if err := st.Read(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
				bytes += int64(batch.Len())
			}
			b.SetBytes(bytes / int64(b.N))
		})
	}
}
