package codec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func TestAResumeReadsNoMoreThanItMust(t *testing.T) {
	var plain bytes.Buffer
	must(t, logLines(&plain, 2<<20))
	r := rand.New(rand.NewPCG(1, 1))
	for packing, pack := range packings {
		data := pack(r, plain.Bytes())
		o := codec.SourceOptions{Format: named(codec.NDJSON), Compression: packing}
		got := readAll(t, of("s", data, nil), o, always(256<<10))
		m := got.marks[len(got.marks)-2]
		inner := of("s", data, nil)
		rest := resume(t, inner, o, m.position, always(256<<10))
		if !slices.Equal(texts(rest.records), texts(got.records[m.records:])) {
			t.Errorf("%s: %d records, want %d", packing, len(rest.records), len(got.records)-m.records)
		}
		p, err := codec.InnerOf(m.position)
		must(t, err)
		var from int
		if _, err := fmt.Sscanf(string(p), "at=%d", &from); err != nil {
			t.Fatal(err)
		}
		if from < len(data)*3/4 || inner.opened[0].seeks != 1 {
			t.Errorf("%s: resumed at %s, from %d of %d bytes", packing, m.position, from, len(data))
		}
	}
}

func TestAResumeFromTheBeginningIsOfTheSameStream(t *testing.T) {
	for packing, pack := range packings {
		t.Run(packing, func(t *testing.T) {
			data := pack(rand.New(rand.NewPCG(1, 1)), []byte(strings.Repeat("abc\n", 3000)))
			other := pack(rand.New(rand.NewPCG(1, 1)), []byte(strings.Repeat("abd\n", 3000)))
			o := codec.SourceOptions{Format: named(codec.Lines), Compression: packing}
			got := readAll(t, of("s", data, nil), o, always(2500))
			p := got.marks[0].position
			if inner, err := codec.InnerOf(p); err != nil || len(inner) > 0 {
				t.Fatalf("the position is %s: %v", p, err)
			}
			st := open(t, of("s", other, nil), o)
			failed(t, st.Seek(context.Background(), p), weir.Corrupt, "seek: stream s", "its first bytes have changed")
			st = open(t, of("s", nil, nil), codec.SourceOptions{Format: named(codec.Lines), Compression: codec.None})
			if packing == codec.None {
				failed(t, st.Seek(context.Background(), p), weir.Corrupt, "it ends before the position")
			}
		})
	}
}

func TestPositionsOfOthersAreRefused(t *testing.T) {
	data := []byte(strings.Repeat("abc\n", 3000))
	good := string(readAll(t, of("s", data, always(100)), codec.SourceOptions{Format: named(codec.Lines)}, always(500)).marks[5].position)
	for _, text := range []string{
		"", "x", "at=5", "off=10", ";" + good, good + " ", good + ",", good + "0,",
		strings.Replace(good, "codec:lines", "codec:csv", 1),
		strings.Replace(good, "codec:lines", "codec:lines+gzip", 1),
		strings.Replace(good, "state=0", "state=1", 1),
		strings.Replace(good, "rec=", "rec=0", 1),
		strings.Replace(good, "skip=", "skip=9999999", 1),
		strings.Replace(good, "z=0", "z=-1", 1),
		strings.Replace(good, "z=0", "z=1", 1),
		strings.Replace(good, "at=", "as=", 1),
		"codec:lines,state=0,head=0.00000000,rec=0,off=0",
		"codec:lines,state=0,head=1025.00000000,rec=1,off=0",
		"codec:lines,state=0,head=1.0000000A,rec=1,off=0",
	} {
		st := open(t, of("s", data, always(100)), codec.SourceOptions{Format: named(codec.Lines)})
		err := st.Seek(context.Background(), weir.Position(text))
		if err == nil || weir.KindOf(err) != weir.Invalid {
			t.Errorf("Seek to %q returns %v", text, err)
		}
	}
}

