package file_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// remembers makes runs tell later ones what they knew, as the program does.
func (f *tailing) remembers() *tailing {
	copies := map[string]file.KnownFile{}
	f.o.OnCopy = func(k file.KnownFile) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		copies[k.ID] = file.KnownFile{ID: k.ID, Name: k.Name, Position: append(weir.Position(nil), k.Position...), Copy: k.Copy}
		return nil
	}
	f.o.Known = func(yield func(file.KnownFile) bool) {
		for _, k := range f.known(copies) {
			if !yield(k) {
				return
			}
		}
	}
	return f
}

func (f *tailing) known(copies map[string]file.KnownFile) (all []file.KnownFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range copies {
		all = append(all, k)
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.book.mu.Lock()
	defer f.book.mu.Unlock()
	for id, c := range f.store.all {
		all = append(all, file.KnownFile{ID: id, Name: f.book.pages[id].name, Position: c.Position})
	}
	return all
}

// stored waits until a checkpoint says that everything was read, which want is.
func (f *tailing) stored(want string) {
	f.t.Helper()
	f.lines(want)
	for deadline := time.Now().Add(patience); f.marked() < len(want); time.Sleep(poll) {
		if time.Now().After(deadline) {
			f.t.Fatal("there is no checkpoint")
		}
	}
}

// What was copied and truncated while it was followed is not read again by a later
// run, whatever the copies are called by then.
func TestCopytruncateInADirectoryIsNotReadAgainAfterARestart(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path)).remembers()
	for range 3 {
		f.start()
		log.lines(20)
		f.stored(log.all.String())
		log.lines(100)
		log.copyTruncate()
		log.lines(10)
		f.stored(log.all.String())
		f.crash()
	}
	f.start()
	f.stored(log.all.String())
	if got := f.book.names(); len(got) != 1 {
		t.Errorf("the streams are %q", got)
	}
}

// The same while nobody looks: the copy is read on from where its file was left.
func TestCopytruncateInADirectoryWhileDown(t *testing.T) {
	for rotations := 1; rotations <= 3; rotations++ {
		log := opens(t, tempDir(t), "app.log")
		f := follow(t, filepath.Dir(log.path)).remembers()
		log.lines(50)
		f.start()
		f.stored(log.all.String())
		f.crash()
		for range rotations {
			log.lines(50)
			log.copyTruncate()
		}
		log.lines(5)
		for range 3 {
			f.start()
			f.stored(log.all.String())
			f.crash()
		}
	}
}

// A copy of a file that is not truncated has nothing new.
func TestCopyInADirectoryWhileDownIsLeftOut(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path)).remembers()
	log.lines(50)
	f.start()
	f.stored(log.all.String())
	f.crash()
	log.lines(50)
	must(t, os.WriteFile(log.path+".1", []byte(get(t, log.path)), 0o644))
	log.lines(50)
	for range 2 {
		f.start()
		f.stored(log.all.String())
		f.crash()
	}
	f.saw(file.Copied)
}

// A copy whose file is gone is read on as what it is a copy of.
func TestCopyOfAFileThatIsGoneContinuesIt(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path)).remembers()
	log.lines(50)
	f.start()
	f.stored(log.all.String())
	f.crash()
	log.lines(50)
	must(t, os.WriteFile(log.path+".1", []byte(get(t, log.path)), 0o644))
	must(t, os.Rename(put(t, filepath.Dir(log.path), "new", ""), log.path)) // the old inode is still in use
	log.reopen()
	log.lines(50)
	for range 2 {
		f.start()
		f.stored(log.all.String())
		f.crash()
	}
	if got := f.book.names(); len(got) != 2 || got[0] != "app.log" || !strings.HasPrefix(got[1], "app.log.") {
		t.Errorf("the streams are %q", got)
	}
}

// Files that begin alike, and are called as if one were rotated, are read all.
func TestFilesOfADirectoryThatBeginAlikeAreNotCopies(t *testing.T) {
	for _, banner := range []int{200, 3000} {
		dir := tempDir(t)
		want := string(noise(banner)) + "\n"
		job := put(t, dir, "job.log", want)
		f := follow(t, dir).remembers()
		f.start()
		f.stored(want)
		put(t, dir, "job.1.log", want+"of the first\n")
		f.stored(want + want + "of the first\n")
		f.crash()
		put(t, dir, "job.2.log", want+"of the second\n")
		appendTo(t, job, []byte("of the job\n"))
		f.start()
		f.stored(want + want + want + "of the first\nof the second\nof the job\n")
		f.crash()
	}
}

// A file that was left out as long as it could be a copy is read when it turns out
// to be none.
func TestFileThatWasTakenForACopyIsReadWhenItGrows(t *testing.T) {
	dir := tempDir(t)
	want := string(noise(3000)) + "\n"
	put(t, dir, "job.log", want+"of the job\n")
	f := follow(t, dir).remembers()
	f.start()
	f.stored(want + "of the job\n")
	path := put(t, dir, "job.1.log", want)
	f.saw(file.Copied)
	f.stored(want + "of the job\n")
	appendTo(t, path, []byte("of another\n"))
	f.stored(want + want + "of the job\nof another\n")
}

// A stream keeps the name that it had in an earlier run, so that a sink that makes
// a file of each goes on with the same one; new files do not get that name.
func TestStreamsKeepTheirNamesOverRestarts(t *testing.T) {
	log := opens(t, tempDir(t), "app.log")
	f := follow(t, filepath.Dir(log.path)).remembers()
	log.lines(50)
	f.start()
	f.stored(log.all.String())
	f.crash()
	log.rotate()
	log.lines(50)
	f.start()
	f.stored(log.all.String())
	if got := f.book.names(); len(got) != 2 || got[0] != "app.log" || !strings.HasPrefix(got[1], "app.log.") {
		t.Errorf("the streams are %q", got)
	}
}

// Whatever is rotated by whatever means, and whenever the reader dies, every line
// comes once.
func TestRandomCopiesAndRestartsInADirectoryLoseAndDoubleNothing(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 13))
		log := opens(t, t.TempDir(), "app.log")
		f := follow(t, filepath.Dir(log.path)).remembers()
		f.start()
		running := true
		steps := fmt.Sprintf("seed %d: ", seed)
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(steps)
			}
		})
		for range 12 {
			log.lines(20)
			if running {
				f.stored(log.all.String()) // a file is known by its beginning
			}
			step := r.IntN(4)
			steps += fmt.Sprint(step)
			switch step {
			case 0:
				log.lines(r.IntN(200))
				log.copyTruncate()
			case 1:
				log.rotate()
			case 2:
				if running {
					f.crash()
				} else {
					f.start()
				}
				running = !running
			case 3:
				log.lines(r.IntN(200))
			}
		}
		if !running {
			f.start()
		}
		f.lines(log.all.String())
		f.stop()
	}
}
