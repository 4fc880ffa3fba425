package codec_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weirflow/weir/codec"
)

// grammar makes streams of a format, and knows the records of one in the simplest
// way there is.
type grammar struct {
	format codec.Format
	make   func(r *rand.Rand) []byte
	// payloads are those of the records, and header what is before them.
	payloads func(data []byte) (payloads []string, header string)
	// drops says that bytes that belong to no record may be left out at the end.
	drops bool
}

// word returns a text of up to n characters of those of alphabet.
func word(r *rand.Rand, n int, alphabet string) string {
	var s strings.Builder
	for range r.IntN(n + 1) {
		s.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return s.String()
}

// length returns a length that is mostly short.
func length(r *rand.Rand) int {
	switch r.IntN(40) {
	case 0:
		return 3000 + r.IntN(20_000)
	case 1, 2, 3:
		return 300
	}
	return 20
}

func count(r *rand.Rand) int { return []int{0, 1, 2, 30, 200}[r.IntN(5)] }

func makeLines(r *rand.Rand) []byte {
	var data []byte
	for range count(r) {
		data = append(data, word(r, length(r), "ab\r, \"")...)
		data = append(data, []string{"\n", "\n", "\r\n"}[r.IntN(3)]...)
	}
	if r.IntN(2) == 0 {
		data = append(data, word(r, 30, "xy\r")...)
	}
	return data
}

func scannedLines(data []byte) ([]string, string) {
	var all []string
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<30)
	for s.Scan() {
		all = append(all, s.Text())
	}
	return all, ""
}

func makeCSV(r *rand.Rand, sep byte) []byte {
	var data []byte
	end := func() { data = append(data, []string{"\n", "\n", "\r\n", "\n\n", "\r\n\r\n"}[r.IntN(5)]...) }
	for i := range 1 + count(r) {
		for k := range 3 {
			if k > 0 {
				data = append(data, sep)
			}
			size := length(r)
			if i == 0 {
				size = 20 // the header must fit the carry
			}
			text := word(r, size, map[bool]string{true: "ab ;.", false: "ab \r;."}[i == 0]) // a CR in a header is an error
			if i > 0 && r.IntN(3) == 0 {
				quoted := word(r, length(r), "ab\n\r,\t \"")
				text = `"` + strings.ReplaceAll(quoted, `"`, `""`) + `"`
			} else if i > 0 && k > 0 && r.IntN(9) == 0 {
				text = strings.TrimRight("x"+text, "\r") + "y"
			}
			data = append(data, text...)
		}
		end()
	}
	if r.IntN(2) == 0 {
		data = append(data, word(r, 30, "xy")+string(sep)+"z"+string(sep)+"\"q\""...)
	}
	return data
}

// scannedCSV cuts data where encoding/csv says that rows begin and end.
func scannedCSV(data []byte, sep byte) ([]string, string) {
	s := stdcsv.NewReader(bytes.NewReader(data))
	s.Comma, s.FieldsPerRecord, s.ReuseRecord = rune(sep), -1, true
	var all []string
	for from := int64(0); ; from = s.InputOffset() {
		_, err := s.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(fmt.Sprintf("%v in %q", err, data))
		}
		row := trimEmpty(string(data[from:s.InputOffset()]))
		all = append(all, strings.TrimSuffix(strings.TrimSuffix(row, "\n"), "\r"))
	}
	if len(all) == 0 {
		return nil, ""
	}
	return all[1:], all[0]
}

// trimEmpty cuts empty lines off the beginning.
func trimEmpty(text string) string {
	for {
		cut := strings.TrimPrefix(strings.TrimPrefix(text, "\n"), "\r\n")
		if cut == text {
			return text
		}
		text = cut
	}
}

// value returns a JSON text.
func value(r *rand.Rand, depth int) string {
	space := func() string { return word(r, 2, " \n\t\r") }
	switch n := r.IntN(8); {
	case n == 0 && depth < 4:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = space() + value(r, depth+1) + space()
		}
		return "[" + strings.Join(parts, ",") + "]"
	case n < 4 && depth < 4:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = space() + text(r) + space() + ":" + space() + value(r, depth+1)
		}
		return "{" + strings.Join(parts, ",") + space() + "}"
	case n < 6:
		return text(r)
	}
	return []string{"0", "-1.5e+7", "true", "false", "null", "12345"}[r.IntN(6)]
}

