// Package http is a source that downloads: one URL is one stream.
//
// It reads the body of a GET by pull, straight into the batch. While nobody
// reads, the kernel's receive buffer fills, the TCP window closes, and the
// server's writes block: pressure reaches the origin. HTTP/2 is not used,
// because it would put a window of its own into this process.
//
// A connection that drops is resumed at the byte where it broke, with Range and
// If-Range (RFC 9110, sections 13.1.5 and 14), so no byte is asked for twice.
// That needs a strong validator: an ETag, or a Last-Modified that is older than
// the answer. When the content has changed meanwhile, or the server cannot
// resume, the stream fails; bytes of two versions are never joined. The length
// is checked, and the digest where the server sends one (Repr-Digest and
// Content-Digest of RFC 9530, and the older Digest), over a stream that is read
// from its beginning.
//
// Answers that may be better later (408, 425, 429 and 5xx, a refused or dropped
// connection) are asked for again, after Retry-After or with exponential
// backoff and full jitter. Others fail the stream at once. Bytes are bytes: a
// content coding is neither asked for nor undone.
package http
