package weir_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/weirflow/weir"
)

// fakeSource yields streams of numbered records, one batch holding as many as
// fit, with hooks for what a test wants to happen.
type fakeSource struct {
	streams  int
	records  int           // of each stream
	perRead  int           // records of a batch; 0: as many as fit
	size     int           // bytes of a record; 0: just the number
	readTime time.Duration // of each Read
	endless  bool
	next     func(ctx context.Context) error                     // called first in Next
	read     func(ctx context.Context, stream, record int) error // called first in Read

	mu     sync.Mutex
	given  int
	closed int
	open   int
	reads  int
}

func (s *fakeSource) String() string { return "fake source" }

func (s *fakeSource) Next(ctx context.Context) (weir.Stream, error) {
	if s.next != nil {
		if err := s.next(ctx); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.given == max(s.streams, 1) {
		return nil, io.EOF
	}
	s.given++
	s.open++
	return &fakeStream{src: s, n: s.given - 1}, nil
}

func (s *fakeSource) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

func (s *fakeSource) readCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

type fakeStream struct {
	src *fakeSource
	n   int
	at  int
}

func (s *fakeStream) Info() weir.StreamInfo {
	return weir.StreamInfo{ID: fmt.Sprint("fake/", s.n), Name: fmt.Sprint("s", s.n), Size: weir.UnknownSize, Endless: s.src.endless}
}

func (s *fakeStream) Seek(context.Context, weir.Position) error { return weir.ErrNotResumable }

func (s *fakeStream) Read(ctx context.Context, b *weir.Batch) error {
	s.src.mu.Lock()
	s.src.reads++
	s.src.mu.Unlock()
	if s.src.read != nil {
		if err := s.src.read(ctx, s.n, s.at); err != nil {
			return err
		}
	}
	if s.src.readTime > 0 {
		if !pause(ctx, s.src.readTime) {
			return context.Cause(ctx)
		}
	}
	for k := 0; s.src.perRead == 0 || k < s.src.perRead; k++ {
		if s.at == s.src.records {
			return io.EOF
		}
		rec := s.record(s.at)
		if !b.Append(rec) {
			if b.Records() == 0 {
				return &weir.NeedError{Size: weir.RecordSize(len(rec))}
			}
			break
		}
		s.at++
		b.SetPosition(strconv.AppendInt(nil, int64(s.at), 10))
	}
	return nil
}

// record returns record i: its number, padded to the size that is wanted.
func (s *fakeStream) record(i int) []byte {
	rec := fmt.Appendf(nil, "%d\n", i)
	return append(bytes.Repeat([]byte{'0'}, max(s.src.size-len(rec), 0)), rec...)
}

func (s *fakeStream) Close() error {
	s.src.mu.Lock()
	defer s.src.mu.Unlock()
	s.src.open--
	return nil
}

// fakeSink keeps what it was given, by stream, and counts endings.
type fakeSink struct {
	fp        weir.Footprint
	writeTime time.Duration
	write     func(ctx context.Context, stream string, n int) error // called first in Write number n
	opening   func(ctx context.Context, stream string) error
	commit    func(ctx context.Context) error
	abort     func(ctx context.Context, cause error) error

	mu       sync.Mutex
	closed   int
	writers  map[string]*fakeWriter
	busy     int
	maxBusy  int
	tookOver bool // keep a slice of the first batch, against the contract
	kept     []byte
}

func (s *fakeSink) String() string { return "fake sink" }

func (s *fakeSink) Footprint() weir.Footprint { return s.fp }

func (s *fakeSink) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	if s.opening != nil {
		if err := s.opening(ctx, info.Name); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writers == nil {
		s.writers = map[string]*fakeWriter{}
	}
	w := &fakeWriter{sink: s, name: info.Name}
	s.writers[info.Name] = w
	return w, nil
}

func (s *fakeSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

type fakeWriter struct {
	sink    *fakeSink
	name    string
	writes  int
	records []int // in the order their writes ended
	commits int
	aborts  int
	cause   error
}

func (w *fakeWriter) Write(ctx context.Context, b *weir.Batch) error {
	s := w.sink
	s.mu.Lock()
	w.writes++
	n := w.writes
	s.busy++
	s.maxBusy = max(s.maxBusy, s.busy)
	if s.tookOver && s.kept == nil {
		s.kept = b.Bytes()
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	if s.write != nil {
		if err := s.write(ctx, w.name, n); err != nil {
			return err
		}
	}
	if s.writeTime > 0 && !pause(ctx, s.writeTime) {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Records() {
		n, err := strconv.Atoi(string(b.Record(i)[:len(b.Record(i))-1]))
		if err != nil {
			return err
		}
		w.records = append(w.records, n)
	}
	return nil
}

func (w *fakeWriter) Commit(ctx context.Context) error {
	w.sink.mu.Lock()
	w.commits++
	w.sink.mu.Unlock()
	if w.sink.commit != nil {
		return w.sink.commit(ctx)
	}
	return nil
}

func (w *fakeWriter) Abort(ctx context.Context, cause error) error {
	w.sink.mu.Lock()
	w.aborts++
	w.cause = cause
	w.sink.mu.Unlock()
	if w.sink.abort != nil {
		return w.sink.abort(ctx, cause)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// checkEnds fails the test unless every writer had exactly one ending, both ends
// were closed once, and the budget has everything back.
func checkEnds(t *testing.T, src *fakeSource, dst *fakeSink, b *weir.Budget) {
	t.Helper()
	dst.mu.Lock()
	defer dst.mu.Unlock()
	for name, w := range dst.writers {
		if w.commits+w.aborts != 1 {
			t.Errorf("stream %s: %d commits and %d aborts, want exactly one ending", name, w.commits, w.aborts)
		}
	}
	src.mu.Lock()
	defer src.mu.Unlock()
	if src.closed != 1 || dst.closed != 1 {
		t.Errorf("source closed %d times, sink %d times, want once each", src.closed, dst.closed)
	}
	if src.open != 0 {
		t.Errorf("%d streams are still open", src.open)
	}
	if b != nil {
		checkHome(t, b)
	}
}

// checkHome fails the test if b does not have everything back.
func checkHome(t *testing.T, b *weir.Budget) {
	t.Helper()
	s := b.Stats()
	if s.Used != 0 || s.Guaranteed != 0 || s.Quarantined != 0 || s.Waiters != 0 || s.Pipelines != 0 {
		t.Errorf("not everything came home: %+v", s)
	}
}

// wantAll fails the test unless stream name has records 0 to n-1, in order if
// ordered.
func (s *fakeSink) wantAll(t *testing.T, name string, n int, ordered bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.writers[name]
	if w == nil {
		t.Errorf("stream %s was never opened", name)
		return
	}
	got := slices.Clone(w.records)
	if !ordered {
		slices.Sort(got)
	}
	if len(got) != n {
		t.Errorf("stream %s: %d records arrived, want %d", name, len(got), n)
		return
	}
	for i, v := range got {
		if v != i {
			t.Errorf("stream %s: record %d is number %d", name, i, v)
			return
		}
	}
}
