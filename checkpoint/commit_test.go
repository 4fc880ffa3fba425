package checkpoint

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// TestSavesThatWaitShareASync holds the first sync until others wait: all of
// them come with the second.
func TestSavesThatWaitShareASync(t *testing.T) {
	const waiting = 8
	d := newMemDisk(1)
	s, err := open(d, "state", Options{}, defaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutJob(Job{ID: "A"}); err != nil {
		t.Fatal(err)
	}
	begun, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.synced = func() { once.Do(func() { close(begun); <-release }) }
	before := s.Stats()
	var wg sync.WaitGroup
	save := func(id string) {
		wg.Go(func() {
			if err := s.Save("A", []Entry{{ID: id}}); err != nil {
				t.Error(err)
			}
		})
	}
	save("first")
	<-begun
	for i := range waiting {
		save(fmt.Sprint(i))
	}
	for queued := 0; queued < waiting; runtime.Gosched() {
		s.queue.Lock()
		queued = len(s.queue.waiting)
		s.queue.Unlock()
	}
	close(release)
	wg.Wait()
	after := s.Stats()
	if syncs, saves := after.Syncs-before.Syncs, after.Saves-before.Saves; syncs != 2 || saves != waiting+1 {
		t.Errorf("%d saves in %d syncs; want %d in 2", saves, syncs, waiting+1)
	}
	if got, err := stateOf(s); err != nil || len(got) != 1+waiting+1 {
		t.Errorf("the store has %v, %v", got, err)
	}
}

// TestManyGoroutines uses everything from many goroutines, for the race
// detector.
func TestManyGoroutines(t *testing.T) {
	d := newMemDisk(1)
	s, err := d.store(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 6 {
		job := fmt.Sprint("job ", g%3)
		wg.Go(func() {
			for i := range 60 {
				var err error
				switch {
				case i%20 == 0:
					err = s.PutJob(Job{ID: job})
				case i%7 == 0:
					n := 0
					err = s.Streams(job, func(Entry) bool { n++; return true })
					if err == nil && n == 0 {
						err = errors.New("no streams")
					}
				default:
					err = s.Save(job, []Entry{{ID: fmt.Sprint(g, i)}, {ID: "own " + fmt.Sprint(g), Checkpoint: At(int64(i))}})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for g := range 6 {
		e, ok, err := s.Stream(fmt.Sprint("job ", g%3), fmt.Sprint("own ", g))
		if err != nil || !ok || e.Read.Bytes != 59 {
			t.Errorf("%d: %+v, %v, %v; want 59", g, e, ok, err)
		}
	}
}
