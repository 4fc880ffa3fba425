package http_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/http"
)

func FuzzParsePosition(f *testing.F) {
	for _, text := range []string{"off=0", `off=4096 "v1"`, "off=7 Mon, 02 Jan 2006 15:04:05 GMT", "off=-1", "off=01", "off=1 ", `off=1 "`, `off=1 W/"x"`, "", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		off, v, err := http.ParsePosition(weir.Position(text))
		if err != nil {
			return
		}
		if back := http.AppendPosition(off, string(v)); string(back) != text || off < 0 || len(back) > weir.MaxPosition {
			t.Errorf("%q became %q", text, back)
		}
	})
}

func TestPositionsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "off=", "off=-1", "off=01", "off=1 ", `off=1 "`, `off=1 W/"x"`, "off=1 yesterday", "OFF=1", `off=1  "x"`} {
		if _, _, err := http.ParsePosition(weir.Position(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	long := http.AppendPosition(1<<62, `"`+strings.Repeat("x", weir.MaxPosition)+`"`)
	if string(long) != fmt.Sprintf("off=%d", int64(1)<<62) {
		t.Errorf("a validator that has no room: %q", long)
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, text := range []string{"bytes 0-9/10", "bytes 5-9/*", "bytes */10", "bytes 9-5/10", "bytes 0-9/9", "bytes +1-2/3", "", "BYTES 0-0/1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, last, total, err := http.ParseContentRange(text)
		if err == nil && (first < 0 || last < first || total != weir.UnknownSize && total <= last) {
			t.Errorf("%q: %d-%d/%d", text, first, last, total)
		}
	})
}
