package compress_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/weirflow/weir/codec/compress"
)

func TestEveryMethodGivesBackWhatWasCompressed(t *testing.T) {
	sources := map[string]func(io.Reader) io.Reader{
		"whole":          func(r io.Reader) io.Reader { return r },
		"byte by byte":   iotest.OneByteReader,
		"half reads":     iotest.HalfReader,
		"end with bytes": iotest.DataErrReader,
	}
	for _, m := range readable {
		for _, want := range contents() {
			stream := section(t, m, want)
			for name, source := range sources {
				r, err := compress.NewReader(m, source(bytes.NewReader(stream)), compress.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s of %d bytes, %s: %d bytes, %v", m, len(want), name, len(got), err)
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("%s: read after the end: %d, %v", m, n, err)
				}
			}
		}
	}
}

func TestReaderFollowsTheContractOfIOReader(t *testing.T) {
	want := contents()[2]
	for _, m := range readable {
		r := newReader(t, m, section(t, m, want), compress.ReadOptions{})
		if err := iotest.TestReader(r, want); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
}

// sections is a stream of several sections, and where each ends.
func sections(t *testing.T, m compress.Method) (stream, content []byte, ends [][2]int64) {
	all := contents()
	for _, data := range [][]byte{all[2], all[0], all[3], all[1], all[2]} {
		stream = append(stream, section(t, m, data)...)
		content = append(content, data...)
		ends = append(ends, [2]int64{int64(len(stream)), int64(len(content))})
	}
	return stream, content, ends
}

func TestEverySectionIsARestartPoint(t *testing.T) {
	for _, m := range readable {
		stream, want, ends := sections(t, m)
		r := newReader(t, m, stream, compress.ReadOptions{})
		seen := map[[2]int64]bool{}
		p := make([]byte, 701)
		for out := int64(0); ; {
			n, err := r.Read(p)
			out += int64(n)
			at, outAt := r.Restart()
			if outAt > out {
				t.Fatalf("%s: restart point at %d when %d bytes have been delivered", m, outAt, out)
			}
			seen[[2]int64{at, outAt}] = true
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", m, err)
			}
		}
		for i, end := range ends {
			if i+1 < len(ends) && ends[i+1][1] == end[1] {
				continue // an empty section follows: it was passed within the Read
			}
			if !seen[end] {
				t.Errorf("%s: the end of section %d, %v, was no restart point; there were %v", m, i, end, seen)
			}
		}
		for at := range seen {
			got, err := read(t, m, stream[at[0]:], compress.ReadOptions{In: at[0], Out: at[1]})
			if err != nil || !bytes.Equal(got, want[at[1]:]) {
				t.Errorf("%s: begun again at %v: %d bytes, %v; want %d", m, at, len(got), err, len(want)-int(at[1]))
			}
		}
	}
}

func TestPaddingAndSkippableFramesArePassedOver(t *testing.T) {
	data := contents()[2]
	skippable := append([]byte{0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0}, "hello"...)
	chunk := append([]byte{0x99, 5, 0, 0}, "hello"...)
	zeros := make([]byte, 5000)
	for _, x := range []struct {
		m               compress.Method
		before, between []byte
		after           []byte
	}{
		{m: compress.Gzip, between: zeros[:3], after: zeros},
		{m: compress.Xz, between: zeros[:8], after: zeros},
		{m: compress.Zstd, before: skippable, between: skippable, after: skippable},
		{m: compress.LZ4, before: skippable, between: skippable, after: skippable},
		{m: compress.Snappy, between: chunk, after: chunk},
		{m: compress.S2, between: chunk, after: chunk},
	} {
		one := section(t, x.m, data)
		stream := bytes.Join([][]byte{x.before, one, x.between, one, x.after}, nil)
		got, err := read(t, x.m, stream, compress.ReadOptions{})
		if err != nil || !bytes.Equal(got, append(data[:len(data):len(data)], data...)) {
			t.Errorf("%s: %d bytes, %v", x.m, len(got), err)
		}
	}
}

// places are offsets in a stream of n bytes: all around the ends and the middle,
// and some between.
func places(n int) (out []int) {
	const near = 40
	for i := range n {
		if i < near || i >= n-near || i > n/2-near && i < n/2+near || i%13 == 0 {
			out = append(out, i)
		}
	}
	return out
}

