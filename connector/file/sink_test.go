package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// Trap 1: the destination cannot be opened.
func TestTrap1ADestinationThatCannotBeOpenedIsAnErrorOfOpen(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "exists", "old")
	put(t, dir, "dir/file", "")
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, os.Mkdir(filepath.Join(dir, "locked"), 0o555))
	before := tree(t, dir)

	asNobody(t, dir, func() {
		for _, c := range []struct {
			path, name string
			force      bool
			words      []string
		}{
			{"missing/a", "a", false, []string{"the directory " + dir + "/missing does not exist; create it"}},
			{"missing/dir/", "a", false, []string{"the directory " + dir + "/missing does not exist; create it"}},
			{"exists", "a", false, []string{"/exists: file already exists; use --force"}},
			{"dir", "file", false, []string{"/dir/file: file already exists; use --force"}},
			{"dir", "file/below", false, []string{"/dir/file/below: " + dir + "/dir/file is a file, not a directory"}},
			{"exists/a/b", "a", false, []string{"/exists/a/b: " + dir + "/exists is a file, not a directory"}},
			{"dangling", "a", false, []string{"leads nowhere"}},
			{"dangling", "a", true, []string{"leads nowhere"}},
			{"locked/a", "a", false, []string{"cannot write in the directory " + dir + "/locked: permission denied"}},
			{"locked", "b/a", false, []string{"cannot write in the directory " + dir + "/locked: permission denied"}},
		} {
			s := sink(t, dir+"/"+c.path, file.SinkOptions{Force: c.force})
			_, err := s.Open(t.Context(), stream(c.name))
			refused(t, err, weir.Invalid, append(c.words, "open: ", "stream "+c.name)...)
		}
	})

	s := sink(t, dir+"/becomes", file.SinkOptions{Force: true})
	must(t, os.Mkdir(dir+"/becomes", 0o755))
	_, err := s.Open(t.Context(), stream("a"))
	refused(t, err, weir.Invalid, "is a directory")
	must(t, os.Remove(dir+"/becomes"))

	_, err = file.NewSink("", file.SinkOptions{})
	refused(t, err, weir.Invalid, "no target")
	_, err = file.NewSink(dir+"/exists/", file.SinkOptions{})
	refused(t, err, weir.Invalid, "not a directory")
	if after := tree(t, dir); !slices.Equal(after, before) {
		t.Errorf("there are %q, there were %q", after, before)
	}
}

// Two streams of one name side by side, and then one after the other.
func TestStreamsOfOneNameAreToldApart(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "old", "")
	s := sink(t, dir, file.SinkOptions{})
	const twin = "copy them into different directories"
	if _, err := s.Open(t.Context(), stream("old")); err == nil || strings.Contains(err.Error(), twin) {
		t.Errorf("before any stream has committed: %v", err)
	}
	first := begin(t, s, "a")
	_, err := s.Open(t.Context(), stream("a"))
	refused(t, err, weir.Invalid, dir+"/a: two streams have this target; "+twin)
	must(t, first.Abort(t.Context(), errors.New("enough")))
	second := begin(t, s, "a")
	must(t, second.Write(t.Context(), batchOf("second")))
	must(t, second.Commit(t.Context()))
	_, err = s.Open(t.Context(), stream("a"))
	refused(t, err, weir.Invalid, dir+"/a: file already exists; use --force", twin)
	if got := get(t, dir+"/a"); got != "second" {
		t.Errorf("the file has %q", got)
	}
}

func TestAStreamBecomesAFile(t *testing.T) {
	dir := tempDir(t)
	for i, n := range []int{0, 1, 5 << 20} {
		for _, o := range []file.SinkOptions{{}, {NoSync: true}, {Force: true}} {
			content := noise(n)
			path := filepath.Join(dir, fmt.Sprintf("%d%v", i, o))
			w := begin(t, sink(t, path, o), "a")
			for chunk := range slices.Chunk(content, 64<<10) {
				must(t, w.Write(t.Context(), batchOf(string(chunk))))
			}
			must(t, w.Commit(t.Context()))
			if get(t, path) != string(content) {
				t.Errorf("%d bytes are not what was written", n)
			}
		}
	}
}

