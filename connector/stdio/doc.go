// Package stdio reads a stream from standard input, or any open file, and
// writes streams to standard output, or any open file.
//
// # Delivery
//
// Standard input can be read once. What was written to standard output is gone:
// an Abort cannot take it back, and a Write is acknowledged when the stream is
// committed. Commit syncs a regular file and does nothing more to anything
// else.
//
// # Ordering
//
// One stream, in order. The sink takes one stream after another and
// concatenates them.
//
// # Position
//
// A regular file's position is text, "off=4096", counted from the beginning of
// the file, wherever the descriptor stood. Pipes, sockets and terminals cannot
// resume.
//
// # Credit
//
// A read goes straight into the batch. It returns what a pipe has. From a
// writer that writes more than lines it takes what follows within a
// millisecond too, until the batch is full or a few milliseconds have passed: a
// pipe holds much less than a batch.
//
// A pipe or terminal is shared with other processes, so its flags are left
// alone: no O_NONBLOCK. Instead the calling goroutine asks the kernel whether
// the descriptor is ready, a fraction of a second at a time, and looks at its
// context in between; then it reads or writes what does not block. A pipe takes
// PIPE_BUF bytes without blocking when it is ready, which is slow, so on Linux
// the sink opens the pipe once more, for itself, through /proc/self/fd, and
// that descriptor is its own to make non-blocking. Where that is not possible
// it writes PIPE_BUF bytes at a time.
//
// Only two things can block regardless of the context, and end by being
// abandoned: a file on a dead network file system, and a terminal that is
// stopped in the middle of a write.
//
// # Errors
//
// ErrClosedPipe says that nobody reads standard output any more. A regular file
// that ends before the size it had when it was opened is Corrupt.
package stdio
