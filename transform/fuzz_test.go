package transform_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

// examplePrograms has every statement.
var examplePrograms = []string{
	"", "where a == 1", "where a.b > 1.5 and not (c contains 'x') or exists(d)", "where a in [1, 'x', nil] or b matches '^x'", "where any(a, # == 1)",
	"set a = b; set b.c = a; set d = 'é\"'", "set a = b.c ?? d ? 1 : 'x'", "set s = upper(s) + lower(s) + string(len(s))", "set x = map(a, [#, b])",
	"drop a, b.c, d", "keep a, b.c, d.e.f", "keep b; set c = 1", "rename a to b, b to c, c to a", "rename a.b to c; rename d to a.e",
	"mask email, ip, card, /[a-c]+/ with X", "mask email in a, b.c with '\"\\\\'", "mask /a*/", "hash a, b.c with xxh3(x)", "parse_time a to unix", "parse_time a as '%Y' to unix_ms",
	"explode a; explode b.c; drop d", "sample 50%; sample 50% by a", "dedupe by a, b.c within 1m max 10", "explode a; set a.x = 1; mask /1/; keep a",
}

func FuzzParseNeverPanics(f *testing.F) {
	for _, p := range examplePrograms {
		f.Add(p)
	}
	for _, p := range []string{"where", "where (((", "set a = 'x", "mask /", "hash a with md5('", "# x", "a\x00b", "drop \xff", "where a matches `", "rename $[\"\\x", "where a.b?.c[1:", "where {", "where let", "where a | b(", "where -9223372036854775808 < a", "sample .%", "where 1..10", "where #", "where not not not a"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := transform.Parse(text, transform.Options{Keys: 10, Getenv: func(string) (string, bool) { return "x", true }})
		if err != nil {
			if msg := err.Error(); msg == "" || strings.Contains(msg, "goroutine") || strings.Contains(msg, "runtime error") {
				t.Errorf("%q: %s", text, msg)
			}
			return
		}
		_ = p.String()
		if p.Footprint(1<<16).Static > 1<<24 {
			return // an engine would ask its budget first
		}
		out := weir.NewBatch(1 << 16)
		_ = p.Batch(context.Background(), batchOf(t, theRecord), out) // any error will do
	})
}

// FuzzBatch applies programs to any bytes: nothing panics, and what comes out is
// JSON if what went in was.
func FuzzBatch(f *testing.F) {
	programs := make([]*transform.Program, len(examplePrograms))
	for i, text := range examplePrograms {
		programs[i] = mustParse(f, text, skipBad)
	}
	for _, rec := range []string{
		theRecord, `{}`, `{"a":1}`, `{"a":{"b":{"c":1}},"b":{"c":[1,2]},"a":[1,"x@y.zz",{"a":2}]}`, `{"\u0061":"\ud800","b":{"\u0063":null}}`, "{", `{"a":}`, "\n", `[1]`,
		`{"a":"10.0.0.1 fe80::1 4111111111111111 bob@example.com"}`, `{"s":"\u0000\uD83D\uDE00é"}`, "{\"a\":\"\xff\xfe\",\"b\":1e999}", `{"":"","a":[[],[[]]],"b":-0}`,
	} {
		for i := range programs {
			f.Add(uint8(i), []byte(rec))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, rec []byte) {
		p := programs[int(which)%len(programs)]
		in := weir.NewBatch(len(rec) + 100)
		in.Append(rec)
		out := weir.NewBatch(8*len(rec) + 4096)
		if err := p.Batch(context.Background(), in, out); err != nil {
			return // the output is full
		}
		for i := range out.Records() {
			if got := out.Record(i); !json.Valid(got) || got[0] != '{' && strings.TrimSpace(string(got))[0] != '{' {
				t.Fatalf("%s on %q: %q is no JSON object", examplePrograms[int(which)%len(programs)], rec, got)
			}
		}
	})
}

// FuzzAddressesAgreeWithNetip masks a text of the characters of addresses and
// compares with net/netip.
func FuzzAddressesAgreeWithNetip(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "255.255.255.256", "1.2.3", "fe80::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "1::2::3", "::", ":::1", "1:2:3:4:5:6:7::", "::1.2.3.4", "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "12:34:56", "0000:1::"} {
		f.Add(s)
	}
	p := mustParse(f, "mask ip with XY", transform.Options{})
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || strings.Trim(s, "0123456789abcdefABCDEF:.") != "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, ":") && !strings.HasSuffix(s, "::") {
			return
		}
		whole := through(t, p, `{"a":"`+s+`"}`) == `{"a":"XY"}`
		addr, err := netip.ParseAddr(s)
		switch {
		case err == nil && addr != netip.IPv6Unspecified() && !whole && s != "::":
			t.Errorf("%s is an address and is not masked", s)
		case err != nil && whole && !strings.Contains(err.Error(), "leading zero"):
			t.Errorf("%s is masked and is no address: %v", s, err)
		}
	})
}

