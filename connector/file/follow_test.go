package file_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

// sorted returns the lines of text in order: streams are not in any.
func sorted(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// lines waits until the streams were given want, in any order of lines, and nothing
// else for a while.
func (f *tailing) lines(want string) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); len(f.book.all()) < len(want) && time.Now().Before(deadline); {
		time.Sleep(poll)
	}
	time.Sleep(20 * poll)
	if got := sorted(f.book.all()); got != sorted(want) {
		f.t.Fatalf("there are %d bytes, want %d\n%s", len(got), len(want), firstDifference(got, sorted(want)))
	}
}

func TestNewFilesOfAFollowedDirectoryAreRead(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := tempDir(t)
	a := opens(t, dir, "a.log")
	a.lines(10)
	f := follow(t, filepath.Join(dir, "**", "*.log"))
	f.start()
	f.lines(a.all.String())
	put(t, dir, "no.txt", "not this one\n")
	put(t, dir, "below/b.log", "another\n")
	a.lines(10)
	f.lines(a.all.String() + "another\n")
	if got, want := f.book.names(), []string{"a.log", "below/b.log"}; !slices.Equal(got, want) {
		t.Errorf("the streams are %q, want %q", got, want)
	}
	f.stop()
}

// The same file is the same stream whatever it is called, now and after a restart.
func TestRotatedFileOfAFollowedDirectoryIsNotReadAgain(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path))
	f.start()
	log.lines(10)
	for range 3 {
		f.lines(log.all.String())
		log.shift()
		log.lines(10) // to the file that was renamed
		f.lines(log.all.String())
		log.reopen()
		log.lines(10)
		f.lines(log.all.String())
	}
	for deadline := time.Now().Add(patience); f.marked() < log.all.Len() && time.Now().Before(deadline); {
		time.Sleep(poll)
	}
	f.crash()
	log.lines(10)
	log.rotate()
	log.lines(10)
	f.start()
	f.lines(log.all.String())
	if n := len(f.book.names()); n != 5 {
		t.Errorf("there are %d streams for 5 files: %q", n, f.book.names())
	}
	f.stop()
}

// A file that gets a name which another one had has a stream of another name, so
// that a sink can tell them apart.
func TestStreamsOfAFollowedDirectoryHaveNamesOfTheirOwn(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path))
	f.start()
	log.lines(1)
	f.lines(log.all.String())
	log.rotate()
	log.lines(1)
	f.lines(log.all.String())
	names := f.book.names()
	if len(names) != 2 || names[0] != "app.log" || !strings.HasPrefix(names[1], "app.log.") {
		t.Errorf("the streams are %q", names)
	}
}

// A copy that is made to truncate a file is not read, and what it has behind the
// offset is.
func TestCopytruncateInAFollowedDirectoryReadsNothingTwice(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path))
	f.start()
	log.lines(100)
	f.lines(log.all.String())
	for range 3 {
		log.lines(100)
		log.copyTruncate()
		log.lines(10)
		f.lines(log.all.String())
	}
	if got := f.book.names(); !slices.Equal(got, []string{"app.log"}) {
		t.Errorf("the streams are %q", got)
	}
}

// A stream ends when its file has been removed, or is not found any more, and was
// read to its end. Inodes that are used again are other files.
func TestStreamEndsWithItsFile(t *testing.T) {
	dir := tempDir(t)
	f := follow(t, filepath.Join(dir, "*.log"))
	f.start()
	want := ""
	ended := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
			f.book.mu.Lock()
			commits := 0
			for _, p := range f.book.pages {
				commits += p.commits
			}
			f.book.mu.Unlock()
			if commits == n {
				return
			}
		}
		t.Fatalf("there are not %d streams that ended", n)
	}
	for i := range 5 {
		line := fmt.Sprintf("file %d\n", i)
		path := put(t, dir, "app.log", line)
		want += line
		f.lines(want)
		must(t, os.Remove(path))
		ended(i + 1)
	}
	path := put(t, dir, "app.log", "moved\n")
	f.lines(want + "moved\n")
	must(t, os.Rename(path, path+".old"))
	ended(6)
	must(t, os.Rename(path+".old", path)) // nothing new
	f.lines(want + "moved\n")
	grown, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = grown.WriteString("and grown\n")
	must(t, err)
	must(t, grown.Close())
	f.lines(want + "moved\nand grown\n")
}

