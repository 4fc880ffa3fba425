package file_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
	"github.com/weirflow/weir/weirtest"
)

func TestRotationByRenameLosesNothing(t *testing.T) {
	weirtest.CheckLeaks(t)
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	f.start()
	log.lines(1)
	f.await(log.all.String())
	for range 4 {
		log.lines(100)
		log.rotate()
	}
	log.lines(10)
	f.settles(log.all.String())
	if e := f.saw(file.Rotated); e.Lost != 0 || e.Stream != "app.log" {
		t.Errorf("%+v", e)
	}
}

// A writer that was not told yet goes on with the file that was renamed.
func TestRotationLosesNothingThatIsWrittenToTheOldFile(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	f.start()
	log.lines(10)
	f.await(log.all.String())
	log.shift()
	must(t, os.WriteFile(log.path, nil, 0o644)) // the new file is there and empty
	time.Sleep(20 * poll)
	log.lines(10) // to the old one
	f.await(log.all.String())
	log.reopen()
	log.lines(10)
	f.settles(log.all.String())
}

func TestDatedRotationLosesNothing(t *testing.T) {
	for _, pattern := range []string{"app.log-202601%02d", "app-2026-01-%02dT00-00-00.000.log"} {
		dir := tempDir(t)
		log := opens(t, dir, "app.log")
		f := follow(t, log.path)
		f.start()
		log.lines(10)
		f.keep(log.all.String())
		f.crash()
		for i := range 4 {
			log.lines(100)
			must(t, os.Rename(log.path, filepath.Join(dir, fmt.Sprintf(pattern, i+1))))
			time.Sleep(15 * time.Millisecond) // the file system's clock ticks slowly
			log.reopen()
		}
		log.lines(10)
		f.start()
		f.settles(log.all.String())
		f.stop()
	}
}

func TestRotatedWhileDownFinishesTheOldFileFirst(t *testing.T) {
	for rotations := range 4 {
		log := opens(t, tempDir(t), "app.log")
		f := follow(t, log.path)
		log.lines(50) // is rotated before anybody looks, and not read
		log.rotate()
		log.all.Reset()
		log.lines(50)
		f.start()
		f.keep(log.all.String())
		f.crash()
		log.lines(50)
		for range rotations {
			log.rotate()
			log.lines(50)
		}
		f.start()
		f.settles(log.all.String())
		if e, ok := f.event(file.Replaced); ok {
			t.Errorf("%+v", e)
		}
		f.stop()
	}
}

// The old file is found by what it is, not by how it is called.
func TestRotatedWhileDownToAnotherName(t *testing.T) {
	dir := tempDir(t)
	log := opens(t, dir, "app.log")
	f := follow(t, log.path)
	log.lines(50)
	f.start()
	f.keep(log.all.String())
	f.crash()
	log.lines(50)
	must(t, os.Rename(log.path, filepath.Join(dir, "kept for the auditors")))
	log.reopen()
	log.lines(50)
	f.start()
	f.settles(log.all.String())
}

// Compressed files are not looked into: what was not read of one is lost, and that
// is said.
func TestRotatedWhileDownAndCompressedIsReported(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	log.lines(50)
	f.start()
	f.keep(log.all.String())
	f.crash()
	must(t, os.WriteFile(log.path+".1.gz", []byte("compressed"), 0o644))
	must(t, os.Rename(put(t, filepath.Dir(log.path), "new", ""), log.path)) // the old inode is still in use
	log.reopen()
	log.lines(50)
	f.start()
	f.settles(log.all.String())
	if e := f.saw(file.Replaced); e.Lost != file.UnknownLoss {
		t.Errorf("%+v", e)
	}
}

// What the copy has behind the offset is read from there.
func TestCopytruncateGoesOnWithTheCopy(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	f.start()
	for range 5 {
		log.lines(4) // the reader has to know the file by its beginning
		f.await(log.all.String())
		log.lines(100) // may or may not be read before the truncation
		log.copyTruncate()
	}
	log.lines(50)
	f.settles(log.all.String())
	if e := f.saw(file.Truncated); e.Lost != 0 {
		t.Errorf("%+v", e)
	}
}

func TestCopytruncateWhileDown(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	log.lines(50)
	f.start()
	f.keep(log.all.String())
	f.crash()
	for range 3 {
		log.lines(50)
		log.copyTruncate()
	}
	log.lines(5)
	f.start()
	f.settles(log.all.String())
}

// What was truncated without a copy is lost: as much of it as was seen is counted,
// and nothing is read twice.
func TestTruncationWithoutACopyIsReported(t *testing.T) {
	var events []file.FollowEvent
	log := opens(t, tempDir(t), "app.log")
	log.lines(100)
	size := int64(log.all.Len())
	s := source(t, file.SourceOptions{Follow: true, FollowOptions: file.FollowOptions{
		Poll: poll, OnEvent: func(e file.FollowEvent) { events = append(events, e) },
	}}, log.path)
	st, err := s.Next(t.Context())
	must(t, err)
	defer func() { must(t, st.Close()) }()
	b := weir.NewBatch(1000)
	must(t, st.Read(t.Context(), b))
	got := string(b.Bytes())
	must(t, os.Truncate(log.path, 0))
	log.text("after the truncation\n")
	b.Reset()
	must(t, st.Read(t.Context(), b))
	if b.Len() > 0 || !b.Begins() {
		t.Errorf("read %q, and nothing begins", b.Bytes())
	}
	b.Reset()
	must(t, st.Read(t.Context(), b))
	if b.Len() == 0 || b.Begins() || string(b.Bytes()) != "after the truncation\n" {
		t.Errorf("read %q", b.Bytes())
	}
	want := file.FollowEvent{Stream: "app.log", Path: log.path, What: file.Truncated, Lost: size - int64(len(got))}
	if len(events) != 1 || events[0].What != want.What || events[0].Lost != want.Lost {
		t.Errorf("told %+v, want %+v", events, want)
	}
}

// A few first bytes that are the same do not make a copy.
func TestFilesThatBeginAlikeAreNotCopies(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "app.log.1", "# log\nwas there before, and is longer than what was read\n")
	path := put(t, dir, "app.log", "# log\n")
	f := follow(t, path)
	f.start()
	f.keep("# log\n")
	f.crash()
	must(t, os.WriteFile(path, []byte("again\n"), 0o644))
	f.start()
	f.settles("# log\nagain\n")
}

// A file that has grown beyond the offset again before anybody looked is found out
// by its beginning.
func TestTruncationIsNoticedBehindTheOffset(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	f.start()
	log.lines(10)
	f.await(log.all.String())
	other := string(noise(log.all.Len() + 5000))
	must(t, os.WriteFile(log.path, []byte(other), 0o644)) // in place
	f.settles(log.all.String() + other)
	if e := f.saw(file.Truncated); e.Lost != 0 {
		t.Errorf("%+v", e)
	}
}

func TestTruncatedWhileDown(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	log.lines(50)
	f.start()
	f.keep(log.all.String())
	f.crash()
	_, err := log.f.WriteString("nobody reads this\n")
	must(t, err)
	must(t, os.Truncate(log.path, 0))
	log.lines(5)
	f.start()
	f.settles(log.all.String())
	if e := f.saw(file.Truncated); e.Lost != file.UnknownLoss {
		t.Errorf("%+v", e)
	}
}

// An inode that another file has got by now, larger than the old one: the same
// number, and other first bytes. Writing in place makes just that.
func TestInodeReusedWhileDown(t *testing.T) {
	dir := tempDir(t)
	path := put(t, dir, "app.log", "the old file\n")
	f := follow(t, path)
	f.start()
	f.keep("the old file\n")
	f.crash()
	before, err := os.Stat(path)
	must(t, err)
	put(t, dir, "app.log", "another file, and longer than the old one\n")
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Fatal("the inode is another one", err)
	}
	f.start()
	f.settles("the old file\nanother file, and longer than the old one\n")
	f.saw(file.Truncated)
}

func TestReplacedFileIsReadFromItsBeginning(t *testing.T) {
	for _, down := range []bool{false, true} {
		dir := tempDir(t)
		path := put(t, dir, "app.log", "the old file\n")
		f := follow(t, path)
		f.start()
		f.keep("the old file\n")
		if down {
			f.crash()
		}
		must(t, os.Rename(put(t, dir, "new", "the new file\n"), path))
		if down {
			f.start()
		}
		f.settles("the old file\nthe new file\n")
		if down {
			f.saw(file.Replaced)
		} else {
			f.saw(file.Rotated)
		}
		f.stop()
	}
}

// A fingerprint covers what there was: a file that had fewer bytes than it could
// cover is the same when it has grown.
func TestGrowingFileIsRecognized(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	for _, text := range []string{"a", "b\nc", "d\n", string(noise(500)), "\n", string(noise(900)), "\ne\n", string(noise(5000))} {
		log.text(text)
		f.start()
		f.keep(log.all.String())
		f.crash()
	}
	f.start()
	f.settles(log.all.String())
	if e, ok := f.event(file.Truncated); ok {
		t.Errorf("%+v", e)
	}
}

func TestFileThatVanishesAndComesBack(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, log.path)
	f.start()
	log.lines(10)
	f.await(log.all.String())
	must(t, os.Remove(log.path))
	f.saw(file.Missing)
	log.lines(10) // to the file that was removed
	f.await(log.all.String())
	log.reopen()
	log.lines(10)
	f.settles(log.all.String())
	must(t, os.Rename(log.path, log.path+".away")) // and the same one
	time.Sleep(10 * poll)
	must(t, os.Rename(log.path+".away", log.path))
	log.lines(10)
	f.settles(log.all.String())
}

func TestFileThatIsNotThereYetIsAwaited(t *testing.T) {
	dir := tempDir(t)
	f := follow(t, filepath.Join(dir, "later", "app.log"))
	f.start()
	f.saw(file.Missing)
	put(t, dir, "later/app.log", "there\n")
	f.settles("there\n")
}

func TestFollowedSymbolicLinkThatIsTurned(t *testing.T) {
	dir := tempDir(t)
	put(t, dir, "one", "first\n")
	put(t, dir, "two", "second\n")
	link := filepath.Join(dir, "current")
	must(t, os.Symlink("one", link))
	f := follow(t, link)
	f.start()
	f.keep("first\n")
	f.crash()
	must(t, os.Symlink("two", link+".new"))
	must(t, os.Rename(link+".new", link))
	f.start()
	f.settles("first\nsecond\n")
}

// Whatever a writer does to its file by renaming, and whenever the reader dies,
// every line comes once.
func TestRandomRotationsAndRestartsLoseNothing(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 11))
		dir := t.TempDir()
		log := opens(t, dir, "app.log")
		f := follow(t, log.path)
		f.start()
		log.lines(1)
		f.keep(log.all.String()) // before the first checkpoint there is nothing to continue
		running := true
		rotations := 0
		for range 40 {
			switch r.IntN(6) {
			case 0:
				log.lines(1 + r.IntN(200))
			case 1:
				log.text(string(noise(r.IntN(20))))
			case 2:
				if rotations < 9 { // older ones are removed by then
					rotations++
					log.rotate()
				}
			case 3:
				if running = !running; running {
					f.start()
				} else if r.IntN(2) == 0 {
					f.crash()
				} else {
					f.stop()
				}
			case 4:
				log.shift() // for a moment nothing has the name
				rotations++
				log.lines(r.IntN(20))
				time.Sleep(time.Duration(r.IntN(3)) * poll)
				log.reopen()
				if rotations > 8 {
					log.lines(1)
				}
			case 5:
				time.Sleep(time.Duration(r.IntN(4)) * poll)
			}
			if rotations >= 8 {
				break
			}
			if !running && r.IntN(3) == 0 {
				running = true
				f.start()
			}
		}
		if !running {
			f.start()
		}
		log.lines(1)
		f.await(log.all.String())
		f.stop()
		f.is(log.all.String())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// In a directory too, with streams that are the files.
func TestRandomRotationsInADirectoryLoseNothing(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 12))
		dir := t.TempDir()
		logs := []*scribe{opens(t, dir, "a.log"), opens(t, dir, "b.log")}
		f := follow(t, dir)
		f.start()
		running := true
		for range 40 {
			log := logs[r.IntN(2)]
			switch r.IntN(5) {
			case 0, 1:
				log.lines(1 + r.IntN(100))
			case 2:
				if _, err := os.Stat(log.path + ".9"); err != nil {
					log.rotate()
				}
			case 3:
				switch {
				case !running:
					f.start()
				case r.IntN(2) == 0:
					f.crash()
				default:
					f.stop()
				}
				running = !running
			case 4:
				time.Sleep(time.Duration(r.IntN(4)) * poll)
			}
		}
		if !running {
			f.start()
		}
		f.lines(logs[0].all.String() + logs[1].all.String())
		f.stop()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
