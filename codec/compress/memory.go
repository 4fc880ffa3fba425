package compress

import (
	"runtime"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// What decoders hold beside their windows and blocks, in bytes, measured and
// rounded up to what the format permits. The tests hold them to it.
const (
	gzipExtra  = 32 << 10 // Huffman tables, as large as a stream can make them
	zstdExtra  = 72 << 10 // Huffman and FSE tables, and what the heap rounds up
	lz4Extra   = 8 << 10
	s2Extra    = 8 << 10
	bzip2Extra = 64 << 10 // Huffman tables and their selectors
	xzExtra    = 64 << 10 // probabilities
)

// What a decoder with the window holds at most, in bytes.

func gzipMemory() int64 { return gzipWindow + gzipExtra }

// zstdMemory: the window is a ring with room for two more blocks, and three
// buffers are as large as a block. On arm64 the decoder lists the sequences of a
// block before it executes them if the window is large.
func zstdMemory(window int64) int64 {
	const sequences, sequence = 0x7f00 + 0xffff, 24 // the most in a block, and the size of one
	size := window + 5*min(window, zstdBlock) + zstdExtra
	if runtime.GOARCH == "arm64" && window >= 1<<20 {
		size += sequences * sequence
	}
	return size
}

// lz4Memory: the compressed block is held beside the window.
func lz4Memory(block, window int64) int64 { return block + window + lz4Extra }

func s2Memory(block int64) int64 {
	return block + int64(s2.MaxEncodedLen(int(block))) + s2Extra
}

// bzip2Memory: the decoder has four bytes for each of the block.
func bzip2Memory(block int64) int64 { return 4*block + bzip2Extra }

func xzMemory(dictionary int64) int64 { return dictionary + xzExtra }

// What encoders hold, in bytes, by level, measured and rounded up.
var (
	gzipEncoder = [1 + gzipLevels]int64{
		1: 832 << 10, 2: 1216 << 10, 3: 1216 << 10, 4: 960 << 10, 5: 1088 << 10,
		6: 1088 << 10, 7: 1024 << 10, 8: 1024 << 10, 9: 1408 << 10,
	}
	zstdEncoder = map[zstd.EncoderLevel]int64{
		zstd.SpeedFastest:           2 << 20,
		zstd.SpeedDefault:           3584 << 10,
		zstd.SpeedBetterCompression: 6656 << 10,
		zstd.SpeedBestCompression:   39 << 20,
	}
)

const (
	lz4Encoder   = 2*lz4EncoderBlock + 168<<10
	lz4EncoderHC = 2*lz4EncoderBlock + 832<<10 // of levels above 1
)

// EncoderMemory returns how many bytes an Encoder of m with the level holds at
// most, beside the slices that are given to it. It is 0 if there is no such
// Encoder. Level 0 is the default.
func EncoderMemory(m Method, level int) int64 {
	level, err := WriteOptions{Level: level}.level(m)
	switch {
	case err != nil:
		return 0
	case m == Gzip:
		return gzipEncoder[level]
	case m == Zstd:
		return zstdEncoder[zstd.EncoderLevelFromZstd(level)]
	case level == 1:
		return lz4Encoder
	}
	return lz4EncoderHC
}