// What is remembered of files that are not read any more is bounded; those that have
// been gone longest are forgotten.
func TestFollowedDirectoryRemembersABoundedNumberOfFiles(t *testing.T) {
	dir := tempDir(t)
	s := source(t, file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{Poll: poll}}, dir)
	s.Remember(3)
	for i := range 20 {
		put(t, dir, fmt.Sprint(i), fmt.Sprint("file ", i))
		st, err := s.Next(t.Context())
		must(t, err)
		must(t, os.Remove(filepath.Join(dir, fmt.Sprint(i))))
		b := weir.NewBatch(100)
		for err = st.Read(t.Context(), b); err == nil; err = st.Read(t.Context(), b) {
			b.Reset()
		}
		if err != io.EOF {
			t.Fatal(err)
		}
		must(t, st.Close())
		if all, left := s.Known(); all > 3 || left != all {
			t.Fatalf("%d files are remembered, %d of them not read any more", all, left)
		}
	}
}

func TestFollowingFromTheEnd(t *testing.T) {
	for _, what := range []string{"", "*.log"} {
		log := opens(t, tempDir(t), "app.log")
		log.lines(10)
		log.all.Reset()
		f := follow(t, log.path)
		if what != "" {
			f = follow(t, filepath.Join(filepath.Dir(log.path), what))
		}
		f.o.FromEnd = true
		f.start()
		for deadline := time.Now().Add(patience); len(f.book.names()) == 0 && time.Now().Before(deadline); {
			time.Sleep(poll) // until it is open
		}
		log.lines(10)
		f.keep(log.all.String())
		f.crash()
		log.lines(10)
		log.rotate()
		log.lines(10)
		f.start()
		if what == "" {
			f.settles(log.all.String())
		}
		f.stop()
	}
}

// A followed file that has no more data is waited for: a drain and a cancellation
// end that at once, and the time counts as waiting.
func TestWaitingForGrowthEndsWithItsContext(t *testing.T) {
	weirtest.CheckLeaks(t)
	dir := tempDir(t)
	path := put(t, dir, "app.log", "line\n")
	s := source(t, file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{Poll: time.Hour}}, path)
	st, err := s.Next(t.Context())
	must(t, err)
	if info := st.Info(); !info.Endless || !info.Resumable || info.Size != weir.UnknownSize {
		t.Errorf("%+v", info)
	}
	b := weir.NewBatch(100)
	must(t, st.Read(t.Context(), b))
	b.Reset()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errCut)
	defer cancel()
	within(t, "Read", func() { err = st.Read(ctx, b) })
	if !errors.Is(err, errCut) || b.Waited() < 10*time.Millisecond {
		t.Errorf("%v, waited %v", err, b.Waited())
	}
	must(t, st.Close())
	if _, err := s.Next(t.Context()); err != io.EOF {
		t.Errorf("the next of one name is %v", err)
	}
}

func TestCloseEndsARead(t *testing.T) {
	weirtest.CheckLeaks(t)
	path := put(t, tempDir(t), "app.log", "")
	s := source(t, file.SourceOptions{Follow: true}, path)
	st, err := s.Next(t.Context())
	must(t, err)
	done := make(chan error)
	go func() { done <- st.Read(context.Background(), weir.NewBatch(100)) }()
	time.Sleep(5 * time.Millisecond)
	must(t, st.Close())
	within(t, "Read", func() { err = <-done })
	refused(t, err, weir.Closed)
}

