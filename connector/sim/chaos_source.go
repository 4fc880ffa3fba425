package sim

import (
	"context"
	"errors"
	"io"

	"github.com/weirflow/weir"
)

// ChaosSourceOptions are what goes wrong in a ChaosSource. The zero value
// changes nothing.
type ChaosSourceOptions struct {
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
	// Empty is how many reads in a row return nothing and no error before each
	// that returns something; the contract forbids that. Default: none.
	Empty int
	// Short is the most bytes of batch memory that a read uses, unless one
	// record needs more. Default: all.
	Short int
	// EOFWithData returns io.EOF together with the last bytes, which means to
	// read one batch ahead. Default: as the source behind it does.
	EOFWithData bool
	// EOFAlone returns io.EOF in a read of its own. Default: as the source
	// behind it does.
	EOFAlone bool
}

func (o ChaosSourceOptions) withDefaults() ChaosSourceOptions {
	o.Fail, o.Hang, o.Panic = o.Fail.withDefault(OnRead), o.Hang.withDefault(OnRead), o.Panic.withDefault(OnRead)
	if o.Error == "" {
		o.Error = defaultErrorText
	}
	return o
}

func (o ChaosSourceOptions) validate() error {
	var p problems
	o.Fail.check(&p, "Fail", sourceOps)
	o.Hang.check(&p, "Hang", sourceOps)
	o.Panic.check(&p, "Panic", sourceOps)
	p.check("Empty", o.Empty, o.Empty >= 0, "0 (none) or more")
	p.check("Short", o.Short, o.Short >= 0, "0 (all) or more, in bytes")
	p.check("EOFAlone", o.EOFAlone, !o.EOFAlone || !o.EOFWithData, "false with EOFWithData")
	return p.err(chaosName)
}

// ChaosSource is a source that breaks as it is told.
type ChaosSource struct {
	o      ChaosSourceOptions
	inner  weir.Source
	faults faults
}

var _ weir.Source = (*ChaosSource)(nil)

// NewChaosSource returns a source that yields the streams of inner and breaks,
// or an error that names every option out of bounds. Under testing/synctest
// call it inside the bubble.
func NewChaosSource(inner weir.Source, o ChaosSourceOptions) (*ChaosSource, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	return &ChaosSource{o: o, inner: inner, faults: faults{
		fail: o.Fail, hang: o.Hang, panics: o.Panic,
		ignoreContext: o.IgnoreContext, kind: o.Kind, text: o.Error,
		released: make(chan struct{}),
	}}, nil
}

func (*ChaosSource) String() string { return chaosName }

// Release ends all hangs, present and future.
func (s *ChaosSource) Release() { s.faults.release() }

// Calls returns how many calls there were of op, one of the constants.
func (s *ChaosSource) Calls(op Ops) int { return int(s.faults.count(op)) }

// Next returns the next stream of the source behind it.
func (s *ChaosSource) Next(ctx context.Context) (weir.Stream, error) {
	if _, err := s.faults.strike(ctx, OnNext); err != nil {
		return nil, err
	}
	inner, err := s.inner.Next(ctx)
	if err != nil {
		return nil, err
	}
	return &chaosStream{s: s, inner: inner}, nil
}

// Close closes the source behind it, also when it fails.
func (s *ChaosSource) Close() error { return s.faults.close(s.inner.Close) }

type chaosStream struct {
	s     *ChaosSource
	inner weir.Stream
	empty int // empty reads returned in a row
	ended bool

	ahead    *weir.Batch // with EOFWithData: what was read and not returned
	aheadEnd bool        // io.EOF came with it, or alone after it
}

func (c *chaosStream) Info() weir.StreamInfo { return c.inner.Info() }

func (c *chaosStream) Seek(ctx context.Context, p weir.Position) error {
	if _, err := c.s.faults.strike(ctx, OnSeek); err != nil {
		return err
	}
	return c.inner.Seek(ctx, p)
}

func (c *chaosStream) Read(ctx context.Context, b *weir.Batch) error {
	if _, err := c.s.faults.strike(ctx, OnRead); err != nil {
		return err
	}
	if c.empty < c.s.o.Empty {
		c.empty++
		return nil
	}
	c.empty = 0
	switch {
	case c.ended:
		return io.EOF
	case c.s.o.EOFWithData:
		return c.readWithEOF(ctx, b)
	}
	err := c.short(ctx, b)
	if errors.Is(err, io.EOF) && b.Len() > 0 && c.s.o.EOFAlone {
		c.ended = true
		return nil
	}
	return err
}

// short reads at most Options.Short bytes.
func (c *chaosStream) short(ctx context.Context, b *weir.Batch) error {
	if c.s.o.Short == 0 || c.s.o.Short >= b.Cap() {
		return c.inner.Read(ctx, b)
	}
	small := weir.NewBatch(c.s.o.Short)
	err := c.inner.Read(ctx, small)
	var need *weir.NeedError
	copyBatch(b, small)
	if errors.As(err, &need) {
		return c.inner.Read(ctx, b)
	}
	return err
}

// readWithEOF returns what was read ahead and reads ahead again, so that it
// knows whether that was the last.
func (c *chaosStream) readWithEOF(ctx context.Context, b *weir.Batch) error {
	if c.ahead == nil || c.ahead.Len() == 0 && !c.aheadEnd {
		if err := c.readAhead(ctx, b.Cap()); err != nil {
			return err
		}
	}
	if c.ahead.Cap() > b.Cap() {
		return &weir.NeedError{Size: c.ahead.Cap()}
	}
	copyBatch(b, c.ahead)
	c.ahead.Reset()
	if c.aheadEnd {
		return io.EOF
	}
	if err := c.readAhead(ctx, b.Cap()); err != nil {
		var need *weir.NeedError
		if errors.As(err, &need) { // the next read will ask for it
			return nil
		}
		return err
	}
	if c.aheadEnd && c.ahead.Len() == 0 {
		return io.EOF
	}
	return nil
}

func (c *chaosStream) readAhead(ctx context.Context, size int) error {
	c.ahead = weir.NewBatch(size)
	err := c.inner.Read(ctx, c.ahead)
	if errors.Is(err, io.EOF) {
		c.aheadEnd = true
		return nil
	}
	return err
}

// copyBatch appends from's content to b and takes its position over.
func copyBatch(b, from *weir.Batch) {
	done := 0
	for i := range from.Records() {
		b.Append(from.Record(i))
		done += len(from.Record(i))
	}
	b.Advance(copy(b.Space(), from.Bytes()[done:]))
	b.SetPosition(from.Position())
}

func (c *chaosStream) Close() error { return c.s.faults.close(c.inner.Close) }
