package transform_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/transform"
)

// skipBad skips bad records.
var skipBad = transform.Options{Bad: weir.SkipBad}

// batchOf returns a batch of the lines of text as records.
func batchOf(t testing.TB, text string) *weir.Batch {
	t.Helper()
	b := weir.NewBatch(5*len(text) + 1024)
	for line := range strings.Lines(text) {
		if !b.Append([]byte(line)) {
			t.Fatal("the batch is too small")
		}
	}
	return b
}

// apply parses program and returns what it makes of the records in text.
func apply(t testing.TB, program string, o transform.Options, text string) (string, error) {
	t.Helper()
	p, err := transform.Parse(program, o)
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	in := batchOf(t, text)
	before := string(in.Bytes())
	out := weir.NewBatch(4*len(text) + 4096)
	err = p.Batch(context.Background(), in, out)
	if string(in.Bytes()) != before {
		t.Fatalf("%s: the input was changed to %s", program, in.Bytes())
	}
	return string(out.Bytes()), err
}

// check tells whether program makes want of text. Lines of want are separated by
// line ends or, to be short, by "|".
func check(t *testing.T, program, text, want string) {
	t.Helper()
	got, err := apply(t, program, transform.Options{}, text)
	if err != nil {
		t.Errorf("%s on %s: %v", program, text, err)
		return
	}
	if got != want {
		t.Errorf("%s on %s\n got %s\nwant %s", program, text, got, want)
	}
}

func TestUntouchedRecordsAreCopiedByteForByte(t *testing.T) {
	odd := " { \"a\" :1.50e0 ,\"b\\u0062\": \"\\u00e9\\/\" , \"id\":12345678901234567890123}\t\r\n"
	for _, program := range []string{
		"", "where id > 5", "drop nothing", "rename nothing to something", "mask email", "keep a, bb, id",
		"hash nothing", "parse_time nothing", "explode nothing", "sample 100%", "dedupe by a within 1m",
	} {
		if program == "keep a, bb, id" {
			continue // edits, see TestKeep
		}
		check(t, program, odd, odd)
	}
	check(t, "where true", "{}\r\n{}\n{}", "{}\r\n{}\n{}")
}

func TestDrop(t *testing.T) {
	for _, x := range []struct{ program, in, want string }{
		{"drop a", `{"a":1}`, `{}`},
		{"drop a", `{ "a" : 1 } ` + "\n", `{} ` + "\n"},
		{"drop a", `{"a":1,"b":2}`, `{"b":2}`},
		{"drop b", `{"a":1,"b":2}`, `{"a":1}`},
		{"drop b", `{"a": 1 , "b": 2 , "c": 3 , "d": 4}`, `{"a": 1,"c": 3 , "d": 4}`},
		{"drop a, c", `{"a":1,"b":2,"c":3}`, `{"b":2}`},
		{"drop a; drop c", `{"a":1,"b":2,"c":3}`, `{"b":2}`},
		{"drop a", `{"\u0061":1,"b":2}`, `{"b":2}`},
		{"drop a", `{"a":1,"b":2,"a":3}`, `{"b":2}`},
		{"drop a", `{"a":1,"b":2,"\u0061":3,"a":4}`, `{"b":2}`},
		{`drop "a b".c`, `{"a b":{"c":1,"d":2}}`, `{"a b":{"d":2}}`},
		{"drop a.b.c", `{"a":{"b":{"c":1}}}`, `{"a":{"b":{}}}`},
		{"drop a.b", `{"a":{"b":1,"c":2,"b":3}}`, `{"a":{"c":2}}`},
		{"drop a.b", `{"a":[{"b":1}]}`, `{"a":[{"b":1}]}`},
		{"drop a.b", `{"a":"b"}`, `{"a":"b"}`},
		{"drop a.b", `{"a":{"c":2}}`, `{"a":{"c":2}}`},
		{`drop $["a"].b, $.c`, `{"a":{"b":1},"c":2}`, `{"a":{}}`},
		{"drop naïve", `{"naïve":1,"x":2}`, `{"x":2}`},
		{"drop user-agent, @timestamp", `{"user-agent":1,"@timestamp":2}`, `{}`},
	} {
		check(t, x.program, x.in, x.want)
	}
}

