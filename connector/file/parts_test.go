package file_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// windowStart is 26 November 2026, 03:00 UTC.
const windowStart = 1795662000

func TestPartsAreNamedAfterTheirTarget(t *testing.T) {
	size, hourly := file.Roll{Size: 1}, file.Roll{Every: time.Hour}
	for _, c := range []struct {
		target string
		roll   file.Roll
		want   string
	}{
		{"out/app.ndjson", size, "out/app-000007.ndjson"},
		{"app.ndjson.gz", size, "app-000007.ndjson.gz"},
		{"backup.2026.tar.zst", size, "backup.2026-000007.tar.zst"},
		{"syslog", size, "syslog-000007"},
		{".profile", size, ".profile-000007"},
		{"dump.gz", size, "dump-000007.gz"},
		{"app-{n}.log", size, "app-000007.log"},
		{"{n}.app.log", size, "000007.app.log"},
		{"d{n}/app.log", size, "d{n}/app-000007.log"},
		{"app.log", hourly, "app-20261126T030000Z-000007.log"},
		{"{time}.{n}.log.zst", hourly, "20261126T030000Z.000007.log.zst"},
		{"p{n}-{time}", hourly, "p000007-20261126T030000Z"},
	} {
		path, matches, err := file.PartName(filepath.FromSlash(c.target), c.roll, true, windowStart, 7)
		if err != nil || filepath.ToSlash(path) != c.want || !matches {
			t.Errorf("a part of %s is %s (known as one: %t), %v; want %s", c.target, path, matches, err, c.want)
		}
	}
	if path, _, err := file.PartName("x/{n}", size, false, 0, 1_234_567); err != nil || path != "x/{n}-1234567" {
		t.Errorf("the part of a stream called {n} is %s, %v", path, err)
	}
}

func TestOtherNamesAreNoParts(t *testing.T) {
	hourly := file.Roll{Every: time.Hour}
	for _, base := range []string{
		"app.log", "app-20261126T030000Z-000000.log", "app-20261126T030000Z-1.log", "app-20261126T030000Z-000001.log.gz",
		"app-20261326T030000Z-000001.log", "app-000001.log", "app-20261126T030000Z-99999999999999999999.log", "app-2026",
	} {
		if file.IsPart("app.log", base, hourly) {
			t.Errorf("%s is taken for a part", base)
		}
	}
}

func TestRollThatCannotBeIsRefused(t *testing.T) {
	for _, c := range []struct {
		target string
		roll   file.Roll
		want   string
	}{
		{"a", file.Roll{Size: -1}, "it must be at least 1"},
		{"a", file.Roll{Every: 1500 * time.Millisecond}, "it must be whole seconds, such as 1h"},
		{"a", file.Roll{Every: -time.Hour}, "it must be whole seconds"},
		{"a-{n}-{n}", file.Roll{Size: 1}, "the name needs {n} once, and no {time}"},
		{"a-{n}-{time}", file.Roll{Size: 1}, "and no {time}"},
		{"a-{n}", file.Roll{Every: time.Hour}, "the name needs {time} and {n}, each once"},
		{"a-{time}", file.Roll{Every: time.Hour}, "the name needs {time} and {n}"},
		{"a-{n}7", file.Roll{Size: 1}, "a digit cannot stand behind {n}"},
		{"a-{n}{time}", file.Roll{Every: time.Hour}, "a digit cannot stand behind {n}"},
	} {
		_, err := file.NewSink(c.target, file.SinkOptions{Roll: c.roll})
		refused(t, err, weir.Invalid, c.want)
	}
}

// A directory that is read and written to in parts would never end.
func TestPartsAreNotReadAgain(t *testing.T) {
	dir := tempDir(t)
	for _, name := range []string{"a.log", "all-000001.log", "all-x.log", "sub/all-000001.log"} {
		put(t, dir, name, "")
	}
	roll := file.Roll{Size: 1}
	o := file.SourceOptions{Exclude: []string{filepath.Join(dir, "all.log")}, Rolled: roll}
	want := []string{"a.log", "all-x.log", "sub/all-000001.log"}
	if got := names(t, source(t, o, dir)); !slices.Equal(got, want) {
		t.Errorf("it reads %q, want %q", got, want)
	}
	o.Exclude = []string{filepath.Join(dir, "sub") + "/"}
	if got := names(t, source(t, o, dir)); !slices.Equal(got, []string{"a.log", "all-000001.log", "all-x.log"}) {
		t.Errorf("it reads %q", got)
	}
	for _, target := range []string{dir, filepath.Dir(dir)} {
		o.Exclude = []string{target}
		_, err := file.NewSource([]string{filepath.Join(dir, "*.log")}, o)
		refused(t, err, weir.Invalid, "would be read again; write to a directory of its own")
	}
	o.Exclude = []string{dir}
	if got := names(t, source(t, o, filepath.Join(dir, "a.log"))); !slices.Equal(got, []string{"a.log"}) {
		t.Errorf("it reads %q", got)
	}
}

func TestTargetThatIsNotAFileIsNotDivided(t *testing.T) {
	_, err := sink(t, "/dev/null", file.SinkOptions{Roll: file.Roll{Size: 1}}).Open(context.Background(), stream("a"))
	refused(t, err, weir.Invalid, "/dev/null is not a file, and cannot be divided")
}

func FuzzRollMark(f *testing.F) {
	f.Add("part=7,public=6,first=5,win=1795662000,past=1795658400,from=1,dev=2049,ino=131075,len=1048576")
	f.Add("part=1,public=2,first=1,win=0,past=0,from=1,dev=0,ino=0,len=0")
	f.Fuzz(func(t *testing.T, text string) {
		back, err := file.RollMarkText([]byte(text))
		if err == nil && back != text {
			t.Errorf("%q is read as %q", text, back)
		}
		if err != nil && !strings.Contains(err.Error(), "--fresh") {
			t.Errorf("%v does not say what to do", err)
		}
	})
}

func FuzzPartName(f *testing.F) {
	f.Add("app-{n}.log", int64(0), int64(1))
	f.Add("{time}x{n}", int64(windowStart), int64(1<<40))
	f.Fuzz(func(t *testing.T, target string, window, number int64) {
		roll := file.Roll{Size: 1}
		if strings.Contains(target, "{time}") {
			roll.Every = time.Hour
		}
		if number < 1 || window < 0 || window > 1<<36 || strings.ContainsAny(target, `/\`) {
			return
		}
		path, matches, err := file.PartName(target, roll, true, window, number)
		if err == nil && (!matches || path == target) {
			t.Errorf("%q: a part is called %q and is not known as one", target, path)
		}
	})
}
