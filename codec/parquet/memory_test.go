package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
)

// allowed is how much the heap may hold where n bytes were declared.
func allowed(n int64) int64 { return n + n/4 + 1<<20 }

// wide is a row with columns of several kinds, and long strings in them.
type wide struct {
	A, B, C, D string   `parquet:",plain"`
	E          string   `parquet:",dict"`
	F          []string `parquet:",list"`
	G          string   `parquet:",delta"`
	H          []string `parquet:"h"`
}

func wideRows(n int) []wide {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		return fmt.Sprintf("%x%s", r.Uint64(), strings.Repeat("filler ", r.IntN(20)))
	}
	rows := make([]wide, n)
	for i := range rows {
		rows[i] = wide{A: word(), B: word(), C: word(), D: word(), E: word(), F: []string{word(), word()}, G: word(), H: []string{word()}}
	}
	return rows
}

// Reading holds no more than it reserves, with every compression and with pages of
// any size, and opening the file again and again holds nothing.
func TestReadingHoldsNoMoreThanItReserves(t *testing.T) {
	rows := wideRows(4_000)
	for _, c := range []struct {
		codec compress.Codec
		page  int
	}{
		{&pq.Uncompressed, 1 << 20},
		{&pq.Zstd, 256 << 10},
		{&pq.Snappy, 1 << 20},
		{&pq.Gzip, 64 << 10},
		{&pq.Brotli, 512 << 10},
		{&pq.Lz4Raw, 8 << 10},
	} {
		data := writeRows(t, rows, 2500, pq.Compression(c.codec), pq.PageBufferSize(c.page))
		before := heap()
		st := openStream(t, data, parquet.Options{})
		held, err := st.(weir.Reserver).Reserve(t.Context())
		must(t, err)
		b := weir.NewBatch(1 << 18)
		most := int64(0)
		for i := 0; ; i++ {
			b.Reset()
			err := st.Read(t.Context(), b)
			if i%5 == 0 {
				most = max(most, heap()-before-int64(b.Cap()))
			}
			if err == io.EOF {
				break
			}
			must(t, err)
		}
		t.Logf("%s, pages of %d: %d bytes held, %d reserved", c.codec, c.page, most, held)
		if most > allowed(held) {
			t.Errorf("%s: the heap holds %d bytes, %d are reserved", c.codec, most, held)
		}
		must(t, st.Close())
	}
}

func TestReadingManyColumnsHoldsNoMoreThanItReserves(t *testing.T) {
	const columns = 3000
	var rec strings.Builder
	for i := range columns {
		fmt.Fprintf(&rec, `,"column %d":"%d"`, i, i)
	}
	data := toParquet(t, strings.Repeat("{"+rec.String()[1:]+"}\n", 30), parquet.Options{MaxColumns: columns})
	before := heap()
	st := openStream(t, data, parquet.Options{})
	held, err := st.(weir.Reserver).Reserve(t.Context())
	must(t, err)
	b := weir.NewBatch(100_000)
	must(t, st.Read(t.Context(), b))
	most := heap() - before - int64(b.Cap())
	t.Logf("%d bytes held, %d reserved", most, held)
	if most > held+held/4+64<<10 {
		t.Errorf("the heap holds %d bytes, %d are reserved", most, held)
	}
	must(t, st.Close())
}

// devNull is a sink that keeps nothing.
type devNull struct{ bytes int64 }

func (s *devNull) Footprint() weir.Footprint                                  { return weir.Footprint{} }
func (s *devNull) Open(context.Context, weir.StreamInfo) (weir.Writer, error) { return s, nil }
func (s *devNull) Close() error                                               { return nil }
func (s *devNull) Write(_ context.Context, b *weir.Batch) error {
	s.bytes += int64(b.Len())
	return nil
}
func (s *devNull) Commit(context.Context) error       { return nil }
func (s *devNull) Abort(context.Context, error) error { return nil }