func TestKeep(t *testing.T) {
	for _, x := range []struct{ program, in, want string }{
		{"keep a", `{"a":1,"b":2}`, `{"a":1}`},
		{"keep c, a", `{"a":1,"b":2,"c":3}`, `{"a":1,"c":3}`},
		{"keep a", `{"b":2}`, `{}`},
		{"keep a", `{"a":1,"b":2,"a":3}`, `{"a":3}`},
		{"keep a.b", `{"a":{"b":1,"c":2},"d":3}`, `{"a":{"b":1}}`},
		{"keep a.b", `{"a":{"b":1,"c":2,"b":3},"d":3}`, `{"a":{"b":3}}`},
		{"keep a.b, a.c.d", `{"a":{"b":1,"c":{"d":2,"e":3},"f":4}}`, `{"a":{"b":1,"c":{"d":2}}}`},
		{"keep a.b, a", `{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":2}}`},
		{"keep a, a.b", `{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":2}}`},
		{"keep a.b", `{"a":5,"d":3}`, `{}`},
		{"keep a.b", `{"a":{"c":2}}`, `{}`},
		{"set x = 1; keep x; set y = a", `{"a":1,"x":0}`, `{"x":1,"y":null}`},
		{"set x = 1; set y = 2; keep y", `{"a":1}`, `{"y":2}`},
		{"drop a; keep a, b", `{"a":1,"b":2}`, `{"b":2}`},
		{"rename a to z; keep z", `{"a":1,"b":2}`, `{"z":1}`},
		{"rename a to z; keep a", `{"a":1,"b":2}`, `{}`},
	} {
		check(t, x.program, x.in, x.want)
	}
}

func TestRename(t *testing.T) {
	for _, x := range []struct{ program, in, want string }{
		{"rename a to z", `{"a":1,"b":2}`, `{"z":1,"b":2}`},
		{"rename a as z, b = y", `{"a":1,"b":2}`, `{"z":1,"y":2}`},
		{"rename a to b", `{"a":1,"b":2,"c":3}`, `{"b":1,"c":3}`},
		{"rename b to a", `{"a":1,"b":2,"c":3}`, `{"a":2,"c":3}`},
		{"rename a to t, b to a, t to b", `{"a":1,"b":2}`, `{"b":1,"a":2}`},
		{"rename a to a", `{"a":1}`, `{"a":1}`},
		{"rename a to b; rename b to a", `{"a":1}`, `{"a":1}`},
		{"rename a to b; set b = 5; drop a", `{"a":1,"c":0}`, `{"b":5,"c":0}`},
		{"rename a to z", `{"a":1,"b":2,"a":3}`, `{"b":2,"z":3}`},
		{"rename a to b.c", `{"a":1,"b":{"d":2}}`, `{"b":{"d":2,"c":1}}`},
		{"rename a to b.c", `{"a":1}`, `{"b":{"c":1}}`},
		{"rename b.c to a", `{"b":{"c":1,"d":2}}`, `{"b":{"d":2},"a":1}`},
		{"rename b.c to b.e", `{"b":{"c":1,"d":2}}`, `{"b":{"d":2,"e":1}}`},
		{`rename a to "x y"`, `{"a":1}`, `{"x y":1}`},
		{`rename a to "x\"y"`, `{"a":1}`, `{"x\"y":1}`},
	} {
		check(t, x.program, x.in, x.want)
	}
}