func TestStreamsBecomeFilesInADirectorySideBySide(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, filepath.Join(dir, "out")+"/", file.SinkOptions{})
	list := []string{
		"a", "b/c", "b/d", "b/e/f", "with space", "new\nline", "日本/süß", "bad\xff",
		"...", "..a", "b/.hidden", strings.Repeat("n", 255), strings.Repeat("ü", 127),
	}
	var group sync.WaitGroup
	for _, name := range list {
		w := begin(t, s, name)
		group.Go(func() {
			for range 100 {
				if err := w.Write(context.Background(), batchOf(name)); err != nil {
					t.Error(err)
				}
			}
			if err := w.Commit(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, name := range list {
		if get(t, filepath.Join(dir, "out", name)) != strings.Repeat(name, 100) {
			t.Errorf("%q is not what was written", name)
		}
	}
}

func TestNamesThatLeaveTheDirectoryAreRefused(t *testing.T) {
	dir := tempDir(t)
	must(t, os.Mkdir(dir+"/out", 0o755))
	s := sink(t, dir+"/out", file.SinkOptions{Force: true})
	for _, name := range []string{"", ".", "..", "/", "/etc/x", "../x", "a/../../x", "a/../x", "a/./x", "a//x", "a/", "nul\x00"} {
		_, err := s.Open(t.Context(), stream(name))
		refused(t, err, weir.Invalid, "rename the stream")
	}
	if paths := tree(t, dir); len(paths) != 1 {
		t.Errorf("there are %q", paths)
	}
}

func TestOneTargetTakesOneStream(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, filepath.Join(dir, "out"), file.SinkOptions{Force: true})
	w := begin(t, s, "a")
	for range 2 {
		_, err := s.Open(t.Context(), stream("b"))
		refused(t, err, weir.Invalid, "has a stream already; end it with / to make a directory")
		_, err = s.Open(t.Context(), stream("a"))
		refused(t, err, weir.Invalid, "has a stream already")
	}
	must(t, w.Abort(t.Context(), errors.New("cut")))
	w = begin(t, s, "a") // the same again is a second attempt
	must(t, w.Commit(t.Context()))
	_, err := s.Open(t.Context(), stream("b"))
	refused(t, err, weir.Invalid, "has a stream already")
}

// Trap 6: a partial file under the final name; the old file destroyed on open.
func TestTrap6TheTargetKeepsItsContentUntilCommit(t *testing.T) {
	for _, ending := range []string{"commit", "abort"} {
		for _, old := range []string{"", "old"} {
			dir := tempDir(t)
			path := filepath.Join(dir, "out")
			if old != "" {
				put(t, dir, "out", old)
			}
			unchanged := func() {
				t.Helper()
				if content, err := os.ReadFile(path); old == "" && err == nil || string(content) != old {
					t.Errorf("the target holds %q, %v; want %q", content, err, old)
				}
			}
			w := begin(t, sink(t, path, file.SinkOptions{Force: old != ""}), "a")
			unchanged()
			must(t, w.Write(t.Context(), batchOf("new")))
			unchanged()
			if ending == "abort" {
				must(t, w.Abort(t.Context(), errors.New("cut")))
				unchanged()
				must(t, w.Abort(t.Context(), errors.New("cut"))) // once more does nothing
				refused(t, w.Commit(t.Context()), weir.Closed)
				unchanged()
				continue
			}
			must(t, w.Commit(t.Context()))
			if got := get(t, path); got != "new" {
				t.Errorf("the target holds %q", got)
			}
			must(t, w.Abort(t.Context(), errors.New("cut"))) // does nothing
			refused(t, w.Commit(t.Context()), weir.Closed)
			if got := get(t, path); got != "new" {
				t.Errorf("the target holds %q", got)
			}
		}
	}
}

// Trap 7: the source is the destination.
func TestTrap7TheFileThatIsReadIsRefusedAsTarget(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "a", "content")
	must(t, os.Link(path, filepath.Join(dir, "hard")))
	must(t, os.Symlink("a", filepath.Join(dir, "soft")))
	must(t, os.Symlink(".", filepath.Join(dir, "here")))
	info := open(t, path).Info()
	for _, target := range []string{"a", "hard", "soft", "here/a", "here/soft", "", "here"} {
		for _, force := range []bool{false, true} {
			s := sink(t, filepath.Join(dir, target), file.SinkOptions{Force: force})
			_, err := s.Open(t.Context(), info)
			refused(t, err, weir.Invalid, "is the file that is read")
		}
	}
	if got := get(t, path); got != "content" {
		t.Errorf("the source holds %q", got)
	}
}

func TestForceReplacesWhatALinkLeadsTo(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "sub/real", "old")
	must(t, os.Symlink("sub/real", filepath.Join(dir, "link")))
	path := filepath.Join(dir, "link")

	_, err := sink(t, path, file.SinkOptions{}).Open(t.Context(), stream("a"))
	refused(t, err, weir.Invalid, "file already exists")

	w := begin(t, sink(t, path, file.SinkOptions{Force: true}), "a")
	must(t, w.Write(t.Context(), batchOf("new")))
	must(t, w.Commit(t.Context()))
	if to, err := os.Readlink(path); err != nil || to != "sub/real" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if got := get(t, filepath.Join(dir, "sub", "real")); got != "new" {
		t.Errorf("the file holds %q", got)
	}
}

