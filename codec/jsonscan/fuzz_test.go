package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weirflow/weir/codec/jsonscan"
)

// seed gives a target the documents of the strictness table and some records.
func seed(f *testing.F) {
	for _, x := range documents {
		if len(x.doc) < 1000 {
			f.Add([]byte(x.doc))
		}
	}
	records, _ := accessLog(10)
	for _, r := range records {
		f.Add(r)
	}
}

// poisoned returns a copy of b with nothing behind it in its slice, and bytes
// that matter behind it in memory.
func poisoned(b []byte) []byte {
	buf := append(bytes.Repeat([]byte{'"'}, 16), b...)
	buf = append(buf, `"}]"}]0123456789`...)
	return buf[16 : 16+len(b) : 16+len(b)]
}

func FuzzValidAgreesWithTheStandardLibrary(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		want, b := json.Valid(doc), poisoned(doc)
		if got := jsonscan.Valid(b); got != want {
			t.Errorf("Valid(%q) = %t; want %t", doc, got, want)
		}
		err := jsonscan.Check(b)
		if (err == nil) != want {
			t.Errorf("Check(%q): %v; want valid %t", doc, err, want)
		}
		if syntax, ok := err.(*jsonscan.SyntaxError); err != nil && (!ok || syntax.Offset < 0 || syntax.Offset > len(b)) {
			t.Errorf("Check(%q): %v is outside of %d bytes", doc, err, len(b))
		}
		start, end, kind, err := jsonscan.Value(b, 0)
		if want && (err != nil || !bytes.Equal(b[start:end], bytes.Trim(doc, " \t\r\n")) || kind == jsonscan.Invalid) {
			t.Errorf("Value(%q) = %q, %v, %v", doc, b[start:end], kind, err)
		}
		if err == nil && !json.Valid(b[start:end]) {
			t.Errorf("Value(%q) = %q, which is not valid", doc, b[start:end])
		}
	})
}

// FuzzObject compares the members of a record with what encoding/json makes of
// it: a map for what counts, tokens for the order.
func FuzzObject(f *testing.F) {
	seed(f)
	var o jsonscan.Object // one for all, so that what is left over shows
	f.Fuzz(func(t *testing.T, doc []byte) {
		b := poisoned(doc)
		err := o.Scan(b)
		isObject := json.Valid(doc) && bytes.HasPrefix(bytes.Trim(doc, " \t\r\n"), []byte("{"))
		if (err == nil) != isObject {
			t.Fatalf("Scan(%q): %v; want an object %t", doc, err, isObject)
		}
		if err != nil || !utf8.Valid(doc) { // there two keys may become one
			return
		}
		var std map[string]json.RawMessage
		if err := json.Unmarshal(doc, &std); err != nil {
			t.Fatal(err)
		}
		for name, val := range std {
			i := o.Index(b, name)
			if i < 0 || !bytes.Equal(o.Members[i].Val(b), val) || o.IndexHint(b, name, 1) != i {
				t.Errorf("%q: member %q is at %d; want value %s", doc, name, i, val)
			}
			start, end, _, ok := jsonscan.Path(b, 0, []string{name})
			if !ok || !bytes.Equal(b[start:end], val) {
				t.Errorf("%q: Path to %q finds %q, %t; want %s", doc, name, b[start:end], ok, val)
			}
		}
		sameMembers(t, b, &o, std)
	})
}

