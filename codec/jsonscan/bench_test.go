package jsonscan_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

// accessLog returns n records of 13 members, about 260 bytes each, a fifth of
// them with escapes. They stand in one buffer, as lines of a batch do.
func accessLog(n int) (records [][]byte, size int64) {
	methods := []string{"GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD"}
	agents := []string{
		`Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101`, `curl/8.5.0`, `Go-http-client/1.1`,
		`Mozilla/5.0 (\"compatible\"; bot/2.1)`, `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)`,
	}
	r := rand.New(rand.NewPCG(1, 2))
	var buf []byte
	ends := []int{0}
	for range n {
		buf = fmt.Appendf(buf, `{"ts":"2026-11-23T%02d:%02d:%02d.%03dZ","ip":"10.%d.%d.%d","method":%q,"path":"/api/v1/items/%d",`,
			r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(256), r.IntN(256), r.IntN(256), methods[r.IntN(len(methods))], r.IntN(1_000_000))
		buf = fmt.Appendf(buf, `"status":%d,"bytes":%d,"dur_ms":%.3f,"host":"web-%02d","ua":"%s","user_id":%d,"referer":"-","tls":%t,"region":"eu-west-%d"}`,
			200+r.IntN(300), r.IntN(100_000), r.ExpFloat64()*50, r.IntN(40), agents[r.IntN(len(agents))], r.IntN(1_000_000), r.IntN(2) == 0, r.IntN(4))
		ends = append(ends, len(buf))
	}
	for i, end := range ends[1:] {
		records = append(records, buf[ends[i]:end:end])
	}
	return records, int64(len(buf))
}

// dropMember appends the record of which o was scanned without member i.
func dropMember(dst, record []byte, o *jsonscan.Object, i int) []byte {
	m := o.Members
	switch {
	case i > 0: // with the comma before it
		dst = append(dst, record[:m[i-1].ValEnd]...)
		return append(dst, record[m[i].ValEnd:]...)
	case len(m) > 1: // with the comma behind it
		dst = append(dst, record[:m[0].KeyStart-1]...)
		return append(dst, record[m[1].KeyStart-1:]...)
	}
	dst = append(dst, record[:m[0].KeyStart-1]...)
	return append(dst, record[m[0].ValEnd:]...)
}

func benchmarkRecords(b *testing.B, f func(record []byte) bool) {
	records, size := accessLog(20_000)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			if !f(r) {
				b.Fatalf("failed: %s", r)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/record")
}

func BenchmarkMemcpy(b *testing.B) {
	var dst []byte
	benchmarkRecords(b, func(r []byte) bool { dst = append(dst[:0], r...); return true })
}

func BenchmarkStandardValid(b *testing.B) { benchmarkRecords(b, json.Valid) }

func BenchmarkValid(b *testing.B) { benchmarkRecords(b, jsonscan.Valid) }

func BenchmarkScan(b *testing.B) {
	var o jsonscan.Object
	benchmarkRecords(b, func(r []byte) bool { return o.Scan(r) == nil })
}

// BenchmarkScanAndDrop removes one member of each record and writes the rest
// by copying the two spans around it.
func BenchmarkScanAndDrop(b *testing.B) {
	var o jsonscan.Object
	var dst []byte
	at := -1
	benchmarkRecords(b, func(r []byte) bool {
		if o.Scan(r) != nil {
			return false
		}
		if at = o.IndexHint(r, "ua", at); at < 0 {
			return false
		}
		dst = dropMember(dst[:0], r, &o, at)
		return true
	})
}

// BenchmarkScanAndIndex looks ten members up by name.
func BenchmarkScanAndIndex(b *testing.B) {
	names := []string{"ts", "ip", "method", "path", "status", "bytes", "dur_ms", "host", "ua", "user_id"}
	for _, hinted := range []bool{false, true} {
		b.Run(fmt.Sprintf("hint=%t", hinted), func(b *testing.B) {
			var o jsonscan.Object
			var hints [10]int
			benchmarkRecords(b, func(r []byte) bool {
				if o.Scan(r) != nil {
					return false
				}
				for i, name := range names {
					if hinted {
						hints[i] = o.IndexHint(r, name, hints[i])
					} else {
						hints[i] = o.Index(r, name)
					}
					if hints[i] < 0 {
						return false
					}
				}
				return true
			})
		})
	}
}

func BenchmarkStrings(b *testing.B) {
	for _, x := range []struct{ name, text string }{
		{"plain", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"},
		{"escaped", "Mozilla/5.0 (X11; \"Linux\" x86_64)\tAppleWebKit/537.36\n\\KHTML, like Gecko"},
		{"other", "Приветствую вас, 世界; Grüße aus Köln und überall sonst, wo Text entsteht"},
	} {
		quoted := jsonscan.Quote(nil, []byte(x.text))
		var dst []byte
		b.Run("quote/"+x.name, func(b *testing.B) {
			b.SetBytes(int64(len(x.text)))
			b.ReportAllocs()
			for b.Loop() {
				dst = jsonscan.Quote(dst[:0], []byte(x.text))
			}
		})
		b.Run("unquote/"+x.name, func(b *testing.B) {
			b.SetBytes(int64(len(quoted)))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = jsonscan.Unquote(dst[:0], quoted); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
