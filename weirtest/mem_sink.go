package weirtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/weirflow/weir"
)

// MemSink collects what is written, stream by stream, and counts the endings.
type MemSink struct {
	fp weir.Footprint

	mu struct {
		sync.Mutex
		writers []*memWriter
		closed  int
	}
}

var _ weir.Sink = (*MemSink)(nil)

// NewMemSink returns a sink with this footprint. With more than one write in
// flight, batches are kept in the order their Writes came.
func NewMemSink(fp weir.Footprint) *MemSink { return &MemSink{fp: fp} }

func (*MemSink) String() string { return "mem" }

// A MemStream is what a MemSink knows of one Writer.
type MemStream struct {
	Info             weir.StreamInfo
	Data             []byte
	Records          []int         // the size of each
	Batches          []int         // the size of each
	Position         weir.Position // of the last batch
	Commits, Aborts  int
	AbortCause       error
	WriteAfterEnding bool
}

// Streams returns what was written to each Writer, in the order they were
// opened.
func (s *MemSink) Streams() []MemStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]MemStream, len(s.mu.writers))
	for i, w := range s.mu.writers {
		all[i] = w.st
		all[i].Data, all[i].Position = slices.Clone(w.st.Data), slices.Clone(w.st.Position)
		all[i].Records, all[i].Batches = slices.Clone(w.st.Records), slices.Clone(w.st.Batches)
	}
	return all
}

// Committed returns the data of the last committed stream of this name.
func (s *MemSink) Committed(name string) (data []byte, ok bool) {
	for _, st := range s.Streams() {
		if st.Info.Name == name && st.Commits > 0 {
			data, ok = st.Data, true
		}
	}
	return data, ok
}

// Closed returns how often the sink was closed.
func (s *MemSink) Closed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.closed
}

// CheckEndings returns an error that names every Writer that did not see
// exactly one ending, last.
func (s *MemSink) CheckEndings() error {
	var errs []error
	for _, st := range s.Streams() {
		if st.Commits+st.Aborts != 1 {
			errs = append(errs, fmt.Errorf("stream %s: %d commits and %d aborts", st.Info.Name, st.Commits, st.Aborts))
		}
		if st.WriteAfterEnding {
			errs = append(errs, fmt.Errorf("stream %s: a write after its ending", st.Info.Name))
		}
	}
	return errors.Join(errs...)
}

// Footprint returns what NewMemSink was given.
func (s *MemSink) Footprint() weir.Footprint { return s.fp }

// Open returns at once.
func (s *MemSink) Open(_ context.Context, info weir.StreamInfo) (weir.Writer, error) {
	w := &memWriter{s: s, st: MemStream{Info: info}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.writers = append(s.mu.writers, w)
	return w, nil
}

// Close counts.
func (s *MemSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed++
	return nil
}

// memWriter's state is guarded by the sink's mutex.
type memWriter struct {
	s  *MemSink
	st MemStream
}

func (w *memWriter) Write(ctx context.Context, b *weir.Batch) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.st.WriteAfterEnding = w.st.WriteAfterEnding || w.st.Commits+w.st.Aborts > 0
	w.st.Data = append(w.st.Data, b.Bytes()...)
	w.st.Batches = append(w.st.Batches, b.Len())
	w.st.Position = append(w.st.Position[:0], b.Position()...)
	for i := range b.Records() {
		w.st.Records = append(w.st.Records, len(b.Record(i)))
	}
	return nil
}

func (w *memWriter) Commit(context.Context) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.st.Commits++
	return nil
}

func (w *memWriter) Abort(_ context.Context, cause error) error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.st.Aborts++
	w.st.AbortCause = cause
	return nil
}
