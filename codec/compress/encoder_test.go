package compress_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/weirflow/weir/codec/compress"
)

var writable = []compress.Method{compress.Gzip, compress.Zstd, compress.LZ4}

// levels of which each is another algorithm or another size of memory.
var levels = map[compress.Method][]int{
	compress.Gzip: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
	compress.Zstd: {0, 1, 3, 6, 10},
	compress.LZ4:  {0, 1, 2, 9},
}

func newEncoder(tb testing.TB, m compress.Method, level int) *compress.Encoder {
	tb.Helper()
	e, err := compress.NewEncoder(m, compress.WriteOptions{Level: level})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// independent decompresses with software that is not ours.
func independent(tb testing.TB, m compress.Method, stream []byte) []byte {
	tb.Helper()
	var r io.Reader
	var err error
	switch m {
	case compress.Gzip:
		r, err = stdgzip.NewReader(bytes.NewReader(stream))
	case compress.Zstd:
		r, err = zstd.NewReader(bytes.NewReader(stream), zstd.WithDecoderConcurrency(1))
	default:
		r = lz4.NewReader(bytes.NewReader(stream))
	}
	if err != nil {
		tb.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// blocks are of all sizes, some of which do not compress.
func blocks() [][]byte {
	out := [][]byte{{}, {'x'}, make([]byte, 3*mib)}
	for i, n := range []int{10, 100, 1023, 1024, 1025, 65_535, 65_536, 131_072, 131_073, 262_144, 262_145, 1 << 20, 2_500_000} {
		if raceEnabled && n > 100_000 {
			break // it takes long
		}
		out = append(out, text(uint64(i), n), noise(uint64(i), n))
	}
	return out
}

func TestWhatAnEncoderMakesIsReadByOthersAndByUs(t *testing.T) {
	for _, m := range writable {
		for _, level := range levels[m] {
			e := newEncoder(t, m, level)
			var stream, want []byte
			for _, block := range blocks() {
				if len(block) > 300_000 && level > 0 {
					continue // it takes long
				}
				before := len(stream)
				var err error
				if stream, err = e.Append(stream, block); err != nil {
					t.Fatal(err)
				}
				if got, most := len(stream)-before, compress.Bound(m, len(block)); got > most {
					t.Errorf("%s, level %d: %d bytes became %d, bound %d", m, level, len(block), got, most)
				}
				want = append(want, block...)
			}
			if got := independent(t, m, stream); !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: others read %d bytes of %d", m, level, len(got), len(want))
			}
			if got, err := read(t, m, stream, compress.ReadOptions{MaxWindow: mib}); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: %d bytes of %d, %v", m, level, len(got), len(want), err)
			}
		}
	}
}

func TestCommandLineToolsReadWhatAnEncoderMakes(t *testing.T) {
	for _, m := range writable {
		t.Run(m.String(), func(t *testing.T) {
			tool, err := exec.LookPath(m.String())
			if err != nil {
				t.Skipf("%s is not installed", m)
			}
			e := newEncoder(t, m, 0)
			var stream, want []byte
			for _, block := range blocks() {
				if stream, err = e.Append(stream, block); err != nil {
					t.Fatal(err)
				}
				want = append(want, block...)
			}
			cmd := exec.Command(tool, "-dc")
			cmd.Stdin = bytes.NewReader(stream)
			got, err := cmd.Output()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
			}
		})
	}
}

func TestEncodersInParallelMakeOneStream(t *testing.T) {
	data := text(1, mib)
	const size = 100_000
	for _, m := range writable {
		parts := make([][]byte, (len(data)+size-1)/size)
		var wg sync.WaitGroup
		for worker := range 3 {
			wg.Go(func() {
				e := newEncoder(t, m, 0)
				for i := worker; i < len(parts); i += 3 {
					part, err := e.Append(nil, data[i*size:min((i+1)*size, len(data))])
					if err != nil {
						t.Error(err)
					}
					parts[i] = part
				}
			})
		}
		wg.Wait()
		if got := independent(t, m, slices.Concat(parts...)); !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes of %d", m, len(got), len(data))
		}
	}
}

func TestEncoderThatIsUsedAgainAllocatesNothing(t *testing.T) {
	for _, m := range writable {
		for _, src := range [][]byte{text(1, 200_000), noise(1, 200_000)} {
			e := newEncoder(t, m, 0)
			dst := make([]byte, 5, 5+compress.Bound(m, len(src)))
			n := testing.AllocsPerRun(20, func() {
				got, err := e.Append(dst, src)
				if err != nil || &got[0] != &dst[0] {
					t.Fatalf("not in place, or %v", err)
				}
			})
			if n > 0 && !raceEnabled {
				t.Errorf("%s: %v allocations for a block", m, n)
			}
		}
	}
}

