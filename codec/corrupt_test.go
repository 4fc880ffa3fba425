package codec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/weirtest"
)

func TestABrokenStreamIsDeliveredUpToWhereItBreaks(t *testing.T) {
	for _, x := range []struct {
		name  string
		o     codec.SourceOptions
		data  string
		good  int
		words string // of the error
	}{
		{"an array without an end", codec.SourceOptions{Format: named(codec.JSON)}, `[{"a":1},2`, 1, "json: at line 1, offset 10: the stream ends inside"},
		{"an array without an end, behind an element", codec.SourceOptions{Format: named(codec.JSON)}, `[1,{} `, 2, "json: at line 1, offset 6: the stream ends inside"},
		{"an object without an end", codec.SourceOptions{Format: named(codec.JSON)}, `{} {"a":`, 1, "json: at line 1, offset 8: the stream ends inside"},
		{"a string without an end", codec.SourceOptions{Format: named(codec.JSON)}, `["a","b\"]`, 1, "the stream ends inside"},
		{"no comma", codec.SourceOptions{Format: named(codec.JSON)}, `[1,{"a":2} {}]`, 2, `json: at line 1, offset 11: '{' follows an element`},
		{"a comma too many", codec.SourceOptions{Format: named(codec.JSON)}, `[1,2,,3]`, 2, `json: at line 1, offset 5: ',' is where a value begins`},
		{"a bracket too many", codec.SourceOptions{Format: named(codec.JSON)}, `[1]]`, 1, `json: at line 1, offset 3: ']' is where a value begins`},
		{"no value", codec.SourceOptions{Format: named(codec.JSON)}, `{} x`, 1, `json: at line 1, offset 3: 'x' is where a value begins`},
		{"a length without its record", codec.SourceOptions{Format: codec.Format{Name: codec.Length, Width: 1}}, "\x01a\x03bc", 1, "length: at offset 5: the stream ends inside"},
		{"half a length", codec.SourceOptions{Format: codec.Format{Name: codec.Length, Width: 2}}, "\x00\x01a\x00", 1, "length: at offset 4: the stream ends inside"},
		{"a length that cannot be", codec.SourceOptions{Format: codec.Format{Name: codec.Length, Width: 8}}, "\x00\x00\x00\x00\x00\x00\x00\x01a\xff\xff\xff\xff\xff\xff\xff\xff", 1, "length: at offset 16: it begins with a length that no record can have"},
		{"a varint that cannot be", codec.SourceOptions{Format: codec.Format{Name: codec.Length, Width: codec.Varint}}, "\x01a" + strings.Repeat("\xff", 11), 1, "a length that no record can have"},
		{"a varint without an end", codec.SourceOptions{Format: codec.Format{Name: codec.Length, Width: codec.Varint}}, "\x01a\xff", 1, "the stream ends inside"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 1))
			for _, pieces := range []func() int{nil, always(1), upTo(r, 5)} {
				for _, size := range []int{1 << 20, 64} {
					got := readAll(t, of("s", []byte(x.data), pieces), x.o, always(size))
					failed(t, got.err, weir.Corrupt, "stream s", x.words)
					if len(got.records) != x.good {
						t.Errorf("%d records before it, want %d", len(got.records), x.good)
					}
				}
			}
		})
	}
}

func TestABrokenCompressedStreamIsDeliveredUpToWhereItBreaks(t *testing.T) {
	var plain bytes.Buffer
	must(t, logLines(&plain, 400_000))
	lines := bytes.SplitAfter(plain.Bytes(), []byte("\n"))
	for packing, pack := range packings {
		if packing == codec.None {
			continue
		}
		packed, start := members(pack, plain.Bytes(), 10_000)
		whole := bytes.LastIndexByte(plain.Bytes()[:start(len(packed)*3/4)], '\n') + 1
		damaged := bytes.Clone(packed)
		damaged[len(damaged)*3/4] ^= 0x40
		for name, data := range map[string][]byte{"damaged": damaged, "truncated": packed[:len(packed)*3/4]} {
			t.Run(packing+" "+name, func(t *testing.T) {
				for _, size := range []int{1 << 20, 5000} {
					got := readAll(t, of("s", data, nil), codec.SourceOptions{Format: named(codec.NDJSON), Compression: packing}, always(size))
					failed(t, got.err, weir.Corrupt, "stream s", packing+": at compressed offset ", "decompressed offset ")
					if n := len(got.records); n < len(lines)/2 || n >= len(lines) {
						t.Errorf("%d of %d records before it", n, len(lines))
					}
					// A flipped bit may be found only by the checksum at the end of its member.
					intact := 0
					for i, rec := range got.records {
						if intact += len(rec); intact > whole && name == "damaged" {
							break
						}
						if !bytes.Equal(rec, lines[i]) {
							t.Fatalf("record %d is %q, want %q", i, rec, lines[i])
						}
					}
					if intact < whole {
						t.Errorf("%d bytes before it, of at least %d in whole members", intact, whole)
					}
					last := got.marks[len(got.marks)-1]
					rest := resume(t, of("s", packed, nil), codec.SourceOptions{Format: named(codec.NDJSON), Compression: packing}, last.position, always(1<<20))
					if rest.err != nil || len(rest.records) != len(lines)-len(got.records)-1 { // the last of lines is empty
						t.Errorf("mended, %d records follow, want %d: %v", len(rest.records), len(lines)-len(got.records)-1, rest.err)
					}
				}
			})
		}
	}
}

