package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/parquet"
)

// outcome reads data and checks that it ends in a record or an error that says what is
// wrong with the file.
func outcome(tb testing.TB, data []byte) (string, error) {
	tb.Helper()
	st, err := parquet.NewSource(diskOf("a.parquet", data), parquet.Options{}).Next(context.Background())
	must(tb, err)
	var out bytes.Buffer
	_, err = drain(context.Background(), st, 4096, &out)
	must(tb, st.Close())
	if err != nil && !errors.Is(err, errHold) && weir.KindOf(err) != weir.Corrupt && weir.KindOf(err) != weir.Invalid {
		tb.Errorf("the error is of kind %q: %v", weir.KindOf(err), err)
	}
	var p *weir.PanicError
	if errors.As(err, &p) || err != nil && strings.Contains(err.Error(), "runtime error") {
		tb.Errorf("a panic: %v", err)
	}
	return out.String(), err
}

func TestAFileThatIsCutOffAnywhereIsCorrupt(t *testing.T) {
	data, _ := sample(t, 50)
	for n := range data {
		_, err := outcome(t, data[:n])
		refused(t, err, weir.Corrupt)
	}
}

// Every bit of a file is turned: what has a checksum is found, and nothing panics.
func TestADamagedFileIsAnErrorAndNoPanic(t *testing.T) {
	data, lines := sample(t, 30)
	unnoticed := 0
	for i := range data {
		for bit := range 8 {
			bad := bytes.Clone(data)
			bad[i] ^= 1 << bit
			got, err := outcome(t, bad)
			if err == nil && got != string(lines) {
				unnoticed++
			}
		}
	}
	// The metadata has no checksum: a name, a number of rows or a type may become
	// another one.
	if most := 8 * len(data) / 20; unnoticed > most {
		t.Errorf("%d of %d damages were not noticed and changed the records, more than %d", unnoticed, 8*len(data), most)
	}
}

func TestWhatIsNotParquetSaysSo(t *testing.T) {
	data, _ := sample(t, 10)
	encrypted := append(bytes.Clone(data[:len(data)-4]), "PARE"...)
	for _, c := range []struct {
		data []byte
		kind weir.Kind
		says string
	}{
		{nil, weir.Corrupt, "too short"},
		{[]byte("PAR1"), weir.Corrupt, "too short"},
		{[]byte("{\"a\":1}\n{\"a\":2}\n"), weir.Corrupt, "not a Parquet file, or not a whole one"},
		{append([]byte("XXXX"), data[4:]...), weir.Corrupt, "does not begin with"},
		{encrypted, weir.Invalid, "encrypted"},
		{append([]byte("PAR1"), "\xff\xff\xff\x7fPAR1"...), weir.Corrupt, "more than the file"},
	} {
		_, err := outcome(t, c.data)
		refused(t, err, c.kind, c.says, "stream a.parquet")
	}
}

func TestAStreamThatCannotBeReadAtAnyPlaceSaysWhatToDo(t *testing.T) {
	src := parquet.NewSource(weir.FromReader(strings.NewReader("PAR1")), parquet.Options{})
	st, err := src.Next(t.Context())
	must(t, err)
	_, err = st.(weir.Reserver).Reserve(t.Context())
	refused(t, err, weir.Invalid, "parquet needs a file that can be read at any place, whose size is known; download it first")
	refused(t, st.Read(t.Context(), weir.NewBatch(100)), weir.Invalid, "download it first")
	refused(t, st.Seek(t.Context(), weir.Position("row=1")), weir.Invalid, "download it first")
	must(t, st.Close())
	must(t, src.Close())
}

// notOpened is a file that could not be opened: an error in the place of a stream.
type notOpened struct{ weir.Stream }

func (notOpened) Info() weir.StreamInfo { return weir.StreamInfo{Name: "a", Size: weir.UnknownSize} }

func (notOpened) Seek(context.Context, weir.Position) error {
	return &weir.Error{Op: "open", Stream: "a", Kind: weir.Invalid, Err: errors.New("no such file")}
}

type notOpenedSource struct{ weir.Source }

