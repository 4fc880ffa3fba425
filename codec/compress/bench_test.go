package compress_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/weirflow/weir/codec/compress"
)

func BenchmarkReader(b *testing.B) {
	data := text(1, 4*mib)
	for _, m := range readable {
		want := data
		if m == compress.Bzip2 {
			want = bzip2Texts[3]
		}
		stream := section(b, m, want)
		b.Run(m.String(), func(b *testing.B) {
			b.SetBytes(int64(len(want)))
			b.ReportAllocs()
			var r compress.Reader
			src := bytes.NewReader(nil)
			p := make([]byte, 256*kib)
			for b.Loop() {
				src.Reset(stream)
				if err := r.Reset(m, src, compress.ReadOptions{}); err != nil {
					b.Fatal(err)
				}
				if n := countLines(b, &r, p); n == 0 {
					b.Fatal("no lines")
				}
			}
		})
	}
}

// countLines does what "wc -l" does.
func countLines(b *testing.B, r io.Reader, p []byte) (lines int) {
	for {
		n, err := r.Read(p)
		lines += bytes.Count(p[:n], []byte{'\n'})
		if err == io.EOF {
			return lines
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncoder(b *testing.B) {
	block := text(1, 256*kib)
	for _, m := range writable {
		for _, level := range levels[m] {
			b.Run(fmt.Sprintf("%s-%d", m, level), func(b *testing.B) {
				b.SetBytes(int64(len(block)))
				b.ReportAllocs()
				e := newEncoder(b, m, level)
				dst := make([]byte, 0, compress.Bound(m, len(block)))
				var err error
				for b.Loop() {
					if dst, err = e.Append(dst[:0], block); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(block))/float64(len(dst)), "ratio")
			})
		}
	}
}

// BenchmarkCountLinesOfFile compares a Reader with the command line tools on
// one file.
func BenchmarkCountLinesOfFile(b *testing.B) {
	data := bytes.Repeat(text(1, 8*mib), 8)
	dir := b.TempDir()
	for _, x := range []struct {
		m        compress.Method
		pack     string
		together string
	}{
		{compress.Gzip, "gzip -c", "zcat"},
		{compress.Zstd, "zstd -qc", "zstdcat"},
		{compress.LZ4, "lz4 -qc", "lz4 -dc"},
	} {
		name := filepath.Join(dir, "data"+x.m.Extensions()[0])
		if _, err := exec.LookPath(x.m.String()); err != nil {
			b.Logf("%s is not installed", x.m)
			continue
		}
		pack := exec.Command("sh", "-c", x.pack+" >"+name)
		pack.Stdin = bytes.NewReader(data)
		if err := pack.Run(); err != nil {
			b.Fatal(err)
		}
		b.Run(x.m.String()+"/ours", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			p := make([]byte, 256*kib)
			for b.Loop() {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				r, err := compress.NewReader(x.m, f, compress.ReadOptions{})
				if err != nil {
					b.Fatal(err)
				}
				countLines(b, r, p)
				_ = f.Close() // it was only read
			}
		})
		b.Run(x.m.String()+"/"+x.together, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := exec.Command("sh", "-c", x.together+" "+name+" | wc -l").Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
