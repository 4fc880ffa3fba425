package transform_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

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
