package file

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"time"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// modifiedAt returns the Modified of a position.
func modifiedAt(t time.Time) uint32 {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(t.UnixNano()))
	return crc32.Checksum(b[:], castagnoli)
}

// endAt is how many bytes the End of a position at off covers.
func endAt(off int64) int { return int(min(off, endSize)) }

// endOf returns the End of a position at off, of a file of which read are the bytes
// that come before off. Where those are too few it reads the others into buf, which
// has endSize bytes; fewer of them than there should be is no error.
func endOf(f io.ReaderAt, read []byte, off int64, buf []byte) (uint32, error) {
	want := endAt(off)
	if len(read) >= want {
		return crc32.Checksum(read[len(read)-want:], castagnoli), nil
	}
	n, err := f.ReadAt(buf[:want], off-int64(want))
	if err != nil && err != io.EOF {
		return 0, err
	}
	return crc32.Checksum(buf[:n], castagnoli), nil
}
