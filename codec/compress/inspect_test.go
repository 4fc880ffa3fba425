package compress_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"github.com/weirflow/weir/codec/compress"
)

const (
	kib = 1 << 10
	mib = 1 << 20
)

// skippable is a skippable frame, which may stand before a frame.
const skippable = "\x5a\x2a\x4d\x18\x05\x00\x00\x00hello"

// costly is a stream and the window that it needs.
type costly struct {
	name   string
	m      compress.Method
	stream []byte
	window int64
}

// zstdFrame is a frame of nothing with the header.
func zstdFrame(tb testing.TB, h zstd.Header) []byte {
	tb.Helper()
	head, err := h.AppendTo(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return append(head, 1, 0, 0) // the last block, of nothing
}

func zstdOf(tb testing.TB, window int, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	return written(tb, &out, w, err, data)
}

func lz4Of(tb testing.TB, block lz4.BlockSize, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	return written(tb, &out, w, w.Apply(lz4.BlockSizeOption(block)), data)
}

func s2Of(tb testing.TB, block int, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	return written(tb, &out, s2.NewWriter(&out, s2.WriterConcurrency(1), s2.WriterBlockSize(block)), nil, data)
}

func xzOf(tb testing.TB, dictionary int, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := xz.WriterConfig{DictCap: dictionary}.NewWriter(&out)
	return written(tb, &out, w, err, data)
}

func written(tb testing.TB, out *bytes.Buffer, w io.WriteCloser, err error, data []byte) []byte {
	tb.Helper()
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// linkedLZ4 is a frame of linked blocks of the size, which is 64 KiB or 4 MiB.
func linkedLZ4(size int, blocks int) []byte {
	out := []byte(linkedHeader)
	if size == 4*mib {
		out = []byte("\x04\x22\x4d\x18\x40\x70\xdf")
	}
	block := lz4Block(uint32(size)|1<<31, make([]byte, size))
	for range blocks {
		out = append(out, block...)
	}
	return append(out, 0, 0, 0, 0)
}

// costs are streams that need the window and fill it.
func costs(tb testing.TB) []costly {
	long := slices.Concat(text(1, 9*mib), noise(1, mib))
	dense := noise(2, 10*mib) // of blocks that are a little shorter when compressed
	for i := 0; i < len(dense); i += 300 {
		clear(dense[i:min(i+100, len(dense))])
	}
	return []costly{
		{"gzip", compress.Gzip, section(tb, compress.Gzip, long[:mib]), 32 * kib},
		{"zstd 1 KiB", compress.Zstd, zstdOf(tb, kib, long[:mib]), kib},
		{"zstd 128 KiB", compress.Zstd, zstdOf(tb, 128*kib, long[:2*mib]), 128 * kib},
		{"zstd 1 MiB", compress.Zstd, zstdOf(tb, mib, long[:4*mib]), mib},
		{"zstd 8 MiB", compress.Zstd, zstdOf(tb, 8*mib, long), 8 * mib},
		{"zstd behind a skippable frame", compress.Zstd, slices.Concat([]byte(skippable), zstdOf(tb, mib, long)), mib},
		{"lz4 64 KiB", compress.LZ4, lz4Of(tb, lz4.Block64Kb, long[:mib]), 64 * kib},
		{"lz4 4 MiB", compress.LZ4, lz4Of(tb, lz4.Block4Mb, long), 4 * mib},
		{"lz4 linked 64 KiB", compress.LZ4, linkedLZ4(64*kib, 9), 224 * kib},
		{"lz4 linked 4 MiB", compress.LZ4, linkedLZ4(4*mib, 3), 8 * mib},
		{"snappy", compress.Snappy, section(tb, compress.Snappy, dense[:mib]), 64 * kib},
		{"s2 1 MiB", compress.S2, s2Of(tb, mib, dense[:4*mib]), mib},
		{"s2 4 MiB", compress.S2, s2Of(tb, 4*mib, dense), 4 * mib},
		{"bzip2 -1", compress.Bzip2, bzip2Section(tb, bzip2Texts[3]), 100_000},
		{"bzip2 -9", compress.Bzip2, bzip2Section(tb, bzip2Texts[4]), 900_000},
		{"xz 64 KiB", compress.Xz, xzOf(tb, 64*kib, long[:mib]), 64 * kib},
		{"xz 4 MiB", compress.Xz, xzOf(tb, 4*mib, long[:5*mib]), 4 * mib},
	}
}

func TestInspectTellsTheWindow(t *testing.T) {
	if raceEnabled {
		t.Skip("it takes long, and there is nothing to race")
	}
	for _, x := range costs(t) {
		for _, most := range []int64{0, 64 * mib} {
			need, err := compress.Inspect(x.m, x.stream[:compress.HeadSize], compress.ReadOptions{MaxWindow: most})
			if err != nil || need.Window != x.window || need.Memory <= x.window {
				t.Errorf("%s: %+v, %v; want a window of %d", x.name, need, err, x.window)
			}
		}
	}
	// Small streams, which are shorter than what is looked at.
	for _, m := range readable {
		for _, data := range contents()[:2] {
			need, err := compress.Inspect(m, section(t, m, data), compress.ReadOptions{})
			if err != nil || need.Window == 0 || need.Window > 8*mib {
				t.Errorf("%s of %d bytes: %+v, %v", m, len(data), need, err)
			}
		}
	}
}

func TestInspectTakesTheMostWhereTheBeginningDoesNotTell(t *testing.T) {
	hidden := []byte("\x5a\x2a\x4d\x18\x00\x10\x00\x00" + strings.Repeat("x", 100))
	for _, x := range []struct {
		m    compress.Method
		head []byte
		want int64
	}{
		{compress.Zstd, hidden, 2 * mib},
		{compress.LZ4, hidden, 2 * mib},
		{compress.S2, s2Of(t, mib, text(1, 5000)), 2 * mib}, // a short first block
	} {
		need, err := compress.Inspect(x.m, x.head[:compress.HeadSize], compress.ReadOptions{MaxWindow: 2 * mib})
		if err != nil || need.Window != x.want {
			t.Errorf("%s: %+v, %v; want %d", x.m, need, err, x.want)
		}
	}
}

func TestInspectRefusesWhatTheReaderWouldRefuse(t *testing.T) {
	for _, m := range readable {
		for name, head := range map[string][]byte{"text": bytes.Repeat([]byte("no magic "), 10), "nothing": nil, "half": section(t, m, nil)[:3]} {
			_, err := compress.Inspect(m, head, compress.ReadOptions{})
			var e *compress.Error
			if !errors.As(err, &e) || e.Method != m {
				t.Errorf("%s of %s: %v", m, name, err)
			}
		}
	}
	if _, err := compress.Inspect(compress.None, nil, compress.ReadOptions{}); err == nil {
		t.Error("none: no error")
	}
}

// refusal is a stream that needs more than most, and what is said about it.
type refusal struct {
	costly
	most int64
	text string
}

func refusals(tb testing.TB) []refusal {
	long := text(1, 300*kib)
	return []refusal{
		{costly{"gzip", compress.Gzip, section(tb, compress.Gzip, nil), 32 * kib}, 16 * kib, "window of 32 KiB; 16 KiB allowed"},
		{costly{"zstd", compress.Zstd, zstdFrame(tb, zstd.Header{WindowSize: 128 * mib}), 128 * mib}, 8 * mib, "window of 128 MiB; 8 MiB allowed"},
		{costly{"zstd in one segment", compress.Zstd, zstdFrame(tb, zstd.Header{SingleSegment: true, HasFCS: true, FrameContentSize: 9_000_000}), 9_000_000}, 8 * mib, "window of 9000000 bytes; 8 MiB allowed"},
		{costly{"lz4", compress.LZ4, lz4Of(tb, lz4.Block1Mb, long), mib}, 256 * kib, "window of 1 MiB; 256 KiB allowed"},
		{costly{"lz4 linked", compress.LZ4, linkedLZ4(64*kib, 1), 224 * kib}, 128 * kib, "window of 224 KiB; 128 KiB allowed"},
		{costly{"bzip2", compress.Bzip2, bzip2Section(tb, bzip2Texts[4]), 900_000}, 500_000, "block of 900000 bytes; 500000 bytes allowed"},
		{costly{"xz", compress.Xz, xzOf(tb, 2*mib, long), 2 * mib}, mib, "dictionary of 2 MiB; 1 MiB allowed"},
	}
}

func TestLargeWindowIsRefusedWithoutAllocatingIt(t *testing.T) {
	for _, x := range refusals(t) {
		o := compress.ReadOptions{MaxWindow: x.most}
		check := func(what string, err error) {
			t.Helper()
			var e *compress.Error
			var w *compress.WindowError
			if !errors.As(err, &e) || !errors.As(err, &w) || w.Window != x.window || w.Max != x.most || !strings.Contains(err.Error(), x.text) {
				t.Errorf("%s, %s: %v", x.name, what, err)
			}
		}
		_, err := compress.Inspect(x.m, x.stream[:min(len(x.stream), compress.HeadSize)], o)
		check("Inspect", err)

		r := newReader(t, x.m, x.stream, o)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = r.Read(make([]byte, 100))
		runtime.ReadMemStats(&after)
		check("Read", err)
		if got := after.TotalAlloc - before.TotalAlloc; got > 16*kib {
			t.Errorf("%s: refused after allocating %d bytes", x.name, got)
		}
	}
}

// modest are streams of text(1, 3000) that need the window, and less than those
// of refusals.
func modest(tb testing.TB) map[compress.Method]costly {
	return map[compress.Method]costly{
		compress.Zstd:  {stream: zstdOf(tb, kib, text(1, 3000)), window: kib},
		compress.LZ4:   {stream: lz4Of(tb, lz4.Block64Kb, text(1, 3000)), window: 64 * kib},
		compress.S2:    {stream: s2Of(tb, 4*kib, text(1, 3000)), window: 64 * kib},
		compress.Bzip2: {stream: bzip2Section(tb, bzip2Texts[2]), window: 100_000},
		compress.Xz:    {stream: xzOf(tb, 64*kib, text(1, 3000)), window: 64 * kib},
	}
}

func TestLaterSectionNeedsTheLargerWindowToBeAllowed(t *testing.T) {
	first := modest(t)
	large := append(refusals(t), refusal{costly: costly{"s2", compress.S2, s2Of(t, mib, noise(1, 200*kib)), 200 * kib}})
	for _, x := range large {
		small, ok := first[x.m]
		if !ok {
			continue
		}
		r := newReader(t, x.m, slices.Concat(small.stream, x.stream), compress.ReadOptions{MaxWindow: small.window})
		got, err := io.ReadAll(r)
		var e *compress.Error
		var w *compress.WindowError
		if !errors.As(err, &e) || !errors.As(err, &w) || w.Window != x.window || w.Max != small.window {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if !bytes.Equal(got, text(1, 3000)) || e.In < int64(len(small.stream)) || e.Out != 3000 {
			t.Errorf("%s: %d bytes delivered, %v", x.name, len(got), e)
		}
		need, err := compress.Inspect(x.m, x.stream[:min(len(x.stream), compress.HeadSize)], compress.ReadOptions{MaxWindow: x.window})
		if x.m != compress.S2 && (err != nil || need.Memory != w.Memory) {
			t.Errorf("%s: %+v, %v; the error has %+v", x.name, need, err, w)
		}

		r.Allow(x.window - 1)
		if _, err := r.Read(make([]byte, 1)); !errors.As(err, &w) || w.Max != x.window-1 {
			t.Errorf("%s, still too small: %v", x.name, err)
		}
		r.Allow(x.window)
		rest, err := io.ReadAll(r)
		want, wantErr := read(t, x.m, x.stream, compress.ReadOptions{MaxWindow: x.window})
		if (err == nil) != (wantErr == nil) || !bytes.Equal(rest, want) {
			t.Errorf("%s, allowed: %d bytes, %v; alone: %d, %v", x.name, len(rest), err, len(want), wantErr)
		}
	}
}

func TestAllowIsNoRemedyForAnotherError(t *testing.T) {
	r := newReader(t, compress.Gzip, []byte("this is not gzip"), compress.ReadOptions{})
	_, before := r.Read(make([]byte, 1))
	r.Allow(64 * mib)
	if _, after := r.Read(make([]byte, 1)); before == nil || after != before {
		t.Errorf("%v; before: %v", after, before)
	}
}

// held is what one of n Readers of the stream holds when all but its end has
// been read.
func held(t *testing.T, n int, m compress.Method, stream []byte, o compress.ReadOptions) int64 {
	t.Helper()
	size, err := io.Copy(io.Discard, newReader(t, m, stream, o))
	if err != nil {
		t.Fatal(err)
	}
	readers := make([]*compress.Reader, n)
	sources := make([]*bytes.Reader, n)
	for i := range sources {
		sources[i] = bytes.NewReader(stream)
	}
	before := heap()
	p := make([]byte, 4096)
	for i := range readers {
		if readers[i], err = compress.NewReader(m, sources[i], o); err != nil {
			t.Fatal(err)
		}
		for out := int64(0); out < size-kib; {
			n, err := readers[i].Read(p[:min(kib, size-out)])
			if err != nil {
				t.Fatal(err)
			}
			out += int64(n)
		}
	}
	after := heap()
	runtime.KeepAlive(readers)
	runtime.KeepAlive(sources)
	return (after - before) / int64(n)
}

// heap is what is in use when nothing is left to be collected, pools included.
func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestReaderHoldsWhatInspectDeclares(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for _, x := range costs(t) {
		need, err := compress.Inspect(x.m, x.stream[:compress.HeadSize], compress.ReadOptions{MaxWindow: 64 * mib})
		if err != nil {
			t.Fatal(err)
		}
		got := held(t, 4, x.m, x.stream, compress.ReadOptions{MaxWindow: need.Window})
		t.Logf("%-30s holds %8d of %8d (%.2f)", x.name, got, need.Memory, float64(need.Memory)/float64(got))
		if got > need.Memory {
			t.Errorf("%s: it holds %d bytes; %d were declared", x.name, got, need.Memory)
		}
		most := got*13/10 + 64*kib
		if runtime.GOARCH == "arm64" && x.m == compress.Zstd {
			most += 3 * mib // of sequences, as many as a block may have
		}
		if need.Memory > most {
			t.Errorf("%s: it holds %d bytes; as many as %d were declared", x.name, got, need.Memory)
		}
	}
}

func TestFiveHundredGzipReadersHoldLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	stream := section(t, compress.Gzip, text(1, 300*kib))
	if got := held(t, 500, compress.Gzip, stream, compress.ReadOptions{}); got > 56*kib {
		t.Errorf("each holds %d bytes", got)
	} else {
		t.Logf("each holds %d bytes", got)
	}
}
