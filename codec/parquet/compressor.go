package parquet

import (
	"bytes"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// The names of Options.Compression.
const (
	compressZstd   = "zstd"
	compressSnappy = "snappy"
	compressGzip   = "gzip"
	compressNone   = "none"
)

// zstdWindow is the window of the encoder, in bytes: more than a page is of no use.
const zstdWindow = 256 << 10

// What the encoders hold beside input and output, in bytes: measured, and rounded
// up.
const (
	zstdEncoderHolds = 5 << 19
	gzipEncoderHolds = 5 << 18
)

func knownCompression(name string) bool {
	switch name {
	case compressZstd, compressSnappy, compressGzip, compressNone:
		return true
	}
	return false
}

// compressorSize is what a compressor holds.
func compressorSize(name string) int64 {
	switch name {
	case compressZstd:
		return zstdEncoderHolds
	case compressGzip:
		return gzipEncoderHolds
	}
	return 0
}

// A compressor compresses pages.
type compressor struct {
	codec format.CompressionCodec
	zstd  *zstd.Encoder
	gzip  *gzip.Writer
	out   bytes.Buffer
}

// newCompressor returns one of a known name.
func newCompressor(name string) (*compressor, error) {
	c := &compressor{}
	var err error
	switch name {
	case compressZstd:
		c.codec = format.Zstd
		c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	case compressSnappy:
		c.codec = format.Snappy
	case compressGzip:
		c.codec = format.Gzip
		c.gzip = gzip.NewWriter(nil)
	}
	return c, err
}

// worstCase is the most that n bytes become.
func worstCase(n int) int { return n + n/6 + 1<<10 }

// compress returns the compressed src, in room if that is at least worstCase.
func (c *compressor) compress(room, src []byte) ([]byte, error) {
	switch c.codec {
	case format.Zstd:
		return c.zstd.EncodeAll(src, room[:0]), nil
	case format.Snappy:
		return snappy.Encode(room[:cap(room)], src), nil
	case format.Gzip:
		c.out = *bytes.NewBuffer(room[:0])
		c.gzip.Reset(&c.out)
		if _, err := c.gzip.Write(src); err != nil {
			return nil, err
		}
		err := c.gzip.Close()
		return c.out.Bytes(), err
	}
	return src, nil
}
