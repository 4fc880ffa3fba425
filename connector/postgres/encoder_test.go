package postgres_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
	"github.com/weirflow/weir/connector/postgres"
)

// logColumns and logRecords are an access log with columns of most types.
var (
	logNames = []string{"id", "ts", "ip", "method", "path", "status", "bytes", "dur_ms", "cost", "ok", "ua", "raw"}
	logOIDs  = []uint32{2950, 1184, 25, 25, 1043, 23, 20, 701, 1700, 16, 25, 3802}
)

func logRecord(i int) []byte {
	return fmt.Appendf(nil, `{"id":"a0eebc99-9c0b-4ef8-bb6d-%012x","ts":"2026-11-23T10:11:12.%03dZ","ip":"10.0.0.%d","method":"GET","path":"/api/v1/items/%d",`+
		`"status":%d,"bytes":%d,"dur_ms":%d.%03d,"cost":%d.%02d,"ok":%t,"ua":"Mozilla/5.0 (\"X11\")","unused":{"a":[1,2,3]}}`+"\n",
		i, i%1000, i%256, i, 200+i%300, i*37, i%90, i%1000, i%7, i%100, i%2 == 0)
}

// pieces takes apart what an encoder sends.
type pieces struct{ rows bytes.Buffer }

func (p *pieces) send(piece []byte) error {
	if piece[0] != 'd' || int(binary.BigEndian.Uint32(piece[1:])) != len(piece)-1 || len(piece) > 64<<10 {
		return errors.New("this is no CopyData message of at most 64 KiB")
	}
	p.rows.Write(piece[5:])
	return nil
}

