package jsonscan

import "math/bits"

// Eight bytes are looked at together, as one little-endian word. A mask has
// the high bit of each byte that is sought. A borrow or a carry may set bits
// above the lowest one that is right, so only the lowest one counts.
//
// Words are loaded by binary.LittleEndian.Uint64(b[i:]) where the condition
// i >= 0 && i <= len(b)-8 holds. Written so, the compiler sees that the load
// is in bounds and makes one instruction of it.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// notText marks the bytes that are not plain text of a string: quotes,
// backslashes and control characters. With the second bit turned a quote is a
// space, and the control characters are still all below it.
func notText(v uint64) uint64 {
	return (((v ^ ones*2) - ones*(' '+1)) | ((v ^ ones*'\\') - ones)) &^ v & highs
}

// notPlain marks what notText does, and the bytes outside of ASCII.
func notPlain(v uint64) uint64 { return notText(v) | v&highs }

// first returns the index of the lowest byte in a mask that is marked, and 8
// if none is.
func first(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }

// at returns b[i], and 0 where b has no such byte. JSON has a 0 nowhere, so
// one comparison finds a wrong byte and a missing one.
func at(b []byte, i int) byte {
	if uint(i) < uint(len(b)) {
		return b[i]
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// skipSpace returns the index of the first byte from b[i] on that is not white
// space, or that of the end of b.
func skipSpace(b []byte, i int) int {
	for isSpace(at(b, i)) {
		i++
	}
	return i
}

// next returns the first byte from b[i] on that is not white space, and where
// it is. Callers look at b[i] themselves first: mostly there is no space.
func next(b []byte, i int) (int, byte) {
	i = skipSpace(b, i)
	return i, at(b, i)
}
