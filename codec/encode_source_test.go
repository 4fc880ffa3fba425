package codec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/codec/compress"
	"github.com/weirflow/weir/weirtest"
)

// joined copies streams, one behind another, into one output.
func joined(tb testing.TB, from, to string, o codec.EncodeOptions, steps func() []weir.Step, streams ...weirtest.BytesStream) (string, weir.Result, error) {
	tb.Helper()
	spec, err := codec.ParseSpec(from)
	must(tb, err)
	src, err := codec.NewSource(weirtest.NewBytesSource(streams...), codec.SourceOptions{Format: spec.Format})
	must(tb, err)
	out, err := codec.ParseSpec(to)
	must(tb, err)
	o.Join = true
	encoder, err := codec.NewEncoder(spec.Format, out, o)
	must(tb, err)
	var all bytes.Buffer
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		all.Write(b.Bytes())
		return nil
	})
	options := weir.Options{Workers: 2, Batch: 4 << 10}
	if steps != nil {
		options.Steps = steps()
	}
	options.Steps = append(options.Steps, encoder.Steps()...)
	result, err := weir.Ingest(tb.Context(), encoder.Source(src), encoder.Sink(sink), options)
	return all.String(), result, err
}

// parts are streams called a, b and so on.
func parts(texts ...string) (all []weirtest.BytesStream) {
	for i, text := range texts {
		all = append(all, weirtest.BytesStream{Name: string(rune('a' + i)), Data: []byte(text)})
	}
	return all
}

func TestJoinedStreamsAreOneFile(t *testing.T) {
	for _, c := range []struct {
		from, to string
		columns  []string
		in       []string
		want     string
	}{
		{"csv", "csv", nil, []string{"a,b\n1,2\n", "a,b\n3,4\n"}, "a,b\n1,2\n3,4\n"},
		{"csv", "csv", nil, []string{"a,b\n1,2", "a,b\r\n3,4\r\n", "a,b\n5"}, "a,b\n1,2\n3,4\n5\n"},
		{"csv", "csv", nil, []string{"a,b\n", "a,b\n3,4\n", "a,b\n"}, "a,b\n3,4\n"},
		{"csv", "csv", nil, []string{"a,b\n", "\"a\",b\n"}, "a,b\n"},
		{"csv", "csv", nil, []string{"", "a,b\n3,4\n", ""}, "a,b\n3,4\n"},
		{"csv", "csv", []string{"c", "a"}, []string{"a\n1\n", "c\n3\n", "b\n"}, "c,a\n,1\n3,\n"},
		{"csv", "csv", []string{"c", "a"}, []string{"a\n", "a\n"}, "c,a\n"},
		{"csv", "csv,header=no", nil, []string{"a,b\n1,2", "c,d\n3,4"}, "1,2\n3,4\n"},
		{"csv", "json", nil, []string{"a\n1\n2\n", "b\n3\n"}, "[\n{\"a\":1},\n{\"a\":2},\n{\"b\":3}\n]\n"},
		{"csv", "json", nil, []string{"a\n", "b\n3\n", "", "c\n"}, "[\n{\"b\":3}\n]\n"},
		{"csv", "json", nil, []string{"a\n", ""}, "[]\n"},
		{"json", "json", nil, []string{"[1]", "2 3", "[]"}, "[\n1,\n2,\n3\n]\n"},
		{"ndjson", "csv", nil, []string{"{\"a\":1}\n", "", "{\"a\":2}"}, "a\n1\n2\n"},
		{"ndjson", "ndjson", nil, []string{"1", "2\n", "3"}, "1\n2\n3\n"},
		{"lines", "lines", nil, []string{"x", "y\r\n", ""}, "x\ny\n"},
		{"nul", "nul", nil, []string{"x", "y\x00"}, "x\x00y\x00"},
		{"bytes", "bytes", nil, []string{"x", "y"}, "xy"},
	} {
		o := codec.EncodeOptions{Convert: codec.ConvertOptions{Columns: c.columns}}
		for _, m := range []compress.Method{compress.None, compress.Gzip, compress.Zstd} {
			to := c.to
			if m != compress.None {
				to += "+" + m.String()
			}
			got, _, err := joined(t, c.from, to, o, nil, parts(c.in...)...)
			if err != nil {
				if m != compress.None && c.in[1] == "\"a\",b\n" {
					continue // a header is compared as it is written
				}
				t.Fatalf("%s to %s of %q: %v", c.from, to, c.in, err)
			}
			if m != compress.None {
				got = unpack(t, m, []byte(got))
			}
			if got != c.want {
				t.Errorf("%s to %s of %q\n got %q\nwant %q", c.from, to, c.in, got, c.want)
			}
		}
	}
}

func TestJoinedStreamWithOtherColumnsIsRefused(t *testing.T) {
	for _, c := range []struct{ from, to, first, second, want, out string }{
		{"csv", "csv", "a,b\n1,2\n", "a,c\n3,4\n", `its column 2 is "c", that of a is "b"`, "a,b\n1,2\n"},
		{"csv", "csv", "a,b\n", "a\n", `it has not the column "b", which a has`, "a,b\n"},
		{"csv", "tsv", "a\n1\n", "a,b\n1,2\n", `it has the column "b", which a has not`, "a\n1\n"},
		{"ndjson", "csv", "{\"a\":1}\n", "{\"b\":1}\n", `the member "b" is not one of the columns`, "a\n1\n"},
	} {
		got, result, err := joined(t, c.from, c.to, codec.EncodeOptions{}, nil, parts(c.first, c.second)...)
		failed(t, err, weir.Rejected, "stream b", c.want, "--columns")
		if got != c.out || result.Streams.Committed != 1 {
			t.Errorf("%s to %s: %d streams succeeded, written %q", c.from, c.to, result.Streams.Committed, got)
		}
	}
}

