// Package codec turns streams of bytes into batches of records.
//
// [NewSource] wraps a source whose streams are opaque bytes, such as files,
// uploads or a [weir.FromReader], and gives the same streams with the records in
// them marked: lines, NDJSON, elements of JSON arrays, rows of CSV, and so on (see
// [Format]). What is compressed is decompressed on the way.
//
// # Records
//
// Nothing is copied or allocated for a record. The inner stream reads into the
// batch, or the decoder decompresses into it, and the records are marked where
// they are. They cover the batch completely, each with its terminator, so that the
// bytes of the batches in a row are the bytes of the stream, but for a byte order
// mark, the header of a CSV file, and what stands behind the last record and
// belongs to none. [Format.Payload] gives what is inside a record.
//
// A record that has begun when the batch is full is carried over to the next one.
// The stream has a slab for that, [SourceOptions].Carry; a record larger than that
// makes the batch grow (see [weir.NeedError]).
//
// # Bad records
//
// A record that is longer than [SourceOptions].MaxRecord, that is not what its
// format says, or that is not valid UTF-8 or JSON where that is asked for, goes to
// [SourceOptions].Bad, which fails the stream, skips it or stores it elsewhere. What
// is too long is not held: its first bytes are kept and the rest is counted.
//
// An input that is broken in itself (a damaged gzip member, brackets of a JSON
// array that do not match, a last record with less bytes than its length says) has no
// next record. It is an error of Kind [weir.Corrupt] with the offset, after everything
// before it was delivered.
//
// # Positions
//
// A stream can be continued at the end of every batch if the inner stream can be
// continued: a position is one of the inner stream's and how many bytes to skip
// from there. Inside compressed streams it is the last restart point (see package
// compress) and how many decompressed bytes to skip from there. Where the inner
// stream gave no position before that point, the stream is read again from its
// beginning, whose first bytes must be the same.
//
// Resuming needs an inner stream that can Seek after it was read: the header of a
// CSV file and the size of a decoder's window are at the beginning.
//
// # Memory
//
// What a stream holds beside its batches is declared ahead (see [weir.Reserver]):
// the carry, and for compressed streams the decoder and an input buffer.
//
// # Writing
//
// NewEncoder makes what is needed for the other way: steps that turn records of one
// format into those of another and compress them, and a sink that puts around them
// what a file needs, such as the header of CSV. Its Source tells the sink what batches
// do not: the header of a stream without records, and the last of streams that are
// joined. Convert is its part for records.
package codec
