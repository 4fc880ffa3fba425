package parquet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/weirflow/weir/codec/parquet"
)

// column makes values of a type, and says how each is written as JSON.
type column struct {
	node      pq.Node
	encodings []encoding.Encoding
	value     func(r *rand.Rand) (pq.Value, string)
}

var columns = map[string]column{
	"boolean": {pq.Leaf(pq.BooleanType), []encoding.Encoding{&pq.Plain, &pq.RLE}, func(r *rand.Rand) (pq.Value, string) {
		v := r.IntN(5) == 0
		return pq.BooleanValue(v), strconv.FormatBool(v)
	}},
	"int32": {pq.Leaf(pq.Int32Type), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaBinaryPacked, &pq.ByteStreamSplit}, func(r *rand.Rand) (pq.Value, string) {
		v := int32(r.Uint64() >> (32 + r.IntN(32)) << r.IntN(32))
		return pq.Int32Value(v), strconv.Itoa(int(v))
	}},
	"int64": {pq.Leaf(pq.Int64Type), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaBinaryPacked, &pq.ByteStreamSplit}, func(r *rand.Rand) (pq.Value, string) {
		v := int64(r.Uint64() >> r.IntN(64) << r.IntN(64))
		return pq.Int64Value(v), strconv.FormatInt(v, 10)
	}},
	"close int64": {pq.Leaf(pq.Int64Type), []encoding.Encoding{&pq.RLEDictionary, &pq.DeltaBinaryPacked}, func(r *rand.Rand) (pq.Value, string) {
		v := 1_000_000 + int64(r.IntN(3))
		return pq.Int64Value(v), strconv.FormatInt(v, 10)
	}},
	"float": {pq.Leaf(pq.FloatType), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.ByteStreamSplit}, func(r *rand.Rand) (pq.Value, string) {
		v := float32(r.IntN(1000)) + 0.5
		return pq.FloatValue(v), strconv.FormatFloat(float64(v), 'f', -1, 32)
	}},
	"double": {pq.Leaf(pq.DoubleType), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.ByteStreamSplit}, func(r *rand.Rand) (pq.Value, string) {
		v := float64(r.IntN(1_000_000)) + 0.5
		return pq.DoubleValue(v), strconv.FormatFloat(v, 'f', -1, 64)
	}},
	"string": {pq.String(), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaLengthByteArray, &pq.DeltaByteArray}, func(r *rand.Rand) (pq.Value, string) {
		v := strings.Repeat("ab", r.IntN(20)) + strconv.Itoa(r.IntN(50))
		return text(v), strconv.Quote(v)
	}},
	"array": {pq.Leaf(pq.FixedLenByteArrayType(5)), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary, &pq.DeltaByteArray, &pq.ByteStreamSplit}, func(r *rand.Rand) (pq.Value, string) {
		v := []byte{1, 2, byte(r.IntN(3)), byte(r.IntN(256)), 5}
		return pq.FixedLenByteArrayValue(v), strconv.Quote(base64.StdEncoding.EncodeToString(v))
	}},
	"int96": {pq.Leaf(pq.Int96Type), []encoding.Encoding{&pq.Plain, &pq.RLEDictionary}, func(r *rand.Rand) (pq.Value, string) {
		n := r.IntN(100)
		return int96(2440588, uint64(n)), fmt.Sprintf(`"1970-01-01T00:00:00.%09dZ"`, n)
	}},
}

// Every encoding and compression of every type, in pages of both versions, of all
// sizes, with nulls and without.
func TestEveryEncodingIsRead(t *testing.T) {
	codecs := []compress.Codec{&pq.Uncompressed, &pq.Snappy, &pq.Gzip, &pq.Zstd, &pq.Brotli, &pq.Lz4Raw}
	for name, c := range columns {
		for i, e := range c.encodings {
			t.Run(fmt.Sprintf("%s %s", name, e), func(t *testing.T) {
				for k, codec := range codecs {
					r := rand.New(rand.NewPCG(uint64(i), uint64(k)))
					node := pq.Encoded(c.node, e)
					nulls := r.IntN(2) == 0
					if nulls {
						node = pq.Optional(node)
					}
					var values []pq.Value
					var want bytes.Buffer
					for range 1 + r.IntN(3000) {
						v, s := c.value(r)
						if nulls && r.IntN(3) == 0 {
							v, s = pq.NullValue(), "null"
						}
						values = append(values, v)
						fmt.Fprintf(&want, "{\"v\":%s}\n", s)
					}
					data := writeValues(t, node, values, pq.Compression(codec), pq.DataPageVersion(1+r.IntN(2)),
						pq.PageBufferSize(100+r.IntN(20_000)), pq.MaxRowsPerRowGroup(int64(1+r.IntN(4000))))
					if got := toJSON(t, data, parquet.Options{}); got != want.String() {
						t.Fatalf("with %s it reads\n%.300s, want\n%.300s", codec, got, want.String())
					}
				}
			})
		}
	}
}

