package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/postgres"
	"github.com/weirflow/weir/connector/postgres/pgtest"
)

// BenchmarkLoad loads an access log into typed columns, beside psql's \copy of the
// same rows as CSV into the same table. WEIR_ROWS says how many, 200000 if nothing; a
// round is long enough from two million on:
//
//	WEIR_ROWS=2000000 go test ./connector/postgres -run '^$' -bench Load -benchtime 5x
//
// x-psql is how many times as fast as psql it was.
func BenchmarkLoad(b *testing.B) {
	rows := 200_000
	if text := os.Getenv("WEIR_ROWS"); text != "" {
		var err error
		rows, err = strconv.Atoi(text)
		must(b, err)
	}
	ndjson, csv := accessLog(b, rows)
	d := own(b, pgtest.Options{Settings: map[string]string{"shared_buffers": "768MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min"}})
	d.do(`CREATE TABLE access_log (id uuid, ts timestamptz, ip text, method text, path text, status int, bytes bigint, dur_ms float8, ua text)`)
	empty := func() {
		d.do("TRUNCATE access_log")
		d.do("CHECKPOINT")
	}
	check := func() {
		if got := d.one("SELECT count(*) FROM access_log"); got != strconv.Itoa(rows) {
			b.Fatalf("%s rows of %d", got, rows)
		}
	}
	run := func(name string, o postgres.SinkOptions, checkpoints bool) {
		b.Run(name, func(b *testing.B) {
			var ours, theirs time.Duration
			for b.Loop() {
				empty()
				began := time.Now()
				out, err := exec.CommandContext(b.Context(), d.Program("psql"), d.URL(), "-qc", `\copy access_log from '`+csv+`' csv`).CombinedOutput()
				theirs += time.Since(began)
				if err != nil {
					b.Fatalf("psql: %v: %s", err, out)
				}
				check()

				empty()
				o.Table, o.Fresh = "access_log", fmt.Sprint(time.Now().UnixNano())
				sink, err := postgres.NewSink(d.URL(), o)
				must(b, err)
				lines, err := codec.NewSource(&onePath{path: ndjson}, codec.SourceOptions{Format: codec.Format{Name: codec.NDJSON}})
				must(b, err)
				var w weir.Options
				if checkpoints {
					w.Checkpoints = &store{}
				}
				began = time.Now()
				_, err = weir.Ingest(b.Context(), lines, sink, w)
				ours += time.Since(began)
				must(b, err)
				check()
			}
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-psql")
			b.ReportMetric(float64(rows*b.N)/ours.Seconds(), "rows/s")
			b.ReportMetric(0, "ns/op")
		})
	}
	run("one connection", postgres.SinkOptions{}, false)
	run("exactly once", postgres.SinkOptions{}, true)
	run("exactly once, bad records apart", postgres.SinkOptions{Bad: weir.SkipBad}, true)
	run("two connections", postgres.SinkOptions{Connections: 2}, false)
}

// onePath is a source of a file that can be continued.
type onePath struct {
	path  string
	given bool
}

func (s *onePath) Next(context.Context) (weir.Stream, error) {
	if s.given {
		return nil, io.EOF
	}
	s.given = true
	f, err := os.Open(s.path)
	return &openFile{File: f}, err
}

func (s *onePath) Close() error { return nil }

// openFile is the stream of it; its position is the offset.
type openFile struct {
	*os.File
	offset int64
}

func (f *openFile) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "log", Name: "log.ndjson", Size: weir.UnknownSize, Resumable: true}
}

func (f *openFile) Seek(_ context.Context, p weir.Position) (err error) {
	f.offset, err = p.Offset()
	return err
}

func (f *openFile) Read(_ context.Context, b *weir.Batch) error {
	n, err := f.ReadAt(b.Space(), f.offset)
	b.Advance(n)
	f.offset += int64(n)
	b.SetOffset(f.offset)
	return err
}

// accessLog makes files of the same rows, as NDJSON and as CSV.
func accessLog(b *testing.B, rows int) (ndjson, csv string) {
	dir := b.TempDir()
	create := func(name string) (string, *bufio.Writer, *os.File) {
		f, err := os.Create(filepath.Join(dir, name))
		must(b, err)
		return f.Name(), bufio.NewWriterSize(f, 1<<20), f
	}
	ndjson, j, jf := create("log.ndjson")
	csv, c, cf := create("log.csv")
	r := rand.New(rand.NewPCG(1, 2))
	methods := []string{"GET", "GET", "GET", "POST", "PUT", "DELETE"}
	agents := []string{"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101", "curl/8.5.0", "Go-http-client/1.1", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"}
	start := time.Date(2026, 11, 18, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		row := []any{
			fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(65536), r.IntN(4096), r.IntN(4096), r.Uint64()&0xffffffffffff),
			start.Add(time.Duration(i) * 7 * time.Millisecond).Format("2006-01-02T15:04:05.000Z"),
			fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256)),
			methods[r.IntN(len(methods))], fmt.Sprintf("/api/v1/items/%d", r.IntN(1000000)),
			200 + r.IntN(300), r.IntN(100000), fmt.Sprintf("%.3f", r.ExpFloat64()*50), agents[r.IntN(len(agents))],
		}
		// A write that fails is told by Flush.
		_, _ = fmt.Fprintf(j, `{"id":"%s","ts":"%s","ip":"%s","method":"%s","path":"%s","status":%d,"bytes":%d,"dur_ms":%s,"ua":"%s"}`+"\n", row...)
		_, _ = fmt.Fprintf(c, "%s,%s,%s,%s,%s,%d,%d,%s,%s\n", row...)
	}
	must(b, j.Flush())
	must(b, c.Flush())
	must(b, jf.Close())
	must(b, cf.Close())
	return ndjson, csv
}