func text(r *rand.Rand) string {
	encoded, err := stdjson.Marshal(word(r, length(r), "ab\\\"\n{}[],: é"))
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func makeJSON(r *rand.Rand) []byte {
	var data strings.Builder
	space := func() { data.WriteString(word(r, 3, " \n\t")) }
	for range 1 + r.IntN(3) {
		space()
		if r.IntN(2) == 0 {
			v := value(r, 0)
			for strings.HasPrefix(v, "[") { // at the top its elements would be records
				v = value(r, 0)
			}
			data.WriteString(v + " ")
			continue
		}
		data.WriteString("[")
		for i := range count(r) {
			if space(); i > 0 {
				data.WriteString(",")
			}
			space()
			data.WriteString(value(r, 0))
		}
		space()
		data.WriteString("]")
	}
	space()
	return []byte(data.String())
}

func decodedJSON(data []byte) ([]string, string) {
	var all []string
	d := stdjson.NewDecoder(bytes.NewReader(data))
	for {
		var v stdjson.RawMessage
		if err := d.Decode(&v); err == io.EOF {
			return all, ""
		} else if err != nil {
			panic(fmt.Sprintf("%v in %q", err, data))
		}
		if v[0] != '[' {
			all = append(all, string(v))
			continue
		}
		var elements []stdjson.RawMessage
		if err := stdjson.Unmarshal(v, &elements); err != nil {
			panic(err)
		}
		for _, e := range elements {
			all = append(all, string(e))
		}
	}
}

func makePrefixed(f codec.Format) func(r *rand.Rand) []byte {
	return func(r *rand.Rand) []byte {
		var data []byte
		for range count(r) {
			p := word(r, length(r), "ab\x00\xff\n")
			if f.Width == 1 {
				p = p[:min(len(p), 255)]
			}
			data = append(appendLength(data, f, len(p)), p...)
		}
		return data
	}
}

func appendLength(b []byte, f codec.Format, n int) []byte {
	if f.Width == codec.Varint {
		return binary.AppendUvarint(b, uint64(n))
	}
	wide := binary.LittleEndian.AppendUint64(nil, uint64(n))[:f.Width]
	if !f.LittleEndian {
		slices.Reverse(wide)
	}
	return append(b, wide...)
}

func cutPrefixed(f codec.Format) func([]byte) ([]string, string) {
	return func(data []byte) (all []string, _ string) {
		for len(data) > 0 {
			var n, size int
			if f.Width == codec.Varint {
				v, k := binary.Uvarint(data)
				n, size = int(v), k
			} else {
				wide := slices.Clone(data[:f.Width])
				if !f.LittleEndian {
					slices.Reverse(wide)
				}
				n, size = int(binary.LittleEndian.Uint64(append(wide, make([]byte, 8)...))), f.Width
			}
			all = append(all, string(data[size:size+n]))
			data = data[size+n:]
		}
		return all, ""
	}
}

func grammars() []grammar {
	split := func(sep string) func([]byte) ([]string, string) {
		return func(data []byte) ([]string, string) {
			all := strings.Split(string(data), sep)
			if all[len(all)-1] == "" {
				all = all[:len(all)-1]
			}
			return all, ""
		}
	}
	all := []grammar{
		{format: codec.Format{Name: codec.Lines}, make: makeLines, payloads: scannedLines},
		{format: codec.Format{Name: codec.NDJSON}, drops: true, make: makeLines, payloads: func(data []byte) ([]string, string) {
			lines, _ := scannedLines(data)
			return slices.DeleteFunc(lines, func(line string) bool { return line == "" }), ""
		}},
		{format: codec.Format{Name: codec.JSON}, drops: true, make: makeJSON, payloads: decodedJSON},
		{format: codec.Format{Name: codec.NUL}, payloads: split("\x00"), make: func(r *rand.Rand) []byte {
			return bytes.ReplaceAll(makeLines(r), []byte("\n"), []byte{0})
		}},
		{format: codec.Format{Name: codec.Fixed, Size: 7}, make: makeLines, payloads: func(data []byte) (all []string, _ string) {
			for part := range slices.Chunk(data, 7) {
				all = append(all, string(part))
			}
			return all, ""
		}},
		{format: codec.Format{Name: codec.Whole}, make: makeLines, payloads: func(data []byte) ([]string, string) {
			if len(data) == 0 {
				return nil, ""
			}
			return []string{string(data)}, ""
		}},
	}
	for _, sep := range []byte{',', '\t', ';'} {
		name := codec.CSV
		if sep == '\t' {
			name = codec.TSV
		}
		all = append(all, grammar{
			format: codec.Format{Name: name, Separator: sep}, drops: true,
			make:     func(r *rand.Rand) []byte { return makeCSV(r, sep) },
			payloads: func(data []byte) ([]string, string) { return scannedCSV(data, sep) },
		})
	}
	for _, f := range []codec.Format{
		{Width: 1}, {Width: 2}, {Width: 4, LittleEndian: true}, {Width: 8}, {Width: codec.Varint},
	} {
		f.Name = codec.Length
		all = append(all, grammar{format: f, make: makePrefixed(f), payloads: cutPrefixed(f)})
	}
	return all
}

// packings compress data in sections of random sizes.
var packings = map[string]func(r *rand.Rand, data []byte) []byte{
	codec.None: func(_ *rand.Rand, data []byte) []byte { return data },
	"gzip": func(r *rand.Rand, data []byte) []byte {
		return sections(r, data, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	},
	"zstd": func(r *rand.Rand, data []byte) []byte {
		return sections(r, data, func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
			if err != nil {
				panic(err)
			}
			return z
		})
	},
}

func sections(r *rand.Rand, data []byte, open func(io.Writer) io.WriteCloser) []byte {
	var packed bytes.Buffer
	for first := true; first || len(data) > 0; first = false {
		n := len(data)
		if r != nil {
			n = min(n, 1+r.IntN(20_000))
		}
		w := open(&packed)
		if _, err := w.Write(data[:n]); err != nil {
			panic(err)
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
		data = data[n:]
	}
	return packed.Bytes()
}

func TestRecordsAreThoseOfASimpleReaderWhateverTheSizes(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 4
	}
	for _, g := range grammars() {
		for packing, pack := range packings {
			t.Run(g.format.String()+"+"+packing, func(t *testing.T) {
				for seed := range rounds {
					r := rand.New(rand.NewPCG(uint64(seed), 7))
					data := g.make(r)
					sizes := []func() int{always(1 << 18), upTo(r, 5000), always(64), upTo(r, 100_000)}[r.IntN(4)]
					pieces := []func() int{nil, always(1), upTo(r, 5000), upTo(r, 100_000)}[r.IntN(4)]
					if len(data) > 10_000 && pieces != nil && r.IntN(4) > 0 {
						pieces = upTo(r, 5000)
					}
					o := codec.SourceOptions{Format: g.format, Compression: packing, Carry: []int{0, 4096, 5000}[r.IntN(3)]}
					x := run{t: t, g: g, o: o, data: data, packed: pack(r, data), pieces: pieces, size: func() int { return 64 + sizes() }}
					x.check(r, seed)
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}

// run is one stream, read in one way.
type run struct {
	t            *testing.T
	g            grammar
	o            codec.SourceOptions
	data, packed []byte
	pieces, size func() int
}

func (x *run) check(r *rand.Rand, seed int) {
	t := x.t
	got := readAll(t, of("s", x.packed, x.pieces), x.o, x.size)
	if got.err != nil || len(got.bad) > 0 {
		t.Fatalf("seed %d: %v, %d bad: %+.300v", seed, got.err, len(got.bad), got.bad)
	}
	want, header := x.g.payloads(x.data)
	payload := x.g.format.Payload()
	var payloads []string
	for _, rec := range got.records {
		payloads = append(payloads, string(payload(rec)))
	}
	if !slices.Equal(payloads, want) {
		t.Fatalf("seed %d: %d records, want %d:\n%s\n%s\nof %.200q", seed, len(payloads), len(want), short(payloads), short(want), x.data)
	}
	if len(got.data) > 0 && string(got.header) != header {
		t.Fatalf("seed %d: the header is %q, want %q", seed, got.header, header)
	}
	x.checkBytes(got, seed)
	for range min(len(got.marks), 5) {
		m := got.marks[r.IntN(len(got.marks))]
		x.checkResume(got, m, seed)
	}
}

// checkBytes makes sure that nothing between the first and the last record is
// missing.
func (x *run) checkBytes(got *result, seed int) {
	at := bytes.Index(x.data, got.data)
	if at < 0 {
		x.t.Fatalf("seed %d: the bytes of the batches are not bytes of the stream", seed)
	}
	before, after := x.data[:at], x.data[at+len(got.data):]
	if len(got.data) == 0 {
		return
	}
	if string(bytes.Trim(before, "\r\n")) != string(bytes.Trim(got.header, "\r\n")) {
		x.t.Fatalf("seed %d: before the records there is %.60q, the header is %.60q", seed, before, got.header)
	}
	if !x.g.drops && len(after) > 0 || len(bytes.Trim(after, "\r\n\t ]")) > 0 && x.g.format.Name != codec.JSON {
		x.t.Fatalf("seed %d: behind the records there is %.60q", seed, after)
	}
}

func (x *run) checkResume(got *result, m mark, seed int) {
	t := x.t
	if m.position == nil {
		t.Fatalf("seed %d: a batch has no position", seed)
	}
	rest := resume(t, of("s", x.packed, x.pieces), x.o, m.position, x.size)
	if rest.err != nil {
		t.Fatalf("seed %d: resumed at %s: %v", seed, m.position, rest.err)
	}
	if !slices.Equal(texts(rest.records), texts(got.records[m.records:])) {
		t.Fatalf("seed %d: resumed at %s behind %d of %d records: %d records, want %d:\n%s\n%s", seed, m.position, m.records,
			len(got.records), len(rest.records), len(got.records)-m.records, short(texts(rest.records)), short(texts(got.records[m.records:])))
	}
	if len(rest.data) > 0 && string(rest.header) != string(got.header) {
		t.Fatalf("seed %d: resumed at %s the header is %q, want %q", seed, m.position, rest.header, got.header)
	}
	if last := rest.marks[len(rest.marks)-1]; last.next != got.marks[len(got.marks)-1].next {
		t.Fatalf("seed %d: resumed at %s the last record has number %d, want %d", seed, m.position, last.next-1, got.marks[len(got.marks)-1].next-1)
	}
}
