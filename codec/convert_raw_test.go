package codec_test

import (
	"encoding/base64"
	stdjson "encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec"
)

func TestRecordsGetOtherTerminators(t *testing.T) {
	for _, c := range []struct {
		from, to string
		in       []string
		want     string
	}{
		{"lines", "nul", []string{"a\n", "\r\n", "b\r\n", "c"}, "a\x00\x00b\x00c\x00"},
		{"nul", "lines", []string{"a\x00", "\x00", "b"}, "a\n\nb\n"},
		{"lines", "length", []string{"a\n", "\n", "bc"}, "\x00\x00\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x02bc"},
		{"lines", "length,width=2,order=little", []string{"abc\n"}, "\x03\x00abc"},
		{"lines", "length,width=8", []string{"abc\n"}, "\x00\x00\x00\x00\x00\x00\x00\x03abc"},
		{"lines", "length,width=varint", []string{"abc\n", strings.Repeat("x", 300)}, "\x03abc\xac\x02" + strings.Repeat("x", 300)},
		{"length", "lines", []string{"\x00\x00\x00\x01a", "\x00\x00\x00\x00"}, "a\n\n"},
		{"length,width=varint", "length,width=1", []string{"\x03abc"}, "\x03abc"},
		{"lines", "fixed,size=3", []string{"abc\n", "def"}, "abcdef"},
		{"fixed,size=3", "lines", []string{"abc", "d"}, "abc\nd\n"},
		{"lines", "whole", []string{"abc\n", "d\n"}, "abcd"},
		{"ndjson", "nul", []string{"{\"a\":1}\n", "\n[1, 2]\n"}, "{\"a\":1}\x00[1, 2]\x00"},
		{"json", "length,width=1", []string{"[{\n\"a\" : 1}", ",2"}, "\x07{\"a\":1}\x012"},
		{"csv", "lines", []string{"a,b\n", "\n\"c\",d\r\n"}, "a,b\n\"c\",d\n"},
		{"lines", "csv", []string{"a\n", "b,\"c\"\n", "1\n", "\n"}, "a\n\"b,\"\"c\"\"\"\n\"1\"\n\"\"\n"},
		{"csv,header=no", "tsv,header=no", []string{"a,b\n", "\"c\"\"\",\"1\"\n", "x\ty,z\"\n"}, "a\tb\n\"c\"\"\"\t\"1\"\n\"x\ty\"\t\"z\"\"\"\n"},
		{"csv,header=no", "tsv,header=no,quotes=no", []string{"a,b\n", "\"c\"\"\",\"1,2\"\n"}, "a\tb\nc\"\t1,2\n"},
		{"csv,quotes=no,sep=semicolon,header=no", "csv,header=no", []string{"a,b;\"c\"\n"}, "\"a,b\",\"\"\"c\"\"\"\n"},
	} {
		got := string(apply(t, stepsOf(t, c.from, c.to, codec.ConvertOptions{}), batchOf("", c.in...)).Bytes())
		if got != c.want {
			t.Errorf("%s to %s\n got %q\nwant %q", c.from, c.to, got, c.want)
		}
	}
}

func TestRecordsThatTheOtherFormatCannotHoldAreBad(t *testing.T) {
	for _, c := range []struct{ from, to, rec, want string }{
		{"nul", "lines", "a\nb\x00", "line end"},
		{"nul", "lines", "a\r\x00", "line end"},
		{"lines", "nul", "a\x00b\n", "zero byte"},
		{"lines", "fixed,size=3", "ab\n", "has 2 bytes; records of this format have 3"},
		{"lines", "length,width=1", strings.Repeat("x", 256), "more than a length of 1 bytes"},
		{"lines", "length,width=2", strings.Repeat("x", 65536), "more than a length of 2 bytes"},
		{"csv", "lines", "a,\"b\nc\"\n", "line end"},
		{"csv,header=no", "tsv,header=no,quotes=no", "\"a\tb\"\n", "no quotes"},
		{"csv,header=no", "tsv,header=no", "a,\"b\n", "inside a field"},
		{"csv,header=no", "tsv,header=no,quotes=no", "\"\"\n", "empty line"},
		{"lines", "csv,quotes=no", "a,b\n", "no quotes"},
		{"lines", "csv,quotes=no", "\n", "empty line"},
	} {
		var bad reasons
		out := apply(t, stepsOf(t, c.from, c.to, codec.ConvertOptions{Bad: bad.policy}), batchOf("", c.rec))
		if out.Records() != 0 || len(bad.all) != 1 || !strings.Contains(bad.all[0].Reason.Error(), c.want) {
			t.Errorf("%s to %s: %q became %q: %v", c.from, c.to, c.rec, out.Bytes(), bad.all)
		}
	}
}