func TestSet(t *testing.T) {
	for _, x := range []struct{ program, in, want string }{
		{"set a = 1", `{}`, `{"a":1}`},
		{"set a = 1", `{ "b" : 2 }`, `{"b" : 2,"a":1}`},
		{"set a = 1", `{"a": 0,"b":2}`, `{"a": 1,"b":2}`},
		{"set a = b", `{"b":1.50}`, `{"b":1.50,"a":1.50}`},
		{"set a = b", `{"b":"\u00e9"}`, `{"b":"\u00e9","a":"\u00e9"}`},
		{"set a = b", `{"a":5}`, `{"a":null}`},
		{"set a = b, b = a", `{"a":1,"b":2}`, `{"a":2,"b":2}`},
		{"set a = 1; set a = a + 1", `{}`, `{"a":2}`},
		{"set a.b = 1", `{}`, `{"a":{"b":1}}`},
		{"set a.b = 1", `{"a":null}`, `{"a":{"b":1}}`},
		{"set a.b = 1", `{"a":{"b":0,"c":2}}`, `{"a":{"b":1,"c":2}}`},
		{"set a.b.c = 1", `{"a":{"x":0}}`, `{"a":{"x":0,"b":{"c":1}}}`},
		{"set a.b = 1", `{"a":{"b":0,"c":2,"b":3}}`, `{"a":{"c":2,"b":1}}`},
		{"set a = 1", `{"a":0,"b":1,"a":2}`, `{"b":1,"a":1}`},
		{"drop a; set a = 1", `{"a":0,"b":2}`, `{"b":2,"a":1}`},
		{"set s = latency_ms / 1000", `{"latency_ms":1234}`, `{"latency_ms":1234,"s":1.234}`},
		{"set s = latency_ms / 1000", `{"latency_ms":2000}`, `{"latency_ms":2000,"s":2}`},
		{"set s = latency_ms / 1000", `{}`, `{"s":null}`},
		{`set s = a + "-" + b`, `{"a":"x\ny","b":"é"}`, `{"a":"x\ny","b":"é","s":"x\ny-é"}`},
		{`set s = {"x": [a, 1.5], y: nil}`, `{"a":"q"}`, `{"a":"q","s":{"x":["q",1.5],"y":null}}`},
		{"set id = id + 1", `{"id":9007199254740993}`, `{"id":9007199254740994}`},
		{"set id = id * 1", `{"id":9223372036854775807}`, `{"id":9223372036854775807}`},
		{"set b = id", `{"id":18446744073709551615}`, `{"id":18446744073709551615,"b":18446744073709551615}`},
		{"set a = b ? c : d", `{"b":true,"c":1.0,"d":2}`, `{"b":true,"c":1.0,"d":2,"a":1.0}`},
		{"set a = b ?? c", `{"b":null,"c":1.0}`, `{"b":null,"c":1.0,"a":1.0}`},
		{`set a = "x" // text` + "\n" + `drop b`, `{"b":1}`, `{"a":"x"}`},
		{"set a = (1 |\n abs())", `{}`, `{"a":1}`},
	} {
		check(t, x.program, x.in, x.want)
	}
}

