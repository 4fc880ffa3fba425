package weir

import (
	"fmt"
	"strconv"
	"strings"
)

// offsetPrefix begins the text of a position that is a byte offset.
const offsetPrefix = "off="

// SetOffset stores off as the position after the batch: the number of bytes of
// the stream that come before what follows the batch. It is for a Stream whose
// bookmark is a byte offset and nothing else, because what it reads cannot be
// mistaken for something else or changed meanwhile; its Seek gets the number
// back with Position.Offset. The text is "off=4096". It panics if off is
// negative.
func (b *Batch) SetOffset(off int64) {
	if off < 0 {
		panic("weir: Batch.SetOffset of a negative offset")
	}
	b.pos = strconv.AppendInt(append(b.pos[:0], offsetPrefix...), off, 10)
}

// Offset returns the byte offset that Batch.SetOffset stored as p. It accepts
// what SetOffset writes and nothing else, so that an offset has one text. A Seek
// returns its error as one of Kind Invalid.
func (p Position) Offset() (int64, error) {
	text, ok := strings.CutPrefix(string(p), offsetPrefix)
	off, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || off < 0 || strconv.FormatInt(off, 10) != text {
		return 0, fmt.Errorf("the position %q is not of this source; it looks like %s4096", p.String(), offsetPrefix)
	}
	return off, nil
}

// brief returns what people want of p: if it has fields of which one is an
// offset, as in "dev=1,ino=2,off=4096", only that.
func (p Position) brief() string {
	separator := func(r rune) bool { return r == ',' || r == ' ' }
	for field := range strings.FieldsFuncSeq(string(p), separator) {
		if off, err := Position(field).Offset(); err == nil {
			return "offset " + strconv.FormatInt(off, 10)
		}
	}
	return p.String()
}
