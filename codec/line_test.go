package codec_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// A numbered is a text of which some records are bad, and the lines of these.
type numbered struct {
	text  strings.Builder
	lines []int64
}

// add adds a record behind what stands before it, such as empty lines.
func (x *numbered) add(before, rec, after string, bad bool) {
	x.text.WriteString(before)
	if bad {
		x.lines = append(x.lines, int64(strings.Count(x.text.String(), "\n"))+1)
	}
	x.text.WriteString(rec + after)
}

// makeNumbered returns a text of a format with n records and empty lines.
func makeNumbered(r *rand.Rand, format string, n int) *numbered {
	x := new(numbered)
	blank := func() string { return strings.Repeat([]string{"\n", "\r\n"}[r.IntN(2)], r.IntN(3)) }
	eol := func() string { return []string{"\n", "\r\n"}[r.IntN(2)] }
	switch format {
	case codec.CSV:
		x.add("\ufeff"+blank(), "\"id\nof\",name", "\n", false)
	case codec.JSON:
		x.text.WriteString("\n[")
	}
	for i := range n {
		bad := r.IntN(7) == 0
		switch format {
		case codec.Lines:
			x.add("", []string{"", "x", strings.Repeat("y", 40)}[r.IntN(3)], "", false)
			if bad {
				x.lines = append(x.lines, int64(i)+1)
				x.text.WriteString("\xff")
			}
			x.text.WriteString(eol())
		case codec.NDJSON:
			x.add(blank(), []string{`{"a":1}`, `{"a":`}[index(bad)], eol(), bad)
		case codec.CSV:
			rec := []string{"1,2", "\"a\n\n\",\"b\r\n\"\"c\""}[r.IntN(2)]
			x.add(blank(), rec+[]string{"", ",3"}[index(bad)], eol(), bad)
		case codec.JSON:
			between := map[bool]string{true: ""}[i == 0]
			if i > 0 {
				between = blank() + "," + blank()
			}
			x.add(between, []string{"{\n\"a\": 1 }", "{\n1}"}[index(bad)], "", bad)
		}
	}
	if format == codec.JSON {
		x.text.WriteString("\n]\n")
	}
	return x
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What is bad is told of with the line that an editor shows, whoever finds it and
// wherever the batches begin, and after a stream was continued too.
func TestBadRecordsHaveTheLineOfAnEditor(t *testing.T) {
	for _, format := range []string{codec.Lines, codec.NDJSON, codec.CSV, codec.JSON} {
		t.Run(format, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 1))
			for range 30 {
				x := makeNumbered(r, format, 1+r.IntN(60))
				data := []byte(x.text.String())
				o := codec.SourceOptions{Format: named(format), Validate: true, UTF8: codec.RejectInvalid}
				size := func() int { return 128 + r.IntN(200) }
				got := readAll(t, of("s", data, upTo(r, 50)), o, size)
				must(t, got.err)
				if lines := linesOf(got.bad); !slices.Equal(lines, x.lines) {
					t.Fatalf("%q\nlines %d, want %d", data, lines, x.lines)
				}
				m := got.marks[r.IntN(len(got.marks))]
				rest := resume(t, of("s", data, upTo(r, 50)), o, m.position, size)
				must(t, rest.err)
				if lines := linesOf(rest.bad); !slices.Equal(lines, x.lines[len(x.lines)-len(lines):]) {
					t.Fatalf("%q\nresumed at %s: lines %d of %d", data, m.position, lines, x.lines)
				}
			}
		})
	}
}

func linesOf(bad []weir.BadRecord) (lines []int64) {
	for _, b := range bad {
		lines = append(lines, b.Line)
	}
	return lines
}

// The same is told where records become others.
func TestConversionsKnowTheLineOfABadRecord(t *testing.T) {
	for format, to := range map[string]string{codec.NDJSON: codec.CSV, codec.CSV: codec.NDJSON, codec.JSON: codec.NDJSON} {
		t.Run(format, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 2))
			for range 30 {
				x := makeNumbered(r, format, 1+r.IntN(60))
				o := codec.ConvertOptions{Validate: true}
				if to == codec.CSV {
					o.Columns = []string{"a"}
				}
				var bad []weir.BadRecord
				o.Bad = func(_ context.Context, b *weir.BadRecord) (weir.Fate, error) {
					bad = append(bad, *b)
					return weir.Skipped, nil
				}
				steps := stepsOf(t, format, to, o)
				st := open(t, of("s", []byte(x.text.String()), upTo(r, 50)), codec.SourceOptions{Format: named(format)})
				for end := false; !end; {
					b := weir.NewBatch(128 + r.IntN(200))
					err := st.Read(t.Context(), b)
					if end = err != nil; b.Records() > 0 {
						apply(t, steps, b)
					}
				}
				if lines := linesOf(bad); !slices.Equal(lines, x.lines) {
					t.Fatalf("%q\nlines %d, want %d", x.text.String(), lines, x.lines)
				}
				for _, b := range bad {
					if rec := x.text.String()[b.Offset:][:b.Size]; !strings.HasSuffix(strings.TrimRight(rec, "\r\n"), string(b.Whole)) {
						t.Fatalf("the record at %d is %q, want %q", b.Offset, rec, b.Whole)
					}
				}
			}
		})
	}
}

// What breaks a stream is told of in the same way.
func TestBrokenStreamsHaveTheLineOfAnEditor(t *testing.T) {
	for _, x := range []struct {
		format, data string
		line, offset int
	}{
		{codec.JSON, "[\n{},\n\n{} {}]", 4, 10},
		{codec.JSON, "[\n{},\n\n{}\n", 5, 10},
		{codec.JSON, "\n\nx", 3, 2},
		{codec.JSON, strings.Repeat("{\n}\n", 100) + "]", 201, 400},
	} {
		for _, piece := range []func() int{nil, always(1), always(3)} {
			got := readAll(t, of("s", []byte(x.data), piece), codec.SourceOptions{Format: named(x.format)}, always(128))
			failed(t, got.err, weir.Corrupt, fmt.Sprintf("at line %d, offset %d: ", x.line, x.offset))
		}
	}
}