func TestStreamsWithoutPositionsHaveNone(t *testing.T) {
	for packing, pack := range packings {
		data := pack(rand.New(rand.NewPCG(1, 1)), []byte(strings.Repeat("abc\n", 3000)))
		inner := &origin{streams: []originStream{{name: "s", data: data, blank: true}}}
		o := codec.SourceOptions{Format: named(codec.Lines), Compression: packing}
		for _, m := range readAll(t, inner, o, always(500)).marks {
			if len(m.position) > 0 {
				t.Fatalf("%s: a position is %s", packing, m.position)
			}
		}
		st := open(t, &origin{streams: []originStream{{name: "s", data: data, blank: true}}}, o)
		text := weir.Position("at=1;codec:lines,state=0,in=0,z=0,skip=3,rec=2,off=4")
		if packing != codec.None {
			text = weir.Position("at=1;codec:lines+" + packing + ",state=0,in=0,z=0,skip=3,rec=2,off=4")
		}
		if err := st.Seek(context.Background(), text); !errors.Is(err, weir.ErrNotResumable) {
			t.Errorf("%s: Seek returns %v", packing, err)
		}
	}
}

// longPositions is an origin whose positions leave no room for more.
type longPositions struct{ weir.Stream }

func (s longPositions) Read(ctx context.Context, b *weir.Batch) error {
	err := s.Stream.Read(ctx, b)
	b.SetPosition(bytes.Repeat([]byte{'p'}, weir.MaxPosition))
	return err
}

type longSource struct{ *origin }

func (s longSource) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.origin.Next(ctx)
	if err != nil {
		return nil, err
	}
	return longPositions{st}, nil
}

func TestPositionsThatWouldBeTooLongAreLeftOut(t *testing.T) {
	o := codec.SourceOptions{Format: named(codec.Lines)}
	got := readAll(t, longSource{of("s", []byte(strings.Repeat("abc\n", 3000)), always(100))}, o, always(500))
	must(t, got.err)
	last := got.marks[len(got.marks)-1].position
	if len(got.records) != 3000 || len(last) > 0 {
		t.Errorf("%d records, the last position is %s", len(got.records), last)
	}
}

// committer is a stream that is told what is durable.
type committer struct {
	weir.Stream
	upTo []string
}

func (c *committer) Committed(_ context.Context, upTo weir.Position) error {
	c.upTo = append(c.upTo, string(upTo))
	return nil
}

type committerSource struct {
	*origin
	st *committer
}

func (s *committerSource) Next(ctx context.Context) (weir.Stream, error) {
	st, err := s.origin.Next(ctx)
	s.st = &committer{Stream: st}
	return s.st, err
}

func TestAnInnerStreamIsToldWhatIsDurable(t *testing.T) {
	inner := &committerSource{origin: of("s", []byte(strings.Repeat("abc\n", 300)), always(100))}
	st := open(t, inner, codec.SourceOptions{Format: named(codec.Lines)})
	var got result
	got.read(t, st, always(200))
	c := st.(weir.Committer)
	for _, m := range got.marks {
		must(t, c.Committed(context.Background(), m.position))
	}
	if len(inner.st.upTo) == 0 || inner.st.upTo[len(inner.st.upTo)-1] != "at=1200" {
		t.Errorf("it was told %q", inner.st.upTo)
	}
	if err := c.Committed(context.Background(), weir.Position("x")); err == nil {
		t.Error("a position of somebody else is taken")
	}
}

func FuzzPositionHasOneText(f *testing.F) {
	f.Add([]byte("at=1;codec:lines,state=0,in=0,z=0,skip=3,rec=2,off=4"))
	f.Add([]byte("codec:json+zstd,state=1,head=1024.0123cdef,rec=2,off=4"))
	f.Add([]byte("a;codec:b;codec:c,state=0,in=9,z=9,skip=0,rec=1,off=0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		again, err := codec.Reparse(text)
		if err == nil && again != string(text) {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}