// Writing holds no more than the footprint says, whatever the records are.
func TestWritingHoldsNoMoreThanItsFootprint(t *testing.T) {
	for name, c := range map[string]struct {
		o      parquet.Options
		record func(r *rand.Rand, i int) string
	}{
		"small numbers": {parquet.Options{}, func(r *rand.Rand, i int) string { return fmt.Sprintf(`{"a":%d,"b":%d}`, i, r.IntN(100)) }},
		"random text": {parquet.Options{}, func(r *rand.Rand, _ int) string {
			return fmt.Sprintf(`{"a":"%x","b":"%x","c":"%s"}`, r.Uint64(), r.Uint64(), strings.Repeat("c", r.IntN(500)))
		}},
		"large values": {parquet.Options{RowGroupBytes: 1 << 20}, func(r *rand.Rand, i int) string {
			return fmt.Sprintf(`{"a":"%s","b":[%s]}`, strings.Repeat(string(rune('a'+i%26)), 100_000), strings.Repeat("1,", 20_000)+"1")
		}},
		"base64 with escapes": {parquet.Options{RowGroupBytes: 1 << 20, Schema: "a bytes"}, func(*rand.Rand, int) string {
			return `{"a":"\/` + strings.Repeat("AAAA", 50_000) + `AAA"}`
		}},
		"many columns": {parquet.Options{Compression: "gzip"}, func(r *rand.Rand, i int) string {
			var s strings.Builder
			for k := range 1000 {
				fmt.Fprintf(&s, `,"a column with a long name %d":%d`, k, r.IntN(1000))
			}
			return "{" + s.String()[1:] + "}"
		}},
		"not compressed": {parquet.Options{Compression: "none"}, func(r *rand.Rand, _ int) string { return fmt.Sprintf(`{"a":"%x"}`, r.Uint64()) }},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			inner := &devNull{}
			s := parquet.NewSink(inner, c.o)
			declared := s.Footprint().PerWriter
			w, err := s.Open(t.Context(), weir.StreamInfo{Name: "a"})
			must(t, err)
			r := rand.New(rand.NewPCG(1, 2))
			b := weir.NewBatch(s.Footprint().MaxWrite)
			most, written, n := int64(0), 0, 0
			for writes := 0; written < 8<<20; {
				rec := []byte(c.record(r, n) + "\n")
				if n++; b.Append(rec) {
					continue
				}
				must(t, w.Write(t.Context(), b))
				written += b.Len()
				b.Reset()
				if !b.Append(rec) {
					t.Fatal("a record does not fit")
				}
				if writes++; writes%3 == 0 {
					most = max(most, heap()-before-int64(b.Cap()))
				}
			}
			most = max(most, heap()-before-int64(b.Cap()))
			t.Logf("%d bytes held, %d declared; %d bytes of JSON became %d", most, declared, written, inner.bytes)
			if most > allowed(declared) {
				t.Errorf("the heap holds %d bytes, %d are declared", most, declared)
			}
			must(t, w.Commit(t.Context()))
		})
	}
}

// The descriptions of row groups are bounded, and the error says what to do.
func TestAFileHasABoundedFooter(t *testing.T) {
	s := parquet.NewSink(&devNull{}, parquet.Options{RowGroupBytes: 256 << 10, FooterBytes: 64 << 10, Compression: "snappy"})
	w, err := s.Open(t.Context(), weir.StreamInfo{Name: "a"})
	must(t, err)
	var rec strings.Builder
	for i := range 200 {
		fmt.Fprintf(&rec, `,"%d":%d`, i, i)
	}
	b := batchOf(strings.Repeat("{"+rec.String()[1:]+"}\n", 50))
	rows := 0
	for err == nil && rows < 1_000_000 {
		err = w.Write(t.Context(), b)
		rows += b.Records()
	}
	refused(t, err, weir.Rejected, "write to several files, or raise RowGroupBytes or FooterBytes")
	if rows < 500 {
		t.Errorf("it is full after %d rows", rows)
	}
	must(t, w.Abort(t.Context(), err))
}

