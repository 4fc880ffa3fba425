package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

func TestRollingSinkConforms(t *testing.T) {
	weirtest.TestSink(t, func(t *testing.T) weirtest.SinkHarness {
		dir := t.TempDir() + string(os.PathSeparator)
		open := func(watch func(act string) error) func(testing.TB) weir.Sink {
			return func(tb testing.TB) weir.Sink {
				s, err := file.NewSink(dir, file.SinkOptions{Force: true, Roll: file.Roll{Size: 8000}})
				if err != nil {
					tb.Fatal(err)
				}
				s.SyncNothing()
				if watch != nil {
					s.Watch(func(act, _ string) error { return watch(act) })
				}
				return s
			}
		}
		return weirtest.SinkHarness{
			Kept: true, // parts that ended before
			Open: open(nil),
			Fails: open(func(act string) error {
				if act == "write" {
					return syscall.ENOSPC
				}
				return nil
			}),
			Read: func(tb testing.TB, name string) (all []byte, visible bool) {
				stem := strings.TrimSuffix(name, ".ndjson")
				for n := 1; ; n++ {
					part, err := os.ReadFile(fmt.Sprintf("%s%s-%06d.ndjson", dir, stem, n))
					if err != nil {
						return all, visible
					}
					all, visible = append(all, part...), true
				}
			},
		}
	})
}

// partsIn returns the files below dir, without temporary ones, and what is in them.
func partsIn(t *testing.T, dir string) []string {
	t.Helper()
	all := map[string]string{}
	for _, name := range tree(t, dir) {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode().IsRegular() && !strings.HasSuffix(name, ".tmp") {
			all[name] = name + "=" + get(t, filepath.Join(dir, name))
		}
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		texts = append(texts, all[name])
	}
	return texts
}

func wantParts(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := partsIn(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func records(all ...string) *weir.Batch {
	b := weir.NewBatch(1 << 10)
	for _, r := range all {
		b.Append([]byte(r))
	}
	return b
}

// Without checkpoints a part is there as soon as the next one begins.
func TestPartsAppearAsTheyEnd(t *testing.T) {
	dir := tempDir(t)
	w := begin(t, sink(t, filepath.Join(dir, "o.log"), file.SinkOptions{Roll: file.Roll{Size: 4}}), "in")
	must(t, w.Write(t.Context(), records("a\n", "b\n")))
	wantParts(t, dir)
	must(t, w.Write(t.Context(), records("c\n", "dddd\n", "e\n")))
	wantParts(t, dir, "o-000001.log=a\nb\n", "o-000002.log=c\ndddd\n")
	must(t, w.Commit(t.Context()))
	wantParts(t, dir, "o-000001.log=a\nb\n", "o-000002.log=c\ndddd\n", "o-000003.log=e\n")
}

func TestBytesWithoutRecordsAreDividedExactly(t *testing.T) {
	dir := tempDir(t)
	w := begin(t, sink(t, filepath.Join(dir, "o{n}"), file.SinkOptions{Roll: file.Roll{Size: 4}}), "in")
	must(t, w.Write(t.Context(), batchOf("abcdef")))
	must(t, w.Write(t.Context(), batchOf("ghijkl")))
	must(t, w.Commit(t.Context()))
	wantParts(t, dir, "o000001=abcd", "o000002=efgh", "o000003=ijkl")
}

func TestAbortLeavesThePartsThatHaveNames(t *testing.T) {
	dir := tempDir(t)
	w := begin(t, sink(t, filepath.Join(dir, "o.log"), file.SinkOptions{Roll: file.Roll{Size: 2}}), "in")
	must(t, w.Write(t.Context(), records("a\n", "b\n", "c\n")))
	must(t, w.Abort(t.Context(), errCut))
	wantParts(t, dir, "o-000001.log=a\n", "o-000002.log=b\n")
}

// rolledJob opens a Writer of a job.
func rolledJob(t *testing.T, path string, o file.SinkOptions, prepare func(*file.Sink)) weir.Resumer {
	t.Helper()
	o.Job = "job"
	s := sink(t, path, o)
	if prepare != nil {
		prepare(s)
	}
	info := stream("in/a.log")
	info.Resumable = true
	w, err := s.Open(t.Context(), info)
	must(t, err)
	return w.(weir.Resumer)
}

// With checkpoints nothing is seen before one covers it, and an Abort before the first
// leaves nothing.
func TestAbortBeforeACheckpointLeavesNothing(t *testing.T) {
	dir := tempDir(t)
	w := rolledJob(t, filepath.Join(dir, "out")+"/", file.SinkOptions{Roll: file.Roll{Size: 2}}, nil)
	_, err := w.Resume(t.Context(), weir.Checkpoint{})
	must(t, err)
	must(t, w.(weir.Writer).Write(t.Context(), records("a\n", "b\n", "c\n")))
	if got := tree(t, filepath.Join(dir, "out", "in")); len(got) != 3 {
		t.Errorf("there are %q, want three temporary files", got)
	}
	must(t, w.(weir.Writer).Abort(t.Context(), errCut))
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("left are %q", got)
	}
}

func TestEmptyStreamHasOnePart(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, dir, file.SinkOptions{Roll: file.Roll{Size: 2}})
	must(t, begin(t, s, "a").Commit(t.Context()))
	info := stream("b")
	info.Endless = true
	w, err := s.Open(t.Context(), info)
	must(t, err)
	must(t, w.Commit(t.Context()))
	wantParts(t, dir, "a-000001=")
}

func TestPartThatExistsIsNotReplaced(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "o-000001", "old")
	put(t, dir, "p-000002", "old")
	put(t, dir, "p-000003", "old")
	put(t, dir, "p-000005", "other")
	o := file.SinkOptions{Roll: file.Roll{Size: 2}}
	_, err := sink(t, filepath.Join(dir, "o"), o).Open(t.Context(), stream("in"))
	refused(t, err, weir.Invalid, "o-000001: file already exists; use --force to replace it")

	w := begin(t, sink(t, filepath.Join(dir, "p"), o), "in")
	refused(t, w.Write(t.Context(), records("aa", "bb")), weir.Invalid, "p-000002: file already exists")
	must(t, w.Abort(t.Context(), errCut))
	wantParts(t, dir, "o-000001=old", "p-000001=aa", "p-000002=old", "p-000003=old", "p-000005=other")

	// With Force what a longer stream has left goes too.
	o.Force = true
	w = begin(t, sink(t, filepath.Join(dir, "p"), o), "in")
	must(t, w.Write(t.Context(), records("11", "22")))
	must(t, w.Commit(t.Context()))
	wantParts(t, dir, "o-000001=old", "p-000001=11", "p-000002=22", "p-000005=other")
}

func TestPartThatIsReadIsRefused(t *testing.T) {
	dir := tempDir(t)
	in := open(t, put(t, dir, "o-000001.log", "x"))
	_, err := sink(t, filepath.Join(dir, "o.log"), file.SinkOptions{Force: true, Roll: file.Roll{Size: 1}}).Open(t.Context(), in.Info())
	refused(t, err, weir.Invalid, "o-000001.log is the file that is read")
	must(t, os.Mkdir(filepath.Join(dir, "d-000001"), 0o755))
	_, err = sink(t, filepath.Join(dir, "d"), file.SinkOptions{Force: true, Roll: file.Roll{Size: 1}}).Open(t.Context(), stream("a"))
	refused(t, err, weir.Invalid, "d-000001 is there and not a file")
}

// So is a file that is followed, as a part and as the one target.
func TestFileThatIsFollowedIsNotWritten(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "o-000001", "x")
	o := file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{Poll: time.Millisecond}}
	for _, arg := range []string{path, dir} {
		st, err := source(t, o, arg).Next(t.Context())
		must(t, err)
		_, err = sink(t, filepath.Join(dir, "o"), file.SinkOptions{Force: true, Roll: file.Roll{Size: 1}}).Open(t.Context(), st.Info())
		refused(t, err, weir.Invalid, "is the file that is read; choose another target")
		_, err = sink(t, path, file.SinkOptions{Force: true}).Open(t.Context(), st.Info())
		refused(t, err, weir.Invalid, "is the file that is read; choose another target")
		must(t, st.Close())
	}
}

// A window is of the time of its first record, and time does not go back.
func TestWindowsAreOfTheClock(t *testing.T) {
	dir := tempDir(t)
	s := sink(t, filepath.Join(dir, "o-{time}.{n}"), file.SinkOptions{Roll: file.Roll{Size: 4, Every: time.Minute}})
	var at time.Duration
	s.SetClock(func() time.Time { return time.Unix(windowStart, 0).Add(at) })
	w := begin(t, s, "in")
	for _, step := range []struct {
		at   time.Duration
		text string
	}{
		{130 * time.Second, "aa"},
		{150 * time.Second, "bb"},
		{179 * time.Second, "cc"},
		{180 * time.Second, "dd"},
		{time.Second, "ee"},
		{time.Hour, "ff"},
	} {
		at = step.at
		must(t, w.Write(t.Context(), records(step.text)))
	}
	must(t, w.Commit(t.Context()))
	wantParts(t, dir,
		"o-20261126T030200Z.000001=aabb", "o-20261126T030200Z.000002=cc",
		"o-20261126T030300Z.000001=ddee", "o-20261126T040000Z.000001=ff")
}

// checkpoint does what the engine does at a checkpoint, and returns it.
func checkpoint(t *testing.T, w weir.Resumer) weir.Checkpoint {
	t.Helper()
	mark, err := w.Flush(t.Context(), weir.Position("p"))
	must(t, err)
	must(t, w.(weir.Committer).Committed(t.Context(), weir.Position("p")))
	return weir.Checkpoint{Position: weir.Position("p"), Mark: mark}
}

// An idle stream does not keep the part of a window that is over.
func TestPartOfAnIdleStreamEndsInTime(t *testing.T) {
	dir := tempDir(t)
	now := time.Unix(windowStart, 0)
	clock := func(s *file.Sink) { s.SetClock(func() time.Time { return now }) }
	o := file.SinkOptions{Roll: file.Roll{Every: time.Hour}}
	w := rolledJob(t, filepath.Join(dir, "o"), o, clock)
	_, err := w.Resume(t.Context(), weir.Checkpoint{})
	must(t, err)
	must(t, w.(weir.Writer).Write(t.Context(), records("a\n")))
	last := checkpoint(t, w)
	if w.(weir.Timely).Overdue() {
		t.Error("it is overdue before the hour is over")
	}
	must(t, w.Suspend(t.Context(), errCut))

	now = now.Add(time.Hour)
	w = rolledJob(t, filepath.Join(dir, "o"), o, clock)
	_, err = w.Resume(t.Context(), last)
	must(t, err)
	if !w.(weir.Timely).Overdue() {
		t.Error("it is not overdue when the hour is over")
	}
	checkpoint(t, w)
	wantParts(t, dir, "o-20261126T030000Z-000001=a\n")
	if w.(weir.Timely).Overdue() {
		t.Error("it is overdue with nothing in its part")
	}
	must(t, w.(weir.Writer).Commit(t.Context()))
	wantParts(t, dir, "o-20261126T030000Z-000001=a\n")
}

// A part that has both names, as a rename that is a link and a removal leaves it, is
// whole.
func TestPartWithTwoNamesIsWhole(t *testing.T) {
	dir := tempDir(t)
	o := file.SinkOptions{Roll: file.Roll{Size: 2}}
	w := rolledJob(t, filepath.Join(dir, "o"), o, nil)
	_, err := w.Resume(t.Context(), weir.Checkpoint{})
	must(t, err)
	must(t, w.(weir.Writer).Write(t.Context(), records("a\n", "b\n")))
	mark, err := w.Flush(t.Context(), nil)
	must(t, err)
	must(t, w.Suspend(t.Context(), errCut))
	for _, name := range tree(t, dir) {
		if get(t, filepath.Join(dir, name)) == "a\n" {
			must(t, os.Link(filepath.Join(dir, name), filepath.Join(dir, "o-000001")))
		}
	}
	w = rolledJob(t, filepath.Join(dir, "o"), o, nil)
	_, err = w.Resume(t.Context(), weir.Checkpoint{Position: weir.Position("p"), Mark: mark})
	must(t, err)
	must(t, w.(weir.Writer).Commit(t.Context()))
	wantParts(t, dir, "o-000001=a\n", "o-000002=b\n")
}

// So is the last part, which a Commit was about to show.
func TestLastPartWithTwoNamesIsWhole(t *testing.T) {
	dir := tempDir(t)
	o := file.SinkOptions{Roll: file.Roll{Size: 10}}
	w := rolledJob(t, filepath.Join(dir, "o"), o, nil)
	_, err := w.Resume(t.Context(), weir.Checkpoint{})
	must(t, err)
	must(t, w.(weir.Writer).Write(t.Context(), records("a\n")))
	last := checkpoint(t, w)
	must(t, w.Suspend(t.Context(), errCut))
	for _, name := range tree(t, dir) {
		must(t, os.Link(filepath.Join(dir, name), filepath.Join(dir, "o-000001")))
	}
	w = rolledJob(t, filepath.Join(dir, "o"), o, nil)
	last.Whole = true
	_, err = w.Resume(t.Context(), last)
	if !errors.Is(err, weir.ErrCommitted) {
		t.Errorf("error %v", err)
	}
	must(t, w.Suspend(t.Context(), err))
	wantParts(t, dir, "o-000001=a\n")
}

// What was written behind the checkpoint is removed, also where nothing will be written
// in its place.
func TestPartsBehindTheCheckpointAreRemoved(t *testing.T) {
	for _, first := range []string{"a\n", "full"} { // a part that is written, and none
		dir := tempDir(t)
		o := file.SinkOptions{Roll: file.Roll{Size: 3}}
		w := rolledJob(t, filepath.Join(dir, "o"), o, nil)
		_, err := w.Resume(t.Context(), weir.Checkpoint{})
		must(t, err)
		must(t, w.(weir.Writer).Write(t.Context(), records(first)))
		last := checkpoint(t, w)
		must(t, w.(weir.Writer).Write(t.Context(), records("b\n", "c\n", "d\n", "e\n", "f\n")))
		must(t, w.Suspend(t.Context(), errCut))
		w = rolledJob(t, filepath.Join(dir, "o"), o, nil)
		_, err = w.Resume(t.Context(), last)
		must(t, err)
		if got := tree(t, dir); len(got) != 1 {
			t.Errorf("there are %q, want one part", got)
		}
		must(t, w.(weir.Writer).Commit(t.Context()))
		wantParts(t, dir, "o-000001="+first)
	}
}

// No two parts have one temporary file.
func TestTemporaryNamesOfPartsDiffer(t *testing.T) {
	seen := map[string]int64{}
	for part := range int64(100_000) {
		name := file.PartTemp("job", "stream", part)
		if other, is := seen[name]; is {
			t.Fatalf("parts %d and %d are both called %s", other, part, name)
		}
		if !file.IsTempName(name) {
			t.Fatalf("%s would be read", name)
		}
		seen[name] = part
	}
}

