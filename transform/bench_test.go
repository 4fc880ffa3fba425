package transform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
	"github.com/weirflow/weir/transform"
)

// accessLog returns a batch of n access-log records of about 250 bytes. One in
// twenty has a status of 500 or more.
func accessLog(n int) *weir.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	b := weir.NewBatch(n * 400)
	for range n {
		status := 200 + r.IntN(200)
		if r.IntN(20) == 0 {
			status = 500 + r.IntN(4)
		}
		rec := fmt.Appendf(nil, `{"ts":"2026-11-23T%02d:%02d:%02d.%03dZ","ip":"10.%d.%d.%d","method":"%s","path":"/api/v1/items/%d","status":%d,"latency_ms":%d,"bytes":%d,"host":"web-%02d","ua":"%s","user_id":%d,"referer":"%s","user":"%s@example.com"}`+"\n",
			r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(256), r.IntN(256), r.IntN(256),
			pick("GET", "GET", "POST", "PUT"), r.IntN(1_000_000), status, r.IntN(3000), r.IntN(100_000), r.IntN(40),
			pick("Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "Go-http-client/1.1"), r.Int64(),
			pick("-", "https://example.com/a"), pick("anna", "bob", "carol"))
		if !b.Append(rec) {
			panic("the batch is too small")
		}
	}
	return b
}

// BenchmarkScan is the strict scan alone, which every program does.
func BenchmarkScan(b *testing.B) {
	in := accessLog(1000)
	b.SetBytes(int64(in.Len()))
	best := time.Hour
	var o jsonscan.Object
	for b.Loop() {
		start := time.Now()
		for i := range in.Records() {
			if err := o.Scan(in.Record(i)); err != nil {
				b.Fatal(err)
			}
		}
		best = min(best, time.Since(start))
	}
	b.ReportMetric(float64(best.Nanoseconds())/float64(in.Records()), "best-ns/record")
	b.ReportMetric(float64(in.Len())/1e6/best.Seconds(), "best-MB/s")
}

func BenchmarkProgram(b *testing.B) {
	for _, x := range []struct{ name, text string }{
		{"WhereDropFew", "where status >= 500; drop referer"},
		{"WhereDropAll", "where status >= 200; drop referer"},
		{"Drop", "drop referer"},
		{"Keep", "keep ts, status, path"},
		{"Set", "set latency_s = latency_ms / 1000"},
		{"SetText", `set id = host + ":" + path`},
		{"MaskEmail", "mask email"},
		{"MaskEmailIn", "mask email in user"},
		{"MaskIP", "mask ip"},
		{"MaskAll", "mask email, ip, card"},
		{"MaskRegexp", `mask /web-\d+/ in host`},
		{"HashSHA256", "hash user_id with sha256(pepper)"},
		{"HashXXH3", "hash user_id with xxh3"},
		{"ParseTime", "parse_time ts to unix_ms"},
		{"Sample", "sample 1%"},
		{"Dedupe", "dedupe by user_id within 10m"},
		{"Machine", `where any(split(path, "/"), # == "items")`},
		{"MachineSet", `set root = split(path, "/")[1]`},
		{"Where3", `where status >= 200 and method in ["GET", "POST"] and not (path contains "admin")`},
		{"Matches", `where path matches "^/api/v[0-9]+/"`},
	} {
		b.Run(x.name, func(b *testing.B) {
			p, err := transform.Parse(x.text, transform.Options{})
			if err != nil {
				b.Fatal(err)
			}
			benchmark(b, p.Batch)
		})
	}
}

// BenchmarkMaps is a plain Go function over maps that does what "where status >=
// 500; drop referer" does.
func BenchmarkMaps(b *testing.B) {
	f := transform.Maps(func(_ context.Context, rec map[string]any) (map[string]any, error) {
		if status, _ := rec["status"].(json.Number).Int64(); status < 500 {
			return nil, nil
		}
		delete(rec, "referer")
		return rec, nil
	}, transform.Options{})
	benchmark(b, f)
}

// benchmark applies f to a batch of access-log records.
func benchmark(b *testing.B, f weir.Transform) {
	in := accessLog(1000)
	out := weir.NewBatch(3 * in.Len())
	b.SetBytes(int64(in.Len()))
	b.ReportAllocs()
	best := time.Hour
	for b.Loop() {
		out.Reset()
		start := time.Now()
		if err := f(context.Background(), in, out); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	// The fastest batch is the one that had the processor for itself.
	b.ReportMetric(float64(best.Nanoseconds())/float64(in.Records()), "best-ns/record")
	b.ReportMetric(float64(in.Len())/1e6/best.Seconds(), "best-MB/s")
}
