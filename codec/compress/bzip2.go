package compress

import (
	"compress/bzip2"
	"errors"
	"io"
)

const (
	bzip2Magic  = "BZh"
	bzip2Header = 4 // bytes: the magic number and the level
	bzip2Unit   = 100_000
	bzip2Start  = "\x31\x41\x59\x26\x53\x59" // of a block
	bzip2Final  = "\x17\x72\x45\x38\x50\x90" // instead of a block, at the end
)

// isBzip2 looks at what follows the header too, as far as head has it: three
// letters and a digit may begin any text.
func isBzip2(head []byte) bool {
	if bzip2Block(head) == 0 {
		return false
	}
	next := string(head[bzip2Header:min(len(head), bzip2Header+len(bzip2Start))])
	return next == bzip2Start[:len(next)] || next == bzip2Final[:len(next)]
}

// bzip2Block is the size of the blocks of a stream, and 0 if head does not
// begin one.
func bzip2Block(head []byte) int64 {
	if len(head) < bzip2Header || !hasMagic(head, bzip2Magic) || head[3] < '1' || head[3] > '9' {
		return 0
	}
	return int64(head[3]-'0') * bzip2Unit
}

// bzip2Decoder reads bzip2. A section is a stream, of which parallel
// compressors write many.
//
// The decoder of the standard library goes on into the next stream by itself,
// whatever memory that needs, and does not tell. So it is shown the end of the
// input where the next stream's header stands. If it was not at the end of a
// stream there, the header was none: that is an error of the 80 bits that
// somebody chose.
type bzip2Decoder struct {
	in    *input
	dec   io.Reader
	begun bool // the section's header has been passed
	ended bool // at what looks like another section
}

func (d *bzip2Decoder) reset()      { d.dec = nil } // it cannot be used again
func (d *bzip2Decoder) held() int64 { return 0 }

func (d *bzip2Decoder) open(first bool) error {
	if !first {
		if end, err := d.in.atEnd(); end || err != nil {
			return endOr(err)
		}
	}
	head, err := d.in.need(bzip2Header)
	if err != nil {
		return err
	}
	block := bzip2Block(head)
	if block == 0 {
		return errMagic("bzip2 stream", head)
	}
	if err := d.in.window("block", block, bzip2Memory(block)); err != nil {
		return err
	}
	d.begun, d.ended = false, false
	d.dec = bzip2.NewReader((*bzip2Input)(d))
	return nil
}

func (d *bzip2Decoder) Read(p []byte) (int, error) {
	n, err := d.dec.Read(p)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case d.ended && err == io.ErrUnexpectedEOF:
		err = errors.New("the header of a stream stands inside a block")
	}
	return 0, err // what the decoder gives then is of a block that it has not read in full
}

// bzip2Input is a bzip2Decoder as the input of the section being read.
type bzip2Input bzip2Decoder

// ReadByte returns io.EOF at the next section's header too.
func (b *bzip2Input) ReadByte() (byte, error) {
	if b.ended {
		return 0, io.EOF
	}
	head, err := b.in.Peek(1)
	if err != nil {
		return 0, err
	}
	if head[0] == bzip2Magic[0] && b.begun {
		// Less than a whole header is none, whatever the reason.
		head, err = b.in.Peek(bzip2Header + len(bzip2Start))
		b.ended = err == nil && isBzip2(head)
	}
	b.begun = true
	if b.ended {
		return 0, io.EOF
	}
	return b.in.ReadByte()
}

// Read is there because the decoder asks for an io.Reader; it reads bytes.
func (b *bzip2Input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := b.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}
