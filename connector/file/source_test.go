package file_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

func TestArgumentsNameFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"a.log", "b.txt", "sub/c.log", "sub/deep/d.log", "sub/deep/e.txt", "sub2/f.log",
		".hidden.log", "with space.log", "new\nline.log", "süß/日本.log", "bad\xff.log", "x[1].log", "x1.log",
		".a.log.weir-abc234.tmp", "sub/.b.weir-zzzzzz.tmp", "y.weir-abc234.tmp",
	} {
		put(t, dir, name, name)
	}
	must(t, os.Symlink("sub", filepath.Join(dir, "link-to-dir")))
	must(t, os.Symlink("../a.log", filepath.Join(dir, "sub", "link-to-file.log")))
	must(t, os.Mkdir(filepath.Join(dir, "dir.log"), 0o755))

	all := []string{
		".hidden.log", "a.log", "b.txt", "bad\xff.log", "new\nline.log",
		"sub/c.log", "sub/deep/d.log", "sub/deep/e.txt", "sub/link-to-file.log", "sub2/f.log",
		"süß/日本.log", "with space.log", "x1.log", "x[1].log", "y.weir-abc234.tmp",
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{""}, all},
		{[]string{"/"}, all},
		{[]string{"link-to-dir"}, []string{"c.log", "deep/d.log", "deep/e.txt", "link-to-file.log"}},
		{[]string{"a.log"}, []string{"a.log"}},
		{[]string{"sub/c.log"}, []string{"c.log"}},
		{[]string{"new\nline.log"}, []string{"new\nline.log"}},
		{[]string{".a.log.weir-abc234.tmp"}, []string{".a.log.weir-abc234.tmp"}},
		{[]string{"x[1].log"}, []string{"x[1].log"}},  // it exists: a path
		{[]string{"x[12].log"}, []string{"x1.log"}},   // it does not: a pattern
		{[]string{`x\[1].lo?`}, []string{"x[1].log"}}, // escaped
		{[]string{"*.txt"}, []string{"b.txt"}},
		{[]string{"sub/*.log"}, []string{"c.log", "link-to-file.log"}},
		{[]string{"sub*/*.log"}, []string{"sub/c.log", "sub/link-to-file.log", "sub2/f.log"}},
		{[]string{"*/*/*.log"}, []string{"sub/deep/d.log"}},
		{[]string{"**/*.txt"}, []string{"b.txt", "sub/deep/e.txt"}},
		{[]string{"sub/**/*.txt"}, []string{"deep/e.txt"}},
		{[]string{"sub/**"}, []string{"c.log", "deep/d.log", "deep/e.txt", "link-to-file.log"}},
		{[]string{"sub/*/**/e*"}, []string{"deep/e.txt"}},
		{[]string{"{sub/deep,sub2}/*.log"}, []string{"sub/deep/d.log", "sub2/f.log"}},
		{[]string{"[ab].*", "sub2/f.log", "sub2"}, []string{"a.log", "b.txt", "f.log", "f.log"}},
		{[]string{"link-to-dir/*.log"}, []string{"c.log", "link-to-file.log"}},
		{[]string{"**/日*"}, []string{"süß/日本.log"}},
	} {
		var args []string
		for _, a := range c.args {
			args = append(args, dir+"/"+a)
		}
		if got := names(t, source(t, file.SourceOptions{}, args...)); !slices.Equal(got, c.want) {
			t.Errorf("%q gives %q, want %q", c.args, got, c.want)
		}
	}
}

func TestAStreamSaysWhatFileItIs(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "a.log", "content")
	must(t, os.Link(path, filepath.Join(dir, "other")))
	info, other := open(t, path).Info(), open(t, filepath.Join(dir, "other")).Info()
	if info.Name != "a.log" || info.Size != 7 || info.Endless || !strings.HasPrefix(info.ID, "file:") {
		t.Errorf("info is %+v", info)
	}
	if info.ID != other.ID {
		t.Errorf("one file has the IDs %s and %s", info.ID, other.ID)
	}
}

func TestExcludedPathsAreNotRead(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "in/a", "")
	put(t, dir, "in/out/b", "")
	put(t, dir, "in/c", "")
	must(t, os.Symlink("in", filepath.Join(dir, "alias")))
	o := file.SourceOptions{Exclude: []string{filepath.Join(dir, "in", "out"), filepath.Join(dir, "alias", "c"), filepath.Join(dir, "no", "such")}}
	for _, arg := range []string{"in", "alias", "in/**"} {
		if got := names(t, source(t, o, filepath.Join(dir, arg))); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s gives %q", arg, got)
		}
	}
}

