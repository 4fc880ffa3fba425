package jsonscan_test

import (
	"testing"

	"github.com/weirflow/weir/codec/jsonscan"
)

func TestNothingIsAllocatedForARecord(t *testing.T) {
	record := []byte(` {"a":"x\ty","b":[1,2.5e3,{"c":null}],"n\u00e4me":"\ud83d\ude00","d":{"e":{"f":true}}} `)
	quoted, text := []byte(`"a\n\u4e16\ud83d\ude00\ud83d"`), []byte("a\n世\xff\u2028")
	var o jsonscan.Object
	var dst []byte
	path := []string{"d", "e", "f"}
	ignore := func(int, int, jsonscan.Kind) error { return nil }
	for _, x := range []struct {
		name string
		f    func() bool
	}{
		{"Valid", func() bool { return jsonscan.Valid(record) }},
		{"Check", func() bool { return jsonscan.Check(record) == nil }},
		{"Value", func() bool { _, _, k, err := jsonscan.Value(record, 0); return err == nil && k == jsonscan.ObjectKind }},
		{"Scan", func() bool { return o.Scan(record) == nil }},
		{"Index", func() bool { return o.Index(record, "näme") == 2 }},
		{"IndexHint", func() bool { return o.IndexHint(record, "näme", 2) == 2 }},
		{"Path", func() bool { _, _, k, ok := jsonscan.Path(record, 0, path); return ok && k == jsonscan.True }},
		{"Elements", func() bool { return jsonscan.Elements(record, int(o.Members[1].ValStart), ignore) == nil }},
		{"Unquote", func() bool {
			var err error
			dst, err = jsonscan.Unquote(dst[:0], quoted)
			return err == nil
		}},
		{"Quote", func() bool { dst = jsonscan.Quote(dst[:0], text); return true }},
		{"Compact", func() bool { dst = jsonscan.Compact(dst[:0], record); return true }},
	} {
		if !x.f() { // and it makes the room
			t.Errorf("%s fails", x.name)
			continue
		}
		if n := testing.AllocsPerRun(100, func() { x.f() }); n != 0 {
			t.Errorf("%s allocates %v times a call; want 0", x.name, n)
		}
	}
}
