package compress

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzDecoder reads xz. A section is a stream.
//
// It reads the container itself, because the library's reader would allocate
// any dictionary that a block asks for, and keeps a list of all blocks.
type xzDecoder struct {
	in      *input
	check   byte // of the stream
	block   xzBlock
	dec     *lzma.Reader2 // of the block; nil between blocks
	sum     hash.Hash     // of the block's bytes; nil: they are not checked
	header  int64         // bytes of the block's header
	start   int64         // offset of the block's first compressed byte
	size    int64         // decompressed bytes of the block so far
	records xzRecords     // of the blocks so far
}

func (d *xzDecoder) reset()      { d.dec = nil } // it cannot be used again
func (d *xzDecoder) held() int64 { return 0 }

func (d *xzDecoder) open(first bool) error {
	if !first {
		n, err := d.in.skipZeros()
		if err != nil {
			return err
		}
		if n%4 != 0 {
			return fmt.Errorf("%d zeros between streams, which is not a multiple of four", n)
		}
		if end, err := d.in.atEnd(); end || err != nil {
			return endOr(err)
		}
	}
	head, err := d.in.Peek(xzHeader)
	if err != nil && err != io.EOF {
		return err
	}
	if d.check, err = parseXz(head); err != nil {
		return err
	}
	if d.sum, err = newXzCheck(d.check); err != nil {
		return err
	}
	d.dec, d.records = nil, xzRecords{}
	return d.in.skip(xzHeader)
}

// newXzCheck returns the hash for a check, nil for none.
func newXzCheck(check byte) (hash.Hash, error) {
	switch check {
	case 0:
		return nil, nil
	case 1:
		return crc32.NewIEEE(), nil
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA)), nil
	case 10:
		return sha256.New(), nil
	}
	return nil, fmt.Errorf("the check %d of the xz format is not supported", check)
}

func (d *xzDecoder) Read(p []byte) (int, error) {
	for {
		if d.dec == nil {
			if err := d.openBlock(); err != nil {
				return 0, err
			}
		}
		n, err := d.dec.Read(p)
		d.size += int64(n)
		if d.sum != nil {
			_, _ = d.sum.Write(p[:n]) // a hash never fails
		}
		if d.block.size >= 0 && d.size > d.block.size {
			return n, fmt.Errorf("block of %d bytes that should have %d", d.size, d.block.size)
		}
		if err == io.EOF {
			err = d.closeBlock()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// openBlock reads the header of the next block. At the index it reads all up to
// the stream's end, and returns io.EOF.
func (d *xzDecoder) openBlock() error {
	head, err := d.in.need(1)
	if err != nil {
		return err
	}
	if head[0] == 0 {
		return d.readIndex()
	}
	size := (int(head[0]) + 1) * 4
	if head, err = d.in.need(size); err != nil {
		return err
	}
	content, sum := head[:size-4], head[size-4:]
	if crc32.ChecksumIEEE(content) != binary.LittleEndian.Uint32(sum) {
		return errors.New("checksum of the block's header does not match")
	}
	if d.block, err = parseXzBlock(content); err != nil {
		return err
	}
	if err := d.in.window("dictionary", d.block.dictionary, xzMemory(d.block.dictionary)); err != nil {
		return err
	}
	if err := d.in.skip(int64(size)); err != nil {
		return err
	}
	dictionary := d.block.dictionary
	if d.block.size >= 0 {
		// No distance in the block can be larger than the block.
		dictionary = min(dictionary, max(d.block.size, xzMinWindow))
	}
	if d.sum != nil {
		d.sum.Reset()
	}
	d.header, d.start, d.size = int64(size), d.in.offset(), 0
	d.dec, err = lzma.Reader2Config{DictCap: int(dictionary)}.NewReader2(d.in)
	return err
}

// closeBlock verifies what follows the block's compressed bytes.
func (d *xzDecoder) closeBlock() error {
	d.dec = nil
	packed := d.in.offset() - d.start
	switch {
	case d.block.packed >= 0 && d.block.packed != packed:
		return fmt.Errorf("block of %d compressed bytes that should have %d", packed, d.block.packed)
	case d.block.size >= 0 && d.block.size != d.size:
		return fmt.Errorf("block of %d bytes that should have %d", d.size, d.block.size)
	}
	padding, err := d.in.take(int(-packed & 3))
	if err == nil {
		err = xzPadding(padding)
	}
	if err != nil {
		return err
	}
	unpadded := d.header + packed
	if d.sum != nil {
		unpadded += int64(d.sum.Size())
		if err := d.verify(); err != nil {
			return err
		}
	}
	d.records.add(unpadded, d.size)
	return nil
}

func (d *xzDecoder) verify() error {
	want, err := d.in.take(d.sum.Size())
	if err != nil {
		return err
	}
	var room [sha256.Size]byte
	got := d.sum.Sum(room[:0])
	switch d.check {
	case 1: // the format has these two in the other byte order
		binary.LittleEndian.PutUint32(got, binary.BigEndian.Uint32(got))
	case 4:
		binary.LittleEndian.PutUint64(got, binary.BigEndian.Uint64(got))
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("checksum of the block is %x; its bytes have %x", want, got)
	}
	return nil
}

// readIndex reads the index and the footer, and returns io.EOF if they are what
// the blocks say.
func (d *xzDecoder) readIndex() error {
	start := d.in.offset()
	x := xzIndex{in: d.in}
	if b := x.byte(); b != 0 {
		x.err = errors.New("malformed index")
	}
	var listed xzRecords
	if n := x.number(); x.err == nil && n != d.records.n {
		x.err = fmt.Errorf("the index lists %d blocks of %d", n, d.records.n)
	}
	for listed.n < d.records.n && x.err == nil {
		listed.add(x.number(), x.number())
	}
	for (d.in.offset()-start)&3 != 0 && x.err == nil {
		if x.byte() != 0 {
			x.err = errors.New("padding that is not zero")
		}
	}
	if x.err != nil {
		return x.err
	}
	if listed != d.records {
		return errors.New("the index does not list the blocks of the stream")
	}
	sum, err := d.in.take(4)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(sum) != x.crc {
		return errors.New("checksum of the index does not match")
	}
	size := d.in.offset() - start
	foot, err := d.in.take(xzHeader)
	if err != nil {
		return err
	}
	index, check, err := parseXzFooter(foot)
	if err == nil && (index != size || check != d.check) {
		err = errors.New("the stream's footer does not match its header or its index")
	}
	return endOr(err)
}

// xzIndex reads an index byte by byte: it may be of any length.
type xzIndex struct {
	in  *input
	crc uint32
	one [1]byte
	err error
}

func (x *xzIndex) byte() byte {
	if x.err != nil {
		return 0
	}
	x.one[0], x.err = x.in.ReadByte()
	x.err = noEOF(x.err)
	x.crc = crc32.Update(x.crc, crc32.IEEETable, x.one[:])
	return x.one[0]
}

func (x *xzIndex) number() int64 {
	var n int64
	for shift := 0; shift < 63; shift += 7 {
		b := x.byte()
		n |= int64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	if x.err == nil {
		x.err = errors.New("malformed number in the index")
	}
	return 0
}

// xzRecords stands for a list of blocks, in a size that does not depend on how
// many there are. Two lists that differ have, in all likelihood, different ones.
type xzRecords struct {
	n   int64
	sum uint64
}

func (r *xzRecords) add(unpadded, size int64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], uint64(unpadded))
	binary.LittleEndian.PutUint64(b[8:], uint64(size))
	r.n++
	r.sum = crc64.Update(r.sum, crc64.MakeTable(crc64.ECMA), b[:])
}
