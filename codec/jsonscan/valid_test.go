package jsonscan_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

// documents are what scanners tend to get wrong, with what RFC 8259 and
// encoding/json say about it. They seed the fuzz targets too.
var documents = []struct {
	name, doc string
	valid     bool
}{
	{"nothing", ``, false},
	{"white space only", " \t\r\n", false},
	{"null", `null`, true},
	{"true in white space", " \t\r\ntrue \t\r\n", true},
	{"false", `false`, true},
	{"a literal in capitals", `True`, false},
	{"a literal that is cut off", `nul`, false},
	{"a literal that goes on", `nullx`, false},
	{"two values", `1 2`, false},
	{"two objects", `{}{}`, false},
	{"a value and a comma", `{},`, false},
	{"a byte order mark", "\ufeff{}", false},
	{"a zero byte behind the value", "1\x00", false},
	{"a form feed as space", "\f1", false},
	{"a no-break space as space", "\u00a01", false},
	{"a comment", `{} // comment`, false},

	{"zero", `0`, true},
	{"negative zero", `-0`, true},
	{"all of a number", `-120.0340e+05`, true},
	{"a capital E", `1E-0`, true},
	{"a long number", `12345678901234567890123456789.12345678901234567890e1234567890`, true},
	{"a leading zero", `01`, false},
	{"a leading zero behind a minus", `-01`, false},
	{"a plus", `+1`, false},
	{"a minus alone", `-`, false},
	{"two minuses", `--1`, false},
	{"a point at the end", `1.`, false},
	{"a point at the beginning", `.5`, false},
	{"a point and an exponent", `1.e1`, false},
	{"two points", `1.2.3`, false},
	{"an exponent without digits", `1e`, false},
	{"an exponent with a sign alone", `1e+`, false},
	{"an exponent with a point", `1e1.5`, false},
	{"hexadecimal", `0x1F`, false},
	{"NaN", `NaN`, false},
	{"Infinity", `-Infinity`, false},
	{"an underscore", `1_000`, false},

	{"an empty string", `""`, true},
	{"all escapes", `"\"\\\/\b\f\n\r\t\u0041\uabcd\uABCD"`, true},
	{"a surrogate pair", `"\ud83d\ude00"`, true},
	{"a lone surrogate", `"\ud83d"`, true},
	{"bytes that are not UTF-8", "\"\xff\xc0\x80\xed\xa0\x80\"", true},
	{"a DEL", "\"\x7f\"", true},
	{"a string that does not end", `"abc`, false},
	{"a string that ends in a backslash", `"abc\"`, false},
	{"single quotes", `'a'`, false},
	{"an escaped single quote", `"\'"`, false},
	{"an unknown escape", `"\q"`, false},
	{"a capital U", `"\U00000041"`, false},
	{"\\u with three digits", `"\u004"`, false},
	{"\\u with a letter that is no digit", `"\u004g"`, false},
	{"\\u that is cut off", `"\u00`, false},
	{"a tab in a string", "\"\t\"", false},
	{"a unit separator in a string", "\"\x1f\"", false},
	{"a line feed in a long string", "\"0123456789abcdef\n0123456789\"", false},
	{"a zero byte in a string", "\"a\x00b\"", false},
	{"a quote at each place in a word", `["","a","ab","abc","abcd","abcde","abcdef","abcdefg","abcdefgh","abcdefghi"]`, true},

	{"an empty array", `[ ]`, true},
	{"an array", `[1, "a" ,null,[],{} ]`, true},
	{"an array with a trailing comma", `[1,]`, false},
	{"an array with a leading comma", `[,1]`, false},
	{"an array with two commas", `[1,,2]`, false},
	{"an array without a comma", `[1 2]`, false},
	{"an array that is not closed", `[1`, false},
	{"an array closed as an object", `[1}`, false},
	{"an array closed twice", `[1]]`, false},
	{"a colon in an array", `["a":1]`, false},

	{"an empty object", `{ }`, true},
	{"an object", " { \"a\" : 1 ,\n\"b\":[{\"c\":{}}] } ", true},
	{"an object with a name twice", `{"a":1,"a":2}`, true},
	{"an object with an empty name", `{"":1}`, true},
	{"an object with escapes in the first name inside of it", `{"a":{"\u0061":1,"b":2}}`, true},
	{"an object with escapes in the last name inside of it", `{"a":{"b":1,"\u0061":2}}`, true},
	{"an object with escapes in a value inside of it", `{"a":{"b":["\n",1]}}`, true},
	{"an object with a trailing comma", `{"a":1,}`, false},
	{"an object with a leading comma", `{,"a":1}`, false},
	{"an object without a comma", `{"a":1 "b":2}`, false},
	{"an object without a colon", `{"a" 1}`, false},
	{"an object without a value", `{"a":}`, false},
	{"an object with a name alone", `{"a"}`, false},
	{"an object with two colons", `{"a"::1}`, false},
	{"an object with a bare name", `{a:1}`, false},
	{"an object with a number as name", `{1:1}`, false},
	{"an object that is not closed", `{"a":1`, false},
	{"an object closed as an array", `{"a":1]`, false},
	{"an object closed across an array", `{"a":[1}]`, false},

	{"10000 arrays", strings.Repeat("[", 10000) + strings.Repeat("]", 10000), true},
	{"10001 arrays", strings.Repeat("[", 10001) + strings.Repeat("]", 10001), false},
	{"9998 objects and two arrays", strings.Repeat(`{"a":`, 9998) + "[[]]" + strings.Repeat("}", 9998), true},
	{"9999 objects and two arrays", strings.Repeat(`{"a":`, 9999) + "[[]]" + strings.Repeat("}", 9999), false},
	{"10000 arrays, and then as many", "[" + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "," + strings.Repeat("[", 9999) + strings.Repeat("]", 10000), true},
	{"64 levels and more, mixed", strings.Repeat(`[{"a":`, 100) + `"b"` + strings.Repeat("}]", 100), true},
	{"64 levels and more, closed wrongly", strings.Repeat(`[{"a":`, 100) + `"b"` + strings.Repeat("}]", 36) + strings.Repeat("]}", 64), false},
	{"a million arrays", strings.Repeat("[", 1_000_000), false},
}

