package sim

import (
	"crypto/subtle"
	"encoding/binary"
	"math/rand/v2"
)

const (
	blockSize  = 4 << 10
	tableStart = 64 << 10 // windows into a table start below this
	tableSize  = tableStart + blockSize
)

// content makes bytes that are a function of a seed and their offset, at the
// speed of memory: a block is the XOR of one window of each of two random
// tables, and a hash chooses the windows. It repeats itself so rarely that no
// compressor gains on it.
type content struct {
	a, b []byte // tableSize random bytes
	text []byte // tableSize random letters
	seed uint64
}

// newContent returns the content of seed. Only NDJSON needs text.
func newContent(seed uint64, text bool) *content {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	r := rand.NewChaCha8(key)
	c := &content{seed: mix(seed)}
	if text {
		c.text = make([]byte, tableSize)
		_, _ = r.Read(c.text) // never fails
		const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
		for i, x := range c.text {
			c.text[i] = letters[x%64]
		}
		return c
	}
	c.a, c.b = make([]byte, tableSize), make([]byte, tableSize)
	_, _ = r.Read(c.a) // never fails
	_, _ = r.Read(c.b) // never fails
	return c
}

// key returns what distinguishes the stream from others of the same seed.
func (c *content) key(stream int) uint64 { return mix(c.seed + uint64(stream)) }

// random fills dst with the bytes at offset off of the stream with this key.
func (c *content) random(dst []byte, key uint64, off int64) {
	for len(dst) > 0 {
		block, in := off/blockSize, int(off%blockSize)
		n := min(len(dst), blockSize-in)
		h := mix(key + uint64(block))
		i := int(h%tableStart) + in
		j := int(h>>32%tableStart) + in
		subtle.XORBytes(dst[:n], c.a[i:i+n], c.b[j:j+n])
		dst = dst[n:]
		off += int64(n)
	}
}

// letters fills dst with letters that h chooses.
func (c *content) letters(dst []byte, h uint64) {
	for len(dst) > 0 {
		i := int(h % tableStart)
		dst = dst[copy(dst, c.text[i:i+blockSize]):]
		h = mix(h)
	}
}

// mix is the finalizer of SplitMix64: close inputs give unrelated outputs.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