func TestTruncatedStreamIsAnErrorAfterWhatIsWhole(t *testing.T) {
	for _, m := range readable {
		one := section(t, m, contents()[2])
		stream := slices.Concat(one, one)
		want := slices.Concat(contents()[2], contents()[2])
		var r compress.Reader
		for _, cut := range places(len(stream)) {
			if err := r.Reset(m, bytes.NewReader(stream[:cut]), compress.ReadOptions{}); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(&r)
			if !bytes.HasPrefix(want, got) {
				t.Fatalf("%s cut at %d: %d other bytes", m, cut, len(got))
			}
			if cut == len(one) {
				if err != nil || len(got) != len(want)/2 {
					t.Errorf("%s cut between sections: %d bytes, %v", m, len(got), err)
				}
				continue
			}
			var e *compress.Error
			switch ends := endsAnywhere(m, stream, cut); {
			case ends && err == nil:
			case !errors.As(err, &e) || !errors.Is(err, io.ErrUnexpectedEOF):
				t.Fatalf("%s cut at %d: %v", m, cut, err)
			case e.Method != m || e.Out != int64(len(got)) || e.In > int64(cut):
				t.Fatalf("%s cut at %d, %d bytes delivered: %#v", m, cut, len(got), e)
			case cut > len(one) && len(got) < len(want)/2:
				t.Fatalf("%s cut at %d: only %d bytes delivered", m, cut, len(got))
			}
		}
	}
}

// endsAnywhere reports whether the stream cut there is a whole one: the framing
// format of Snappy has no end mark.
func endsAnywhere(m compress.Method, stream []byte, cut int) bool {
	if m != compress.Snappy && m != compress.S2 {
		return false
	}
	for at := 0; at < len(stream); {
		if at == cut {
			return true
		}
		at += 4 + int(stream[at+1]) + int(stream[at+2])<<8 + int(stream[at+3])<<16
	}
	return false
}

func TestEmptyStreamIsTruncatedUnlessItIsContinued(t *testing.T) {
	for _, m := range readable {
		if _, err := read(t, m, nil, compress.ReadOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", m, err)
		}
		got, err := read(t, m, nil, compress.ReadOptions{In: 10, Out: 20})
		if len(got) != 0 || err != nil {
			t.Errorf("%s continued at its end: %d bytes, %v", m, len(got), err)
		}
	}
}

func TestDamageIsAnErrorAndNeverOtherContent(t *testing.T) {
	want := contents()[2]
	for _, m := range readable {
		stream := section(t, m, want)
		var r compress.Reader
		for _, i := range places(len(stream)) {
			damaged := bytes.Clone(stream)
			damaged[i] ^= 1 << (i % 8)
			if err := r.Reset(m, bytes.NewReader(damaged), compress.ReadOptions{MaxWindow: mib}); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(&r)
			var e *compress.Error
			switch {
			case err == nil && bytes.Equal(got, want): // as in the time that gzip notes
			case err == nil && (m == compress.Snappy || m == compress.S2) && len(got) == 0:
				// A chunk that became one to be skipped: the format has no
				// checksum of that.
			case !errors.As(err, &e) || e.Out != int64(len(got)):
				t.Fatalf("%s, byte %d: %d bytes, %v", m, i, len(got), err)
			}
		}
	}
}

func TestOtherContentIsRefusedWithItsFirstBytes(t *testing.T) {
	for _, m := range readable {
		_, err := read(t, m, []byte(strings.Repeat("no magic ", 10)), compress.ReadOptions{})
		if err == nil || !strings.Contains(err.Error(), "6e6f2") || !strings.HasPrefix(err.Error(), m.String()+": at compressed offset 0") {
			t.Errorf("%s: %v", m, err)
		}
		stream := append(section(t, m, contents()[2]), "garbage behind the end"...)
		got, err := read(t, m, stream, compress.ReadOptions{})
		if err == nil || !bytes.Equal(got, contents()[2]) {
			t.Errorf("%s with garbage behind it: %d bytes, %v", m, len(got), err)
		}
	}
}