func (notOpenedSource) Next(context.Context) (weir.Stream, error) { return notOpened{}, nil }

func TestAFileThatCouldNotBeOpenedSaysWhy(t *testing.T) {
	st, err := parquet.NewSource(notOpenedSource{}, parquet.Options{}).Next(t.Context())
	must(t, err)
	_, err = st.(weir.Reserver).Reserve(t.Context())
	refused(t, err, weir.Invalid, "open: stream a: invalid: no such file")
	refused(t, st.Read(t.Context(), weir.NewBatch(100)), weir.Invalid, "no such file")
}

func TestAnErrorOfTheFileIsPassedOn(t *testing.T) {
	data, _ := sample(t, 10)
	d := diskOf("a.parquet", data)
	st, err := parquet.NewSource(d, parquet.Options{}).Next(t.Context())
	must(t, err)
	broken := errors.New("broken disk")
	d.files[0].fail = broken
	err = st.Read(t.Context(), weir.NewBatch(1<<16))
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	refused(t, err, weir.Other, "read: stream a.parquet: broken disk")
	d.files[0].fail = nil
	if err := st.Read(t.Context(), weir.NewBatch(1<<16)); !errors.Is(err, broken) {
		t.Errorf("the stream goes on after an error: %v", err)
	}
}

func TestAPanicIsAnError(t *testing.T) {
	data, _ := sample(t, 10)
	d := diskOf("a.parquet", data)
	d.files[0].fail = errPanic
	st, err := parquet.NewSource(d, parquet.Options{}).Next(t.Context())
	must(t, err)
	refused(t, st.Read(t.Context(), weir.NewBatch(1<<16)), weir.Corrupt, "made a decoder fail: out of bounds")
}

func TestACancelledReadReturnsTheCause(t *testing.T) {
	data, _ := sample(t, 10)
	st := openStream(t, data, parquet.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := st.Read(ctx, weir.NewBatch(1<<16)); !errors.Is(err, cause) {
		t.Errorf("Read returns %v", err)
	}
	if _, err := st.(weir.Reserver).Reserve(ctx); !errors.Is(err, cause) {
		t.Errorf("Reserve returns %v", err)
	}
}

// withFooter is a file of the pages and the metadata.
func withFooter(tb testing.TB, pages, meta []byte) []byte {
	tb.Helper()
	data := append([]byte("PAR1"), pages...)
	data = append(data, meta...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(meta)))
	return append(data, "PAR1"...)
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := thrift.Marshal(new(thrift.CompactProtocol), v)
	must(tb, err)
	return b
}

// A list of two thousand million row groups, in a file of thirty bytes.
func TestAFooterCannotClaimMoreThanItHas(t *testing.T) {
	for _, meta := range [][]byte{
		{0x15, 2, 0x19, 0x0c, 0x16, 0, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07},         // row groups
		{0x15, 2, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07},                              // columns
		{0x15, 2, 0x19, 0x1c, 0x48, 0xff, 0xff, 0xff, 0xff, 0x07, 'x'},                   // a name
		append([]byte{0x15, 2}, bytes.Repeat([]byte{0x1c}, 10_000)...),                   // structs in structs
		append([]byte{0x15, 2, 0x19, 0xfc, 0x80, 0x80, 0x04}, make([]byte, 1<<16)...),    // groups without names
		append([]byte{0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x11}, 1, 1), // a map
	} {
		before := heap()
		_, err := outcome(t, withFooter(t, nil, meta))
		if weir.KindOf(err) != weir.Corrupt && weir.KindOf(err) != weir.Invalid {
			t.Errorf("%.20x: %v", meta, err)
		}
		if grown := heap() - before; grown > 1<<20 {
			t.Errorf("%.20x: the heap grew by %d bytes", meta, grown)
		}
	}
}

