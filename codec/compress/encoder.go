package compress

import (
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Level bounds of the methods that can be written.
const (
	gzipLevels = 9
	zstdLevels = 19
	lz4Levels  = 9

	gzipDefault = 2 // half the time of level 5, and on log lines as good
	zstdDefault = 3
	lz4Default  = 1
)

const (
	zstdEncoderWindow = 1 << 20
	lz4EncoderBlock   = 256 << 10
)

// WriteOptions says how to compress. The zero value is a good choice.
type WriteOptions struct {
	// Level trades speed for size, as the command line tools number it: 1 to 9
	// for gzip and lz4, 1 to 19 for zstd, of which four differ (1, 3, 6 and 10).
	// Default: 2 for gzip, 3 for zstd, 1 for lz4.
	Level int
}

// level returns the level to use of m. It fails if m cannot be written.
func (o WriteOptions) level(m Method) (int, error) {
	var most, usual int
	switch m {
	case Gzip:
		most, usual = gzipLevels, gzipDefault
	case Zstd:
		most, usual = zstdLevels, zstdDefault
	case LZ4:
		most, usual = lz4Levels, lz4Default
	default:
		return 0, fmt.Errorf("%s cannot be written: gzip, zstd and lz4 can", m)
	}
	switch {
	case o.Level == 0:
		return usual, nil
	case o.Level < 1 || o.Level > most:
		return 0, fmt.Errorf("the level of %s is %d: it must be 1 to %d", m, o.Level, most)
	}
	return o.Level, nil
}

// An Encoder compresses blocks, each into a whole gzip member, zstd frame or
// LZ4 frame. What is made of the blocks of a stream, by one Encoder or several,
// is the compressed stream when it is written in their order. An Encoder is for
// one goroutine at a time, starts none, and need not be closed.
type Encoder struct {
	method Method
	out    appender
	gzip   *gzip.Writer
	zstd   *zstd.Encoder
	lz4    *lz4.Writer
}

// NewEncoder returns an Encoder of the method, which is Gzip, Zstd or LZ4.
func NewEncoder(m Method, o WriteOptions) (*Encoder, error) {
	level, err := o.level(m)
	if err != nil {
		return nil, err
	}
	e := &Encoder{method: m}
	switch m {
	case Gzip:
		e.gzip, err = gzip.NewWriterLevel(&e.out, level)
	case Zstd:
		e.zstd, err = zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithWindowSize(zstdEncoderWindow),
			zstd.WithLowerEncoderMem(true))
	case LZ4:
		e.lz4 = lz4.NewWriter(&e.out)
		err = e.lz4.Apply(
			lz4.BlockSizeOption(lz4EncoderBlock),
			lz4.CompressionLevelOption(lz4Level(level)))
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// lz4Level maps the levels of the command line tool to the library's.
func lz4Level(level int) lz4.CompressionLevel {
	if level == 1 {
		return lz4.Fast
	}
	return 1 << (8 + level)
}

// Append compresses src and appends it to dst, which it returns. It allocates
// nothing after the first call if dst has room for Bound(m, len(src)) more bytes.
// If it fails it returns dst as it was.
func (e *Encoder) Append(dst, src []byte) ([]byte, error) {
	if e.method == Zstd {
		return e.zstd.EncodeAll(src, dst), nil
	}
	e.out = dst
	err := e.write(src)
	made := e.out
	e.out = nil
	if err != nil {
		return dst, fmt.Errorf("%s: %w", e.method, err)
	}
	return made, nil
}

func (e *Encoder) write(src []byte) error {
	if e.method == Gzip {
		e.gzip.Reset(&e.out)
		if _, err := e.gzip.Write(src); err != nil {
			return err
		}
		return e.gzip.Close()
	}
	e.lz4.Reset(&e.out)
	if _, err := e.lz4.Write(src); err != nil {
		return err
	}
	return e.lz4.Close()
}

// appender appends what is written to it.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// Bound returns how many bytes an Encoder of m makes of n bytes at most. The
// method must be one that can be written.
func Bound(m Method, n int) int {
	const wrapping = 64 // headers, trailers, an end mark
	switch m {
	case Gzip:
		return n + 5*(n>>14) + wrapping
	case Zstd:
		return n + 3*(n>>16) + wrapping
	default: // LZ4
		return n + 4*(n/lz4EncoderBlock) + wrapping
	}
}