// members packs data in members of size bytes each. start says where in data the
// member begins that holds the byte at an offset of packed.
func members(pack func(*rand.Rand, []byte) []byte, data []byte, size int) (packed []byte, start func(offset int) int) {
	var ends []int
	for part := range slices.Chunk(data, size) {
		packed = append(packed, pack(nil, part)...)
		ends = append(ends, len(packed))
	}
	return packed, func(offset int) int {
		i, _ := slices.BinarySearch(ends, offset+1)
		return i * size
	}
}

func TestAnErrorOfTheInnerStreamComesAfterTheRecordsBeforeIt(t *testing.T) {
	broken := errors.New("the cable was cut")
	for packing, pack := range packings {
		data := pack(rand.New(rand.NewPCG(1, 1)), []byte("a\nb\nc"))
		inner := &origin{streams: []originStream{{name: "s", data: data, fails: broken, piece: always(3)}}}
		got := readAll(t, inner, codec.SourceOptions{Format: named(codec.Lines), Compression: packing}, always(1000))
		if !errors.Is(got.err, broken) || string(got.data) != "a\nb\n" {
			t.Errorf("%s: %q and then %v", packing, got.data, got.err)
		}
	}
}

func TestADecoderThatNeedsTooMuchIsRefusedBeforeItIsMade(t *testing.T) {
	packed := packings["zstd"](rand.New(rand.NewPCG(1, 1)), bytes.Repeat([]byte("abc\n"), 1<<17))
	for _, x := range []struct {
		o     codec.SourceOptions
		words string
	}{
		{codec.SourceOptions{MaxWindow: 1 << 10}, "it needs a window of"},
		{codec.SourceOptions{Compression: "gzip"}, "is not the beginning of a gzip member"},
	} {
		x.o.Format = named(codec.Lines)
		st := open(t, of("s", packed, nil), x.o)
		reserver, ok := st.(weir.Reserver)
		if !ok {
			t.Fatal("the stream is no Reserver")
		}
		_, err := reserver.Reserve(context.Background())
		if err == nil || !strings.Contains(err.Error(), x.words) {
			t.Errorf("Reserve returns %v, want %q", err, x.words)
		}
	}
}

func TestLaterFramesMayNeedMoreThanTheFirst(t *testing.T) {
	frame := func(size int, window int) []byte {
		var packed bytes.Buffer
		w, err := zstd.NewWriter(&packed, zstd.WithWindowSize(window), zstd.WithSingleSegment(false))
		must(t, err)
		_, err = w.Write(bytes.Repeat([]byte("0123456789abcdef\n"), size/17))
		must(t, err)
		must(t, w.Close())
		return packed.Bytes()
	}
	for _, x := range []struct {
		window    int
		maxWindow int64
		ok        bool
	}{
		{2 << 20, 0, true}, {4 << 20, 0, false}, {4 << 20, 4 << 20, true}, {4 << 20, 3 << 20, false}, {1 << 20, 1 << 20, true}, {2 << 20, 1 << 20, false},
	} {
		data := append(frame(1000, 1<<10), frame(8<<20, x.window)...)
		o := codec.SourceOptions{Format: named(codec.Lines), Compression: "zstd", MaxWindow: x.maxWindow}
		got := readAll(t, of("s", data, nil), o, always(1<<20))
		if x.ok {
			must(t, got.err)
		} else {
			failed(t, got.err, weir.Rejected, "it needs a window of")
		}
		st := open(t, of("s", data, nil), o)
		n, err := st.(weir.Reserver).Reserve(context.Background())
		if least := max(x.maxWindow, 2<<20); x.maxWindow == 0 && n < least || n < x.maxWindow || n > 2*least+1<<20 {
			t.Errorf("%d bytes are reserved where windows of %d are allowed: %v", n, x.maxWindow, err)
		}
	}
}