// one is a file of one column of strings in one page, with what the header says of
// the page.
func one(tb testing.TB, body []byte, plain, values int, codec format.CompressionCodec) []byte {
	tb.Helper()
	page := marshal(tb, format.PageHeader{
		Type: format.DataPage, UncompressedPageSize: int32(plain), CompressedPageSize: int32(len(body)),
		DataPageHeader: thrift.New(format.DataPageHeader{NumValues: int32(values), Encoding: format.Plain}),
	})
	page = append(page, body...)
	meta := format.FileMetaData{
		Version: 1, NumRows: int64(values),
		Schema: thrift.Slice[format.SchemaElement]{
			{Name: "record", NumChildren: thrift.New[int32](1)},
			{Name: "v", Type: thrift.New(format.ByteArray), RepetitionType: thrift.New(format.Required)},
		},
		RowGroups: thrift.Slice[format.RowGroup]{{
			NumRows: int64(values),
			Columns: thrift.Slice[format.ColumnChunk]{{MetaData: format.ColumnMetaData{
				Type: format.ByteArray, PathInSchema: thrift.Slice[string]{"v"}, Codec: codec, NumValues: int64(values), DataPageOffset: 4,
				TotalCompressedSize: int64(len(page)), TotalUncompressedSize: int64(plain),
			}}},
		}},
	}
	return withFooter(tb, page, marshal(tb, meta))
}

