package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

// A suiteText is a line of testdata/rfc8259.txt.
type suiteText struct {
	name, text string
	valid      bool
}

// suite returns the texts of testdata/rfc8259.txt.
func suite(tb testing.TB) (all []suiteText) {
	tb.Helper()
	file, err := os.ReadFile("testdata/rfc8259.txt")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(fields) != 3 || !strings.Contains("yni", fields[0]) {
			tb.Fatalf("not a line of the suite: %s", line)
		}
		text, err := strconv.Unquote(strings.TrimSpace(fields[2]))
		if err != nil {
			tb.Fatalf("%s: %v", fields[1], err)
		}
		all = append(all, suiteText{fields[1], text, fields[0] != "n"})
	}
	if len(all) < 250 {
		tb.Fatalf("the suite has %d texts", len(all))
	}
	return all
}

// Every text is accepted or rejected as it must be, by itself and as a part of
// others.
func TestTextsOfTheSuite(t *testing.T) {
	for _, x := range suite(t) {
		t.Run(x.name, func(t *testing.T) {
			if json.Valid([]byte(x.text)) != x.valid {
				t.Fatalf("the suite is wrong: json.Valid = %t", !x.valid)
			}
			for _, around := range []string{"%", "[%]", "[1,%]", "[%,\"b\"]", `{"a":%}`, `{"a":[{"b":%}],"c":1}`, "    %    ", "[[[[%]]]]"} {
				text := strings.ReplaceAll(around, "%", x.text)
				want := json.Valid([]byte(text)) // a comma in it can be one of the array
				b := poisoned([]byte(text))
				if got := jsonscan.Valid(b); got != want {
					t.Errorf("Valid(%q) = %t", text, got)
				}
				if err := jsonscan.Check(b); (err == nil) != want {
					t.Errorf("Check(%q): %v", text, err)
				}
				checkCompact(t, b, want)
				checkMembers(t, b, want)
			}
		})
	}
}

// checkCompact wants what the standard library makes of a valid text.
func checkCompact(t *testing.T, b []byte, valid bool) {
	t.Helper()
	if !valid {
		return
	}
	var want bytes.Buffer
	if err := json.Compact(&want, b); err != nil {
		t.Fatal(err)
	}
	if got := jsonscan.Compact(nil, b); !bytes.Equal(got, want.Bytes()) {
		t.Errorf("Compact(%q) = %q, want %q", b, got, want.Bytes())
	}
}

// checkMembers wants of an object the members that the standard library finds.
func checkMembers(t *testing.T, b []byte, valid bool) {
	t.Helper()
	var o jsonscan.Object
	err := o.Scan(b)
	var want map[string]json.RawMessage
	isObject := json.Unmarshal(b, &want) == nil && want != nil
	if whole := err == nil && len(bytes.TrimSpace(b[o.End:])) == 0; valid && whole != isObject {
		t.Errorf("Scan(%q): %v, object %t", b, err, isObject)
	}
	if err != nil || !isObject {
		return
	}
	names := map[string]bool{}
	for i := range o.Members {
		m := &o.Members[i]
		name, err := jsonscan.Unquote(nil, b[m.KeyStart-1:m.KeyEnd+1])
		if err != nil {
			t.Errorf("the name of a member of %q: %v", b, err)
		}
		names[string(name)] = true
	}
	if len(names) != len(want) {
		t.Errorf("%q has the members %v, want %v", b, names, want)
	}
}