func TestADirectoryWithoutFilesHasNoStreams(t *testing.T) {
	dir := tempDir(t)
	if got := names(t, source(t, file.SourceOptions{}, dir)); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func TestArgumentsThatCannotBeReadAreRefused(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "a", "")
	_, err := file.NewSource(nil, file.SourceOptions{})
	refused(t, err, weir.Invalid, "no file to read")
	_, err = file.NewSource([]string{""}, file.SourceOptions{})
	refused(t, err, weir.Invalid, "empty")
	_, err = file.NewSource([]string{dir + "/a", dir + "/missing", dir + "/a/b"}, file.SourceOptions{})
	refused(t, err, weir.Invalid, "/missing: no such file or directory; check the path", "is a file, not a directory")
	_, err = file.NewSource([]string{dir + "/x[1"}, file.SourceOptions{})
	refused(t, err, weir.Invalid, "malformed pattern")
	if _, err = file.NewSource([]string{dir + "/missing"}, file.SourceOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v, want fs.ErrNotExist", err)
	}
}

func TestAPatternBelowAFileNamesTheFile(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "a", "")
	st, err := source(t, file.SourceOptions{}, path+"/*.log").Next(t.Context())
	must(t, err)
	if name := st.Info().Name; name != "a" {
		t.Errorf("the stream that fails is called %q", name)
	}
	refused(t, st.Read(t.Context(), weir.NewBatch(1)), weir.Invalid, path+" is a file, not a directory")
}

func TestAPatternThatMatchesNothingIsAnErrorAtTheEnd(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "a.txt", "")
	s := source(t, file.SourceOptions{}, dir+"/*.gz", dir+"/no/such/*.log", dir+"/*.txt")
	st, err := s.Next(t.Context())
	must(t, err)
	if st.Info().Name != "a.txt" {
		t.Errorf("the first stream is %s", st.Info().Name)
	}
	must(t, st.Close())
	_, err = s.Next(t.Context())
	refused(t, err, weir.Invalid, "no file matches", "/*.gz, ", "/no/such/*.log", "check the pattern")
	if _, err := s.Next(t.Context()); err != io.EOF {
		t.Errorf("after it: %v, want io.EOF", err)
	}
}

// Trap 5: a failed stream ends its own stream only.
func TestTrap5AnUnreadableFileFailsItsOwnStreamOnly(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "a", "first")
	put(t, dir, "b", "secret")
	put(t, dir, "c/d", "hidden")
	put(t, dir, "e", "last")
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, os.Chmod(filepath.Join(dir, "b"), 0))
	must(t, os.Chmod(filepath.Join(dir, "c"), 0))
	defer func() { must(t, os.Chmod(filepath.Join(dir, "c"), 0o755)) }()

	asNobody(t, dir, func() {
		s := source(t, file.SourceOptions{}, dir)
		var report []string
		for {
			st, err := s.Next(t.Context())
			if err == io.EOF {
				break
			}
			must(t, err)
			content, _, err := drain(st, 64)
			if err != nil {
				refused(t, err, weir.Invalid, st.Info().Name)
				refused(t, st.Seek(t.Context(), nil), weir.Invalid)
				content = []byte("failed")
			}
			report = append(report, fmt.Sprintf("%s: %s", st.Info().Name, content))
			must(t, st.Close())
		}
		want := []string{"a: first", "b: failed", "c: failed", "dangling: failed", "e: last"}
		if !slices.Equal(report, want) {
			t.Errorf("got %q, want %q", report, want)
		}
	})
}

func TestManyFilesComeSortedInBoundedPieces(t *testing.T) {
	dir := tempDir(t)
	const n = 1000
	for i := range n {
		put(t, dir, fmt.Sprintf("%06d", i*7919%n), "")
	}
	for _, piece := range []int{n, 300, 1} {
		s := source(t, file.SourceOptions{}, dir)
		s.SortTogether(piece)
		all := names(t, s)
		for i := 0; i < n; i += piece {
			if end := min(i+piece, n); !slices.IsSorted(all[i:end]) {
				t.Errorf("with pieces of %d, those from %d to %d are not sorted", piece, i, end)
			}
		}
		slices.Sort(all)
		if len(slices.Compact(all)) != n || all[n-1] != fmt.Sprintf("%06d", n-1) {
			t.Errorf("with pieces of %d there are %d files, from %s to %s", piece, len(all), all[0], all[len(all)-1])
		}
	}
}

func TestNextAndCloseEndAWalk(t *testing.T) {
	dir := tempDir(t)
	for i := range 50 {
		put(t, dir, fmt.Sprintf("%d/%04d", i%2, i), "")
	}
	s, err := file.NewSource([]string{dir}, file.SourceOptions{})
	must(t, err)
	s.SortTogether(1) // the directories stay open
	st, err := s.Next(t.Context())
	must(t, err)
	must(t, st.Close())
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := s.Next(ctx); !errors.Is(err, cause) {
		t.Errorf("cancelled Next returns %v", err)
	}
	st, err = s.Next(t.Context())
	must(t, err)
	must(t, st.Close())
	must(t, s.Close())
	_, err = s.Next(t.Context())
	refused(t, err, weir.Closed)
	must(t, s.Close())
}

func TestASourceSaysItsName(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "a\nb", "")
	if got, want := source(t, file.SourceOptions{}, dir, dir).String(), "file "+dir+" and 1 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := source(t, file.SourceOptions{}, dir+"/a\nb").String(); strings.Contains(got, "\n") {
		t.Errorf("the name %q breaks the line", got)
	}
}
