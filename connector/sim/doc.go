// Package sim is the laboratory: a generator that makes streams out of
// nothing, a sink that forgets, a sink that is slow, and a sink and a source
// that break on purpose. It shows what a pipeline does without a disk or a
// network taking part.
//
// # Delivery
//
// The sinks answer for every write they returned nil for at once
// (Footprint.Durable). Chaos promises what the sink behind it promises.
//
// # Ordering
//
// Every stream is in order. Slow serves writes in the order they came, up to
// SlowOptions.Concurrency at once.
//
// # Position
//
// A generated stream's position is text, "off=4096": that many bytes have been
// read. The content is a function of the options and the offset alone, so a
// stream can be resumed by another process.
//
// # Credit
//
// The generator makes bytes straight into the batch it was given and holds two
// tables of 68 KiB whatever the number of streams. No sink holds memory for a
// write.
//
// # Errors
//
// Only Chaos and ChaosSource fail, as they were told, with errors that wrap
// ErrChaos; everything else returns nothing but the cause of a cancelled
// context.
package sim
