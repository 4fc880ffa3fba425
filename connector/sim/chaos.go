package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/weirflow/weir"
)

const (
	chaosName        = "chaos://"
	defaultErrorText = "broken on purpose"
)

// ChaosOptions are what goes wrong in a Chaos sink. The zero value works well
// and forgets.
type ChaosOptions struct {
	// Fail is the calls that return an error. Default: none.
	Fail Fault
	// Error is the text of that error. Default: "broken on purpose".
	Error string
	// Kind is the kind of that error. Default: unclassified.
	Kind weir.Kind
	// Hang is the calls that do not return until they are cancelled.
	// Default: none.
	Hang Fault
	// IgnoreContext makes them hang even then, until Release. A hanging close
	// always waits for Release. Default: false.
	IgnoreContext bool
	// Panic is the calls that panic. Default: none.
	Panic Fault
	// Partial is the number of the write, counted from 1, that takes half of
	// its batch and fails with io.ErrShortWrite. Default: none.
	Partial int
	// InFlight is how many writes of one stream it takes at once. Default: 1,
	// or what Into says.
	InFlight int
	// Into is a sink that gets the data, and the endings, that pass.
	// Default: none; everything is forgotten.
	Into weir.Sink
}

func (o ChaosOptions) withDefaults() ChaosOptions {
	o.Fail, o.Hang, o.Panic = o.Fail.withDefault(OnWrite), o.Hang.withDefault(OnWrite), o.Panic.withDefault(OnWrite)
	if o.Error == "" {
		o.Error = defaultErrorText
	}
	if o.Into == nil {
		o.Into = NewNull()
	}
	return o
}

func (o ChaosOptions) validate() error {
	var p problems
	o.Fail.check(&p, "Fail", sinkOps)
	o.Hang.check(&p, "Hang", sinkOps)
	o.Panic.check(&p, "Panic", sinkOps)
	p.check("Partial", o.Partial, o.Partial >= 0, "0 (none) or more")
	p.check("InFlight", o.InFlight, o.InFlight >= 0, "0 (default) or more")
	return p.err(chaosName)
}

// Chaos is a sink that breaks as it is told. Whatever it does, the sink behind
// it (ChaosOptions.Into) sees exactly one ending a stream.
type Chaos struct {
	o      ChaosOptions
	faults faults

	mu struct {
		sync.Mutex
		writers []*chaosWriter
	}
}

var _ weir.Sink = (*Chaos)(nil)

// NewChaos returns a sink that breaks, or an error that names every option out
// of bounds. Under testing/synctest call it inside the bubble.
func NewChaos(o ChaosOptions) (*Chaos, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return &Chaos{o: o, faults: faults{
		fail: o.Fail, hang: o.Hang, panics: o.Panic,
		ignoreContext: o.IgnoreContext, kind: o.Kind, text: o.Error,
		released: make(chan struct{}),
	}}, nil
}

func (*Chaos) String() string { return chaosName }

// Release ends all hangs, present and future.
func (s *Chaos) Release() { s.faults.release() }

// Calls returns how many calls there were of op, one of the constants.
func (s *Chaos) Calls(op Ops) int { return int(s.faults.count(op)) }

// A WriterCalls says how often the methods of one Writer were called.
type WriterCalls struct {
	Stream                  string // its name
	Writes, Commits, Aborts int
	AbortCause              error // of the last Abort
}

// Writers returns the calls of every Writer, in the order they were opened.
func (s *Chaos) Writers() []WriterCalls {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]WriterCalls, len(s.mu.writers))
	for i, w := range s.mu.writers {
		all[i] = w.snapshot()
	}
	return all
}

// CheckEndings returns an error that names every Writer that did not see
// exactly one ending.
func (s *Chaos) CheckEndings() error {
	var errs []error
	for _, w := range s.Writers() {
		if w.Commits+w.Aborts != 1 {
			errs = append(errs, fmt.Errorf("stream %s: %d commits and %d aborts", w.Stream, w.Commits, w.Aborts))
		}
	}
	return errors.Join(errs...)
}

