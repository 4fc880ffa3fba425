package codec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/sim"
)

// badCase is a stream with bad records.
type badCase struct {
	name string
	o    codec.SourceOptions
	data string
	good []string // payloads
	bad  []string // "record offset size reason excerpt", the reason a part of it
}

func named(name string) codec.Format { return codec.Format{Name: name} }

func badCases() []badCase {
	long := strings.Repeat("x", 5000)
	return []badCase{
		{
			"a long line",
			codec.SourceOptions{Format: named(codec.Lines), MaxRecord: 10},
			"a\n0123456789\nb\n012345678\n",
			[]string{"a", "b", "012345678"},
			[]string{"2 2 11 longer than 10 bytes 0123456789\n"},
		},
		{
			"a long line at the end",
			codec.SourceOptions{Format: named(codec.Lines), MaxRecord: 3},
			"a\nabcd",
			[]string{"a"},
			[]string{"2 2 4 longer abcd"},
		},
		{
			"long lines only",
			codec.SourceOptions{Format: named(codec.Lines), MaxRecord: 2},
			"aaa\nbbb\n",
			nil,
			[]string{"1 0 4 longer aaa\n", "2 4 4 longer bbb\n"},
		},
		{
			"a very long line",
			codec.SourceOptions{Format: named(codec.Lines), MaxRecord: 4500},
			"a\n" + long + "\nb\n",
			[]string{"a", "b"},
			[]string{"2 2 5001 longer " + long[:4096]},
		},
		{
			"a long field in quotes",
			codec.SourceOptions{Format: named(codec.CSV), MaxRecord: 100},
			"h\n1\n\"" + strings.Repeat("y\n", 60) + "\"\n2\n",
			[]string{"1", "2"},
			[]string{"2 4 123 longer \"" + strings.Repeat("y\n", 60) + "\"\n"},
		},
		{
			"a long length",
			codec.SourceOptions{Format: codec.Format{Name: codec.Length, Width: 2}, MaxRecord: 10},
			"\x00\x01a\x00\x0a0123456789\x00\x01b",
			[]string{"a", "b"},
			[]string{"2 3 12 longer \x00\x0a0123456789"},
		},
		{
			"a long element",
			codec.SourceOptions{Format: named(codec.JSON), MaxRecord: 10},
			`[1,"0123456789",[2]]`,
			[]string{"1", "[2]"},
			[]string{"2 2 13 longer ,\"0123456789\""},
		},
		{
			"a long element at the end",
			codec.SourceOptions{Format: named(codec.JSON), MaxRecord: 10},
			`["0123456789"]`,
			nil,
			[]string{"1 0 13 longer [\"0123456789\""},
		},
		{
			"a quote in a field in quotes",
			codec.SourceOptions{Format: named(codec.CSV)},
			"h,i\n1,2\n\"a\"b,3\n4,5\n",
			[]string{"1,2", "4,5"},
			[]string{"2 8 7 neither doubled nor at its end \"a\"b,3\n"},
		},
		{
			"a field without an end",
			codec.SourceOptions{Format: named(codec.CSV)},
			"h\n1\n\"a\nb\n",
			[]string{"1"},
			[]string{"2 4 5 has no end \"a\nb\n"},
		},
		{
			"a CR behind a quote",
			codec.SourceOptions{Format: named(codec.CSV)},
			"h\n\"a\"\rb\n1\n",
			[]string{"1"},
			[]string{"1 2 6 neither doubled \"a\"\rb\n"},
		},
		{
			"fields too many",
			codec.SourceOptions{Format: named(codec.CSV), Validate: true},
			"h,i\n1,2\n3\n\"4,\",5\n6,7,8\n",
			[]string{"1,2", "\"4,\",5"},
			[]string{"2 8 2 1 instead of 2 3\n", "4 17 6 3 instead of 2 6,7,8\n"},
		},
		{
			"no JSON",
			codec.SourceOptions{Format: named(codec.NDJSON), Validate: true},
			"{}\n{\n[1]\n\n1 2\n",
			[]string{"{}", "[1]"},
			[]string{"2 3 2  {\n", "4 9 5  \n1 2\n"},
		},
		{
			"elements that are no JSON",
			codec.SourceOptions{Format: named(codec.JSON), Validate: true},
			`[{},{"a"},tru,[]]`,
			[]string{"{}", "[]"},
			[]string{"2 3 6  ,{\"a\"}", "3 9 4  ,tru"},
		},
		{
			"no UTF-8",
			codec.SourceOptions{Format: named(codec.Lines), UTF8: codec.RejectInvalid},
			"a\nb\xff\nüc\n\xc3",
			[]string{"a", "üc"},
			[]string{"2 2 3 not valid UTF-8 b\xff\n", "4 9 1 not valid UTF-8 \xc3"},
		},
		{
			"no UTF-8, replaced",
			codec.SourceOptions{Format: named(codec.Lines), UTF8: codec.ReplaceInvalid},
			"a\nb\xff\nüc\n\xc3",
			[]string{"a", "b?", "üc", "?"},
			nil,
		},
		{
			"two reasons",
			codec.SourceOptions{Format: named(codec.NDJSON), Validate: true, MaxRecord: 4},
			"1\n{\n123456\n2\n",
			[]string{"1", "2"},
			[]string{"2 2 2  {\n", "3 4 7 longer 123456\n"},
		},
	}
}