// What was allowed is allowed to later sections too, whatever the compression.
func TestLaterSectionsMayNeedWhatIsAllowed(t *testing.T) {
	for _, packing := range []string{"bzip2", "xz", "zstd"} {
		data, err := os.ReadFile("compress/testdata/tools/" + map[string]string{"bzip2": "bzip2-streams", "xz": "xz-streams", "zstd": "zstd-frames"}[packing])
		must(t, err)
		o := codec.SourceOptions{Format: named(codec.Bytes), Compression: packing}
		failed(t, readAll(t, of("s", data, nil), o, always(1<<20)).err, weir.Rejected, "allowed")
		o.MaxWindow = 8 << 20
		got := readAll(t, of("s", data, nil), o, always(1<<20))
		must(t, got.err)
		if len(got.data) != 6700 {
			t.Errorf("%s: %d bytes", packing, len(got.data))
		}
		n, err := open(t, of("s", data, nil), o).(weir.Reserver).Reserve(t.Context())
		must(t, err)
		if least := compress.NeedOf(map[string]compress.Method{"bzip2": compress.Bzip2, "xz": compress.Xz, "zstd": compress.Zstd}[packing], 8<<20).Memory; n < least || n > least+1<<20 {
			t.Errorf("%s: %d bytes are reserved, want those of a decoder, %d", packing, n, least)
		}
	}
}

func TestATinyStreamThatGrowsTooMuchIsRefused(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	must(t, w.Close())
	o := codec.SourceOptions{Format: named(codec.Bytes), MaxRatio: 100}
	got := readAll(t, of("s.gz", packed.Bytes(), nil), o, always(1<<20))
	failed(t, got.err, weir.Rejected, "exceed the allowed ratio")
	if n := len(got.data); n > 8<<20 {
		t.Errorf("%d bytes were delivered before it", n)
	}
}

func TestWhatIsReservedCoversWhatIsHeld(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, x := range map[string]struct {
		packing     string
		least, most int64
	}{
		"plain":   {codec.None, codec.DefaultCarry, 64 << 10},
		"gzip":    {"gzip", 64<<10 + 64<<10 + 32<<10, 256 << 10},
		"zstd":    {"zstd", 64<<10 + 64<<10 + 2<<20, 4 << 20},
		"unknown": {"", codec.DefaultCarry, 128 << 10},
	} {
		pack := packings[x.packing]
		if pack == nil {
			pack = packings[codec.None]
		}
		st := open(t, of("s", pack(r, bytes.Repeat([]byte("abc\n"), 1<<17)), nil), codec.SourceOptions{Format: named(codec.Lines), Compression: x.packing})
		n, err := st.(weir.Reserver).Reserve(context.Background())
		if err != nil || n < x.least || n > x.most {
			t.Errorf("%s: %d bytes are reserved, want from %d to %d: %v", name, n, x.least, x.most, err)
		}
	}
}

// TestAnInnerStreamMayGiveRecords reads one that asks for a larger batch where its
// own records do not fit.
func TestAnInnerStreamMayGiveRecords(t *testing.T) {
	var data bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&data, "%s\n", strings.Repeat("x", i*i%5000))
	}
	for _, name := range []string{codec.Lines, codec.Fixed, codec.Bytes} {
		f := codec.Format{Name: name}
		if name == codec.Fixed {
			f.Size = 10
		}
		for _, size := range []int{64, 5000, 1 << 20} {
			inner := weirtest.NewBytesSource(weirtest.BytesStream{Name: "s", Data: data.Bytes(), Lines: true})
			got := readAll(t, inner, codec.SourceOptions{Format: f}, always(size))
			if got.err != nil || !bytes.Equal(got.data, data.Bytes()) {
				t.Errorf("%s, batches of %d: %d bytes, want %d: %v", name, size, len(got.data), data.Len(), got.err)
			}
		}
	}
}

func TestAnInnerStreamThatGivesNothingFails(t *testing.T) {
	src, err := codec.NewSource(weir.FromReader(nothing{}), codec.SourceOptions{Format: named(codec.Lines)})
	must(t, err)
	st, err := src.Next(context.Background())
	must(t, err)
	if err := st.Read(context.Background(), weir.NewBatch(100)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Read returns %v", err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }
