package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/weirflow/weir"
)

// chunk is how much the loops without an engine, and the pipelines beside them,
// move at a time.
const chunk = 64 << 10

// mover moves one stream without an engine.
type mover func(context.Context, weir.Stream, weir.Writer) error

// join moves all streams of src side by side, each by a goroutine of its own.
func join(ctx context.Context, src weir.Source, dst weir.Sink, move mover) error {
	var all sync.WaitGroup
	var failed failure
	for {
		st, err := src.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			failed.note(err)
			break
		}
		all.Go(func() { failed.note(joinStream(ctx, st, dst, move)) })
	}
	all.Wait()
	return errors.Join(failed.err, src.Close(), dst.Close())
}

func joinStream(ctx context.Context, st weir.Stream, dst weir.Sink, move mover) error {
	w, err := dst.Open(ctx, st.Info())
	if err != nil {
		return errors.Join(err, st.Close())
	}
	if err := move(ctx, st, w); err != nil {
		return errors.Join(err, w.Abort(ctx, err), st.Close())
	}
	return errors.Join(w.Commit(ctx), st.Close())
}

// moveLoop reads a chunk, writes it, and reads the next.
func moveLoop(ctx context.Context, st weir.Stream, w weir.Writer) error {
	b := weir.NewBatch(chunk)
	for {
		b.Reset()
		err := st.Read(ctx, b)
		if err != nil && err != io.EOF {
			return err
		}
		if b.Len() > 0 {
			if err := w.Write(ctx, b); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// failure keeps the first error of several goroutines.
type failure struct {
	once sync.Once
	err  error
}

func (f *failure) note(err error) {
	if err != nil {
		f.once.Do(func() { f.err = err })
	}
}

// moveFire fires each write and waits for none before the end.
func moveFire(ctx context.Context, st weir.Stream, w weir.Writer) error {
	var writes sync.WaitGroup
	var failed failure
	err := readAll(ctx, st, func(b *weir.Batch) {
		writes.Go(func() { failed.note(w.Write(ctx, b)) })
	})
	writes.Wait()
	return errors.Join(err, failed.err)
}

// channelChunks is the bound of moveChannel, in chunks.
const channelChunks = 1000

// moveChannel queues up to channelChunks chunks, the way most tools bound.
func moveChannel(ctx context.Context, st weir.Stream, w weir.Writer) error {
	queue := make(chan *weir.Batch, channelChunks) // closed when everything was read
	var writer sync.WaitGroup
	var failed failure
	writer.Go(func() {
		for b := range queue {
			failed.note(w.Write(ctx, b))
		}
	})
	err := readAll(ctx, st, func(b *weir.Batch) { queue <- b })
	close(queue)
	writer.Wait()
	return errors.Join(err, failed.err)
}

// readAll reads st to its end, each chunk into memory of its own.
func readAll(ctx context.Context, st weir.Stream, take func(*weir.Batch)) error {
	for {
		b := weir.NewBatch(chunk)
		err := st.Read(ctx, b)
		if err != nil && err != io.EOF {
			return err
		}
		if b.Len() > 0 {
			take(b)
		}
		if err == io.EOF {
			return nil
		}
	}
}
