package weir

import "bytes"

// A place is where the first byte of a batch stands in its stream.
type place struct {
	known  bool
	offset int64
	line   int64 // from 1; 0: there are no lines, or it is not known

	// The byte that was looked for last, and how many line feeds are before it.
	seen, lines int
}

// SetFirstByte is for a source that knows where the first byte of the batch stands
// in its stream, after decompression: its offset, and the number of its line, from
// 1, or 0 where there are no lines. A transform's output stands nowhere unless the
// transform says so.
func (b *Batch) SetFirstByte(offset, line int64) {
	b.begins = place{known: true, offset: offset, line: line}
}

// Where returns the offset in the stream of the byte at i, at most Len(), and the
// number of its line, from 1; -1 and 0 if they are not known. Line feeds before it
// are counted, from where the last call stopped if that was before i.
func (b *Batch) Where(i int) (offset, line int64) {
	p := &b.begins
	switch {
	case !p.known:
		return -1, 0
	case p.line == 0:
		return p.offset + int64(i), 0
	case i < p.seen:
		p.seen, p.lines = 0, 0
	}
	p.lines += bytes.Count(b.mem[p.seen:i], []byte{'\n'})
	p.seen = i
	return p.offset + int64(i), p.line + int64(p.lines)
}

// Bad describes record i, which stage could not use, for a BadPolicy. Its line is
// that of its first byte that is not white space.
func (b *Batch) Bad(i int, stage string, reason error) *BadRecord {
	rec := b.Record(i)
	r := &BadRecord{
		Stage: stage, Stream: b.stream, Size: int64(len(rec)), Reason: reason,
		Excerpt: rec[:min(len(rec), MaxExcerpt)], Whole: rec,
	}
	if b.first > 0 {
		r.Record = b.first + int64(i)
	}
	start := 0
	if i > 0 {
		start = b.end(i - 1)
	}
	r.Offset, r.Line = b.Where(start)
	if inner := bytes.TrimLeft(rec, " \t\r\n"); len(inner) > 0 && r.Line > 0 {
		_, r.Line = b.Where(start + len(rec) - len(inner))
	}
	return r
}
