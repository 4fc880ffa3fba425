// Package deadletter keeps the records that a pipeline gave up on, with the reason
// and the place, so that people can look at them and try them again.
//
// Letters are in a directory, in segment files that are appended to, named by
// number: 000001.letters, 000002.letters. A letter is a line: the CRC32C of what
// follows, in eight hexadecimal digits, a space, and a JSON object. The order is
// that in which the letters came.
//
// # Limits
//
//   - a letter never spans two segments; a segment is removed whole;
//   - all segments together hold at most Options.MaxBytes; when they are full,
//     Put fails, and so does the stream that the record is of: nothing is dropped;
//   - of a record that is not at hand as a whole, or larger than MaxRecord, its
//     beginning is kept.
//
// # Durability
//
// Put hands a letter to the operating system; Sync brings what was put to the
// disk. Who stores a checkpoint calls Sync first, so that no checkpoint passes a
// record whose letter could be lost. What a crash tore off the end of a segment is
// cut off when it is opened again; a damaged letter is an error that names segment
// and offset.
//
// A letter is kept before the checkpoint that covers its record. When a run breaks off
// in between, the next one reads the record again and keeps another letter of it: at
// least once, so that each record is delivered or here. Who reads the letters can leave
// out those that repeat an earlier one (SourceOptions.Once).
//
// # Elsewhere
//
// An Outbox sends letters to a sink instead, such as a table.
package deadletter