// Footprint is that of the sink behind it.
func (s *Chaos) Footprint() weir.Footprint {
	fp := s.o.Into.Footprint()
	if s.o.InFlight > 0 {
		fp.MaxInFlight = s.o.InFlight
	}
	return fp
}

// Open opens a Writer of the sink behind it.
func (s *Chaos) Open(ctx context.Context, info weir.StreamInfo) (weir.Writer, error) {
	if _, err := s.faults.strike(ctx, OnOpen); err != nil {
		return nil, err
	}
	inner, err := s.o.Into.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	w := &chaosWriter{s: s, inner: inner, name: info.Name}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.writers = append(s.mu.writers, w)
	return w, nil
}

// Close closes the sink behind it, also when it fails.
func (s *Chaos) Close() error { return s.faults.close(s.o.Into.Close) }

type chaosWriter struct {
	s     *Chaos
	inner weir.Writer
	name  string
	ended atomic.Bool // the inner one

	writes atomic.Int64
	mu     struct {
		sync.Mutex
		commits, aborts int
		cause           error
	}
}

func (w *chaosWriter) snapshot() WriterCalls {
	w.mu.Lock()
	defer w.mu.Unlock()
	return WriterCalls{
		Stream: w.name, Writes: int(w.writes.Load()),
		Commits: w.mu.commits, Aborts: w.mu.aborts, AbortCause: w.mu.cause,
	}
}

func (w *chaosWriter) Write(ctx context.Context, b *weir.Batch) error {
	w.writes.Add(1)
	n, err := w.s.faults.strike(ctx, OnWrite)
	if err != nil {
		return err
	}
	if n == int64(w.s.o.Partial) {
		if err := w.inner.Write(ctx, half(b)); err != nil {
			return err
		}
		return w.s.faults.err(OnWrite, io.ErrShortWrite)
	}
	return w.inner.Write(ctx, b)
}

// half returns a batch with the first half of b's records or, if it has none,
// bytes.
func half(b *weir.Batch) *weir.Batch {
	h := weir.NewBatch(b.Cap())
	for i := range b.Records() / 2 {
		h.Append(b.Record(i))
	}
	if b.Records() == 0 {
		h.Advance(copy(h.Space(), b.Bytes()[:b.Len()/2]))
	}
	return h
}

// Divide asks the inner Writer.
func (w *chaosWriter) Divide() weir.Parts {
	if d, ok := w.inner.(weir.Divider); ok {
		return d.Divide()
	}
	return nil
}

// Commit aborts the inner Writer when it fails or panics: a Writer whose Commit
// failed cleans up itself.
func (w *chaosWriter) Commit(ctx context.Context) error {
	w.mu.Lock()
	w.mu.commits++
	w.mu.Unlock()
	// What is reported is why the commit failed.
	defer func() { _ = w.abortInner(context.WithoutCancel(ctx), ErrChaos) }()
	if _, err := w.s.faults.strike(ctx, OnCommit); err != nil {
		return err
	}
	if !w.ended.CompareAndSwap(false, true) {
		return w.s.faults.err(OnCommit, errors.New("ended already"))
	}
	return w.inner.Commit(ctx)
}

// Abort aborts the inner Writer, also when it hangs, fails or panics.
func (w *chaosWriter) Abort(ctx context.Context, cause error) (err error) {
	w.mu.Lock()
	w.mu.aborts++
	w.mu.cause = cause
	w.mu.Unlock()
	defer func() {
		if inner := w.abortInner(context.WithoutCancel(ctx), cause); err == nil {
			err = inner
		}
	}()
	_, err = w.s.faults.strike(ctx, OnAbort)
	return err
}

// abortInner gives the inner Writer its one ending, if it has had none.
func (w *chaosWriter) abortInner(ctx context.Context, cause error) error {
	if !w.ended.CompareAndSwap(false, true) {
		return nil
	}
	return w.inner.Abort(ctx, cause)
}
