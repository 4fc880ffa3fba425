package weir_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/weirflow/weir"
)

func ExampleBatch_SetOffset() {
	b := weir.NewBatch(64)
	b.SetOffset(4096)
	off, err := b.Position().Offset()
	fmt.Println(b.Position(), off, err)
	// Output: off=4096 4096 <nil>
}

func TestOffsetOfAPositionIsTheOneThatWasSet(t *testing.T) {
	b := weir.NewBatch(1)
	for _, off := range []int64{0, 1, 4096, math.MaxInt64, 7} {
		b.SetOffset(off)
		if got, err := b.Position().Offset(); got != off || err != nil {
			t.Errorf("%d came back as %d, %v from %q", off, got, err, b.Position())
		}
	}
}

func TestPositionThatIsNoOffsetIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "4096", "off=", "off=-1", "off=+1", "off=007", "off=1 ", " off=1", "OFF=1", "off=1\x00",
		"off=9223372036854775808", "dev=1,off=2",
	} {
		off, err := weir.Position(text).Offset()
		if err == nil {
			t.Errorf("%q was taken for %d", text, off)
		} else if !strings.Contains(err.Error(), "off=4096") {
			t.Errorf("%q: the error shows no valid one: %v", text, err)
		}
	}
}

func TestErrorShowsOfAPositionTheOffset(t *testing.T) {
	for position, want := range map[string]string{
		"":                  "read: stream a: broken",
		"off=7":             "read: stream a at offset 7: broken",
		`off=8 "tag,off=9"`: "read: stream a at offset 8: broken",
		"dev=65024,ino=1,size=2,fp=51d88627df287325,off=9": "read: stream a at offset 9: broken",
		"topic/3:17":      "read: stream a at topic/3:17: broken",
		"cutoff=3,off=03": "read: stream a at cutoff=3,off=03: broken",
	} {
		err := &weir.Error{Op: "read", Stream: "a", Position: weir.Position(position), Err: errors.New("broken")}
		if got := err.Error(); got != want {
			t.Errorf("%q: %s; want %s", position, got, want)
		}
	}
}

func TestNegativeOffsetPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	weir.NewBatch(1).SetOffset(-1)
}

func TestSettingAnOffsetDoesNotAllocate(t *testing.T) {
	b := weir.NewBatch(1)
	b.SetOffset(math.MaxInt64) // now its position has room
	if n := testing.AllocsPerRun(1000, func() { b.SetOffset(math.MaxInt64 - 1) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzOffset holds that every offset has one text and no other text is one.
func FuzzOffset(f *testing.F) {
	for _, s := range []string{"", "off=", "off=0", "off=123", "off=-1", "off=01", "off=9223372036854775807", "off=9223372036854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		off, err := weir.Position(s).Offset()
		if err != nil {
			return
		}
		b := weir.NewBatch(1)
		b.SetOffset(off)
		if string(b.Position()) != s {
			t.Errorf("%q was taken for %q", s, b.Position())
		}
	})
}