func TestNothingIsAllocatedForARecord(t *testing.T) {
	for _, text := range []bool{false, true} {
		e, err := postgres.NewEncoder(logNames, logOIDs, []postgres.Column{{Name: "raw"}, {Name: "cost", Path: []string{"cost"}}}, func([]byte) error { return nil })
		must(t, err)
		e.Begin(text)
		records := make([][]byte, 100)
		for i := range records {
			records[i] = logRecord(i)
			must(t, e.Row(records[i]))
		}
		i := 0
		if n := testing.AllocsPerRun(1000, func() {
			i++
			must(t, e.Row(records[i%100]))
		}); n != 0 {
			t.Errorf("text %t: %v allocations a record", text, n)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, text := range []bool{false, true} {
		b.Run(map[bool]string{false: "binary", true: "text"}[text], func(b *testing.B) {
			e, err := postgres.NewEncoder(logNames[:11], logOIDs[:11], nil, func([]byte) error { return nil })
			must(b, err)
			e.Begin(text)
			records, size := make([][]byte, 1000), 0
			for i := range records {
				records[i] = logRecord(i)
				size += len(records[i])
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, r := range records {
					if err := e.Row(r); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/record")
		})
	}
}

// A row that fits no buffer is sent in pieces, and one that turns out to be none leaves
// nothing behind, wherever in it that is.
func TestRowsOfAnySizeAreWholeOrNotThere(t *testing.T) {
	for _, size := range []int{0, 1, 10_000, 65_000, 65_536, 200_000, 3_000_000} {
		long := strings.Repeat(`x\n`, size/3)
		var p pieces
		e, err := postgres.NewEncoder([]string{"a", "n"}, []uint32{25, 23}, nil, p.send)
		must(t, err)
		e.Begin(false)
		for i := range 3 {
			if err := e.Row(fmt.Appendf(nil, `{"a":"%s","n":"odd"}`, long)); err != postgres.ErrOdd {
				t.Fatalf("size %d: %v", size, err)
			}
			must(t, e.Row(fmt.Appendf(nil, `{"a":"%s","n":%d}`, long, i)))
			if err := e.Row(fmt.Appendf(nil, `{"n":1,"a":"%s\ud800"}`, long)); err == nil {
				t.Fatalf("size %d: half a surrogate pair was taken", size)
			}
		}
		must(t, e.End())
		rows := p.rows.Bytes()[19:]
		text := strings.ReplaceAll(long, `\n`, "\n")
		for i := range 3 {
			want := binary.BigEndian.AppendUint32([]byte{0, 2}, uint32(len(text)))
			want = append(want, text...)
			want = append(want, 0, 0, 0, 4, 0, 0, 0, byte(i))
			if !bytes.HasPrefix(rows, want) {
				t.Fatalf("size %d: row %d is %.60q", size, i, rows)
			}
			rows = rows[len(want):]
		}
		if string(rows) != "\xff\xff" {
			t.Errorf("size %d: at the end is %.60q", size, rows)
		}
	}
}

// What is sent in binary has the form of a COPY, whatever the record: values are not
// more than they say, and none is missing.
func FuzzRowsAreWellFormed(f *testing.F) {
	for i := range 10 {
		f.Add(logRecord(i))
	}
	for _, v := range values {
		f.Add(fmt.Appendf(nil, `{"status":%s,"bytes":%s,"dur_ms":%s,"cost":%s,"ok":%s,"path":%s,"ts":%s,"id":%s}`, v, v, v, v, v, v, v, v))
	}
	f.Fuzz(func(t *testing.T, rec []byte) {
		for _, text := range []bool{false, true} {
			var p pieces
			e, err := postgres.NewEncoder(append(logNames, "list"), append(logOIDs, 1007), []postgres.Column{{Name: "raw"}, {Name: "ip", Path: []string{"a", "b"}}}, p.send)
			must(t, err)
			e.Begin(text)
			err = e.Row(rec)
			must(t, e.End())
			valid := json.Valid(rec) && bytes.HasPrefix(bytes.TrimSpace(rec), []byte("{"))
			if err == nil && !valid {
				t.Errorf("%q was taken", rec)
			}
			if text {
				textIsWellFormed(t, p.rows.Bytes(), err == nil)
				continue
			}
			binaryIsWellFormed(t, p.rows.Bytes(), err == nil)
		}
	})
}

func binaryIsWellFormed(t *testing.T, rows []byte, row bool) {
	t.Helper()
	rows = rows[19:]
	if row {
		if n := binary.BigEndian.Uint16(rows); n != 12 {
			t.Fatalf("%d columns", n) // the list has no binary form and no value yet
		}
		rows = rows[2:]
		for range 12 {
			n := int32(binary.BigEndian.Uint32(rows))
			rows = rows[4:]
			if n > 0 {
				rows = rows[n:]
			}
		}
	}
	if string(rows) != "\xff\xff" {
		t.Fatalf("%q is at the end", rows)
	}
}

func textIsWellFormed(t *testing.T, rows []byte, row bool) {
	t.Helper()
	want := 0
	if row {
		want = 1
	}
	if bytes.Count(rows, []byte("\n")) != want || bytes.Count(rows, []byte("\t")) != 11*want || bytes.IndexByte(rows, '\r') >= 0 {
		t.Fatalf("%q is not %d rows of 12 columns", rows, want)
	}
}

func FuzzMomentAgreesWithTheStandardLibrary(f *testing.F) {
	for _, v := range values {
		f.Add(strings.Trim(v, `"`))
	}
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, zoned, ok := postgres.Moment([]byte(text))
		std, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || !zoned || !ok {
			if err == nil && !ok && std.Format(time.RFC3339Nano) == text && std.Year() >= 1 && !bigOffset(text) {
				t.Errorf("%q was not taken", text)
			}
			return
		}
		want := std.Sub(epoch)
		if std.Year() < 1800 || std.Year() > 2200 { // a Duration holds no more
			return
		}
		if diff := want - time.Duration(got)*time.Microsecond; diff > time.Microsecond/2 || diff < -time.Microsecond/2 {
			t.Errorf("%q: %d; want %v", text, got, want)
		}
	})
}

// bigOffset reports whether the zone may be further from Greenwich than the server
// takes.
func bigOffset(text string) bool {
	i := strings.LastIndexAny(text, "+-")
	return i >= 0 && len(text)-i >= 3 && text[i+1:i+3] > "15"
}

func FuzzNumbersAgreeWithTheStandardLibrary(f *testing.F) {
	for _, v := range values {
		f.Add(strings.Trim(v, `"`))
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := []byte(text)
		if got, ok := postgres.ParseInt(b); ok {
			if want, err := strconv.ParseInt(text, 10, 64); err != nil || got != want {
				t.Errorf("%q: %d; want %d, %v", text, got, want, err)
			}
		}
		if got, ok := postgres.ParseFloat64(b); ok {
			want, err := strconv.ParseFloat(text, 64)
			if err != nil || math.Float64bits(got) != math.Float64bits(want) {
				t.Errorf("%q: %v; want %v, %v", text, got, want, err)
			}
		}
		if got, ok := postgres.ParseFloat32(b); ok {
			want, err := strconv.ParseFloat(text, 32)
			if err != nil || math.Float32bits(got) != math.Float32bits(float32(want)) {
				t.Errorf("%q: %v; want %v, %v", text, got, want, err)
			}
		}
		groups, weight, negative, ok := postgres.Numeric(b)
		if !ok || len(text) > 1000 {
			return
		}
		got, base := new(big.Rat), big.NewRat(10000, 1)
		for i, g := range groups {
			if g > 9999 || i == 0 && g == 0 && weight >= 0 {
				t.Errorf("%q: groups %v", text, groups)
			}
			place := new(big.Rat).SetInt64(int64(g))
			for range max(weight-i, 0) {
				place.Mul(place, base)
			}
			for range max(i-weight, 0) {
				place.Quo(place, base)
			}
			got.Add(got, place)
		}
		if negative {
			got.Neg(got)
		}
		if want, ok := new(big.Rat).SetString(text); !ok || got.Cmp(want) != 0 {
			t.Errorf("%q: %v; want %v", text, got, want)
		}
	})
}

func FuzzUnescapedLen(f *testing.F) {
	for _, v := range values {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, quoted []byte) {
		var want string
		if json.Unmarshal(quoted, &want) != nil || len(quoted) < 2 || quoted[0] != '"' || !utf8.Valid(quoted) {
			return
		}
		quoted = bytes.TrimSpace(quoted)
		n, err := postgres.UnescapedLen(quoted[1 : len(quoted)-1])
		if err != nil {
			if !strings.ContainsAny(want, "\x00\ufffd") {
				t.Errorf("%s: %v", quoted, err)
			}
			return
		}
		if n != len(want) {
			t.Errorf("%s: %d bytes; want %d", quoted, n, len(want))
		}
	})
}