func TestErrorOfTheReaderUnderneathIsReturnedAsItIs(t *testing.T) {
	for _, cause := range []error{errors.New("the network is gone"), io.ErrUnexpectedEOF} {
		for _, m := range readable {
			one := section(t, m, contents()[2])
			// At the boundary too: there a decoder takes some errors for the end.
			for _, at := range []int{0, 1, 5, len(one) / 2, len(one) - 1, len(one), len(one) + 1, len(one) + 2} {
				two := append(append([]byte{}, one...), one...)
				src := io.MultiReader(bytes.NewReader(two[:at]), iotest.ErrReader(cause))
				r, err := compress.NewReader(m, src, compress.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(r); err != cause {
					t.Errorf("%s, %q after %d of %d bytes: %v", m, cause, at, len(one), err)
				}
			}
		}
	}
}

func TestRatioIsLimited(t *testing.T) {
	for _, m := range []compress.Method{compress.Gzip, compress.Zstd, compress.LZ4, compress.S2} {
		bomb := section(t, m, make([]byte, 5*mib/2))
		got, err := read(t, m, bomb, compress.ReadOptions{MaxRatio: 50})
		var e *compress.Error
		if !errors.Is(err, compress.ErrRatio) || !errors.As(err, &e) || e.Out != int64(len(got)) {
			t.Errorf("%s: %d bytes, %v", m, len(got), err)
		}
		if len(got) < mib || len(got) > 2*mib {
			t.Errorf("%s: stopped after %d bytes", m, len(got))
		}
		small := section(t, m, make([]byte, mib))
		if _, err := read(t, m, small, compress.ReadOptions{MaxRatio: 50}); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		if _, err := read(t, m, bomb, compress.ReadOptions{}); err != nil {
			t.Errorf("%s without a limit: %v", m, err)
		}
	}
}

func TestOptionsThatMakeNoSenseAreAllNamed(t *testing.T) {
	_, err := compress.NewReader(compress.None, nil, compress.ReadOptions{MaxWindow: -1, MaxRatio: -1, Buffer: 10, In: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"none", "MaxWindow", "MaxRatio", "Buffer", "In"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
}

// linkedHeader is that of an LZ4 frame whose blocks of at most 64 KiB refer to
// earlier ones, without checksums.
const linkedHeader = "\x04\x22\x4d\x18\x40\x40\xc0"

// lz4Block is a block of such a frame: data with its highest bit set in size is
// not compressed.
func lz4Block(size uint32, data []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, size), data...)
}

// A decoder that is used again might have the history of the stream before at
// hand, and show it to whoever crafts a frame.
func TestReaderThatIsUsedAgainKnowsNothingOfTheStreamBefore(t *testing.T) {
	secret := bytes.Repeat([]byte("secret! "), 8000)
	before := slices.Concat([]byte(linkedHeader), lz4Block(uint32(len(secret))|1<<31, secret), make([]byte, 4))
	// No literal, a match of 64 bytes 60,000 bytes before, and five literals.
	fetch := []byte("\x0f\x60\xea\x2d\x50hello")
	forged := slices.Concat([]byte(linkedHeader), lz4Block(uint32(len(fetch)), fetch), make([]byte, 4))

	whole := slices.Concat(before[:len(before)-4], forged[len(linkedHeader):])
	if got, err := read(t, compress.LZ4, whole, compress.ReadOptions{}); err != nil || len(got) != len(secret)+64+5 {
		t.Fatalf("within one frame: %d bytes, %v", len(got), err)
	}
	r := newReader(t, compress.LZ4, before, compress.ReadOptions{})
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	if err := r.Reset(compress.LZ4, bytes.NewReader(forged), compress.ReadOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err == nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReaderCanBeUsedAgainForAnyMethod(t *testing.T) {
	var r compress.Reader
	for round := range 3 {
		for _, m := range readable {
			want := contents()[2+round%2]
			stream := section(t, m, want)
			if round == 1 { // leave it in the middle
				stream = stream[:len(stream)/2]
			}
			if err := r.Reset(m, bytes.NewReader(stream), compress.ReadOptions{Buffer: 1024 << round}); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(&r)
			if round != 1 && (err != nil || !bytes.Equal(got, want)) {
				t.Errorf("%s, round %d: %d bytes, %v", m, round, len(got), err)
			}
		}
	}
}

func TestReaderThatIsUsedAgainAllocatesNothing(t *testing.T) {
	for _, x := range []struct {
		m    compress.Method
		most float64
	}{
		{compress.Gzip, 0}, {compress.Zstd, 0}, {compress.Snappy, 0}, {compress.S2, 0}, {compress.LZ4, 3},
	} {
		stream := section(t, x.m, contents()[2])
		src := bytes.NewReader(nil)
		p := make([]byte, 64<<10)
		var r compress.Reader
		n := testing.AllocsPerRun(100, func() {
			src.Reset(stream)
			if err := r.Reset(x.m, src, compress.ReadOptions{}); err != nil {
				t.Fatal(err)
			}
			for {
				if _, err := r.Read(p); err != nil {
					if err != io.EOF {
						t.Fatal(err)
					}
					return
				}
			}
		})
		if n > x.most && !raceEnabled {
			t.Errorf("%s: %v allocations for a stream", x.m, n)
		}
	}
}

func ExampleReader_Restart() {
	e, err := compress.NewEncoder(compress.Gzip, compress.WriteOptions{})
	if err != nil {
		panic(err)
	}
	var file []byte
	for _, block := range []string{"the first block\n", "the second\n", "the third\n"} {
		if file, err = e.Append(file, []byte(block)); err != nil {
			panic(err)
		}
	}

	r, err := compress.NewReader(compress.Gzip, bytes.NewReader(file), compress.ReadOptions{})
	if err != nil {
		panic(err)
	}
	p := make([]byte, 20) // and here the process is killed
	if _, err := io.ReadFull(r, p); err != nil {
		panic(err)
	}
	in, out := r.Restart()

	r, err = compress.NewReader(compress.Gzip, bytes.NewReader(file[in:]), compress.ReadOptions{In: in, Out: out})
	if err != nil {
		panic(err)
	}
	rest, err := io.ReadAll(r)
	fmt.Printf("begun again at byte %d:\n%s", out, rest)
	if err != nil {
		panic(err)
	}
	// Output:
	// begun again at byte 16:
	// the second
	// the third
}