// An array that lacks a stream is not closed: nobody takes it for whole.
func TestJoinedArrayOfAFailedStreamIsNotClosed(t *testing.T) {
	for k := range 3 {
		in := []string{"1\n", "2\n", "3\n"}
		in[k] = "{\n"
		got, _, err := joined(t, "ndjson", "json", codec.EncodeOptions{}, nil, parts(in...)...)
		failed(t, err, weir.Rejected, "invalid JSON")
		if bytes.ContainsRune([]byte(got), ']') {
			t.Errorf("the stream %d failed, and the output is %q", k, got)
		}
	}
}

func TestJoinedStreamsNeedTheirSource(t *testing.T) {
	to, err := codec.ParseSpec("json")
	must(t, err)
	e, err := codec.NewEncoder(format(t, "ndjson"), to, codec.EncodeOptions{Join: true})
	must(t, err)
	src, err := codec.NewSource(weirtest.NewBytesSource(parts("1\n")...), codec.SourceOptions{Format: format(t, "ndjson")})
	must(t, err)
	_, err = weir.Ingest(t.Context(), src, e.Sink(weir.SinkFunc(func(context.Context, *weir.Batch) error { return nil })), weir.Options{Steps: e.Steps()})
	failed(t, err, weir.Invalid, "Encoder.Source")
}

// A step that leaves every record out leaves the header, if the columns are known
// to be those that were read.
func TestHeaderStaysWhenNoRecordDoes(t *testing.T) {
	none := func() []weir.Step {
		objects := stepsOf(t, "csv", "ndjson", codec.ConvertOptions{})
		return append(objects, weir.Step{Name: "none", Do: func(_ context.Context, in, _ *weir.Batch) error {
			return nil
		}})
	}
	for _, keep := range []bool{true, false} {
		spec, err := codec.ParseSpec("csv")
		must(t, err)
		src, err := codec.NewSource(weirtest.NewBytesSource(parts("a,,a\n1,2,3\n")...), codec.SourceOptions{Format: spec.Format})
		must(t, err)
		e, err := codec.NewEncoder(format(t, "ndjson"), spec, codec.EncodeOptions{KeepColumns: keep, KeepNames: true})
		must(t, err)
		sink := weirtest.NewMemSink(weir.Footprint{})
		_, err = weir.Ingest(t.Context(), e.Source(src), e.Sink(sink), weir.Options{Steps: append(none(), e.Steps()...)})
		must(t, err)
		want := map[bool]string{true: "a,c2,a_2\n", false: ""}[keep]
		if got, ok := sink.Committed("a"); !ok || string(got) != want {
			t.Errorf("KeepColumns %t: %q", keep, got)
		}
	}
}

func TestWatchedSourceConforms(t *testing.T) {
	for _, join := range []bool{false, true} {
		t.Run(fmt.Sprintf("join %t", join), func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			content := map[string][]byte{"a.csv": bytes.Repeat([]byte("1,2\n"), 3000), "b.csv": []byte("3,4\n")}
			h := harness(r, "csv,header=no", codec.None, func(_ *rand.Rand, b []byte) []byte { return b }, content, upTo(r, 3000))
			open := func(inner func(testing.TB) weir.Source) func(testing.TB) weir.Source {
				return func(tb testing.TB) weir.Source {
					to := codec.Spec{Format: codec.Format{Name: codec.JSON}}
					if !join {
						to.Format.Name = codec.CSV
					}
					e, err := codec.NewEncoder(codec.Format{Name: codec.CSV}, to, codec.EncodeOptions{Join: join})
					must(tb, err)
					return e.Source(inner(tb))
				}
			}
			weirtest.TestSource(t, func(*testing.T) weirtest.SourceHarness {
				x := h
				x.Open, x.Idle = open(h.Open), open(h.Idle)
				return x
			})
		})
	}
}

// A source that fails instead of giving the next stream ends no array.
func TestJoinedArrayIsNotClosedWhenTheNextStreamIsNotThere(t *testing.T) {
	to, err := codec.ParseSpec("json")
	must(t, err)
	e, err := codec.NewEncoder(format(t, "ndjson"), to, codec.EncodeOptions{Join: true})
	must(t, err)
	gone := errors.New("the other file is gone")
	src, err := codec.NewSource(&thenFails{Source: weirtest.NewBytesSource(parts("1\n")...), err: gone}, codec.SourceOptions{Format: format(t, "ndjson")})
	must(t, err)
	var all bytes.Buffer
	sink := weir.SinkFunc(func(_ context.Context, b *weir.Batch) error {
		all.Write(b.Bytes())
		return nil
	})
	if _, err = weir.Ingest(t.Context(), e.Source(src), e.Sink(sink), weir.Options{Steps: e.Steps()}); !errors.Is(err, gone) {
		t.Errorf("the error is %v", err)
	}
	if all.String() != "[\n1" {
		t.Errorf("written: %q", all.String())
	}
}

// thenFails gives an error where there is no further stream.
type thenFails struct {
	weir.Source
	err error
}

func (s *thenFails) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.Source.Next(ctx)
	if err != nil {
		err = s.err
	}
	return st, err
}
