package codec_test

import (
	"bytes"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir/codec"
)

// framed returns the records of data as the framer finds them in pieces of random
// sizes.
func framed(t *testing.T, f codec.Format, data []byte, seed uint64) ([][]byte, error) {
	t.Helper()
	whole, wholeErr := codec.FrameAll(f, data, always(len(data)), always(len(data)+1))
	r := rand.New(rand.NewPCG(seed, 1))
	ends, err := codec.FrameAll(f, data, func() int { return 1 + r.IntN(5) }, func() int { return 1 + r.IntN(3) })
	if !slices.Equal(whole, ends) || (err == nil) != (wholeErr == nil) {
		t.Fatalf("in one piece records end at %d (%v), in pieces at %d (%v)", whole, wholeErr, ends, err)
	}
	var records [][]byte
	start := 0
	for _, end := range ends {
		records = append(records, data[start:end])
		start = end
	}
	return records, err
}

func FuzzLinesAreThoseOfAScanner(f *testing.F) {
	f.Add([]byte("a\nb\r\n\n\r\nc"), uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		want, _ := scannedLines(data)
		for _, name := range []string{codec.Lines, codec.NDJSON} {
			if name == codec.NDJSON {
				want = slices.DeleteFunc(want, func(line string) bool { return line == "" })
			}
			records, err := framed(t, named(name), data, seed)
			must(t, err)
			payload := named(name).Payload()
			if len(records) != len(want) {
				t.Fatalf("%s: %q, want %q", name, records, want)
			}
			for i, rec := range records {
				if string(payload(rec)) != want[i] {
					t.Fatalf("%s: record %d is %q, want %q", name, i, payload(rec), want[i])
				}
			}
		}
	})
}

func FuzzCSVIsThatOfTheStandardLibrary(f *testing.F) {
	f.Add([]byte("a,b\n\"c\"\"\n\",d\r\n\n\"e\",\r\n,\"\"\r"), uint64(1))
	f.Add([]byte("\"a\"b,c\nd\n\"\r\n\"\r\r\n"), uint64(2))
	f.Add([]byte("a\"b,\"c\n"), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		s := stdcsv.NewReader(bytes.NewReader(data))
		s.FieldsPerRecord = -1
		var want [][]string
		for {
			row, err := s.Read()
			if err == io.EOF {
				break
			}
			if err != nil { // a quote in a field without quotes is accepted, and others end the framing
				return
			}
			want = append(want, row)
		}
		o := codec.Format{Name: codec.CSV, NoHeader: true}
		records, err := framed(t, o, data, seed)
		if err != nil {
			t.Fatalf("%q: %v, want %q", data, err, want)
		}
		if len(records) != len(want) {
			t.Fatalf("%q, want %q", records, want)
		}
		for i, rec := range records {
			one := stdcsv.NewReader(bytes.NewReader(rec))
			row, err := one.Read()
			if err != nil || !slices.Equal(row, want[i]) {
				t.Fatalf("record %d is %q, want %q: %v", i, row, want[i], err)
			}
		}
	})
}

// FuzzMalformedCSVIsRefused looks at what encoding/csv does not take.
func FuzzMalformedCSVIsRefused(f *testing.F) {
	f.Add([]byte("\"a\"b\n"), uint64(1))
	f.Add([]byte("a,\"b"), uint64(2))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		s := stdcsv.NewReader(bytes.NewReader(data))
		s.FieldsPerRecord, s.LazyQuotes = -1, false
		_, err := s.ReadAll()
		_, got := framed(t, codec.Format{Name: codec.CSV, NoHeader: true}, data, seed)
		bare := err != nil && strings.Contains(err.Error(), "bare")
		if (got != nil) != (err != nil) && !bare {
			t.Fatalf("%q: %v, and encoding/csv says %v", data, got, err)
		}
	})
}

func FuzzJSONIsThatOfTheStandardLibrary(f *testing.F) {
	f.Add([]byte(`[{"a":[1,"]"]},2,"\\\""] {"b":null} 3 [] [[]]`), uint64(1))
	f.Add([]byte(`"a"1true[1,[2],{}]`), uint64(2))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		var want []string
		d := stdjson.NewDecoder(bytes.NewReader(data))
		var v stdjson.RawMessage
		for {
			last, end := v, d.InputOffset()
			v = nil
			err := d.Decode(&v)
			if err == io.EOF {
				break
			}
			if err != nil {
				if _, err := framed(t, named(codec.JSON), data, seed); err != nil {
					return // it need not be refused: what is in a record is not looked at
				}
				return
			}
			if len(last) > 0 && last[0] < 'A' && last[0] != '"' && d.InputOffset() == end+int64(len(v)) {
				return // two numbers with nothing between them, such as 00, which are one to us
			}
			if v[0] != '[' {
				want = append(want, string(v))
				continue
			}
			var elements []stdjson.RawMessage
			must(t, stdjson.Unmarshal(v, &elements))
			for _, e := range elements {
				want = append(want, string(e))
			}
		}
		records, err := framed(t, named(codec.JSON), data, seed)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		payload := named(codec.JSON).Payload()
		if len(records) != len(want) {
			t.Fatalf("%q, want %q", records, want)
		}
		for i, rec := range records {
			if string(payload(rec)) != want[i] {
				t.Fatalf("record %d is %q, want %q", i, payload(rec), want[i])
			}
		}
	})
}

func FuzzLengthsAreCutAsTheySay(f *testing.F) {
	f.Add([]byte("\x01a\x00\x02bc"), uint64(1), 0)
	f.Add([]byte("\x00\x01a\x00"), uint64(1), 1)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, kind int) {
		all := []codec.Format{{Width: 1}, {Width: 2}, {Width: 4, LittleEndian: true}, {Width: 8}, {Width: codec.Varint}}
		o := all[uint(kind)%uint(len(all))]
		o.Name = codec.Length
		records, err := framed(t, o, data, seed)
		payload := o.Payload()
		sum := 0
		for _, rec := range records {
			p := payload(rec)
			if n := len(appendLength(nil, o, len(p))); o.Width != codec.Varint && n+len(p) != len(rec) {
				t.Fatalf("a record of %d bytes holds %d", len(rec), len(p))
			}
			sum += len(rec)
		}
		if err == nil && sum != len(data) {
			t.Fatalf("the records have %d of %d bytes", sum, len(data))
		}
	})
}