func TestFollowOptionsAreChecked(t *testing.T) {
	_, err := file.NewSource([]string{"x"}, file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{Poll: -1}})
	refused(t, err, weir.Invalid, "Poll is -1ns")
	_, err = file.NewSource([]string{""}, file.SourceOptions{Follow: true})
	refused(t, err, weir.Invalid, "empty")
}

// A directory of a tree that cannot be read, and a file, are reported once, and the
// others are read.
func TestUnreadableFilesOfAFollowedDirectoryAreReportedOnce(t *testing.T) {
	dir := tempDir(t)
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	s := source(t, file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{Poll: poll}}, dir)
	st, err := s.Next(t.Context())
	must(t, err)
	if err := st.Read(t.Context(), weir.NewBatch(10)); err == nil {
		t.Error("it is read")
	}
	must(t, st.Close())
	put(t, dir, "a", "there")
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		st, err := s.Next(ctx)
		cancel()
		if err != nil {
			continue
		}
		if got := st.Info().Name; got != "a" {
			t.Errorf("there is %s", got)
		}
		defer func() { must(t, st.Close()) }()
	}
}

func TestRotatedNames(t *testing.T) {
	for _, c := range []struct {
		base, name string
		number     int
		ok         bool
	}{
		{"app.log", "app.log.1", 1, true},
		{"app.log", "app.log.42", 42, true},
		{"app.log", "app.1.log", 1, true},
		{"app.log", "app.log-20260131", -1, true},
		{"app.log", "app-20260131.log", -1, true},
		{"app.log", "app.log.2026-01-31T10:00:00Z", -1, true},
		{"app.log", "app-2026-01-31T10-00-00.000.log", -1, true},
		{"app", "app.1", 1, true},
		{"app.log", "app.log", 0, false},
		{"app.log", "app.log.1.gz", 0, false},
		{"app.log", "app.log.bak", 0, false},
		{"app.log", "app.log.", 0, false},
		{"app.log", "app.log--", 0, false},
		{"app.log", "app.log2", 0, false},
		{"app.log", "application.log", 0, false},
		{"app.log", "app-error.log", 0, false},
		{"app.log", "other.log.1", 0, false},
		{".log", "x.log", 0, false},
	} {
		if n, ok := file.RotatedName(c.base, c.name); n != c.number || ok != c.ok {
			t.Errorf("%s of %s: %d, %v; want %d, %v", c.name, c.base, n, ok, c.number, c.ok)
		}
	}
}

func FuzzRotatedNames(f *testing.F) {
	f.Add("app.log", "app.log.1")
	f.Add("app.log", "app-2026.log")
	f.Fuzz(func(t *testing.T, base, name string) {
		n, ok := file.RotatedName(base, name)
		if ok && base != "" && !file.HasStamp(name) {
			t.Errorf("%q has no stamp, and is rotated from %q", name, base)
		}
		if ok && (len(name) <= len(base) || n == 0) || !ok && n != 0 || base == name && ok {
			t.Errorf("%q of %q: %d, %v", name, base, n, ok)
		}
	})
}

func TestFollowingAllocatesNothingForEachBatch(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "app.log", strings.Repeat("a line\n", 200_000))
	s := source(t, file.SourceOptions{Follow: true}, path)
	st, err := s.Next(t.Context())
	must(t, err)
	defer func() { must(t, st.Close()) }()
	b := weir.NewBatch(4 << 10)
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		must(t, st.Read(t.Context(), b))
	}); n > 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

// That no more files can be followed is said once, when the last stream is taken.
func TestFullDirectoryIsReported(t *testing.T) {
	dir := tempDir(t)
	for i := range 5 {
		put(t, dir, fmt.Sprint(i), fmt.Sprint("file ", i, "\n"))
	}
	f := follow(t, dir)
	f.o.Streams = 3
	f.start()
	f.lines("file 0\nfile 1\nfile 2\nfile 3\nfile 4\n")
	f.stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) != 1 || f.events[0].What != file.Full || f.events[0].Stream != "2" || !strings.Contains(f.events[0].String(), "--streams") {
		t.Errorf("%v", f.events)
	}
}
