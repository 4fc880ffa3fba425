package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/connector/file"
)

// poll is how often tests look.
const poll = time.Millisecond

// logbook is a sink that survives its runs: what a stream was given since its last
// checkpoint is taken back when it is continued.
type logbook struct {
	mu    sync.Mutex
	pages map[string]*page
}

type page struct {
	name    string
	data    []byte
	commits int
}

func newLogbook() *logbook { return &logbook{pages: map[string]*page{}} }

func (l *logbook) Footprint() weir.Footprint {
	return weir.Footprint{MaxInFlight: 1, Resumes: weir.ResumesAtMark}
}
func (l *logbook) Close() error { return nil }

func (l *logbook) Open(_ context.Context, s weir.StreamInfo) (weir.Writer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pages[s.ID]
	if p == nil {
		p = &page{}
		l.pages[s.ID] = p
	}
	p.name = s.Name
	return &pageWriter{l, p}, nil
}

// all returns what all streams were given, in no order among them.
func (l *logbook) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []byte
	for _, p := range l.pages {
		all = append(all, p.data...)
	}
	return string(all)
}

// names returns the names of the streams, sorted.
func (l *logbook) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, p := range l.pages {
		all = append(all, p.name)
	}
	slices.Sort(all)
	return all
}

type pageWriter struct {
	l *logbook
	p *page
}

func (w *pageWriter) with(f func()) error {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	f()
	return nil
}

func (w *pageWriter) Resume(_ context.Context, last weir.Checkpoint) (weir.Position, error) {
	n := 0
	if len(last.Mark) > 0 {
		if _, err := fmt.Sscan(string(last.Mark), &n); err != nil {
			return nil, err
		}
	}
	return last.Position, w.with(func() { w.p.data = w.p.data[:n] })
}

func (w *pageWriter) Write(_ context.Context, b *weir.Batch) error {
	return w.with(func() { w.p.data = append(w.p.data, b.Bytes()...) })
}

func (w *pageWriter) Flush(context.Context, weir.Position) (mark []byte, err error) {
	return fmt.Append(nil, len(w.p.data)), nil
}

func (w *pageWriter) Commit(context.Context) error         { return w.with(func() { w.p.commits++ }) }
func (w *pageWriter) Suspend(context.Context, error) error { return nil }
func (w *pageWriter) Abort(context.Context, error) error {
	return w.with(func() { w.p.data = nil })
}

// tailing follows paths into a logbook, run after run.
type tailing struct {
	t     *testing.T
	paths []string
	o     file.FollowOptions
	wrap  func(weir.Source) weir.Source
	book  *logbook
	store *memory

	mu     sync.Mutex
	events []file.FollowEvent
	end    func(drain bool) error
}

func follow(t *testing.T, paths ...string) *tailing {
	f := &tailing{t: t, paths: paths, book: newLogbook(), store: newMemory()}
	f.o = file.FollowOptions{Poll: poll, OnEvent: func(e file.FollowEvent) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.events = append(f.events, e)
	}}
	t.Cleanup(func() {
		if f.end != nil {
			f.stop()
		}
	})
	return f
}

// start begins a run.
func (f *tailing) start() {
	f.t.Helper()
	var src weir.Source
	src, err := file.NewSource(f.paths, file.SourceOptions{Follow: true, FollowOptions: f.o})
	must(f.t, err)
	if f.wrap != nil {
		src = f.wrap(src)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var c weir.Control
	done := make(chan error, 1)
	go func() {
		_, err := weir.Ingest(ctx, src, f.book, weir.Options{
			Batch: 4 << 10, Checkpoints: f.store, CheckpointEvery: time.Millisecond, Control: &c, Streams: 32,
		})
		done <- err
	}()
	f.end = func(drain bool) error {
		if drain {
			c.Drain()
		} else {
			cancel()
		}
		var err error
		within(f.t, "the run", func() { err = <-done })
		cancel()
		return err
	}
}

// stop drains the run.
func (f *tailing) stop() {
	f.t.Helper()
	end := f.end
	f.end = nil
	if err := end(true); err != nil && !errors.Is(err, weir.ErrDrained) { // it may not have begun
		f.t.Fatal(err)
	}
}

// crash cancels the run.
func (f *tailing) crash() {
	f.t.Helper()
	end := f.end
	f.end = nil
	if err := end(false); err == nil {
		f.t.Error("a run that was cancelled returns no error")
	}
}

// await waits until all streams have been given as many bytes as want has, and makes
// sure that they are those.
func (f *tailing) await(want string) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); len(f.book.all()) < len(want) && time.Now().Before(deadline); {
		time.Sleep(poll)
	}
	f.is(want)
}

