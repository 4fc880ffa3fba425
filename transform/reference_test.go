package transform_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"testing"

	"github.com/weirflow/weir/transform"
)

// A reference is a statement over encoding/json, slow and plain. It returns false
// for a record that is left out.
type reference func(rec map[string]any) bool

// references are programs with what they must do.
func references() map[string]reference {
	number := func(v any) *big.Float {
		n, ok := v.(json.Number)
		if !ok || len(n) > 40 {
			return nil
		}
		f, _, err := big.ParseFloat(n.String(), 10, 2000, big.ToNearestEven)
		if err != nil {
			return nil
		}
		return f
	}
	return map[string]reference{
		"where a >= 500": func(rec map[string]any) bool {
			n := number(rec["a"])
			return n != nil && n.Cmp(big.NewFloat(500)) >= 0
		},
		"where a == 'x'":            func(rec map[string]any) bool { return rec["a"] == "x" },
		"where a.b == true":         func(rec map[string]any) bool { m, _ := rec["a"].(map[string]any); return m["b"] == true },
		"where exists(a)":           func(rec map[string]any) bool { _, ok := rec["a"]; return ok },
		"where a == nil":            func(rec map[string]any) bool { return rec["a"] == nil },
		"where a in ['x', true]":    func(rec map[string]any) bool { return rec["a"] == "x" || rec["a"] == true },
		"drop a":                    func(rec map[string]any) bool { delete(rec, "a"); return true },
		"drop a.b, b":               func(rec map[string]any) bool { deleteIn(rec, "a", "b"); delete(rec, "b"); return true },
		"set a = 5":                 func(rec map[string]any) bool { rec["a"] = json.Number("5"); return true },
		"set a = b":                 func(rec map[string]any) bool { rec["a"] = rec["b"]; return true },
		"drop b; set b = a; drop a": func(rec map[string]any) bool { rec["b"] = rec["a"]; delete(rec, "a"); return true },
		"rename a to b":             func(rec map[string]any) bool { move(rec, "a", "b"); return true },
		"rename a to t, b to a, t to b": func(rec map[string]any) bool {
			move(rec, "a", "t")
			move(rec, "b", "a")
			move(rec, "t", "b")
			return true
		},
		"keep a, c": func(rec map[string]any) bool {
			for k := range rec {
				if k != "a" && k != "c" {
					delete(rec, k)
				}
			}
			return true
		},
	}
}

func deleteIn(rec map[string]any, outer, inner string) {
	if m, ok := rec[outer].(map[string]any); ok {
		delete(m, inner)
	}
}

func move(rec map[string]any, from, to string) {
	if v, ok := rec[from]; ok {
		delete(rec, from)
		rec[to] = v
	}
}

// decode reads one JSON object with its numbers as text.
func decode(data []byte) (rec map[string]any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err := d.Decode(&rec)
	return rec, err == nil && rec != nil && json.Valid(data)
}

// FuzzAgainstEncodingJSON compares programs with what they do over maps.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, rec := range []string{
		`{"a":500,"b":1}`, `{"a":499.999,"c":null}`, `{"a":1e3,"b":{"a":1}}`, `{"a":"x"}`, `{"a":{"b":true,"c":1},"b":[1,2]}`, `{"a":null}`, `{"b":1,"a":2,"b":3,"a":500}`,
		`{"\u0061":600,"d":"\u00e9"}`, `{ "a" : 12345678901234567890 , "b" : "" }`, `{"a":{"b":1,"b":true,"\u0062":2}}`, `{}`, `{"t":1,"a":2}`, theRecord,
	} {
		f.Add([]byte(rec))
	}
	programs := map[string]*transform.Program{}
	for text := range references() {
		programs[text] = mustParse(f, text, skipBad)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.ContainsAny(data, "\n\xef") || !json.Valid(data) { // U+FFFD stands for what is no UTF-8
			return
		}
		for text, does := range references() {
			want, ok := decode(data)
			if !ok {
				return
			}
			if n, isNumber := want["a"].(json.Number); text == "where a >= 500" && (!isNumber && want["a"] != nil || len(n) > 40) {
				continue // a bad record
			}
			stays := does(want)
			got := through(t, programs[text], string(data))
			if !stays {
				if got != "" {
					t.Errorf("%s on %s: %s is not left out", text, data, got)
				}
				continue
			}
			if rec, ok := decode([]byte(got)); !ok || !reflect.DeepEqual(rec, want) {
				t.Errorf("%s on %s\n got %s\nwant %v", text, data, got, want)
			}
		}
	})
}
