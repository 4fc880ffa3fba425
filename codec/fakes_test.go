package codec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/weirtest"
)

// origin is a source of streams that are read in pieces, of which reads gives the
// sizes. Their positions are offsets.
type origin struct {
	streams []originStream
	opened  []*originStream
}

type originStream struct {
	name  string
	data  []byte
	piece func() int // nil: all that fits
	blank bool       // gives no positions
	fails error      // at the end, in place of io.EOF
	sized bool

	off    int
	text   []byte
	seeks  int
	closed bool
}

func (o *origin) Next(context.Context) (weir.Stream, error) {
	if len(o.streams) == 0 {
		return nil, io.EOF
	}
	st := o.streams[0]
	o.streams = o.streams[1:]
	o.opened = append(o.opened, &st)
	return &st, nil
}

func (o *origin) Close() error { return nil }

func (s *originStream) Info() weir.StreamInfo {
	info := weir.StreamInfo{ID: "origin/" + s.name, Name: s.name, Size: weir.UnknownSize}
	if s.sized {
		info.Size = int64(len(s.data))
	}
	return info
}

func (s *originStream) Seek(_ context.Context, p weir.Position) error {
	off, err := strconv.Atoi(strings.TrimPrefix(string(p), "at="))
	if s.blank {
		return weir.ErrNotResumable
	}
	if err != nil || off < 0 || off > len(s.data) {
		return &weir.Error{Op: "seek", Kind: weir.Invalid, Err: fmt.Errorf("the position is %q", p)}
	}
	s.off = off
	s.seeks++
	return nil
}

func (s *originStream) Read(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	n := len(b.Space())
	if s.piece != nil {
		n = max(1, min(n, s.piece()))
	}
	n = copy(b.Space()[:n], s.data[s.off:])
	b.Advance(n)
	s.off += n
	if !s.blank {
		s.text = strconv.AppendInt(append(s.text[:0], "at="...), int64(s.off), 10)
		b.SetPosition(s.text)
	}
	end := s.fails
	if end == nil {
		end = io.EOF
	}
	if n == 0 || s.off == len(s.data) && s.fails == nil && s.off%2 == 0 { // the end comes with the last bytes, or alone
		return end
	}
	return nil
}

func (s *originStream) Close() error {
	s.closed = true
	return nil
}

// of returns an origin of one stream.
func of(name string, data []byte, piece func() int) *origin {
	return &origin{streams: []originStream{{name: name, data: data, piece: piece}}}
}

// always returns n.
func always(n int) func() int { return func() int { return n } }

// upTo returns numbers from 1 to n, most of them small.
func upTo(r *rand.Rand, n int) func() int {
	return func() int {
		if r.IntN(3) > 0 {
			return 1 + r.IntN(min(n, 20))
		}
		return 1 + r.IntN(n)
	}
}

// result is what was read of a stream.
type result struct {
	records [][]byte
	data    []byte
	header  []byte
	marks   []mark
	bad     []weir.BadRecord
	skipped weir.Count
	err     error
}

// mark is where a batch ended.
type mark struct {
	position weir.Position
	records  int   // before it
	data     int   // bytes before it
	next     int64 // number of the next record in the stream
}

// collect makes o collect bad records in r.
func (r *result) collect(o codec.SourceOptions) codec.SourceOptions {
	o.Bad = func(_ context.Context, bad *weir.BadRecord) (weir.Fate, error) {
		kept := *bad
		kept.Excerpt = bytes.Clone(bad.Excerpt)
		r.bad = append(r.bad, kept)
		return weir.Skipped, nil
	}
	return o
}

// open returns the first stream of inner, with records.
func open(tb testing.TB, inner weir.Source, o codec.SourceOptions) weir.Stream {
	tb.Helper()
	src, err := codec.NewSource(inner, o)
	must(tb, err)
	st, err := src.Next(context.Background())
	must(tb, err)
	tb.Cleanup(func() {
		must(tb, st.Close())
		must(tb, src.Close())
	})
	return st
}

// read reads st to its end, in batches of the sizes that size gives. It checks
// what must be true of every batch.
func (r *result) read(tb testing.TB, st weir.Stream, size func() int) {
	tb.Helper()
	number := int64(0)
	for {
		b, err := weirtest.Read(context.Background(), st, weir.NewBatch(size()))
		if err != nil && err != io.EOF {
			r.err = err
			return
		}
		r.add(tb, b, &number)
		if err == io.EOF {
			return
		}
		if b.Len() == 0 && b.Noted(weir.Skipped) == (weir.Count{}) {
			tb.Fatal("a batch without data, and nothing noted on it")
		}
	}
}

func (r *result) add(tb testing.TB, b *weir.Batch, number *int64) {
	tb.Helper()
	skipped := b.Noted(weir.Skipped)
	first := b.FirstRecord() // those noted come before it
	if *number != 0 && b.Records() > 0 && first != *number+skipped.Records {
		tb.Fatalf("the first record of a batch is number %d, and %d were before it and %d noted", first, *number-1, skipped.Records)
	}
	r.skipped.Records += skipped.Records
	r.skipped.Bytes += skipped.Bytes
	sum := 0
	for i := range b.Records() {
		r.records = append(r.records, bytes.Clone(b.Record(i)))
		sum += len(b.Record(i))
	}
	if b.Records() > 0 && sum != b.Len() {
		tb.Fatalf("the records have %d of %d bytes", sum, b.Len())
	}
	r.data = append(r.data, b.Bytes()...)
	if b.Len() > 0 {
		r.header = bytes.Clone(b.Header())
	}
	*number = first + int64(b.Records())
	r.marks = append(r.marks, mark{slices.Clone(b.Position()), len(r.records), len(r.data), *number})
}

// readAll reads what o makes of inner.
func readAll(tb testing.TB, inner weir.Source, o codec.SourceOptions, size func() int) *result {
	tb.Helper()
	r := new(result)
	r.read(tb, open(tb, inner, r.collect(o)), size)
	return r
}

// resume reads on from p.
func resume(tb testing.TB, inner weir.Source, o codec.SourceOptions, p weir.Position, size func() int) *result {
	tb.Helper()
	r := new(result)
	st := open(tb, inner, r.collect(o))
	if err := st.Seek(context.Background(), p); err != nil {
		tb.Fatalf("Seek to %s: %v", p, err)
	}
	r.read(tb, st, size)
	return r
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// failed makes sure that err is of the kind and its text holds all of words.
func failed(tb testing.TB, err error, kind weir.Kind, words ...string) {
	tb.Helper()
	var e *weir.Error
	if !errors.As(err, &e) || weir.KindOf(err) != kind {
		tb.Fatalf("the error is %v (%T), want one of kind %v", err, err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			tb.Errorf("the error %q does not say %q", err, w)
		}
	}
}

func texts(records [][]byte) []string {
	all := make([]string, len(records))
	for i, rec := range records {
		all[i] = string(rec)
	}
	return all
}

// short is a text for messages.
func short(records []string) string {
	if len(records) > 6 {
		return fmt.Sprintf("%.60q ... and %d more", records[:6], len(records)-6)
	}
	return fmt.Sprintf("%.60q", records)
}