func TestAPageThatIsLargerThanItSaysIsNotHeld(t *testing.T) {
	w, err := zstd.NewWriter(nil)
	must(t, err)
	bomb := w.EncodeAll(make([]byte, 256<<20), nil)
	var stream bytes.Buffer // a frame that does not say how large its content is
	w.Reset(&stream)
	_, err = io.Copy(w, io.LimitReader(zeros{}, 64<<20))
	must(t, err)
	must(t, w.Close())
	gz, err := pq.Gzip.Encode(nil, make([]byte, 64<<20))
	must(t, err)
	br, err := pq.Brotli.Encode(nil, make([]byte, 64<<20))
	must(t, err)
	sn, err := pq.Snappy.Encode(nil, make([]byte, 64<<20))
	must(t, err)
	for name, c := range map[string]struct {
		body  []byte
		codec format.CompressionCodec
	}{
		"zstd": {bomb, format.Zstd}, "zstd stream": {stream.Bytes(), format.Zstd}, "gzip": {gz, format.Gzip},
		"brotli": {br, format.Brotli}, "snappy": {sn, format.Snappy},
	} {
		data := one(t, c.body, 4000, 1000, c.codec)
		st := openStream(t, data, parquet.Options{})
		before := heap()
		held, err := st.(weir.Reserver).Reserve(t.Context())
		must(t, err)
		err = st.Read(t.Context(), weir.NewBatch(1<<16))
		refused(t, err, weir.Corrupt, `column "v", page at offset 4`, "decompressing")
		if grown := heap() - before; grown > held+1<<20 {
			t.Errorf("%s: the heap grew by %d bytes, and %d were reserved", name, grown, held)
		}
		must(t, st.Close())
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// What a file says it needs is asked for, and refused by the budget; it is not
// allocated before.
func TestAPageThatSaysItIsHugeIsAskedForAhead(t *testing.T) {
	data := one(t, []byte("x"), math.MaxInt32, 1, format.Zstd)
	st := openStream(t, data, parquet.Options{})
	before := heap()
	n, err := st.(weir.Reserver).Reserve(t.Context())
	must(t, err)
	if n < math.MaxInt32 {
		t.Errorf("it asks for %d bytes", n)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	must(t, st.Close())
}

func TestMalformedFilesOfOthersAreRefused(t *testing.T) {
	value := binary.LittleEndian.AppendUint32(nil, 1)
	value = append(value, 'x')
	if got, err := outcome(t, one(t, value, 5, 1, format.Uncompressed)); err != nil || got != `{"v":"eA=="}`+"\n" {
		t.Fatalf("the file that is not malformed is read as %q, %v", got, err)
	}
	long := append(binary.LittleEndian.AppendUint32(nil, math.MaxUint32), 'x')
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"values that are not there":  {one(t, value, 5, 2, format.Uncompressed), "ends before its last value"},
		"a length beyond the page":   {one(t, long, 5, 1, format.Uncompressed), "ends before its last value"},
		"another size":               {one(t, value, 6, 1, format.Uncompressed), "though it is not compressed"},
		"not what was compressed":    {one(t, value, 5, 1, format.Zstd), "decompressing ZSTD"},
		"a compression of yesterday": {one(t, value, 5, 1, format.LZO), "LZO"},
	} {
		_, err := outcome(t, c.data)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
	}
}

// A file that changes after its headers were looked at does not get more room.
func TestAFileThatChangesIsFound(t *testing.T) {
	value := append(binary.LittleEndian.AppendUint32(nil, 1), 'x')
	d := diskOf("a", one(t, value, 5, 1, format.Snappy))
	st, err := parquet.NewSource(d, parquet.Options{}).Next(t.Context())
	must(t, err)
	_, err = st.(weir.Reserver).Reserve(t.Context())
	must(t, err)
	d.files[0].data = one(t, value, 60, 1, format.Snappy)
	err = st.Read(t.Context(), weir.NewBatch(1<<16))
	refused(t, err, weir.Corrupt, `column "v", page at offset 4`, "not what it was when it was opened")
}

func FuzzOpen(f *testing.F) {
	data, _ := sample(f, 20)
	f.Add(data)
	f.Add(one(f, append(binary.LittleEndian.AppendUint32(nil, 1), 'x'), 5, 1, format.Uncompressed))
	f.Add(toParquet(f, `{"a":1,"b":"x","c":[1],"d":1.5,"e":true}`+"\n", parquet.Options{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out limited
		st := openStream(t, data, parquet.Options{})
		_, err := drain(t.Context(), st, 4096, &out)
		if err != nil && !errors.Is(err, errHold) && !errors.Is(err, errLimit) && weir.KindOf(err) != weir.Corrupt && weir.KindOf(err) != weir.Invalid {
			t.Errorf("the error is of kind %q: %v", weir.KindOf(err), err)
		}
		if err != nil && strings.Contains(err.Error(), "runtime error") {
			t.Errorf("a panic: %v", err)
		}
	})
}

var errLimit = errors.New("enough was read")

// limited takes a MiB: a file of a few bytes may stand for any number of records.
type limited struct{ n int }

func (l *limited) Write(p []byte) (int, error) {
	if l.n += len(p); l.n > 1<<20 {
		return 0, errLimit
	}
	return len(p), nil
}

func FuzzPosition(f *testing.F) {
	f.Add("row=4096,file=cbf29ce484222325")
	data, _ := sample(f, 20)
	f.Fuzz(func(t *testing.T, p string) {
		if len(p) > weir.MaxPosition {
			return
		}
		st := openStream(t, data, parquet.Options{})
		if err := st.Seek(t.Context(), weir.Position(p)); err != nil && weir.KindOf(err) != weir.Invalid && weir.KindOf(err) != weir.Corrupt {
			t.Errorf("%q: %v", p, err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":1.5e3,"b":"x"}`, `{"c":{"d":[null]},"a":-0}`, `{"a":true}`, "{}", `{"\u0061":"\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, rec string) {
		if strings.Contains(rec, "\n") {
			return
		}
		// What it takes without a schema comes back as the same JSON, or not at all.
		data := toParquet(t, rec+"\n", parquet.Options{Bad: weir.SkipBad})
		got := strings.TrimSuffix(toJSON(t, data, parquet.Options{}), "\n")
		if err := equalJSON(rec, got); err != nil {
			t.Errorf("%q becomes %q: %v", rec, got, err)
		}
		for _, kind := range []string{"decimal(38,5)", "timestamp(ns)", "bytes", "double", "uint64", "uuid", "time(ms)", "date"} {
			toJSON(t, toParquet(t, rec+"\n", parquet.Options{Bad: weir.SkipBad, Schema: "a " + kind}), parquet.Options{})
		}
	})
}

func equalJSON(want, got string) error {
	a, errA := decode(want)
	if errA != nil || got == "" {
		if got != "" {
			return fmt.Errorf("it is not JSON: %w", errA)
		}
		return nil
	}
	b, err := decode(got)
	if err != nil {
		return err
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		return fmt.Errorf("it is %v and then %v", a, b)
	}
	return nil
}
