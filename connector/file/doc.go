// Package file reads streams from files and writes each stream to a file.
//
// As a source it reads a path, a directory (with everything below it) or a glob
// with "**", one stream a file, as opaque bytes. As a sink it writes a file
// beside the target and renames it over the target when the stream is whole.
//
// # Delivery
//
// At least once as a source: a stream continues at any position it gave, after
// it has made sure that the file is still the same. As a sink a stream is
// delivered whole or not at all. Until Commit the target keeps its old content,
// or its absence; Commit syncs the data, renames, and syncs the directory
// (unless [SinkOptions.NoSync]). A write is not durable before Commit. A process
// that is killed leaves its temporary file, ".NAME.weir-XXXXXX.tmp", behind; it
// may be deleted.
//
// A target that is not a regular file (a FIFO, a terminal, /dev/null) is
// written to directly: nothing is synced, and Abort cannot take back what was
// written.
//
// With a [Roll] a stream becomes several files, its parts, by size and by time. A part
// has its name as soon as nothing will be written to it any more: when it ends, or in
// runs with checkpoints when one covers its end, so that what is seen is never taken
// back, and a run that was killed goes on where it was with no record lost, none
// doubled, and by size with the same files. Abort removes the parts without names and
// leaves the others. The names follow from the target, the number of the part and,
// by time, the clock: see [Roll]. A stream that is told to stop in the middle of a
// window or before it has filled a part goes on in that part if it has an end of its
// own, and in another one if it is endless: its last part has been shown.
//
// # Ordering
//
// Bytes keep their order within a file. Files come sorted by name within one
// directory, a directory's content in its place, as long as the directory has
// at most 16,384 entries; a larger one is sorted piece by piece. Memory does not
// grow with the number of files.
//
// # Position
//
// Text: the file's identity (device and inode), its size and the time of its last
// change when it was opened, a fingerprint of its first KiB, a checksum of the 4 KiB
// before the offset, and the byte offset. A file that was renamed or has grown is
// continued. One that was truncated or replaced is refused, and so is one that was
// changed in place: whose size is the same and whose time of the last change is not
// (also if that was only touched: nobody can tell), or whose first KiB or last 4 KiB
// before the offset are others. What is not noticed is a change between the two of a
// file that has grown too. FIFOs and devices have no positions.
//
// # Credit
//
// A source reads when it is given a batch, with one read that fills the batch as
// far as the file has data; it holds no bytes of its own. A sink writes each
// batch in place, without a copy, one at a time. Both use the page cache.
// What is to be durable is stored while the rest is written, at most 40 MiB of it
// are on their way, and what is stored leaves the cache.
//
// # Errors
//
// Every error is a *weir.Error. Invalid: a path that is missing, not permitted,
// of the wrong kind, or that exists and must not be replaced. Corrupt: a file
// that was truncated or overwritten while it was read, or before it was
// continued. A file of several that cannot be opened fails its own stream only,
// at its first Read. Errors of the operating system (no space left on device)
// are passed on with the path and the offset.
package file