// A tree is a record with everything in it that can be inside of something.
type tree struct {
	ID     int64              `parquet:"id,delta"`
	Name   *string            `parquet:"name,optional,dict"`
	Tags   []string           `parquet:"tags,list"`
	Plain  []int32            `parquet:"plain"`
	Kids   []twig             `parquet:"kids,list"`
	Deep   [][]string         `parquet:"deep,list"`
	Counts map[string]int64   `parquet:"counts"`
	Places map[int32]*twig    `parquet:"places"`
	Maybe  *twig              `parquet:"maybe,optional"`
	Groups []map[string]leaf3 `parquet:"groups"`
}

type twig struct {
	A *float64 `parquet:"a,optional"`
	B []leaf3  `parquet:"b,list"`
}

type leaf3 struct {
	X string `parquet:"x,delta"`
	Y *bool  `parquet:"y,optional"`
}

func randomTree(r *rand.Rand) tree {
	t := tree{ID: r.Int64()}
	if r.IntN(3) > 0 {
		s := strings.Repeat("n", r.IntN(5))
		t.Name = &s
	}
	for range r.IntN(4) {
		t.Tags = append(t.Tags, strconv.Itoa(r.IntN(1000)))
		t.Plain = append(t.Plain, r.Int32())
		t.Kids = append(t.Kids, randomTwig(r))
		var inner []string
		for range r.IntN(3) {
			inner = append(inner, "d")
		}
		t.Deep = append(t.Deep, inner)
		t.Groups = append(t.Groups, map[string]leaf3{"g": randomLeaf(r)})
	}
	if r.IntN(2) == 0 {
		t.Counts = map[string]int64{"c" + strconv.Itoa(r.IntN(9)): r.Int64()}
		w := randomTwig(r)
		t.Places = map[int32]*twig{r.Int32(): &w}
		t.Maybe = &w
	}
	return t
}

func randomTwig(r *rand.Rand) twig {
	var w twig
	if r.IntN(2) == 0 {
		f := float64(r.IntN(100)) + 0.25
		w.A = &f
	}
	for range r.IntN(3) {
		w.B = append(w.B, randomLeaf(r))
	}
	return w
}

func randomLeaf(r *rand.Rand) leaf3 {
	l := leaf3{X: strings.Repeat("leaf", r.IntN(4))}
	if r.IntN(2) == 0 {
		yes := r.IntN(2) == 0
		l.Y = &yes
	}
	return l
}

// jsonOf writes v as package encoding/json does, but for empty lists, which Parquet
// does not tell from those that are not there if they are not optional.
func jsonOf(v any) any {
	switch v := v.(type) {
	case *twig:
		if v == nil {
			return nil
		}
		return jsonOf(*v)
	case twig:
		leaves := []any{}
		for _, l := range v.B {
			leaves = append(leaves, jsonOf(l))
		}
		return map[string]any{"a": v.A, "b": leaves}
	case leaf3:
		return map[string]any{"x": v.X, "y": v.Y}
	}
	t := v.(tree)
	tags, plain, kids, deep, groups := []string{}, []int32{}, []any{}, []any{}, []any{}
	tags, plain = append(tags, t.Tags...), append(plain, t.Plain...)
	for i, k := range t.Kids {
		kids = append(kids, jsonOf(k))
		deep = append(deep, append([]string{}, t.Deep[i]...))
		groups = append(groups, map[string]any{"g": jsonOf(t.Groups[i]["g"])})
	}
	counts, places := map[string]int64{}, map[string]any{}
	for k, n := range t.Counts {
		counts[k] = n
	}
	for k, w := range t.Places {
		places[strconv.Itoa(int(k))] = jsonOf(w)
	}
	return map[string]any{
		"id": t.ID, "name": t.Name, "tags": tags, "plain": plain, "kids": kids, "deep": deep,
		"counts": counts, "places": places, "maybe": jsonOf(t.Maybe), "groups": groups,
	}
}

func TestNestedRecordsAreReadWhateverTheSizes(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		var rows []tree
		var want []string
		for range 1 + r.IntN(300) {
			row := randomTree(r)
			rows = append(rows, row)
			line, err := json.Marshal(jsonOf(row))
			must(t, err)
			want = append(want, string(line))
		}
		data := writeRows(t, rows, 1+r.IntN(200), pq.DataPageVersion(1+r.IntN(2)), pq.PageBufferSize(64+r.IntN(2000)), pq.Compression(&pq.Snappy))
		var out bytes.Buffer
		st := openStream(t, data, parquet.Options{})
		_, err := drain(t.Context(), st, 64+r.IntN(3000), &out)
		must(t, err)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != len(want) {
			t.Fatalf("seed %d: %d records, want %d", seed, len(lines), len(want))
		}
		for i, line := range lines {
			var v any
			d := json.NewDecoder(strings.NewReader(line))
			d.UseNumber()
			must(t, d.Decode(&v))
			sorted, err := json.Marshal(v)
			must(t, err)
			if string(sorted) != want[i] {
				t.Fatalf("seed %d: record %d is\n%s, want\n%s", seed, i, sorted, want[i])
			}
		}
	}
}