func FuzzColumnsAndTables(f *testing.F) {
	for _, text := range []string{"raw=.", "a=b", "a=b.c", `a\=b=c\.d.e\\f`, "=x", "a=", "a=.b", "a=b.", "a", `"s.x".t`, `"a""b"`, `"`, "a.b.c", ".a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := codec.ParseColumn(text); err == nil {
			escape := strings.NewReplacer(`\`, `\\`, `.`, `\.`, `=`, `\=`)
			again := escape.Replace(c.Name) + "=."
			if len(c.Path) > 0 {
				parts := make([]string, len(c.Path))
				for i, p := range c.Path {
					parts[i] = escape.Replace(p)
				}
				again = escape.Replace(c.Name) + "=" + strings.Join(parts, ".")
			}
			if back, err := codec.ParseColumn(again); err != nil || fmt.Sprint(back) != fmt.Sprint(c) || c.Name == "" {
				t.Errorf("%q: %v, and %q: %v, %v", text, c, again, back, err)
			}
		}
		if sql, err := postgres.Relation(text); err == nil {
			if back, err := postgres.Relation(sql); err != nil || back != sql {
				t.Errorf("%q: %s, and then %s, %v", text, sql, back, err)
			}
		}
	})
}

// A constant is the text, and ends where it should.
func TestLiteralsHoldAnything(t *testing.T) {
	d := start(t)
	for _, text := range []string{"", "'", `\`, `\'`, `'; DROP TABLE x; --`, "a\nb", `''\\''`, "E'x'", "$$"} {
		for _, setting := range []string{"on", "off"} {
			if got := d.one("SET standard_conforming_strings = " + setting + "; SELECT " + postgres.Literal(text)); got != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
}

// What the Footprint says of memory covers what a Writer allocates and keeps.
func TestFootprintCoversWhatAConnectionHolds(t *testing.T) {
	d := start(t)
	table := d.table("a text")
	connection, write := postgres.Memory()
	const n = 16
	members := `{"a":"x"` + strings.Repeat(`,"b":1`, 8000) + "}"
	if len(members)*20/7 < int(write)/4 {
		t.Fatal("the record is too small to tell")
	}
	sink := d.sink(table, postgres.SinkOptions{})
	before := heap()
	var writers []weir.Writer
	for i := range n {
		w := writer(t, sink, fmt.Sprint(i))
		must(t, w.Write(t.Context(), batch(members)))
		writers = append(writers, w)
	}
	if held := (heap() - before) / n; held > connection {
		t.Errorf("a Writer holds %d bytes; the Footprint says %d", held, connection)
	}
	for _, w := range writers {
		must(t, w.Commit(t.Context()))
	}
	must(t, sink.Close())
	if got := d.sink(table, postgres.SinkOptions{Connections: 3}).Footprint(); got.PerWriter != 3*connection || got.MaxInFlight != 3 || got.Whole || got.Resumes != weir.ResumesNot {
		t.Errorf("%+v", got)
	}
}
