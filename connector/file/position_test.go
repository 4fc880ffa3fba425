package file_test

import (
	"math"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

func TestAPositionIsReadBackFromItsText(t *testing.T) {
	for _, p := range []file.Position{
		{},
		{Dev: 2049, Ino: 131075, Size: 52428800, Modified: 7, End: 0xfedcba98, Fingerprint: 0xcbf29ce484222325, Offset: 1 << 20},
		{Dev: math.MaxUint64, Ino: math.MaxUint64, Size: math.MaxInt64, Modified: math.MaxUint32, End: math.MaxUint32, Fingerprint: math.MaxUint64, Offset: math.MaxInt64},
	} {
		text := p.String()
		if len(text) > weir.MaxPosition {
			t.Errorf("%s is %d bytes long", text, len(text))
		}
		got, err := file.ParsePosition(weir.Position(text))
		if err != nil || got != p {
			t.Errorf("%s is read back as %v, %v", text, got, err)
		}
	}
}

func TestWhatIsNotAPositionIsRefused(t *testing.T) {
	good := "dev=1,ino=2,size=3,mod=00000001,fp=00000000000000ff,end=000000a0,off=4"
	if _, err := file.ParsePosition(weir.Position(good)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"",
		"off=4",
		" " + good,
		good + " ",
		good + ",",
		good + ",off=4",
		strings.Replace(good, "dev=1", "dev=01", 1),
		strings.Replace(good, "dev=1", "dev=+1", 1),
		strings.Replace(good, "dev=1", "dev=-1", 1),
		strings.Replace(good, "dev=1", "dev=1_0", 1),
		strings.Replace(good, "dev=1", "dev=", 1),
		strings.Replace(good, "dev=1", "dev=18446744073709551616", 1),
		strings.Replace(good, "size=3", "size=9223372036854775808", 1),
		strings.Replace(good, "off=4", "off=-4", 1),
		strings.Replace(good, "off=4", "off=4\n", 1),
		strings.Replace(good, "ff", "FF", 1),
		strings.Replace(good, "fp=00", "fp=", 1),
		strings.Replace(good, "fp=00", "fp=0x", 1),
		strings.Replace(good, "ino", "dev", 1),
		strings.Replace(good, ",mod=00000001", "", 1),
		strings.Replace(good, "end=0", "end=", 1),
		strings.Replace(good, "end=0", "end=00", 1),
		good + strings.Repeat("0", weir.MaxPosition),
	} {
		if p, err := file.ParsePosition(weir.Position(text)); err == nil {
			t.Errorf("%q is taken for %v", text, p)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("")
	f.Add("dev=1,ino=2,size=3,mod=00000001,fp=00000000000000ff,end=000000a0,off=4")
	f.Add("dev=18446744073709551615,ino=0,size=0,mod=ffffffff,fp=ffffffffffffffff,end=ffffffff,off=9223372036854775807")
	f.Add("dev=01,ino=2,size=3,mod=00000001,fp=00000000000000FF,end=000000a0,off=4,")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := file.ParsePosition(weir.Position(text))
		if err == nil && p.String() != text {
			t.Errorf("%q is taken for %q", text, p)
		}
		if again, err := file.ParsePosition(weir.Position(p.String())); p.Size >= 0 && p.Offset >= 0 && (err != nil || again != p) {
			t.Errorf("%q is read back as %q, %v", p, again, err)
		}
	})
}