// keep waits as await does, and until a checkpoint says so.
func (f *tailing) keep(want string) {
	f.t.Helper()
	f.await(want)
	for deadline := time.Now().Add(patience); f.marked() < len(want); time.Sleep(poll) {
		if time.Now().After(deadline) {
			f.t.Fatal("there is no checkpoint")
		}
	}
}

// marked is how many bytes the checkpoints are behind.
func (f *tailing) marked() int {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	sum := 0
	for _, c := range f.store.all {
		n := 0
		_, err := fmt.Sscan(string(c.Mark), &n)
		must(f.t, err)
		sum += n
	}
	return sum
}

// settles gives the source the time to read what it should not, and makes sure that
// it has read want.
func (f *tailing) settles(want string) {
	f.t.Helper()
	f.await(want)
	time.Sleep(20 * poll)
	f.is(want)
}

func (f *tailing) is(want string) {
	f.t.Helper()
	if got := f.book.all(); got != want {
		f.t.Fatalf("there are %d bytes, want %d\n%s", len(got), len(want), firstDifference(got, want))
	}
}

func firstDifference(got, want string) string {
	a, b := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is %q, want %q", i, a[i], b[i])
		}
	}
	return fmt.Sprintf("one ends after %d lines", min(len(a), len(b)))
}

// saw returns the first event of the kind, waiting for it.
func (f *tailing) saw(what file.Happening) file.FollowEvent {
	f.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		if e, ok := f.event(what); ok {
			return e
		}
	}
	f.t.Fatalf("no event says %s: %v", what, f.events)
	return file.FollowEvent{}
}

func (f *tailing) event(what file.Happening) (file.FollowEvent, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.events, func(e file.FollowEvent) bool { return e.What == what })
	if i < 0 {
		return file.FollowEvent{}, false
	}
	return f.events[i], true
}

// scribe writes numbered lines and keeps what it has written.
type scribe struct {
	t    *testing.T
	f    *os.File
	path string
	n    int
	all  bytes.Buffer
}

// opens makes a scribe that appends to the file name, which it makes if there is
// none.
func opens(t *testing.T, dir, name string) *scribe {
	s := &scribe{t: t, path: filepath.Join(dir, name)}
	s.reopen()
	t.Cleanup(func() { must(t, s.f.Close()) })
	return s
}

func (s *scribe) reopen() {
	s.t.Helper()
	if s.f != nil {
		must(s.t, s.f.Close())
	}
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(s.t, err)
	s.f = f
}

func (s *scribe) lines(n int) {
	s.t.Helper()
	for range n {
		s.text(fmt.Sprintf("%06d of %s, which is longer than a number\n", s.n, filepath.Base(s.path)))
		s.n++
	}
}

func (s *scribe) text(text string) {
	s.t.Helper()
	_, err := s.f.WriteString(text)
	must(s.t, err)
	s.all.WriteString(text)
}

// shift renames the file to .1, what is there to .2, and so on up to .9.
func (s *scribe) shift() {
	s.t.Helper()
	for i := 8; i > 0; i-- {
		from := fmt.Sprint(s.path, ".", i)
		if _, err := os.Lstat(from); err == nil {
			must(s.t, os.Rename(from, fmt.Sprint(s.path, ".", i+1)))
		}
	}
	must(s.t, os.Rename(s.path, s.path+".1"))
}

// rotate shifts the files and begins a new one.
func (s *scribe) rotate() {
	s.t.Helper()
	s.shift()
	s.reopen()
}

// copyTruncate copies the file to a new .1 and truncates it.
func (s *scribe) copyTruncate() {
	s.t.Helper()
	for i := 8; i > 0; i-- {
		from := fmt.Sprint(s.path, ".", i)
		if _, err := os.Lstat(from); err == nil {
			must(s.t, os.Rename(from, fmt.Sprint(s.path, ".", i+1)))
		}
	}
	must(s.t, os.WriteFile(s.path+".1", []byte(get(s.t, s.path)), 0o644))
	must(s.t, os.Truncate(s.path, 0))
}
