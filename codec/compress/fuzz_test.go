package compress_test

import (
	"bytes"
	stdbzip2 "compress/bzip2"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/weirflow/weir/codec/compress"
)

// fuzzOutput is where a fuzzed stream is given up.
const fuzzOutput = 4 * mib

func FuzzGzip(f *testing.F)   { fuzz(f, compress.Gzip) }
func FuzzZstd(f *testing.F)   { fuzz(f, compress.Zstd) }
func FuzzLZ4(f *testing.F)    { fuzz(f, compress.LZ4) }
func FuzzSnappy(f *testing.F) { fuzz(f, compress.Snappy) }
func FuzzS2(f *testing.F)     { fuzz(f, compress.S2) }
func FuzzBzip2(f *testing.F)  { fuzz(f, compress.Bzip2) }
func FuzzXz(f *testing.F)     { fuzz(f, compress.Xz) }

// fuzz reads any bytes, and checks that how they are read makes no difference,
// that every restart point continues the same stream, and that others read the
// same.
func fuzz(f *testing.F, m compress.Method) {
	one, two := section(f, m, contents()[1]), section(f, m, contents()[2])
	f.Add(one)
	f.Add(two)
	f.Add(slices.Concat(one, two, one))
	f.Add(two[:len(two)/2])
	f.Add(slices.Concat([]byte(skippable), two, make([]byte, 8)))
	f.Add([]byte(linkedHeader + "\x03\x00\x00\x80abc\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		compress.Detect(stream)
		o := compress.ReadOptions{MaxWindow: mib}
		need, inspectErr := compress.Inspect(m, stream[:min(len(stream), compress.HeadSize)], o)
		if inspectErr == nil && (need.Window <= 0 || need.Window > mib || need.Memory <= need.Window) {
			t.Fatalf("%+v", need)
		}
		r := newReader(t, m, stream, o)
		want, err := io.ReadAll(io.LimitReader(r, fuzzOutput))
		if len(want) == fuzzOutput {
			return
		}
		if len(want) > 0 && inspectErr != nil {
			t.Fatalf("Inspect: %v, and %d bytes were read", inspectErr, len(want))
		}
		checkError(t, err, len(stream), len(want))
		slow, err := compress.NewReader(m, iotest.OneByteReader(bytes.NewReader(stream)), o)
		if err != nil {
			t.Fatal(err)
		}
		sameStream(t, slow, stream, want, r)
		reference(t, m, stream, want, r)
	})
}

// checkError checks the error of a stream of in bytes that gave out bytes.
func checkError(t *testing.T, err error, in, out int) {
	t.Helper()
	var e *compress.Error
	if err != nil && (!errors.As(err, &e) || e.In > int64(in) || e.Out != int64(out)) {
		t.Fatalf("%d bytes of %d: %v", out, in, err)
	}
}

// final is the error that a Reader ended with.
func final(r io.Reader) error {
	_, err := r.Read(make([]byte, 1))
	return err
}

// sameStream reads slow in small pieces and begins again at its restart points.
// It must be what fast, which is at its end, gave.
func sameStream(t *testing.T, slow *compress.Reader, stream, want []byte, fast *compress.Reader) {
	t.Helper()
	seen := map[int64]int64{}
	var got []byte
	p := make([]byte, 1+len(want)/7)
	var err error
	for err == nil {
		var n int
		n, err = slow.Read(p)
		got = append(got, p[:n]...)
		if in, out := slow.Restart(); len(seen) < 8 {
			seen[in] = out
		}
	}
	if !bytes.Equal(got, want) || (err == io.EOF) != (final(fast) == io.EOF) {
		t.Fatalf("in pieces: %d bytes, %v; at once: %d, %v", len(got), err, len(want), final(fast))
	}
	for in, out := range seen {
		r := newReader(t, slow.Method(), stream[in:], compress.ReadOptions{MaxWindow: mib, In: in, Out: out})
		got, err := io.ReadAll(r)
		if !bytes.Equal(got, want[out:]) || (err == nil) != (final(fast) == io.EOF) {
			t.Fatalf("begun again at %d: %d bytes, %v; before: %d, %v", in, len(got), err, len(want)-int(out), final(fast))
		}
	}
}

// reference reads the stream with the library or the standard library, and
// compares.
func reference(t *testing.T, m compress.Method, stream, want []byte, ours *compress.Reader) {
	t.Helper()
	var tooLarge *compress.WindowError
	if errors.As(final(ours), &tooLarge) || len(stream) == 0 {
		return // it would allocate that
	}
	theirs, err := referenceReader(m, stream)
	var got []byte
	if err == nil {
		got, err = io.ReadAll(theirs)
	}
	switch {
	case err == nil && final(ours) == io.EOF && !bytes.Equal(got, want):
		t.Fatalf("%d bytes; others read %d", len(want), len(got))
	case err == nil && final(ours) != io.EOF && !stricter(m, final(ours)):
		t.Fatalf("%v; others read %d bytes", final(ours), len(got))
	case err != nil && final(ours) == io.EOF && !looser(m, stream):
		t.Fatalf("%d bytes; others: %v after %d", len(want), err, len(got))
	}
}

func referenceReader(m compress.Method, stream []byte) (io.Reader, error) {
	src := bytes.NewReader(stream)
	switch m {
	case compress.Gzip:
		return stdgzip.NewReader(src)
	case compress.Zstd:
		return zstd.NewReader(src, zstd.WithDecoderConcurrency(1))
	case compress.LZ4:
		return lz4.NewReader(src), nil
	case compress.Bzip2:
		return stdbzip2.NewReader(src), nil
	case compress.Xz:
		return xz.ReaderConfig{DictCap: 4096}.NewReader(src)
	}
	return s2.NewReader(src), nil
}

// stricter reports whether we refuse on purpose what others take.
func stricter(m compress.Method, err error) bool {
	text := err.Error()
	switch m {
	case compress.Gzip: // whose reserved flags say that there is more in the header
		return strings.Contains(text, "beginning of a gzip member")
	case compress.LZ4: // which takes more magic numbers for those of skippable frames than there are
		return strings.Contains(text, "legacy") || strings.Contains(text, "2a4d18") || strings.Contains(text, "truncated")
	case compress.Xz: // which takes the end between two blocks for that of the stream
		return strings.Contains(text, "zeros between") || strings.Contains(text, "malformed number") || strings.Contains(text, "truncated")
	case compress.S2, compress.Snappy:
		return strings.Contains(text, "compressed block of") || strings.Contains(text, "truncated")
	}
	return false
}

// looser reports whether we take on purpose what others refuse.
func looser(m compress.Method, stream []byte) bool {
	switch m {
	case compress.Gzip: // padding, and names of more than 511 bytes
		return bytes.Contains(stream, []byte{0}) && (len(stream) > 512 || stream[len(stream)-1] == 0 || bytes.Contains(stream, []byte("\x00\x1f\x8b\x08")))
	case compress.S2, compress.Snappy: // no chunk may be longer than a block, even if it is skipped
		return true
	case compress.LZ4, compress.Zstd: // nothing but skippable frames
		return len(stream) < 64
	}
	return false
}