func TestForceKeepsPermissions(t *testing.T) {
	dir := tempDir(t)
	for _, mode := range []os.FileMode{0o600, 0o666, 0o755} {
		path := put(t, dir, "out", "old")
		must(t, os.Chmod(path, mode))
		w := begin(t, sink(t, path, file.SinkOptions{Force: true}), "a")
		must(t, w.Commit(t.Context()))
		st, err := os.Stat(path)
		must(t, err)
		if st.Mode() != mode {
			t.Errorf("the mode is %v, was %v", st.Mode(), mode)
		}
	}
}

func TestATargetThatSomebodyMakesMeanwhileIsKept(t *testing.T) {
	dir := tempDir(t)
	path := filepath.Join(dir, "out")
	w := begin(t, sink(t, path, file.SinkOptions{}), "a")
	must(t, w.Write(t.Context(), batchOf("ours")))
	put(t, dir, "out", "theirs")
	refused(t, w.Commit(t.Context()), weir.Invalid, path+": file already exists: somebody made it meanwhile; use --force")
	if got := get(t, path); got != "theirs" {
		t.Errorf("the target holds %q", got)
	}

	temp := put(t, dir, "temp", "ours")
	if err := file.LinkNew(temp, path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a link returns %v", err)
	}
	must(t, file.LinkNew(temp, path+"2"))
	if _, err := os.Stat(temp); get(t, path) != "theirs" || get(t, path+"2") != "ours" || err == nil {
		t.Error("a link did something else than rename")
	}
}

func TestAbortRemovesTheDirectoriesItMade(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, filepath.Join(dir, "out")+"/", file.SinkOptions{})
	first, second := begin(t, s, "a/b/c/1"), begin(t, s, "a/b/2")
	must(t, first.Abort(t.Context(), errors.New("cut")))
	must(t, second.Commit(t.Context()))
	if got, want := tree(t, dir), []string{"out", "out/a", "out/a/b", "out/a/b/2"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	third := begin(t, s, "x/y/3")
	must(t, third.Abort(t.Context(), errors.New("cut")))
	if got := tree(t, dir); len(got) != 4 {
		t.Errorf("there are %q", got)
	}
}

func TestOpenAndWriteEndWhenCancelled(t *testing.T) {
	dir := tempDir(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	s := sink(t, filepath.Join(dir, "out"), file.SinkOptions{})
	if _, err := s.Open(ctx, stream("a")); !errors.Is(err, cause) {
		t.Errorf("Open returns %v", err)
	}
	w := begin(t, s, "a")
	if err := w.Write(ctx, batchOf("x")); !errors.Is(err, cause) {
		t.Errorf("Write returns %v", err)
	}
	must(t, w.Abort(t.Context(), cause))
}

func TestTemporaryFilesAreRecognizedByTheirNames(t *testing.T) {
	dir := tempDir(t)
	for _, name := range []string{"a", "a.tmp", strings.Repeat("n", 255)} {
		w := begin(t, sink(t, filepath.Join(dir, name), file.SinkOptions{}), "a")
		temp := tree(t, dir)
		if len(temp) != 1 || !file.IsTempName(temp[0]) {
			t.Errorf("there are %q", temp)
		}
		if got := names(t, source(t, file.SourceOptions{}, dir)); len(got) != 0 {
			t.Errorf("a walk finds %q", got)
		}
		must(t, w.Abort(t.Context(), errors.New("cut")))
	}
	for _, name := range []string{"", ".tmp", ".weir-abcdef.tmp", "a.weir-abcdef.tmp", ".a.weir-abcde.tmp", ".a.weir-abcde1.tmp", ".a.weir-abcdef"} {
		if file.IsTempName(name) {
			t.Errorf("%q is taken for a temporary file", name)
		}
	}
}

func TestFootprintPromisesOrderOnly(t *testing.T) {
	fp := sink(t, "x", file.SinkOptions{}).Footprint()
	if fp.MaxInFlight != 1 || fp.Durable || fp.PerWriter <= 0 || fp.PerWriter > 64<<10 {
		t.Errorf("%+v", fp)
	}
}
