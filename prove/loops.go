package prove

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/weirflow/weir"
)

// defaultChunk is what the counter-examples read at a time.
const defaultChunk = 64 << 10

// A loop is a counter-example: it joins source to sink without weir's engine. It
// calls ended when it has nothing more to read, and returns when the sink has
// finished what it was given. It closes neither.
type loop struct {
	scenario Scenario
	probe    *probe
	sink     weir.Sink // probed
	ended    func()

	mu struct {
		sync.Mutex
		err error // the first
	}
}

func (l *loop) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.err == nil {
		l.mu.err = err
	}
}

func (l *loop) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.err
}

// A way moves one stream. It returns when there is nothing more to read; the
// group is done when the sink has finished.
type way func(ctx context.Context, stream weir.Stream, w weir.Writer) (writes *sync.WaitGroup)

// way returns that of the scenario's strategy, nil if it is not a loop.
func (l *loop) way() way {
	switch l.scenario.Strategy {
	case Unbounded, Unlimited:
		return l.unbounded
	case CountBounded:
		return l.countBounded
	case ReadAll:
		return l.readAll
	}
	return nil
}

// run moves the streams of source, one after the other.
func (l *loop) run(ctx context.Context, source weir.Source, move way) error {
	var finishing sync.WaitGroup
	for ctx.Err() == nil {
		stream, err := source.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			l.fail(err)
			break
		}
		w, err := l.sink.Open(ctx, stream.Info())
		if err != nil {
			l.fail(errors.Join(err, stream.Close()))
			break
		}
		writes := move(ctx, stream, w)
		if err := stream.Close(); err != nil {
			l.fail(err)
		}
		finishing.Go(func() {
			writes.Wait()
			l.end(ctx, w)
		})
	}
	l.ended()
	finishing.Wait()
	return l.err()
}

func (l *loop) end(ctx context.Context, w weir.Writer) {
	err := l.err()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		err = w.Abort(context.WithoutCancel(ctx), err)
	} else {
		err = w.Commit(ctx)
	}
	if err != nil {
		l.fail(err)
	}
}

// chunk is how much is read at a time.
func (l *loop) chunk() int {
	if l.scenario.Chunk > 0 {
		return l.scenario.Chunk
	}
	return defaultChunk
}

// next reads a batch into memory of its own, nil at the end of the stream.
func (l *loop) next(ctx context.Context, stream weir.Stream) (b *weir.Batch, last bool) {
	b = weir.NewBatch(l.chunk())
	for {
		err := stream.Read(ctx, b)
		var need *weir.NeedError
		switch {
		case errors.As(err, &need) && need.Size > b.Cap():
			b = b.Larger(need.Size)
			continue
		case err != nil && err != io.EOF:
			l.fail(err)
			return nil, true
		case b.Len() == 0:
			return nil, true
		}
		return b, err == io.EOF
	}
}

// unbounded fires every write and waits for none. Where the sink limits the
// writes of a stream, they queue before it; with a limit of one, in order.
func (l *loop) unbounded(ctx context.Context, stream weir.Stream, w weir.Writer) *sync.WaitGroup {
	var writes sync.WaitGroup
	places := make(chan struct{}, max(l.sink.Footprint().MaxInFlight, 1))
	turn := make(chan struct{}) // closed when the write before this one may begin
	close(turn)
	for last := false; !last && ctx.Err() == nil; {
		var b *weir.Batch
		if b, last = l.next(ctx, stream); b == nil {
			break
		}
		l.probe.fired()
		mine, next := turn, make(chan struct{})
		turn = next
		writes.Go(func() {
			if l.scenario.Strategy != Unlimited {
				<-mine
				places <- struct{}{}
				defer func() { <-places }()
			}
			close(next)
			if err := w.Write(ctx, b); err != nil {
				l.fail(err)
			}
		})
	}
	return &writes
}

// countBounded queues up to QueueItems batches before one writer.
func (l *loop) countBounded(ctx context.Context, stream weir.Stream, w weir.Writer) *sync.WaitGroup {
	var writes sync.WaitGroup
	queue := make(chan *weir.Batch, QueueItems)
	writes.Go(func() {
		for b := range queue {
			if err := w.Write(ctx, b); err != nil {
				l.fail(err)
			}
		}
	})
	for last := false; !last && ctx.Err() == nil; {
		var b *weir.Batch
		if b, last = l.next(ctx, stream); b == nil {
			break
		}
		queue <- b
	}
	close(queue)
	return &writes
}

// readAll reads a whole stream before it writes any of it.
func (l *loop) readAll(ctx context.Context, stream weir.Stream, w weir.Writer) *sync.WaitGroup {
	var writes sync.WaitGroup
	var all [][]byte
	last := false
	if size := stream.Info().Size; size > 0 {
		whole := weir.NewBatch(int(size) + 1) // one more lets it see the end
		err := stream.Read(ctx, whole)
		if err != nil && err != io.EOF {
			l.fail(err)
		}
		all, last = append(all, whole.Bytes()), err != nil
	}
	for !last && ctx.Err() == nil {
		var b *weir.Batch
		if b, last = l.next(ctx, stream); b != nil {
			all = append(all, b.Bytes())
		}
	}
	writes.Go(func() {
		b := weir.NewBatch(l.chunk())
		for _, part := range all {
			for len(part) > 0 && ctx.Err() == nil && l.err() == nil {
				b.Reset()
				n := copy(b.Space(), part)
				b.Advance(n)
				part = part[n:]
				if err := w.Write(ctx, b); err != nil {
					l.fail(err)
				}
			}
		}
	})
	return &writes
}