func TestExplode(t *testing.T) {
	for _, x := range []struct{ program, in, want string }{
		{"explode a", `{"a":[1,"x",[2]],"b":0}` + "\n", `{"a":1,"b":0}` + "\n" + `{"a":"x","b":0}` + "\n" + `{"a":[2],"b":0}` + "\n"},
		{"explode a", `{"a":[1,2]}`, `{"a":1}` + "\n" + `{"a":2}` + "\n"},
		{"explode a", `{"a":[]}`, `{"a":null}`},
		{"explode a", `{"a":null}`, `{"a":null}`},
		{"explode a", `{"a":5}`, `{"a":5}`},
		{"explode a", `{"b":5}`, `{"b":5}`},
		{"explode a; where a > 1; set b = a * 10", `{"a":[1,2,3]}` + "\n", `{"a":2,"b":20}` + "\n" + `{"a":3,"b":30}` + "\n"},
		{"explode a; explode b", `{"a":[1,2],"b":[3,4]}` + "\n", `{"a":1,"b":3}` + "\n" + `{"a":1,"b":4}` + "\n" + `{"a":2,"b":3}` + "\n" + `{"a":2,"b":4}` + "\n"},
		{"explode a; explode a", `{"a":[[1,2],3,[]]}` + "\n", `{"a":1}` + "\n" + `{"a":2}` + "\n" + `{"a":3}` + "\n" + `{"a":null}` + "\n"},
		{"explode a.b; drop a.c", `{"a":{"b":[1,2],"c":3}}` + "\n", `{"a":{"b":1}}` + "\n" + `{"a":{"b":2}}` + "\n"},
		{"set c = 1; drop x; explode a; set c = c + a", `{"x":0,"a":[1,2]}` + "\n", `{"a":1,"c":2}` + "\n" + `{"a":2,"c":3}` + "\n"},
		{"explode a; dedupe by a within 1h", `{"a":[1,2,1]}` + "\n", `{"a":1}` + "\n" + `{"a":2}` + "\n"},
	} {
		check(t, x.program, x.in, x.want)
	}
}

func TestHash(t *testing.T) {
	for _, x := range []struct{ program, in, want string }{
		{"hash a", `{"a":"abc"}`, `{"a":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}`},
		{"hash a with sha256(ab)", `{"a":"c"}`, `{"a":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}`},
		{"hash a with sha1", `{"a":"\u0061bc"}`, `{"a":"a9993e364706816aba3e25717850c26c9cd0d89d"}`},
		{"hash a with md5 ( '12' )", `{"a":3}`, `{"a":"202cb962ac59075b964b07152d234b70"}`},
		{"hash a with xxh3", `{"a":""}`, `{"a":"2d06800538d394c2"}`},
		{"hash a.b, c with md5", `{"a":{"b":123},"c":null}`, `{"a":{"b":"202cb962ac59075b964b07152d234b70"},"c":null}`},
		{"hash a with md5", `{"a":"secret","a":123}`, `{"a":"202cb962ac59075b964b07152d234b70"}`},
		{"hash a.b with md5", `{"a":{"b":"secret","b":null}}`, `{"a":{"b":null}}`},
		{"hash a with md5", `{"a":"secret","a":null}`, `{"a":null}`},
		{"hash a with md5", `{"a":true}`, `{"a":"b326b5062b2f0e69046810717534cb09"}`},
	} {
		check(t, x.program, x.in, x.want)
	}
	o := transform.Options{Getenv: func(name string) (string, bool) { return "12", name == "SALT" }}
	got, err := apply(t, "hash a with md5($SALT)", o, `{"a":"3"}`)
	if want := `{"a":"202cb962ac59075b964b07152d234b70"}`; got != want || err != nil {
		t.Errorf("hash with a salt from the environment: %s, %v; want %s", got, err, want)
	}
}