func TestPartOfACheckpointThatIsNotAsItWasIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		want   string
		kind   weir.Kind
	}{
		"gone":    {os.Remove, "the file of part 2, ", weir.Corrupt},
		"shorter": {func(path string) error { return os.Truncate(path, 1) }, "is not as an earlier run left it: it has 1 bytes of at least 3", weir.Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := file.SinkOptions{Roll: file.Roll{Size: 4}}
			w := rolledJob(t, filepath.Join(dir, "o"), o, nil)
			_, err := w.Resume(t.Context(), weir.Checkpoint{})
			must(t, err)
			must(t, w.(weir.Writer).Write(t.Context(), records("aaaa", "bbb")))
			mark, err := w.Flush(t.Context(), nil)
			must(t, err)
			if strings.Contains(string(mark), "len=0") {
				t.Fatalf("the mark is %s", mark)
			}
			must(t, w.Suspend(t.Context(), errCut))
			for _, path := range tree(t, dir) {
				if get(t, filepath.Join(dir, path)) == "bbb" {
					must(t, c.change(filepath.Join(dir, path)))
				}
			}
			w = rolledJob(t, filepath.Join(dir, "o"), o, nil)
			_, err = w.Resume(t.Context(), weir.Checkpoint{Position: weir.Position("p"), Mark: mark})
			refused(t, err, c.kind, c.want, "start over with --fresh")
			must(t, w.Suspend(t.Context(), errCut))
		})
	}
}

func TestPartThatCannotBeStoredFailsTheStream(t *testing.T) {
	for act, where := range map[string]string{"sync": "write", "renameNew": "write", "syncDir": "write"} {
		dir := tempDir(t)
		s := sink(t, filepath.Join(dir, "o"), file.SinkOptions{Roll: file.Roll{Size: 2}})
		s.Watch(func(a, _ string) error {
			if a == act {
				return syscall.EIO
			}
			return nil
		})
		w := begin(t, s, "in")
		err := w.Write(t.Context(), records("a\n", "b\n"))
		var e *weir.Error
		if !errors.Is(err, syscall.EIO) || !errors.As(err, &e) || e.Op != where || !strings.Contains(err.Error(), "o-000001") {
			t.Errorf("%s fails: %v", act, err)
		}
		must(t, w.Abort(t.Context(), err))
	}
}

// A part is not created under the name of a file that somebody makes meanwhile.
func TestPartThatSomebodyMadeMeanwhileIsKept(t *testing.T) {
	dir := tempDir(t)
	w := begin(t, sink(t, filepath.Join(dir, "o"), file.SinkOptions{Roll: file.Roll{Size: 2}}), "in")
	must(t, w.Write(t.Context(), records("a\n")))
	put(t, dir, "o-000001", "theirs")
	err := w.Commit(t.Context())
	refused(t, err, weir.Invalid, "somebody made it meanwhile; use --force")
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	wantParts(t, dir, "o-000001=theirs")
}

// However many parts a stream has, its Writer holds one, and little memory.
func TestManyPartsTakeNoMemory(t *testing.T) {
	dir := t.TempDir()
	w := rolledJob(t, filepath.Join(dir, "o"), file.SinkOptions{Roll: file.Roll{Size: 2}}, (*file.Sink).SyncNothing)
	_, err := w.Resume(t.Context(), weir.Checkpoint{})
	must(t, err)
	b := records(strings.Split(strings.Repeat("ab ", 40), " ")[:40]...)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what finalizers held
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var before int64
	var open int
	for i := range 16 {
		if i == 1 {
			before, open = heap(), descriptors(t)
		}
		must(t, w.(weir.Writer).Write(t.Context(), b))
		if i%5 == 4 {
			checkpoint(t, w)
		}
	}
	if grown := heap() - before; grown > 128<<10 {
		t.Errorf("the heap grew by %d bytes in 600 parts", grown)
	}
	if n := descriptors(t); n != open {
		t.Errorf("%d descriptors, %d before", n, open)
	}
	must(t, w.(weir.Writer).Commit(t.Context()))
	if got := len(partsIn(t, dir)); got != 640 {
		t.Errorf("%d parts", got)
	}
}

// A Write that does not begin a part makes no garbage.
func TestWriteIntoAPartDoesNotAllocate(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, sink(t, filepath.Join(dir, "o"), file.SinkOptions{NoSync: true, Roll: file.Roll{Size: 1 << 40, Every: 24 * 365 * time.Hour}}), "in")
	b := batchOf("0123456789")
	if n := testing.AllocsPerRun(100, func() { must(t, w.Write(t.Context(), b)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	must(t, w.Commit(t.Context()))
}
