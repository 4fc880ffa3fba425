package checkpoint

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"math"
)

const (
	magic      = "weir checkpoints" // 16 bytes, so that people see what the file is
	version    = 1
	headerSize = 80      // of one copy
	headerStep = 4 << 10 // from one copy to the next: no write touches both
	tableBegin = 2 * headerStep
	blockSize  = 16 << 10 // holds the largest record
	maxBlocks  = math.MaxInt64 / blockSize / 4
)

// header is the beginning of the file. The copy with the higher sequence counts.
type header struct {
	salt     uint32 // of all checksums of the file
	sequence uint64 // of the header; even ones stand first
	blocks   int64  // of the table
	index    uint32 // checksum of the index
	next     uint32 // number of the next job, as far as the table knows
	durable  int64  // the log was whole up to here
	size     int64  // the file was at least so long
}

// newSalt returns a salt that nobody who can put bytes into a value can know.
func newSalt() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}

func (h header) tableEnd() int64 { return tableBegin + h.blocks*blockSize }
func (h header) logBegin() int64 { return roundUp(h.tableEnd()+h.blocks*keySize, headerStep) }

// off is where h stands.
func (h header) off() int64 { return int64(h.sequence%2) * headerStep }

func (h header) encode() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, h.salt)
	b = binary.LittleEndian.AppendUint64(b, h.sequence)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.blocks))
	b = binary.LittleEndian.AppendUint32(b, h.index)
	b = binary.LittleEndian.AppendUint32(b, h.next)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.durable))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.size))
	b = b[:headerSize-4]
	return binary.LittleEndian.AppendUint32(b, checksum(0, h.off(), b))
}

// decodeHeader reads the copy of the header at off; ok is false if it is not
// whole.
func decodeHeader(b []byte, off int64) (h header, ok bool, err error) {
	if string(b[:len(magic)]) != magic || binary.LittleEndian.Uint32(b[headerSize-4:]) != checksum(0, off, b[:headerSize-4]) {
		return header{}, false, nil
	}
	if v := binary.LittleEndian.Uint32(b[16:]); v != version {
		return header{}, false, invalid("the file has version %d, and this program knows version %d only; use the program that wrote it", v, version)
	}
	h = header{
		salt:     binary.LittleEndian.Uint32(b[20:]),
		sequence: binary.LittleEndian.Uint64(b[24:]),
		blocks:   int64(binary.LittleEndian.Uint64(b[32:])),
		index:    binary.LittleEndian.Uint32(b[40:]),
		next:     binary.LittleEndian.Uint32(b[44:]),
		durable:  int64(binary.LittleEndian.Uint64(b[48:])),
		size:     int64(binary.LittleEndian.Uint64(b[56:])),
	}
	return h, h.off() == off && h.blocks >= 0 && h.blocks <= maxBlocks && h.durable >= h.logBegin() && h.size >= h.durable, nil
}

// readHeader returns the header of f that counts, and the size of f.
func readHeader(f file) (header, int64, error) {
	var best header
	found := false
	for off := int64(0); off < tableBegin; off += headerStep {
		var b [headerSize]byte
		switch _, err := f.ReadAt(b[:], off); {
		case errors.Is(err, io.EOF): // the file is shorter
			continue
		case err != nil:
			return header{}, 0, err
		}
		h, ok, err := decodeHeader(b[:], off)
		if err != nil {
			return header{}, 0, err
		}
		if ok && (!found || h.sequence > best.sequence) {
			best, found = h, true
		}
	}
	// After the header: with a writer at work the file may have grown meanwhile.
	size, err := f.size()
	switch {
	case err != nil:
		return header{}, 0, err
	case size == 0:
		return header{}, 0, damaged(everywhere, "the file is empty")
	case !found:
		return header{}, 0, damaged(everywhere, "this is not a file of checkpoints, or its beginning is damaged")
	case size < best.size:
		return header{}, 0, damaged(size, "the file had %d bytes and ends", best.size)
	}
	return best, size, nil
}
