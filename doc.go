// Package weir moves streams of data from any source into any sink with flat
// memory.
//
// A weir is a low dam that holds the level of a river flat, however much water
// comes. This package does that to a program's memory: a source that is faster
// than its sink is made to wait at its origin, by not being read, instead of
// piling the difference up.
//
//	result, err := weir.Ingest(ctx, source, sink, weir.Options{})
//
// Everything is pulled. A source yields streams; a stream is read into a batch,
// a leased piece of memory, only after the budget has granted the bytes to hold
// it; the batch goes through the transform to the sink's writer, and when the
// sink has accepted it the lease returns. There is one valve, before the
// source, and no stage after it ever waits for memory.
//
// The contract between the engine and a connector is small: [Source] and
// [Stream] on one side, [Sink] and [Writer] on the other, [Batch] between them.
// [FromReader], [ToWriter] and [SinkFunc] cover the common cases.
package weir