func TestOtherRecordsBecomeMessages(t *testing.T) {
	for _, c := range []struct {
		o        codec.ConvertOptions
		in, want string
	}{
		{codec.ConvertOptions{}, "plain text\n", `{"message":"plain text"}`},
		{codec.ConvertOptions{}, "\n", `{"message":""}`},
		{codec.ConvertOptions{}, "\"q\"\t\\ \x1f é\r\n", `{"message":"\"q\"\t\\ \u001f é"}`},
		{codec.ConvertOptions{}, "bad \xff\xfe é\n", "{\"message\":\"bad \ufffd\ufffd é\"}"},
		{codec.ConvertOptions{Key: "a \"key\""}, "x\n", `{"a \"key\"":"x"}`},
		{codec.ConvertOptions{Text: codec.Base64}, "fine\n", `{"message":"fine"}`},
		{codec.ConvertOptions{Text: codec.Base64}, "bad \xff\n", `{"message_base64":"` + base64.StdEncoding.EncodeToString([]byte("bad \xff")) + `"}`},
	} {
		got := string(apply(t, stepsOf(t, "lines", "ndjson", c.o), batchOf("", c.in)).Bytes())
		if got != c.want+"\n" {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
	var bad reasons
	out := apply(t, stepsOf(t, "nul", "ndjson", codec.ConvertOptions{Text: codec.Refuse, Bad: bad.policy}), batchOf("", "a\x00", "\xff\x00"))
	if out.Records() != 1 || len(bad.all) != 1 || bad.all[0].Record != 2 {
		t.Errorf("%q, %v", out.Bytes(), bad.all)
	}
}

func TestMessagesAreWhatEncodingJSONReads(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	steps := stepsOf(t, "length", "ndjson", codec.ConvertOptions{})
	for range 3000 {
		text := make([]byte, r.IntN(60))
		for i := range text {
			text[i] = []byte("ab\"\\\n\x00\x1f\xff\xc3\xa9 ")[r.IntN(11)]
		}
		got := apply(t, steps, batchOf("", fmt.Sprintf("\x00\x00\x00%c%s", byte(len(text)), text)))
		var object struct{ Message string }
		want := string([]rune(string(text))) // as encoding/json reads what is not UTF-8
		if err := stdjson.Unmarshal(got.Bytes(), &object); err != nil || object.Message != want {
			t.Fatalf("%q became %q (%v)", text, got.Bytes(), err)
		}
	}
}

func TestArraysHaveCommasBetweenTheirElements(t *testing.T) {
	steps := stepsOf(t, "csv", "json", codec.ConvertOptions{})
	got := recordsOf(apply(t, steps, batchOf("a,b", "1,x\n", "2,\n", "3,y\n")))
	want := []string{`{"a":1,"b":"x"}`, ",\n" + `{"a":2,"b":null}`, ",\n" + `{"a":3,"b":"y"}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConvertRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		from, to string
		o        codec.ConvertOptions
		want     string
	}{
		{"ndjson", "csv", codec.ConvertOptions{}, "Columns"},
		{"bytes", "ndjson", codec.ConvertOptions{}, "no records"},
		{"lines", "bytes", codec.ConvertOptions{}, "no records"},
		{"", "ndjson", codec.ConvertOptions{}, "found by name"},
		{"csv,header=no", "tsv", codec.ConvertOptions{}, "Columns"},
		{"csv", "ndjson", codec.ConvertOptions{Text: codec.Base64}, "Text"},
		{"lines", "ndjson", codec.ConvertOptions{Text: 9}, "Text"},
		{"csv", "ndjson", codec.ConvertOptions{Expand: -1}, "Expand"},
		{"ndjson", "csv", codec.ConvertOptions{Columns: []string{"a", "b", "a"}}, `"a" is there twice`},
		{"ndjson", "csv", codec.ConvertOptions{Columns: make([]string, 5000)}, "limit is 4096"},
		{"ndjson", "csv,quotes=no", codec.ConvertOptions{Columns: []string{"a,b"}}, "no quotes"},
	} {
		_, err := codec.Convert(format(t, c.from), format(t, c.to), c.o)
		failed(t, err, weir.Invalid, c.want)
	}
}

func TestConversionsDoNotAllocateForRecords(t *testing.T) {
	row := "17,2026-11-23T10:00:00Z,\"quoted, \"\"text\"\"\",,3.5,Zoë\n"
	object := `{"a":1,"b":"x \"y\"","d":[1, 2],"c":"a,b"}` + "\n"
	for _, c := range []struct {
		from, to, header, rec string
		columns               []string
	}{
		{"csv", "ndjson", "a,b,c,d,e,f", row, nil},
		{"csv", "json", "a,b,c,d,e,f", row, nil},
		{"csv", "tsv,quotes=no", "a,b,c,d,e,f", row, nil},
		{"ndjson", "csv", "", object, []string{"a", "b", "c", "d", "e"}},
		{"ndjson", "nul", "", object, nil},
		{"lines", "ndjson", "", row, nil},
		{"lines", "length,width=varint", "", row, nil},
	} {
		step := stepsOf(t, c.from, c.to, codec.ConvertOptions{Columns: c.columns})[0]
		in := batchOf(c.header, slices.Repeat([]string{c.rec}, 500)...)
		out := weir.NewBatch(4 * in.Cap())
		if n := testing.AllocsPerRun(20, func() {
			out.Reset()
			must(t, step.Do(t.Context(), in, out))
		}); n > 0 || out.Records() != 500 {
			t.Errorf("%s to %s: %v allocations for %d records", c.from, c.to, n, out.Records())
		}
	}
}
