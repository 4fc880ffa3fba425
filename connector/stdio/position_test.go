package stdio

import (
	"testing"

	"github.com/weirflow/weir"
)

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "off=", "off=0", "off=123", "off=-1", "off=01", "off=9223372036854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		off, err := parsePosition(weir.Position(s))
		if err != nil {
			return
		}
		b := weir.NewBatch(1)
		setPosition(b, off)
		if string(b.Position()) != s {
			t.Errorf("%q was taken for %q", s, b.Position())
		}
	})
}