// sameMembers checks each member on its own against the tokens of a Decoder.
func sameMembers(t *testing.T, b []byte, o *jsonscan.Object, std map[string]json.RawMessage) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(b))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	for i := range o.Members {
		m := &o.Members[i]
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		var val json.RawMessage
		if err := decoder.Decode(&val); err != nil {
			t.Fatal(err)
		}
		key, err := jsonscan.Unquote(nil, b[m.KeyStart-1:m.KeyEnd+1])
		if err != nil || string(key) != name || !bytes.Equal(m.Val(b), val) {
			t.Errorf("%q: member %d is %q: %q (%v); want %q: %q", b, i, key, m.Val(b), err, name, val)
		}
		if m.KeyEscaped != bytes.Contains(m.Key(b), []byte(`\`)) || m.ValEscaped != bytes.Contains(val, []byte(`\`)) {
			t.Errorf("%q: member %d: escaped %t and %t", b, i, m.KeyEscaped, m.ValEscaped)
		}
		if _, there := std[string(key)]; !there {
			t.Errorf("%q: member %q is not in the map", b, key)
		}
	}
	if decoder.More() {
		t.Errorf("%q: the decoder has more than %d members", b, len(o.Members))
	}
}

func FuzzElements(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		b := poisoned(doc)
		var got []string
		err := jsonscan.Elements(b, 0, func(start, end int, _ jsonscan.Kind) error {
			got = append(got, string(b[start:end]))
			return nil
		})
		if !json.Valid(doc) {
			return
		}
		isArray := bytes.HasPrefix(bytes.Trim(doc, " \t\r\n"), []byte("["))
		if (err == nil) != isArray {
			t.Fatalf("%q: %v; want an array %t", doc, err, isArray)
		}
		var std []json.RawMessage
		if !isArray || json.Unmarshal(doc, &std) != nil {
			return
		}
		if len(got) != len(std) {
			t.Fatalf("%q: %q; want %d elements", doc, got, len(std))
		}
		for i := range std {
			if got[i] != string(std[i]) {
				t.Errorf("%q: element %d is %q; want %q", doc, i, got[i], std[i])
			}
		}
	})
}

func FuzzUnquoteAgreesWithTheStandardLibrary(f *testing.F) {
	for _, x := range documents {
		if strings.HasPrefix(x.doc, `"`) {
			f.Add([]byte(x.doc))
		}
	}
	f.Fuzz(func(t *testing.T, quoted []byte) {
		var want string
		valid := bytes.HasPrefix(quoted, []byte(`"`)) && bytes.HasSuffix(quoted, []byte(`"`)) && json.Unmarshal(quoted, &want) == nil
		got, err := jsonscan.Unquote(nil, poisoned(quoted))
		if (err == nil) != valid || string(got) != want {
			t.Errorf("%q: %q, %v; want %q, valid %t", quoted, got, err, want, valid)
		}
		if len(got) > 3*len(quoted) || utf8.Valid(quoted) && len(got) > len(quoted) {
			t.Errorf("%q: %d bytes become %d", quoted, len(quoted), len(got))
		}
	})
}

func FuzzQuoteAgreesWithTheStandardLibrary(f *testing.F) {
	for _, x := range documents {
		f.Add([]byte(x.doc[:min(len(x.doc), 100)]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := jsonscan.Quote(nil, poisoned(text))
		if want := standardQuote(t, string(text)); string(got) != want {
			t.Fatalf("%q: %s; want %s", text, got, want)
		}
		if len(got) > 6*len(text)+2 {
			t.Errorf("%q: %d bytes become %d", text, len(text), len(got))
		}
		back, err := jsonscan.Unquote(nil, got)
		if want := strings.ToValidUTF8(string(text), ""); err != nil || utf8.Valid(text) && string(back) != want {
			t.Errorf("%q: %s is read as %q, %v", text, got, back, err)
		}
	})
}

func FuzzCompactAgreesWithTheStandardLibrary(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		b := poisoned(doc)
		got := jsonscan.Compact(nil, b) // whatever it is, it must not panic
		var want bytes.Buffer
		if json.Compact(&want, doc) != nil {
			return
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%q: %q; want %q", doc, got, want.Bytes())
		}
		if inPlace := jsonscan.Compact(b[:0], b); !bytes.Equal(inPlace, want.Bytes()) {
			t.Errorf("%q in its own place: %q; want %q", doc, inPlace, want.Bytes())
		}
	})
}