func TestBadRecordsAreNotedAndTheOthersDelivered(t *testing.T) {
	for _, x := range badCases() {
		t.Run(x.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(8, 9))
			for _, pieces := range []func() int{nil, always(1), always(2), always(7), upTo(r, 100)} {
				for _, size := range []func() int{always(1 << 20), always(64), upTo(r, 3000)} {
					size := func() int { return 64 + size() }
					got := readAll(t, of("s", []byte(x.data), pieces), x.o, size)
					must(t, got.err)
					x.check(t, got, 0, 0)
					for _, m := range got.marks {
						rest := resume(t, of("s", []byte(x.data), pieces), x.o, m.position, size)
						must(t, rest.err)
						x.check(t, rest, m.records, len(x.bad)-len(rest.bad))
						if rest.marks[len(rest.marks)-1].next != got.marks[len(got.marks)-1].next {
							t.Errorf("resumed at %s the records are numbered otherwise", m.position)
						}
					}
				}
			}
		})
	}
}

// check compares what was read, behind some good and bad records, with what must
// be.
func (x *badCase) check(t *testing.T, got *result, good, bad int) {
	t.Helper()
	payload := x.o.Format.Payload()
	var payloads, letters []string
	for _, rec := range got.records {
		payloads = append(payloads, string(payload(rec)))
	}
	if !slices.Equal(payloads, x.good[good:]) {
		t.Fatalf("records %.60q, want %.60q", payloads, x.good[good:])
	}
	size := int64(0)
	for _, b := range got.bad {
		letters = append(letters, fmt.Sprintf("%d %d %d", b.Record, b.Offset, b.Size))
		size += b.Size
		if line := x.lineOf(b.Offset, b.Size); b.Line != line {
			t.Errorf("the bad record at %d is in line %d, want %d", b.Offset, b.Line, line)
		}
		if b.Stage != x.o.Format.Name || b.Stream != "s" {
			t.Errorf("a bad record of stage %q, stream %q", b.Stage, b.Stream)
		}
	}
	if got.skipped != (weir.Count{Records: int64(len(got.bad)), Bytes: size}) {
		t.Errorf("noted: %+v of %d bad records of %d bytes", got.skipped, len(got.bad), size)
	}
	want := x.bad[bad:]
	for i, b := range got.bad {
		var rec, off, size int
		if _, err := fmt.Sscan(want[i], &rec, &off, &size); err != nil {
			t.Fatal(err)
		}
		rest := strings.SplitN(want[i], " ", 4)[3]
		if letters[i] != fmt.Sprintf("%d %d %d", rec, off, size) || !strings.HasSuffix(rest, string(b.Excerpt)) ||
			!strings.Contains(b.Reason.Error(), strings.TrimSpace(strings.TrimSuffix(rest, string(b.Excerpt)))) {
			t.Errorf("bad record %s: %v, %.60q; want %.90q", letters[i], b.Reason, b.Excerpt, want[i])
		}
	}
}

// lineOf is the line of a record as an editor counts them; 0 in formats that have
// none.
func (x *badCase) lineOf(off, size int64) int64 {
	if x.o.Format.Name == codec.Length {
		return 0
	}
	rec := []byte(x.data)[off:]
	if inner := x.o.Format.Payload()(rec[:min(size, weir.MaxExcerpt)]); len(inner) > 0 {
		off += int64(cap(rec) - cap(inner))
	}
	return int64(strings.Count(x.data[:off], "\n")) + 1
}

