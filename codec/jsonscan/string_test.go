package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

func TestUnquoteResolvesWhatJSONEscapes(t *testing.T) {
	for _, x := range []struct{ quoted, want string }{
		{`""`, ""},
		{`"abc"`, "abc"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u0000\u00e4\u4e16\uABCD"`, "\x00ä世\uabcd"},
		{`"x\ud83d\ude00y"`, "x😀y"},
		{`"\ud83d"`, "\ufffd"},
		{`"\ude00\ud83d"`, "\ufffd\ufffd"},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀"},
		{`"\ud83d\n"`, "\ufffd\n"},
		{`"\ud83dude00"`, "\ufffdude00"},
		{`"\ud83dxude00"`, "\ufffdxude00"},
		{"\"\xff\"", "\ufffd"},
		{"\"a\xe4\xb8\\nb\xc3\"", "a\ufffd\ufffd\nb\ufffd"},
	} {
		got, err := jsonscan.Unquote([]byte("before "), []byte(x.quoted))
		if err != nil || string(got) != "before "+x.want {
			t.Errorf("%s: %q, %v; want %q", x.quoted, got, err, x.want)
		}
		var std string
		if err := json.Unmarshal([]byte(x.quoted), &std); err != nil || std != x.want {
			t.Errorf("the table is wrong at %s: encoding/json has %q, %v", x.quoted, std, err)
		}
	}
}

func TestUnquoteRefusesWhatIsNotOneString(t *testing.T) {
	for _, x := range []struct {
		quoted string
		offset int
	}{
		{``, 0},
		{`a`, 0},
		{` "a"`, 0},
		{`1`, 0},
		{`"`, 1},
		{`"a`, 2},
		{`"a" `, 3},
		{`"a""`, 3},
		{`"\'"`, 2},
		{`"\u12"`, 5},
		{"\"\n\"", 1},
		{`"\`, 2},
	} {
		got, err := jsonscan.Unquote([]byte("before"), []byte(x.quoted))
		var syntax *jsonscan.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != x.offset || string(got) != "before" {
			t.Errorf("%s: %q, %v; want a SyntaxError at %d", x.quoted, got, err, x.offset)
		}
	}
}

func TestQuoteWritesWhatTheStandardEncoderWrites(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, text := range []string{
		"", "abc", "a\"b\\c/d", "<&>", "ä世😀", "\u2028 and \u2029 and \u202a", "\xff", "a\xe4\xb8", "\ufffd",
		strings.Repeat("0123456789", 10) + "\n", string(all), "\x7f\u0080",
	} {
		want := standardQuote(t, text)
		if got := jsonscan.Quote([]byte("before "), []byte(text)); string(got) != "before "+want {
			t.Errorf("%q: %s; want %s", text, got, want)
		}
	}
}

func standardQuote(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

func TestCompactKeepsStringsAsTheyAre(t *testing.T) {
	for _, x := range []struct{ value, want string }{
		{` 1 `, `1`},
		{`[1,2]`, `[1,2]`},
		{"\n{ \"a b\" :\t\"c \\\" d\" , \"e\" : [ 1 , [ ] , { } ] }\r\n", `{"a b":"c \" d","e":[1,[],{}]}`},
		{"\"\u2028 <&>\"", "\"\u2028 <&>\""},
	} {
		if got := jsonscan.Compact([]byte("before "), []byte(x.value)); string(got) != "before "+x.want {
			t.Errorf("%s: %s; want %s", x.value, got, x.want)
		}
		inPlace := []byte(x.value)
		if got := jsonscan.Compact(inPlace[:0], inPlace); string(got) != x.want {
			t.Errorf("%s in its own place: %s; want %s", x.value, got, x.want)
		}
	}
}
