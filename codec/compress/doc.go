// Package compress reads and writes compressed byte streams with memory that is
// known ahead.
//
// Reading: [Inspect] tells from the first bytes of a stream how much memory its
// decoder will hold, without allocating it, so that it can be charged to a
// budget; a [Reader] then holds no more. A later part of the stream that would
// need a larger window is an error and never an allocation.
//
// Writing: an [Encoder] turns a block of bytes into one whole gzip member, zstd
// frame or LZ4 frame. Members and frames may be concatenated in every one of
// these formats, so several encoders can compress the blocks of one stream in
// parallel and what they make is written in order.
//
// # Restart points
//
// Every format is a sequence of sections that a new decoder can begin at: gzip
// members, zstd and LZ4 frames, and the streams of the other formats.
// [Reader.Restart] gives the beginning of the section being read, in compressed
// and in decompressed bytes. What an Encoder wrote has a restart point every
// block; a gzip file made in one piece has only its beginning.
//
// # Errors
//
// A stream that is truncated or corrupt, or that needs or makes more than is
// allowed, is an [*Error] with both offsets, after everything before it has been
// delivered. An error of the reader underneath is returned as it is.
//
// # Concurrency
//
// A Reader or an Encoder is for one goroutine at a time. Neither starts any.
package compress