func TestReadingAllocatesNothing(t *testing.T) {
	data := writeRows(t, wideRows(3000), 3000, pq.Compression(&pq.Zstd), pq.PageBufferSize(2<<20))
	st := openStream(t, data, parquet.Options{})
	b := weir.NewBatch(1 << 14)
	read := func() {
		b.Reset()
		if err := st.Read(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if n := testing.AllocsPerRun(30, read); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func TestWritingAllocatesNothing(t *testing.T) {
	w, err := parquet.NewSink(&devNull{}, parquet.Options{}).Open(t.Context(), weir.StreamInfo{Name: "a"})
	must(t, err)
	lines := ""
	for i := range 300 {
		lines += fmt.Sprintf(`{"n":%d,"f":%d.5,"s":"text %d","b":true,"x":null,"j":[%d],"e":"\u00fc"}`+"\n", i, i, i, i)
	}
	b := batchOf(lines)
	must(t, w.Write(t.Context(), b))
	if n := testing.AllocsPerRun(30, func() {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d records", n, b.Records())
	}
	must(t, w.Abort(t.Context(), errors.New("enough")))
}

// Only the row group and the pages that are asked for are read.
func TestSeekReadsOnlyWhatFollows(t *testing.T) {
	data, lines := sample(t, 5000)
	all := strings.SplitAfter(string(lines), "\n")
	read := func(from int) (int64, string) {
		d := diskOf("a.parquet", data)
		st, err := parquet.NewSource(d, parquet.Options{}).Next(t.Context())
		must(t, err)
		// Where the file's identity is comes from a position of its own.
		b := weir.NewBatch(1 << 12)
		first, err := parquet.NewSource(diskOf("a.parquet", data), parquet.Options{}).Next(t.Context())
		must(t, err)
		must(t, first.Read(t.Context(), b))
		_, id, _ := strings.Cut(string(b.Position()), ",")
		must(t, st.Seek(t.Context(), weir.Position(fmt.Sprintf("row=%d,%s", from, id))))
		var out strings.Builder
		start := d.files[0].bytes
		_, err = drain(t.Context(), st, 1<<16, &out)
		must(t, err)
		return d.files[0].bytes - start, out.String()
	}
	whole, _ := read(0)
	for _, from := range []int{0, 1, 1099, 1100, 1101, 3333, 4999, 5000} {
		bytes, got := read(from)
		if got != strings.Join(all[from:], "") {
			t.Errorf("from row %d other records are read", from)
		}
		if from >= 4400 && bytes > whole/3 {
			t.Errorf("from row %d on %d bytes are read; all are %d", from, bytes, whole)
		}
	}
	st := openStream(t, data, parquet.Options{})
	refused(t, st.Seek(t.Context(), weir.Position("row=1,file=0000000000000001")), weir.Corrupt, "another file")
	st = openStream(t, data, parquet.Options{})
	refused(t, st.Seek(t.Context(), weir.Position("off=1")), weir.Invalid, "row=4096")
}

func TestColumnsThatAreNotWantedAreNotRead(t *testing.T) {
	data, _ := sample(t, 15_000)
	d := diskOf("a.parquet", data)
	st, err := parquet.NewSource(d, parquet.Options{Columns: []string{"note", "id"}}).Next(t.Context())
	must(t, err)
	var out strings.Builder
	_, err = drain(t.Context(), st, 1<<16, &out)
	must(t, err)
	if want := `{"id":0,"note":""}` + "\n" + `{"id":1,"note":null}` + "\n"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("it reads %.60q", out.String())
	}
	all := diskOf("a.parquet", data)
	st, err = parquet.NewSource(all, parquet.Options{}).Next(t.Context())
	must(t, err)
	_, err = drain(t.Context(), st, 1<<16, io.Discard)
	must(t, err)
	if some, all := d.files[0].bytes, all.files[0].bytes; some > all*2/3 {
		t.Errorf("%d bytes are read, and %d for all columns", some, all)
	}
	_, err = drain(t.Context(), openStream(t, data, parquet.Options{Columns: []string{"id", "nome"}}), 1<<16, io.Discard)
	refused(t, err, weir.Invalid, `no column "nome"`, `it has "id", "name", "tags", "note"`)
}
