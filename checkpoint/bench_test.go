package checkpoint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/checkpoint"
)

// openBench returns a store with one job.
func openBench(tb testing.TB) *checkpoint.Store {
	s, err := checkpoint.Open(tb.TempDir(), checkpoint.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := s.PutJob(checkpoint.Job{ID: "job", Description: "a to b"}); err != nil {
		tb.Fatal(err)
	}
	return s
}

// numbered returns the entry of the i-th stream.
func numbered(i int) checkpoint.Entry {
	return checkpoint.Entry{
		ID:   fmt.Sprintf("file:2049:%d", 1_000_000+i),
		Name: fmt.Sprintf("logs/2026/11/%07d.ndjson", i),
		Checkpoint: weir.Checkpoint{
			Position: weir.Position(fmt.Sprintf("dev=2049,ino=%d,size=1048576,head=0123456789abcdef,off=1048576", 1_000_000+i)),
			Read:     weir.Count{Bytes: 1 << 20, Records: 4096}, Size: 1 << 20, Whole: true,
		},
	}
}

// BenchmarkSave compares a Save of one entry with the least that is durable: 200
// bytes appended to a file, and fdatasync. They take turns, so that both see the
// same disk.
func BenchmarkSave(b *testing.B) {
	s := openBench(b)
	bare, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bare.Close() }() // what is measured was synced
	line := make([]byte, 200)
	entries := []checkpoint.Entry{numbered(0)}
	var saved, appended time.Duration
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		if err := s.Save("job", entries); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := bare.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := checkpoint.SyncData(bare); err != nil {
			b.Fatal(err)
		}
		saved += middle.Sub(begin)
		appended += time.Since(middle)
	}
	b.ReportMetric(float64(saved.Microseconds())/float64(b.N), "µs/save")
	b.ReportMetric(float64(appended.Microseconds())/float64(b.N), "µs/append")
	b.ReportMetric(float64(saved)/float64(appended), "save/append")
}

// BenchmarkSavers shows what Saves that wait together share.
func BenchmarkSavers(b *testing.B) {
	for _, savers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(savers), func(b *testing.B) {
			s := openBench(b)
			before := s.Stats()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for i := range savers {
				wg.Go(func() {
					entries := []checkpoint.Entry{numbered(i)}
					for left.Add(-1) >= 0 {
						if err := s.Save("job", entries); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			after := s.Stats()
			b.ReportMetric(float64(after.Saves-before.Saves)/float64(after.Syncs-before.Syncs), "saves/sync")
		})
	}
}

// BenchmarkMillion fills a store with a million streams, 64 in a Save, and looks
// at each again.
func BenchmarkMillion(b *testing.B) {
	const streams, group = 1_000_000, 64
	for b.Loop() {
		s := openBench(b)
		var slowest time.Duration // one with a compaction
		begin := time.Now()
		entries := make([]checkpoint.Entry, 0, group)
		for i := 0; i < streams; i += group {
			entries = entries[:0]
			for j := range group {
				entries = append(entries, numbered(i+j))
			}
			start := time.Now()
			if err := s.Save("job", entries); err != nil {
				b.Fatal(err)
			}
			slowest = max(slowest, time.Since(start))
		}
		saved := time.Now()
		for i := 0; i < streams; i += 100 {
			if _, ok, err := s.Stream("job", numbered(i).ID); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
		found := time.Now()
		n := 0
		if err := s.Streams("job", func(checkpoint.Entry) bool { n++; return true }); err != nil || n != streams {
			b.Fatal(n, err)
		}
		listed := time.Now()
		again, err := checkpoint.Open(filepath.Dir(s.Path()), checkpoint.Options{ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(listed).Seconds()*1e3, "ms/open")
		b.ReportMetric(saved.Sub(begin).Seconds(), "s/save")
		b.ReportMetric(float64(found.Sub(saved).Microseconds())/(streams/100), "µs/find")
		b.ReportMetric(listed.Sub(found).Seconds(), "s/list")
		b.ReportMetric(slowest.Seconds()*1e3, "ms/slowest")
		b.ReportMetric(float64(s.Stats().Compactions), "compactions")
		if err := again.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
