package codec_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

// partedSource is a source of one stream, of several files one after the other. It ends,
// for the test.
type partedSource struct {
	all   []string
	taken bool
	piece func() int // how much a read gives

	at, off int
	begins  bool
}

func (s *partedSource) Next(context.Context) (weir.Stream, error) {
	if s.taken {
		return nil, io.EOF
	}
	s.taken = true
	return s, nil
}

func (s *partedSource) Close() error { return nil }
func (s *partedSource) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: "parts", Name: "parts", Size: weir.UnknownSize, Endless: true, Resumable: true}
}

func (s *partedSource) Seek(_ context.Context, p weir.Position) error {
	s.begins = false
	_, err := fmt.Sscanf(string(p), "part=%d,at=%d", &s.at, &s.off)
	return err
}

func (s *partedSource) ReadAt(p []byte, off int64) (int, error) {
	return strings.NewReader(s.all[s.at]).ReadAt(p, off)
}

func (s *partedSource) Read(_ context.Context, b *weir.Batch) error {
	if s.begins {
		s.begins = false
		b.SetBegins()
		b.SetPosition(fmt.Appendf(nil, "part=%d,at=0", s.at))
		return nil
	}
	text := s.all[s.at][s.off:]
	n := copy(b.Space()[:min(len(b.Space()), max(1, s.piece()))], text)
	b.Advance(n)
	s.off += n
	b.SetPosition(fmt.Appendf(nil, "part=%d,at=%d", s.at, s.off))
	switch {
	case s.off < len(s.all[s.at]):
		return nil
	case s.at == len(s.all)-1:
		return io.EOF
	}
	if n == 0 || s.piece()%2 == 0 {
		s.at, s.off, s.begins = s.at+1, 0, true
	}
	if n == 0 {
		return s.Read(context.Background(), b)
	}
	return nil
}

// A stream of several parts gives the records of each, and is continued anywhere,
// however it is read.
func TestStreamsOfSeveralPartsAreContinued(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		format, header := codec.Format{Name: codec.CSV}, "a,b\n"
		if seed%3 == 0 {
			format, header = codec.Format{Name: codec.Lines}, ""
		}
		var all []string
		var want []string
		for range 1 + r.IntN(4) {
			text := header
			for i := range r.IntN(40) {
				row := fmt.Sprintf("%d,%s\n", i, strings.Repeat("x", r.IntN(60)))
				if i == 0 && r.IntN(4) == 0 && header != "" {
					row = "\"in\ntwo\",1\n"
				}
				text += row
				want = append(want, row)
			}
			if len(want) > 0 && strings.HasSuffix(text, "x\n") && r.IntN(3) == 0 {
				text = text[:len(text)-1] // no end
				want[len(want)-1] = want[len(want)-1][:len(want[len(want)-1])-1]
			}
			all = append(all, text)
		}
		pieces := []func() int{func() int { return 1 + r.IntN(30) }, func() int { return 1 << 20 }, func() int { return 300 }}
		source := func() weir.Source { return &partedSource{all: all, piece: pieces[r.IntN(len(pieces))]} }
		size := func() int { return 300 + r.IntN(3000) }
		o := codec.SourceOptions{Format: format, Carry: 4 << 10, Validate: true}
		got := readAll(t, source(), o, size)
		checkParts(t, seed, got, want)
		for _, m := range got.marks {
			if len(m.position) == 0 {
				continue
			}
			rest := resume(t, source(), o, m.position, size)
			checkParts(t, seed, rest, want[m.records:])
		}
	}
}

func checkParts(t *testing.T, seed uint64, got *result, want []string) {
	t.Helper()
	if got.err != nil {
		t.Fatalf("seed %d: %v", seed, got.err)
	}
	if all := bytes.Join(got.records, nil); string(all) != strings.Join(want, "") || len(got.records) != len(want) || len(got.bad) > 0 {
		i := 0
		for i < min(len(want), len(got.records)) && string(got.records[i]) == want[i] {
			i++
		}
		t.Fatalf("seed %d: %d records, want %d; %d bad; the first that differs is %d: %q", seed, len(got.records), len(want), len(got.bad), i, got.records[max(0, i-2):min(len(got.records), i+2)])
	}
}

// A record that is bad, or too long, ends with its part.
func TestBadRecordsEndWithTheirPart(t *testing.T) {
	for _, tail := range []string{"1,2,3", "\"open,1\n2,3\n", strings.Repeat("y", 500)} {
		in := &partedSource{all: []string{"a,b\n1,2\n" + tail, "c,d,e\n3,4,5\n", "a,b\n"}, piece: func() int { return 90 }}
		got := readAll(t, in, codec.SourceOptions{Format: codec.Format{Name: codec.CSV}, MaxRecord: 200, Validate: true}, func() int { return 4096 })
		if got.err != nil || len(got.bad) != 1 || len(got.records) != 2 || string(got.records[1]) != "3,4,5\n" {
			t.Errorf("%q: %v, %d bad, records %q", tail, got.err, len(got.bad), got.records)
		}
		if string(got.header) != "c,d,e" {
			t.Errorf("the header is %q", got.header)
		}
	}
}
