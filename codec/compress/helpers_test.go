package compress_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/weirflow/weir/codec/compress"
)

var readable = []compress.Method{
	compress.Gzip, compress.Zstd, compress.LZ4, compress.Snappy, compress.S2, compress.Bzip2, compress.Xz,
}

// text returns n bytes that compress about three to one, the same for the same
// seed.
func text(seed uint64, n int) []byte {
	rnd := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, 0, n+32)
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"path":"/orders/%d"}`+"\n", len(b), rnd.IntN(1e6))
	}
	return b[:n]
}

// noise returns n bytes that do not compress.
func noise(seed uint64, n int) []byte {
	rnd := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, rnd.Uint64())
	}
	return b[:n]
}

// section compresses data into one section by software that is not ours. Of
// bzip2, which no library writes, it knows the texts of testdata.
func section(tb testing.TB, m compress.Method, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch m {
	case compress.Gzip:
		w = stdgzip.NewWriter(&out)
	case compress.Zstd:
		w, err = zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true), zstd.WithWindowSize(1<<16))
	case compress.LZ4:
		w = lz4.NewWriter(&out)
	case compress.Snappy:
		w = s2.NewWriter(&out, s2.WriterSnappyCompat(), s2.WriterConcurrency(1))
	case compress.S2:
		w = s2.NewWriter(&out, s2.WriterConcurrency(1))
	case compress.Xz:
		w, err = xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&out)
	case compress.Bzip2:
		return bzip2Section(tb, data)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	if m == compress.Snappy || m == compress.S2 {
		if len(data) == 0 {
			return []byte("\xff\x06\x00\x00" + map[compress.Method]string{compress.Snappy: "sNaPpY", compress.S2: "S2sTwO"}[m])
		}
	}
	return out.Bytes()
}

// bzip2Texts are the contents of testdata/N.bz2, made by "bzip2 -1" and the
// last by "bzip2 -9".
var bzip2Texts = [][]byte{nil, text(1, 1), text(1, 3000), text(2, 150_000), text(3, 5000)}

func bzip2Section(tb testing.TB, data []byte) []byte {
	tb.Helper()
	for i, known := range bzip2Texts {
		if bytes.Equal(data, known) {
			b, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("%d.bz2", i)))
			if err != nil {
				tb.Fatal(err)
			}
			return b
		}
	}
	tb.Fatalf("testdata has no bzip2 stream of these %d bytes", len(data))
	return nil
}

// contents are texts that section can make a section of with any method.
func contents() [][]byte { return bzip2Texts[:4] }

// newReader is NewReader without an error.
func newReader(tb testing.TB, m compress.Method, stream []byte, o compress.ReadOptions) *compress.Reader {
	tb.Helper()
	r, err := compress.NewReader(m, bytes.NewReader(stream), o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// read decompresses a stream.
func read(tb testing.TB, m compress.Method, stream []byte, o compress.ReadOptions) ([]byte, error) {
	tb.Helper()
	return io.ReadAll(newReader(tb, m, stream, o))
}
