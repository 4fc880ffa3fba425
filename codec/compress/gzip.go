package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

const (
	gzipMagic   = "\x1f\x8b\x08" // with the only compression there is, deflate
	gzipHeader  = 10             // bytes, without the optional fields
	gzipTrailer = 8
	gzipWindow  = 32 << 10
)

// Flags of a gzip header.
const (
	gzipHeaderCRC = 1 << 1
	gzipField     = 1 << 2
	gzipName      = 1 << 3
	gzipComment   = 1 << 4
	gzipReserved  = 7 << 5
)

func isGzip(head []byte) bool {
	return hasMagic(head, gzipMagic) && len(head) > 3 && head[3]&gzipReserved == 0
}

// gzipDecoder reads gzip. A section is a member.
type gzipDecoder struct {
	in   *input
	fl   io.ReadCloser // also a flate.Resetter
	crc  uint32        // of the member so far; of the header, while that is read
	size uint32        // of the member so far, modulo 2^32
	one  [1]byte
}

func (d *gzipDecoder) reset()      {}
func (d *gzipDecoder) held() int64 { return gzipWindow }

// open reads a member's header. Zeros between members and after the last one
// are padding, as on tapes and block devices.
func (d *gzipDecoder) open(first bool) error {
	if !first {
		if _, err := d.in.skipZeros(); err != nil {
			return err
		}
		if end, err := d.in.atEnd(); end || err != nil {
			return endOr(err)
		}
	}
	if err := d.in.window("window", gzipWindow, gzipMemory()); err != nil {
		return err
	}
	if err := d.readHeader(); err != nil {
		return err
	}
	d.crc, d.size = 0, 0
	if d.fl == nil {
		d.fl = flate.NewReader(d.in.Reader)
		return nil
	}
	return d.fl.(flate.Resetter).Reset(d.in.Reader, nil)
}

// endOr returns err, and io.EOF if it is nil.
func endOr(err error) error {
	if err != nil {
		return err
	}
	return io.EOF
}

func (d *gzipDecoder) readHeader() error {
	head, err := d.in.need(gzipHeader)
	if len(head) > 3 && !isGzip(head) {
		return errMagic("gzip member", head[:4])
	}
	if err != nil {
		return err
	}
	flags := head[3]
	d.crc = crc32.ChecksumIEEE(head)
	if err := d.in.skip(gzipHeader); err != nil {
		return err
	}
	if flags&gzipField != 0 {
		if err := d.skipExtra(); err != nil {
			return err
		}
	}
	for _, text := range []byte{gzipName, gzipComment} {
		if flags&text != 0 {
			if err := d.skipText(); err != nil {
				return err
			}
		}
	}
	if flags&gzipHeaderCRC == 0 {
		return nil
	}
	want := uint16(d.crc)
	sum, err := d.in.take(2)
	if err == nil && binary.LittleEndian.Uint16(sum) != want {
		err = errors.New("checksum of the header does not match")
	}
	return err
}

func (d *gzipDecoder) skipExtra() error {
	size, err := d.in.take(2)
	if err != nil {
		return err
	}
	d.crc = crc32.Update(d.crc, crc32.IEEETable, size)
	for range binary.LittleEndian.Uint16(size) {
		if _, err := d.headerByte(); err != nil {
			return err
		}
	}
	return nil
}

// skipText takes bytes up to the first zero.
func (d *gzipDecoder) skipText() error {
	for {
		if b, err := d.headerByte(); b == 0 || err != nil {
			return err
		}
	}
}

func (d *gzipDecoder) headerByte() (byte, error) {
	b, err := d.in.ReadByte()
	if err != nil {
		return 0, noEOF(err)
	}
	d.one[0] = b
	d.crc = crc32.Update(d.crc, crc32.IEEETable, d.one[:])
	return b, nil
}

func (d *gzipDecoder) Read(p []byte) (int, error) {
	n, err := d.fl.Read(p)
	d.crc = crc32.Update(d.crc, crc32.IEEETable, p[:n])
	d.size += uint32(n)
	if err != io.EOF {
		if _, corrupt := err.(flate.CorruptInputError); corrupt {
			err = errors.New("corrupt data") // its offset is that in the member
		}
		return n, err
	}
	end, err := d.in.take(gzipTrailer)
	if err != nil {
		return n, err
	}
	crc, size := binary.LittleEndian.Uint32(end), binary.LittleEndian.Uint32(end[4:])
	switch {
	case crc != d.crc:
		return n, fmt.Errorf("checksum of the member is %08x; its bytes have %08x", crc, d.crc)
	case size != d.size:
		return n, fmt.Errorf("size of the member is %d; it has %d bytes (modulo 2^32)", size, d.size)
	}
	return n, io.EOF
}