func TestABadRecordFailsTheStreamByDefault(t *testing.T) {
	o := codec.SourceOptions{Format: named(codec.Lines), MaxRecord: 10}
	st := open(t, of("s", []byte("a\nb\n0123456789abcdef\nc\n"), nil), o)
	b := weir.NewBatch(1000)
	must(t, st.Read(context.Background(), b))
	if string(b.Bytes()) != "a\nb\n" {
		t.Errorf("before it there is %q", b.Bytes())
	}
	b.Reset()
	err := st.Read(context.Background(), b)
	failed(t, err, weir.Rejected, "stream s", "lines: line 3, record 3, offset 4: it is longer than 10 bytes")
	var bad *weir.BadRecord
	if !errors.As(err, &bad) || bad.Size != 17 {
		t.Errorf("the error holds %+v", bad)
	}
	if again := st.Read(context.Background(), b); again != err {
		t.Errorf("after it Read returns %v", again)
	}
}

func TestWhatThePolicyReturnsFailsTheStream(t *testing.T) {
	full := errors.New("the dead letters are full")
	n := 0
	o := codec.SourceOptions{Format: named(codec.Lines), MaxRecord: 2, Bad: func(context.Context, *weir.BadRecord) (weir.Fate, error) {
		if n++; n == 2 {
			return 0, full
		}
		return weir.DeadLettered, nil
	}}
	st := open(t, of("s", []byte("aaa\nbbb\nc\n"), nil), o)
	b := weir.NewBatch(1000)
	must(t, st.Read(context.Background(), b))
	if got := b.Noted(weir.DeadLettered); got != (weir.Count{Records: 1, Bytes: 4}) || b.Len() > 0 {
		t.Errorf("noted: %+v, and there are %d bytes", got, b.Len())
	}
	b.Reset()
	if err := st.Read(context.Background(), b); !errors.Is(err, full) {
		t.Errorf("Read returns %v", err)
	}
}

// endlessLine is a line of n bytes that is not held anywhere, and a short one.
type endlessLine struct{ left int }

func (e *endlessLine) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	if e.left -= n; e.left < 3 {
		return n - 3 + e.left + copy(p[n-3+e.left:n], "\nab"[:3-e.left]), nil
	}
	return n, nil
}

func TestAnOversizeRecordIsSkippedInConstantMemory(t *testing.T) {
	const size = 300 << 20
	src, err := codec.NewSource(weir.FromReader(&endlessLine{left: size}), codec.SourceOptions{
		Format: named(codec.Lines), Compression: codec.None, Bad: weir.SkipBad,
	})
	must(t, err)
	null := sim.NewNull()
	budget := weir.NewBudget(8<<20, weir.BudgetOptions{})
	result, err := weir.Ingest(context.Background(), src, null, weir.Options{Budget: budget, Guarantee: 6 << 20})
	must(t, err)
	must(t, budget.Close())
	if got := result.Stats.Skipped; got != (weir.Count{Records: 1, Bytes: size - 2}) {
		t.Errorf("skipped: %+v", got)
	}
	if got := null.Count(); got != (weir.Count{Records: 1, Bytes: 2}) {
		t.Errorf("delivered: %+v", got)
	}
}

func TestRecordsLargerThanTheCarryGrowTheBatch(t *testing.T) {
	var data bytes.Buffer
	for i := range 40 {
		fmt.Fprintf(&data, "%s\n", strings.Repeat(string(rune('a'+i%26)), 1+i*i*137%300_000))
	}
	for name, o := range map[string]codec.SourceOptions{
		"the usual carry": {Format: named(codec.Lines)},
		"a small carry":   {Format: named(codec.Lines), Carry: 4096},
		"all as one":      {Format: named(codec.Whole), MaxRecord: 8 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := codec.NewSource(weir.FromReader(bytes.NewReader(data.Bytes())), o)
			must(t, err)
			var got bytes.Buffer
			records := 0
			sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
				got.Write(b.Bytes())
				records += b.Records()
				return nil
			})
			_, err = weir.Ingest(context.Background(), src, sink, weir.Options{Batch: 128 << 10})
			must(t, err)
			if want := map[bool]int{true: 1, false: 40}[o.Format.Name == codec.Whole]; records != want || !bytes.Equal(got.Bytes(), data.Bytes()) {
				t.Errorf("%d records in %d bytes, want %d in %d", records, got.Len(), want, data.Len())
			}
		})
	}
}