func TestEncoderHoldsWhatIsDeclared(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	src := [][]byte{text(1, mib), noise(1, mib), words(mib)}
	for _, m := range []compress.Method{compress.Gzip, compress.Zstd} {
		for _, level := range levels[m] {
			const n = 3
			dst := make([]byte, 0, compress.Bound(m, mib))
			encoders := make([]*compress.Encoder, n)
			before := heap()
			for i := range encoders {
				encoders[i] = newEncoder(t, m, level)
				for _, block := range src {
					if _, err := encoders[i].Append(dst, block); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := (heap() - before) / n
			runtime.KeepAlive(encoders)
			runtime.KeepAlive(dst)
			checkEncoderMemory(t, m, level, got)
		}
	}
}

// words returns n bytes with as many matches as there can be, and that is the
// most that an encoder has to note.
func words(n int) []byte {
	book, text := noise(1, 5*256), noise(2, n)
	for i := 0; i+6 < n; i += 6 {
		word := int(text[i]) * 5
		copy(text[i:], book[word:word+5])
	}
	return text
}

// checkEncoderMemory compares what an Encoder holds with what is declared.
func checkEncoderMemory(t *testing.T, m compress.Method, level int, got int64) {
	t.Helper()
	declared := compress.EncoderMemory(m, level)
	t.Logf("%s, level %d, holds %8d of %8d", m, level, got, declared)
	if got > declared || declared > got*13/10+64*kib {
		t.Errorf("%s, level %d: it holds %d bytes; %d are declared", m, level, got, declared)
	}
}

func TestEncoderOfLZ4HoldsWhatIsDeclared(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	// Its memory is in pools that are emptied when there is nothing to compress.
	// So it is looked at from within a Write.
	for _, level := range levels[compress.LZ4] {
		o := lz4.Fast
		if level > 1 {
			o = 1 << (8 + level)
		}
		before := heap()
		var during int64
		w := lz4.NewWriter(writerFunc(func(p []byte) (int, error) {
			var m runtime.MemStats
			runtime.GC() // one: pools keep what was put back since the last
			runtime.ReadMemStats(&m)
			during = max(during, int64(m.HeapAlloc)-before)
			return len(p), nil
		}))
		if err := w.Apply(lz4.BlockSizeOption(lz4.Block256Kb), lz4.CompressionLevelOption(o)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text(1, 300_000)); err != nil {
			t.Fatal(err)
		}
		checkEncoderMemory(t, compress.LZ4, level, during-300_000)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	for _, m := range []compress.Method{compress.None, compress.Snappy, compress.S2, compress.Bzip2, compress.Xz, 200} {
		_, err := compress.NewEncoder(m, compress.WriteOptions{})
		if err == nil || !strings.Contains(err.Error(), m.String()) || !strings.Contains(err.Error(), "gzip, zstd and lz4") {
			t.Errorf("%s: %v", m, err)
		}
		if n := compress.EncoderMemory(m, 0); n != 0 {
			t.Errorf("%s: %d bytes", m, n)
		}
	}
	for m, level := range map[compress.Method]int{compress.Gzip: 10, compress.Zstd: 20, compress.LZ4: -1} {
		_, err := compress.NewEncoder(m, compress.WriteOptions{Level: level})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("level of %s is %d", m, level)) {
			t.Errorf("%s, level %d: %v", m, level, err)
		}
	}
}

func FuzzEncoder(f *testing.F) {
	f.Add([]byte("hello, hello, hello"), uint8(3))
	f.Add(noise(1, 70_000), uint8(9))
	f.Fuzz(func(t *testing.T, block []byte, level uint8) {
		for _, m := range writable {
			e := newEncoder(t, m, levels[m][int(level)%len(levels[m])])
			stream, err := e.Append([]byte("before"), block)
			if err != nil {
				t.Fatal(err)
			}
			if got, most := len(stream)-len("before"), compress.Bound(m, len(block)); got > most {
				t.Errorf("%s: %d bytes became %d, bound %d", m, len(block), got, most)
			}
			got, err := read(t, m, stream[len("before"):], compress.ReadOptions{})
			if err != nil || !bytes.Equal(got, block) {
				t.Errorf("%s: %d bytes of %d, %v", m, len(got), len(block), err)
			}
		}
	})
}
