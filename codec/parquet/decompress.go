package parquet

import (
	"bytes"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// What the decoders hold beside input and output, in bytes: measured, and rounded
// up. Brotli's has a window of up to 16 MiB of its own.
const (
	zstdHolds   = 1 << 20
	gzipHolds   = 64 << 10
	brotliHolds = 17 << 20
)

// A decompressor decompresses pages, whose size is known: it never makes more
// than it was asked for. Its decoders are made when they are first needed and kept.
type decompressor struct {
	in     bytes.Reader
	zstd   *zstd.Decoder
	gzip   *gzip.Reader
	brotli *brotli.Reader
}

// codecError refuses what a decompressor cannot read.
func codecError(c format.CompressionCodec) error {
	switch c {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd, format.Lz4Raw:
		return nil
	}
	return invalid("it is compressed with %s, which is not supported; write it with zstd, snappy, gzip, brotli or lz4_raw", c)
}

// decompressorSize is what a decompressor holds at most for a set of codecs.
func decompressorSize(codecs uint32) int64 {
	var n int64
	for c, size := range map[format.CompressionCodec]int64{
		format.Zstd: zstdHolds, format.Gzip: gzipHolds, format.Brotli: brotliHolds,
	} {
		if codecs&(1<<uint(c)) != 0 {
			n += size
		}
	}
	return n
}

// decompress fills dst, which is exactly as large as the content of src.
func (d *decompressor) decompress(c format.CompressionCodec, dst, src []byte) error {
	switch c {
	case format.Snappy:
		n, err := snappy.DecodedLen(src)
		if err == nil && n == len(dst) {
			_, err = snappy.Decode(dst, src)
		} else if err == nil {
			err = sizeError(n, len(dst))
		}
		return err
	case format.Lz4Raw:
		n, err := lz4.UncompressBlock(src, dst)
		if err == nil && n != len(dst) {
			err = sizeError(n, len(dst))
		}
		return err
	case format.Zstd:
		return d.decompressZstd(dst, src)
	case format.Gzip:
		return d.decompressGzip(dst, src)
	case format.Brotli:
		return d.decompressBrotli(dst, src)
	}
	return codecError(c)
}

func sizeError(got, want int) error {
	return fmt.Errorf("it has %d bytes and is said to have %d", got, want)
}

func (d *decompressor) decompressZstd(dst, src []byte) error {
	if d.zstd == nil {
		var err error
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
	}
	var h zstd.Header
	if err := h.Decode(src); err == nil && h.HasFCS && h.FrameContentSize > uint64(len(dst)) {
		return sizeError(int(min(h.FrameContentSize, 1<<62)), len(dst))
	}
	out, err := d.zstd.DecodeAll(src, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) {
		err = sizeError(len(out), len(dst))
	}
	return err
}

func (d *decompressor) decompressGzip(dst, src []byte) error {
	d.in.Reset(src)
	var err error
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(&d.in)
	} else {
		err = d.gzip.Reset(&d.in)
	}
	if err != nil {
		return err
	}
	return readExactly(d.gzip, dst)
}

func (d *decompressor) decompressBrotli(dst, src []byte) error {
	d.in.Reset(src)
	if d.brotli == nil {
		d.brotli = brotli.NewReader(&d.in)
	} else if err := d.brotli.Reset(&d.in); err != nil {
		return err
	}
	return readExactly(d.brotli, dst)
}

// readExactly fills dst from r, which must end there.
func readExactly(r io.Reader, dst []byte) error {
	n, err := io.ReadFull(r, dst)
	if err != nil {
		return sizeOrError(n, len(dst), err)
	}
	var more [1]byte
	switch n, err := io.ReadFull(r, more[:]); {
	case n > 0:
		return fmt.Errorf("it has more than the %d bytes it is said to have", len(dst))
	case err != io.EOF:
		return err
	}
	return nil
}

func sizeOrError(n, want int, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return sizeError(n, want)
	}
	return err
}
