package codec

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/weirflow/weir"
)

// boundAlphabet has what makes a record longer, and what does not.
var boundAlphabet = []string{"a", "plain text ", "12", ",", `"`, `\`, "\t", "\x01", "é", "\xff", "null", " "}

func boundText(r *rand.Rand, n int, alphabet []string) (text []byte) {
	for len(text) < n {
		text = append(text, alphabet[r.IntN(len(alphabet))]...)
	}
	return text
}

// asField writes text as a field of CSV in quotes.
func asField(text []byte) []byte {
	return append(append([]byte{'"'}, bytes.ReplaceAll(text, []byte{'"'}, []byte(`""`))...), '"')
}

// What a writer says that a record needs at most is enough, and for text without
// anything special hardly more than it is.
func TestBoundIsEnoughAndNear(t *testing.T) {
	csv := Format{Name: CSV}.withDefaults()
	bare := Format{Name: CSV, NoHeader: true}.withDefaults()
	object := func(text []byte) []byte {
		w := newMessageWriter(ConvertOptions{Key: "m"})
		out := make([]byte, w.bound(text, 0, len(text))+boundSlack)
		n, err := w.put(out, text, 0, len(text))
		if err != nil {
			t.Fatal(err)
		}
		return out[:n]
	}
	columns, err := newColumns([]string{"m"}, csv)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		writer recordWriter
		record func(text []byte) []byte
	}{
		"row to object":         {&rowReader{format: csv, sep: ',', quotes: true, keys: newRowKeys([]string{"m"})}, asField},
		"row without a header":  {newRowReader(bare, ConvertOptions{}), func(text []byte) []byte { return bytes.ReplaceAll(text, []byte{'"'}, nil) }},
		"object to row":         {&rowWriter{fieldWriter: newFieldWriter(csv), format: csv, columns: columns}, object},
		"row to row":            {&rowCopier{from: bare, to: Format{Name: CSV, Separator: ';', NoHeader: true}, fields: newFieldWriter(Format{Name: CSV, Separator: ';'})}, asField},
		"text to object":        {newMessageWriter(ConvertOptions{Key: "m"}), bytes.Clone},
		"bytes to object":       {newMessageWriter(ConvertOptions{Key: "m", Text: Base64}), bytes.Clone},
		"JSON to JSON":          {textWriter{}, object},
		"bytes, as they are":    {bytesWriter{}, bytes.Clone},
		"JSON, which is looked": {textWriter{check: true}, object},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 7))
			for i := range 300 {
				alphabet := boundAlphabet
				if i%3 == 0 {
					alphabet = alphabet[:2]
				}
				rec := c.record(boundText(r, 1+r.IntN(2000), alphabet))
				src := append(bytes.Clone(rec), "more behind it"...)
				bound := (&framing{}).needs(0, c.writer, src, 0, len(rec))
				if len(rec) < boundFrom {
					bound = c.writer.(boundedWriter).bound(src, 0, len(rec)) + boundSlack
				}
				n, err := c.writer.put(make([]byte, bound), src, 0, len(rec))
				if err != nil {
					t.Fatalf("%q in %d bytes: %v", rec, bound, err)
				}
				if i%3 == 0 && bound > n+256 {
					t.Fatalf("%d bytes were asked for, and %d written", bound, n)
				}
			}
		})
	}
}

// A record that finds no room asks for all that it needs at once.
func TestLongRecordAsksForWhatItNeeds(t *testing.T) {
	rec := asField(bytes.Repeat([]byte("long "), 40<<10))
	w := &rowReader{format: Format{Name: CSV}, sep: ',', quotes: true, keys: newRowKeys([]string{"m"})}
	f := framing{line: true}
	out := weir.NewBatch(100)
	if err := f.write(out, w, rec, 0, len(rec)); err != weir.ErrBatchFull {
		t.Errorf("err = %v", err)
	}
	if n := f.needs(100, w, rec, 0, len(rec)); n < len(rec) || n > len(rec)+256 {
		t.Errorf("it asks for %d bytes for a record of %d", n, len(rec))
	}
}