func TestValidIsAsStrictAsTheStandardLibrary(t *testing.T) {
	for _, x := range documents {
		t.Run(x.name, func(t *testing.T) {
			b := []byte(x.doc)
			if json.Valid(b) != x.valid {
				t.Fatalf("the table is wrong: json.Valid = %t", !x.valid)
			}
			if got := jsonscan.Valid(b); got != x.valid {
				t.Errorf("Valid = %t; want %t", got, x.valid)
			}
			if err := jsonscan.Check(b); (err == nil) != x.valid {
				t.Errorf("Check: %v; want valid %t", err, x.valid)
			}
		})
	}
}

func TestCheckSaysWhereAndWhy(t *testing.T) {
	deep := strings.Repeat("[", 10001)
	for _, x := range []struct {
		doc    string
		offset int
		reason string
	}{
		{``, 0, "too early"},
		{` nul`, 4, "too early"},
		{` nUll`, 2, "true, false or null"},
		{`{"a":1}x`, 7, "nothing more"},
		{`01`, 1, "nothing more"},
		{`-x`, 1, "a digit"},
		{`1.e`, 2, "a digit"},
		{`1e+`, 3, "too early"},
		{"\"0123456789\n\"", 11, "control characters"},
		{`"\q"`, 2, "after a backslash"},
		{`"\u00G0"`, 5, "four hexadecimal digits"},
		{`{x}`, 1, "the name of a member"},
		{`{"a" 1}`, 5, "a colon"},
		{`{"a":1]`, 6, "a closing brace"},
		{`[1}`, 2, "a closing bracket"},
		{`[1,]`, 3, "a value"},
		{`[` + strings.Repeat(" ", 100), 101, "too early"},
		{deep, 10000, "at most 10000"},
	} {
		var syntax *jsonscan.SyntaxError
		if err := jsonscan.Check([]byte(x.doc)); !errors.As(err, &syntax) {
			t.Errorf("%.30s: %v; want a SyntaxError", x.doc, err)
			continue
		}
		if syntax.Offset != x.offset || !strings.Contains(syntax.Reason, x.reason) {
			t.Errorf("%.30s: %v; want offset %d and %q", x.doc, syntax, x.offset, x.reason)
		}
	}
	const want = "invalid JSON at offset 1: want nothing more after the value"
	if err := jsonscan.Check([]byte(`01`)); err.Error() != want {
		t.Errorf("%q; want %q", err, want)
	}
}

func TestValueEndsWhereItEnds(t *testing.T) {
	for _, x := range []struct {
		doc        string
		i          int
		start, end int
		kind       jsonscan.Kind
	}{
		{`  null,`, 0, 2, 6, jsonscan.Null},
		{`true]`, 0, 0, 4, jsonscan.True},
		{`false`, 0, 0, 5, jsonscan.False},
		{`[-12.5e3, 7]`, 1, 1, 8, jsonscan.Number},
		{`[-12.5e3, 7]`, 9, 10, 11, jsonscan.Number},
		{`"a\"b" x`, 0, 0, 6, jsonscan.String},
		{`[1,[2]] []`, 0, 0, 7, jsonscan.Array},
		{`{"a":{}}}`, 0, 0, 8, jsonscan.ObjectKind},
	} {
		start, end, kind, err := jsonscan.Value([]byte(x.doc), x.i)
		if err != nil || start != x.start || end != x.end || kind != x.kind {
			t.Errorf("%s at %d: [%d:%d], %v, %v; want [%d:%d], %v", x.doc, x.i, start, end, kind, err, x.start, x.end, x.kind)
		}
	}
	for _, i := range []int{-1, 1, 2, 100} {
		if _, _, kind, err := jsonscan.Value([]byte(`1 `), i); err == nil || kind != jsonscan.Invalid {
			t.Errorf("at %d: %v, %v; want an error", i, kind, err)
		}
	}
}

// A slice that ends where its memory goes on must not be scanned into what
// stands there: every beginning of every document, between bytes that would
// complete it or break it.
func TestNothingOutsideOfTheSliceCounts(t *testing.T) {
	for _, x := range documents {
		if len(x.doc) > 1000 {
			continue
		}
		for end := range len(x.doc) + 1 {
			part := x.doc[:end]
			want := json.Valid([]byte(part))
			for _, poison := range []string{`"`, `\`, `}`, `]`, `0`, ` `, "\x00", x.doc[end:] + `"}]`} {
				buf := []byte(strings.Repeat(poison, 16) + part + strings.Repeat(poison, 16))
				b := buf[16*len(poison):][:end:end]
				if got := jsonscan.Valid(b); got != want {
					t.Fatalf("%q inside of %q: Valid = %t; want %t", part, buf, got, want)
				}
				var o jsonscan.Object
				err := o.Scan(b)
				if err == nil && (!want || o.End > end) || err != nil && want && strings.HasPrefix(strings.TrimSpace(part), "{") {
					t.Fatalf("%q inside of %q: Scan: %v", part, buf, err)
				}
			}
		}
	}
}