func TestBlankLinesAreLeftOut(t *testing.T) {
	p, err := transform.Parse("where true", transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := weir.NewBatch(1000)
	if err := p.Batch(context.Background(), batchOf(t, "{}\n\n \r\n{}\n"), out); err != nil {
		t.Fatal(err)
	}
	if string(out.Bytes()) != "{}\n{}\n" || out.Noted(weir.Filtered).Records != 2 {
		t.Errorf("got %q, %+v filtered", out.Bytes(), out.Noted(weir.Filtered))
	}
}

func TestBytesWithoutRecordsAreRefused(t *testing.T) {
	in := weir.NewBatch(100)
	in.Advance(copy(in.Space(), "{}\n"))
	err := mustParse(t, "where true", skipBad).Batch(context.Background(), in, weir.NewBatch(100))
	if weir.KindOf(err) != weir.Invalid || !strings.Contains(err.Error(), "format") {
		t.Errorf("got %v", err)
	}
}

func TestNotesBalance(t *testing.T) {
	in := `{"a":[1,2,"x"]}` + "\n" + `{"a":5}` + "\n" + "nonsense\n" + `{"a":[]}` + "\n" + `{"a":0}` + "\n\n"
	p, err := transform.Parse("explode a; where a > 1 or a == nil", skipBad)
	if err != nil {
		t.Fatal(err)
	}
	out := weir.NewBatch(1000)
	b := batchOf(t, in)
	if err := p.Batch(context.Background(), b, out); err != nil {
		t.Fatal(err)
	}
	if want := `{"a":2}` + "\n" + `{"a":5}` + "\n" + `{"a":null}` + "\n"; string(out.Bytes()) != want {
		t.Errorf("got %s; want %s", out.Bytes(), want)
	}
	filtered, skipped, added := out.Noted(weir.Filtered).Records, out.Noted(weir.Skipped).Records, out.Noted(weir.Added).Records
	if filtered != 3 || skipped != 2 || added != 2 {
		t.Errorf("%d filtered, %d skipped, %d added; want 3, 2, 2", filtered, skipped, added)
	}
	if int64(b.Records())+added != int64(out.Records())+filtered+skipped {
		t.Errorf("%d read and %d added are not %d written, %d filtered and %d skipped", b.Records(), added, out.Records(), filtered, skipped)
	}
}

func TestBadRecordsGoToThePolicy(t *testing.T) {
	for _, x := range []struct{ program, rec, stage, reason string }{
		{"drop a", `{"a":}`, "json", "offset 5"},
		{"drop a", `[1]`, "json", "not a JSON object"},
		{"drop a", `5`, "json", "not a JSON object"},
		{"drop a", `{} {}`, "json", "not a JSON object"},
		{"where a >= 500", `{"a":"500"}`, "where", "number(x)"},
		{"where a", `{"a":1}`, "where", "condition"},
		{`where a contains "x"`, `{"a":1}`, "where", "contains"},
		{`where a matches "x"`, `{"a":1}`, "where", "match"},
		{"set a = b / 0", `{"b":1}`, "set a", "division by zero"},
		{"set a = b + 1", `{"b":9223372036854775807}`, "set a", "64 bits"},
		{"set a = b + 1", `{"b":18446744073709551615}`, "set a", "beyond 64 bits"},
		{"set a = b + 1", `{"b":"x"}`, "set a", "string"},
		{"set a = b * b", `{"b":1e300}`, "set a", "finite"},
		{"set a.b = 1", `{"a":"x"}`, "set a.b", "a string"},
		{"set a = number(b)", `{"b":"12a"}`, "set a", "number()"},
		{"set a = fromJSON(b)", `{"b":"x"}`, "set a", "invalid character"},
		{`set a = repeat("x", b)`, `{"b":1e9}`, "set a", "repeat"},
		{`set a = repeat("x", b)`, `{"b":1000000000}`, "set a", "too long"},
		{"hash a", `{"a":[1]}`, "hash a", "an array"},
		{"parse_time a", `{"a":"yesterday"}`, "parse_time a", "yesterday"},
		{"parse_time a", `{"a":{}}`, "parse_time a", "an object"},
	} {
		var got *weir.BadRecord
		var excerpt string
		o := transform.Options{Bad: func(_ context.Context, r *weir.BadRecord) (weir.Fate, error) {
			got, excerpt = r, string(r.Excerpt)
			return weir.DeadLettered, nil
		}}
		p, err := transform.Parse(x.program, o)
		if err != nil {
			t.Fatal(err)
		}
		in := batchOf(t, "{}\n"+x.rec+"\n")
		in.SetFirstRecord(41)
		out := weir.NewBatch(4096)
		if err := p.Batch(context.Background(), in, out); err != nil {
			t.Errorf("%s on %s: %v", x.program, x.rec, err)
			continue
		}
		switch {
		case got == nil:
			t.Errorf("%s on %s is no bad record: %s", x.program, x.rec, out.Bytes())
		case got.Stage != x.stage || !strings.Contains(got.Reason.Error(), x.reason) || got.Record != 42 || got.Size != int64(len(x.rec))+1:
			t.Errorf("%s on %s: %+v: %v", x.program, x.rec, got, got.Reason)
		case excerpt != x.rec+"\n":
			t.Errorf("%s: the excerpt is %q", x.rec, excerpt)
		case out.Noted(weir.DeadLettered).Records == 0:
			t.Errorf("%s: the dead letter is not noted", x.rec)
		}
	}
}

func TestWithoutPolicyABadRecordFails(t *testing.T) {
	_, err := apply(t, "where a > 1", transform.Options{}, `{"a":"x"}`)
	var bad *weir.BadRecord
	if !errors.As(err, &bad) || weir.KindOf(err) != weir.Rejected {
		t.Errorf("got %v", err)
	}
}

func TestABatchThatIsFullSaysSo(t *testing.T) {
	for _, program := range []string{"drop b", "where true", "explode a", `set a = "a long text that does not fit"`} {
		p, err := transform.Parse(program, transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in := batchOf(t, `{"a":[1,2,3,4,5]}`+"\n"+`{"a":[1,2,3,4,5]}`+"\n")
		full := errors.New("never")
		for size := in.Len() * 4; size > 0; size-- {
			out := weir.NewBatch(size)
			if full = p.Batch(context.Background(), in, out); full != nil {
				break
			}
		}
		if !errors.Is(full, weir.ErrBatchFull) {
			t.Errorf("%s: %v", program, full)
		}
	}
}

func TestCancelIsNoticedBetweenRecords(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	seen := 0
	o := transform.Options{Bad: func(context.Context, *weir.BadRecord) (weir.Fate, error) {
		if seen++; seen == 1 {
			cancel(cause)
		}
		return weir.Skipped, nil
	}}
	p, err := transform.Parse("where true", o)
	if err != nil {
		t.Fatal(err)
	}
	in := batchOf(t, strings.Repeat("x\n", 10_000))
	if err := p.Batch(ctx, in, weir.NewBatch(1<<20)); !errors.Is(err, cause) {
		t.Errorf("got %v; want the cause", err)
	}
	if seen > 100 {
		t.Errorf("%d records were looked at after the cancellation", seen)
	}
}

func TestStringNamesTheStatements(t *testing.T) {
	p, err := transform.Parse(`# comment
		where status >= 500 | drop referer, a.b
		mask email, /x/ in c; hash id with sha256(pepper); set a = 1, b = 2; rename a to "x y"
		keep a, b, c, d, e
		parse_time ts; sample 50%; dedupe id within 1m; explode items`, transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "where, drop referer, a.b, mask email, /…/, hash id, set a, b, rename a, keep a, b, c, …, parse_time ts, sample, dedupe id, explode items"
	if p.String() != want {
		t.Errorf("got  %s\nwant %s", p, want)
	}
}

func TestARecordOfTooManyMembersIsBad(t *testing.T) {
	wide := func(n int) string { return "{" + strings.Repeat(`"a":0,`, n-1) + `"b":1}` + "\n" }
	for _, x := range []struct{ n, bad int }{{16 << 10, 0}, {16<<10 + 1, 1}} {
		p, err := transform.Parse("drop b", skipBad)
		if err != nil {
			t.Fatal(err)
		}
		in := batchOf(t, wide(x.n))
		out := weir.NewBatch(in.Cap())
		if err := p.Batch(context.Background(), in, out); err != nil {
			t.Fatal(err)
		}
		if got := out.Noted(weir.Skipped).Records; got != int64(x.bad) {
			t.Errorf("%d members: %d skipped", x.n, got)
		}
	}
	check(t, "drop b", `{"a":[`+strings.Repeat("0,", 100_000)+`0],"b":1}`, `{"a":[`+strings.Repeat("0,", 100_000)+`0]}`)
}
