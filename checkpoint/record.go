package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// A record is one key and its value, in the log or in a block of the table:
//
//	checksum 4, kind 1, size of the value 2, key 16, value
const (
	keySize    = 16
	recordHead = 4 + 1 + 2 + keySize
	maxRecord  = recordHead + maxValue
)

// Kinds of records.
const (
	put     = 1
	removed = 2 // hides what an older record or the table has under the key
)

type record struct {
	kind  byte
	key   key
	value []byte
}

// A key is 4 bytes of a job's number and 12 of a digest.
type key [keySize]byte

// jobsNumber is the number under which the jobs themselves are kept.
const jobsNumber = 0

// newKey returns the key of id in the job with the given number. 12 bytes of
// SHA-256 do not collide by accident: among a million streams the odds are 1 in
// 10^17. The ID is in the value too, and compared.
func newKey(number uint32, id string) key {
	var buf [256]byte // IDs are short, and then nothing is allocated
	sum := sha256.Sum256(append(buf[:0], id...))
	var k key
	binary.BigEndian.PutUint32(k[:4], number)
	copy(k[4:], sum[:])
	return k
}

// firstKey returns the smallest key of the job with the given number.
func firstKey(number uint32) key {
	var k key
	binary.BigEndian.PutUint32(k[:4], number)
	return k
}

func (k key) number() uint32      { return binary.BigEndian.Uint32(k[:4]) }
func (k key) compare(o key) int   { return bytes.Compare(k[:], o[:]) }
func (k key) before(o key) bool   { return k.compare(o) < 0 }
func compareKeys(a, b place) int  { return a.key.compare(b.key) }
func (r record) size() int        { return recordHead + len(r.value) }
func roundUp(n, step int64) int64 { return (n + step - 1) / step * step }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers b, the place where it stands and the file it stands in: what
// was written elsewhere, or is left from another time, does not match.
func checksum(salt uint32, off int64, b []byte) uint32 {
	return crc32.Update(salt^uint32(off)^bits.ReverseBytes32(uint32(off>>32)), castagnoli, b)
}

// appendRecord appends r, which will stand at off, to b.
func appendRecord(b []byte, salt uint32, off int64, r record) []byte {
	begin := len(b)
	b = append(b, 0, 0, 0, 0, r.kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(r.value)))
	b = append(b, r.key[:]...)
	b = append(b, r.value...)
	binary.LittleEndian.PutUint32(b[begin:], checksum(salt, off, b[begin+4:]))
	return b
}

// recordSize returns the size of the record that begins with b, of which at
// least recordHead bytes are there; it is not checked yet.
func recordSize(b []byte) int {
	return recordHead + int(binary.LittleEndian.Uint16(b[5:]))
}

// parseRecord returns the record at the beginning of b, which was read from off.
// Its value is a part of b.
func parseRecord(b []byte, salt uint32, off int64) (record, bool) {
	if len(b) < recordHead || len(b) < recordSize(b) {
		return record{}, false
	}
	b = b[:recordSize(b)]
	r := record{kind: b[4], value: b[recordHead:]}
	copy(r.key[:], b[7:])
	ok := binary.LittleEndian.Uint32(b) == checksum(salt, off, b[4:]) && (r.kind == put || r.kind == removed)
	return r, ok
}

// A frame is a number of records that are there together or not at all: those
// of the Saves that shared a sync, or those of a block of the table:
//
//	magic 4, checksum 4, number of records 4, sequence 8, records
//
// The records follow one another; each has its own checksum, so that a frame can
// be written and read piece by piece.
const (
	frameHead  = 20
	logMagic   = "wlog"
	blockMagic = "wblk"
)

// appendFrameHead appends the head of a frame that will stand at off to b.
func appendFrameHead(b []byte, magic string, salt uint32, off int64, records int, sequence uint64) []byte {
	begin := len(b)
	b = append(b, magic...)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(records))
	b = binary.LittleEndian.AppendUint64(b, sequence)
	binary.LittleEndian.PutUint32(b[begin+4:], checksum(salt, off, b[begin+8:]))
	return b
}

// parseFrameHead reads what appendFrameHead wrote.
func parseFrameHead(b []byte, magic string, salt uint32, off int64) (records int, sequence uint64, ok bool) {
	if len(b) < frameHead || string(b[:4]) != magic || binary.LittleEndian.Uint32(b[4:]) != checksum(salt, off, b[8:frameHead]) {
		return 0, 0, false
	}
	return int(binary.LittleEndian.Uint32(b[8:])), binary.LittleEndian.Uint64(b[12:]), true
}
