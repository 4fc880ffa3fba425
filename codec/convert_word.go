package codec

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at in one word. Each of these masks has the high bit set
// in the bytes that were looked for; of the bytes behind the first it may have too
// many.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

func load(b []byte, i int) uint64     { return binary.LittleEndian.Uint64(b[i:]) }
func store(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:], v) }

// each returns c in each byte of a word.
func each(c byte) uint64 { return uint64(c) * lowBits }

// firstOf returns the place of the first byte in the mask m, 8 if there is none.
func firstOf(m uint64) int { return bits.TrailingZeros64(m) >> 3 }

// zeros looks for bytes that are 0.
func zeros(v uint64) uint64 { return (v - lowBits) & ^v & highBits }

// escapes looks for what stands behind a backslash in a JSON string: the quote,
// the backslash, and control characters. With one bit turned over, the quote is
// the character behind the control characters.
func escapes(v uint64) uint64 {
	turned, backslash := v^each(' '^'"'), v^each('\\')
	return ((turned-each(' '+1))&^turned | (backslash-lowBits)&^backslash) & highBits
}

// notDigits looks for bytes that are no decimal digit. It is exact in all of them.
func notDigits(v uint64) uint64 {
	t := v ^ each('0')
	return ((t&^uint64(highBits) + each(0x80-10)) | t) & highBits
}