// plainText keeps of s what a JSON string holds without an escape.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}

// FuzzCardsAgreeWithASearch compares the numbers that are masked with those that a
// search over all starts and ends finds.
func FuzzCardsAgreeWithASearch(f *testing.F) {
	for _, s := range []string{"4111111111111111", "4111 1111-1111 1111 123", "0.4111111111111111", "41111111111111111111", "378282246310005 5105105105105100", "4222222222222 4222222222222222"} {
		f.Add(s)
	}
	p := mustParse(f, "mask card with XY", transform.Options{})
	f.Fuzz(func(t *testing.T, s string) {
		s = plainText(s)
		if got, want := through(t, p, `{"a":"`+s+`"}`), `{"a":"`+maskCards(s)+`"}`; got != want {
			t.Errorf("%q: masked as %s, want %s", s, got, want)
		}
	})
}

// maskCards tries each start and, from the far end, each end.
func maskCards(s string) string {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for start := range s {
		if digit(start-1) || start > 1 && s[start-1] == '.' && digit(start-2) {
			continue
		}
		for end := min(len(s), start+2*19); end > start; end-- {
			if !digit(end) && isCard(s[start:end]) {
				return s[:start] + "XY" + maskCardsBehind(s, end)
			}
		}
	}
	return s
}

// maskCardsBehind goes on behind a card, whose last digit is still seen.
func maskCardsBehind(s string, end int) string { return maskCards("0" + s[end:])[1:] }

var cardShape = regexp.MustCompile(`^[2-6](?:[ -]?[0-9]){12,18}$`)

func isCard(s string) bool {
	if !cardShape.MatchString(s) {
		return false
	}
	sum, double := 0, false
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] < '0' {
			continue
		}
		d := int(s[i] - '0')
		if double {
			d = d*2/10 + d*2%10
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

var anyEmail = regexp.MustCompile(`[A-Za-z0-9._%+-]*[A-Za-z0-9_%+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}(?:[^A-Za-z0-9\x80-\x{10ffff}-]|$)`)

// FuzzEmailsDoNotPass looks for what a regular expression takes for an address in
// what is left, and for what was masked without one.
func FuzzEmailsDoNotPass(f *testing.F) {
	for _, s := range []string{"anna@example.com", "to anna.b+c_d%e-f@mail.example.co.uk, bob@x.io.", "a@b.cc@d.ee", "o'brien@example.com", "bob@example.c1.com", "@a@b.cc..dd@e.ff"} {
		f.Add(s)
	}
	p := mustParse(f, `mask email with ""`, transform.Options{})
	f.Fuzz(func(t *testing.T, s string) {
		s = plainText(s)
		got := through(t, p, `{"a":"`+s+`"}`)
		if !strings.Contains(s, "@") && got != `{"a":"`+s+`"}` {
			t.Errorf("%q has no address and is masked: %s", s, got)
		}
		if strings.Count(s, "@") == 1 && anyEmail.MatchString(s) && strings.Contains(got, "@") {
			t.Errorf("%q has an address that is left: %s", s, got)
		}
	})
}

// FuzzPatternsAgreeWithRegexp masks with any pattern that the regexp package takes.
func FuzzPatternsAgreeWithRegexp(f *testing.F) {
	for _, x := range [][2]string{{`a+`, "baab"}, {`^a`, "aaa"}, {`x*`, "axxb"}, {`\bsecret-\d+\b`, "secret-1 xsecret-2"}, {`(?i)É`, "éÉ"}, {`$`, "a"}, {`/`, "a/b"}} {
		f.Add(x[0], x[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		re, err := regexp.Compile(pattern)
		if err != nil || len(pattern) > 100 || !utf8.ValidString(pattern) {
			return
		}
		p, err := transform.Parse("mask /"+strings.ReplaceAll(pattern, "/", `\/`)+"/ with XY", transform.Options{})
		if err != nil {
			return // a pattern that the language cannot hold, such as one over lines
		}
		s = plainText(s)
		want := re.ReplaceAllStringFunc(s, func(match string) string {
			if match == "" {
				return "" // there is nothing to mask
			}
			return "XY"
		})
		if got, want := through(t, p, `{"a":"`+s+`"}`), `{"a":"`+want+`"}`; got != want {
			t.Errorf("%q in %q: masked as %s, want %s", pattern, s, got, want)
		}
	})
}
