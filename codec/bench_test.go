package codec_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/connector/sim"
)

// benchBytes is how much the benchmarks read at a time.
const benchBytes = 256 << 20

// logLines writes about n bytes of NDJSON, some 250 bytes a line, to w.
func logLines(w io.Writer, n int) error {
	r := rand.New(rand.NewPCG(1, 2))
	var block bytes.Buffer
	for block.Len() < min(n, 8<<20) {
		fmt.Fprintf(&block, `{"ts":"2026-11-23T%02d:%02d:%02d.%03dZ","ip":"10.%d.%d.%d","method":"GET","path":"/api/v1/items/%d","status":%d,"bytes":%d,"dur_ms":%.3f,"host":"web-%02d","ua":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101","user_id":%d,"tls":%t}`+"\n",
			r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(1_000_000), 200+r.IntN(300), r.IntN(100_000),
			r.ExpFloat64()*50, r.IntN(40), r.IntN(1_000_000), r.IntN(2) == 0)
	}
	for ; n > 0; n -= block.Len() {
		if _, err := w.Write(block.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// benchFile writes a file of log lines, and returns its path and the size of what
// is in it.
func benchFile(b *testing.B, name string, pack func(io.Writer) io.WriteCloser) (path string, size int64) {
	b.Helper()
	path = filepath.Join(b.TempDir(), name)
	f, err := os.Create(path)
	must(b, err)
	w := io.WriteCloser(f)
	if pack != nil {
		w = pack(f)
	}
	counted := &counter{w: w}
	must(b, logLines(counted, benchBytes))
	if pack != nil {
		must(b, w.Close())
	}
	must(b, f.Close())
	return path, counted.n
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func ingestFile(b *testing.B, path string, dst weir.Sink, o codec.SourceOptions) {
	b.Helper()
	inner, err := file.NewSource([]string{path}, file.SourceOptions{})
	must(b, err)
	src, err := codec.NewSource(inner, o)
	must(b, err)
	_, err = weir.Ingest(context.Background(), src, dst, weir.Options{})
	must(b, err)
}

// readLoop reads a file and counts its lines, and nothing else.
func readLoop(b *testing.B, path string) {
	b.Helper()
	f, err := os.Open(path)
	must(b, err)
	buf, lines := make([]byte, 256<<10), 0
	for {
		n, err := f.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if err == io.EOF {
			break
		}
		must(b, err)
	}
	must(b, f.Close())
}

// cpu is the time that this process and its children have used.
func cpu() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

func shell(b *testing.B, command, path string) {
	b.Helper()
	out, err := exec.Command("sh", "-c", strings.ReplaceAll(command, "FILE", path)).CombinedOutput()
	if err != nil {
		b.Skipf("%s: %v: %s", command, err, out)
	}
}

// measure runs f, which moves size bytes, as the benchmark name.
func measure(b *testing.B, name string, size int64, f func(b *testing.B)) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		before, n := cpu(), 0
		for b.Loop() {
			f(b)
			n++
		}
		b.ReportMetric((cpu()-before).Seconds()*1e3*(1<<30)/float64(size)/float64(n), "cpu-ms/GiB")
	})
}

// BenchmarkFileToNull compares what weir does with the tools that people have for
// it. The pairs to compare stand beside each other.
func BenchmarkFileToNull(b *testing.B) {
	run := func(name string, size int64, f func(b *testing.B)) { measure(b, name, size, f) }
	plain, size := benchFile(b, "log.ndjson", nil)
	run("plain/read loop", size, func(b *testing.B) { readLoop(b, plain) })
	run("plain/wc -l", size, func(b *testing.B) { shell(b, "wc -l FILE", plain) })
	for _, name := range []string{codec.Lines, codec.NDJSON, codec.JSON, codec.Bytes} {
		run("plain/"+name, size, func(b *testing.B) {
			ingestFile(b, plain, sim.NewNull(), codec.SourceOptions{Format: codec.Format{Name: name}})
		})
	}
	run("plain/ndjson validated", size, func(b *testing.B) {
		ingestFile(b, plain, sim.NewNull(), codec.SourceOptions{Validate: true})
	})
	gz, size := benchFile(b, "log.ndjson.gz", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	run("gzip/zcat", size, func(b *testing.B) { shell(b, "zcat FILE | wc -l", gz) })
	run("gzip/ndjson", size, func(b *testing.B) { ingestFile(b, gz, sim.NewNull(), codec.SourceOptions{}) })
	zst, size := benchFile(b, "log.ndjson.zst", func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		must(b, err)
		return z
	})
	run("zstd/zstdcat", size, func(b *testing.B) { shell(b, "zstdcat FILE | wc -l", zst) })
	run("zstd/ndjson", size, func(b *testing.B) { ingestFile(b, zst, sim.NewNull(), codec.SourceOptions{}) })
}

// BenchmarkFileToFile compares a copy with records with one without.
func BenchmarkFileToFile(b *testing.B) {
	plain, size := benchFile(b, "log.ndjson", nil)
	target := filepath.Join(b.TempDir(), "copy")
	measure(b, "cp", size, func(b *testing.B) { shell(b, "cp FILE "+target, plain) })
	for _, name := range []string{codec.Lines, codec.Bytes} {
		measure(b, name, size, func(b *testing.B) {
			dst, err := file.NewSink(target, file.SinkOptions{Force: true, NoSync: true})
			must(b, err)
			ingestFile(b, plain, dst, codec.SourceOptions{Format: named(name)})
		})
	}
}

// BenchmarkFileToCompressed shows what further workers bring.
func BenchmarkFileToCompressed(b *testing.B) {
	plain, size := benchFile(b, "log.ndjson", nil)
	target := filepath.Join(b.TempDir(), "packed")
	for _, to := range []string{"ndjson+gzip", "ndjson+zstd", "ndjson+lz4"} {
		for workers := 1; workers <= 2; workers++ {
			measure(b, fmt.Sprintf("%s/%d workers", to, workers), size, func(b *testing.B) {
				n := packFile(b, plain, target, to, weir.Options{Workers: workers})
				b.ReportMetric(float64(n), "packed-B")
			})
		}
	}
}

// packFile compresses a file and returns how large that became.
func packFile(b *testing.B, path, target, to string, o weir.Options) int64 {
	b.Helper()
	inner, err := file.NewSource([]string{path}, file.SourceOptions{})
	must(b, err)
	src, err := codec.NewSource(inner, codec.SourceOptions{})
	must(b, err)
	dst, err := file.NewSink(target, file.SinkOptions{Force: true, NoSync: true})
	must(b, err)
	spec, err := codec.ParseSpec(to)
	must(b, err)
	encoder, err := codec.NewEncoder(codec.Format{Name: codec.NDJSON}, spec, codec.EncodeOptions{})
	must(b, err)
	o.Steps = encoder.Steps()
	_, err = weir.Ingest(context.Background(), src, encoder.Sink(dst), o)
	must(b, err)
	info, err := os.Stat(target)
	must(b, err)
	return info.Size()
}
