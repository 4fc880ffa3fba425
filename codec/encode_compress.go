package codec

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
)

// leastBatch is the size of the smallest batch that a step is told to expect.
const leastBatch = 4 << 10

// newCompression returns the compression of batches. line says that the header is
// a line.
func newCompression(m compress.Method, level int, line bool) (*compression, error) {
	first, err := newPacker(m, level)
	if err != nil {
		return nil, err
	}
	return &compression{method: m, level: level, line: line, idle: []*packer{first}}, nil
}

// step returns the compression as a step. Where there are headers, one packer more
// than there are workers is made room for: that of lonely.
func (c *compression) step() weir.Step {
	s := weir.Step{
		Name:      c.method.String(),
		Do:        c.do,
		Expand:    float64(compress.Bound(c.method, leastBatch)) / leastBatch,
		PerWorker: compress.EncoderMemory(c.method, c.level),
	}
	if c.line {
		s.PerWorker += headerMemory(c.method)
		s.Static = s.PerWorker
	}
	return s
}

// lonely returns a header compressed, of a stream without batches.
func (c *compression) lonely(header []byte) ([]byte, error) {
	c.alone.Lock()
	defer c.alone.Unlock()
	p, err := c.take()
	if err != nil {
		return nil, err
	}
	defer c.give(p)
	return p.header(header, c.line)
}

// headerMemory is what a packer holds of a header.
func headerMemory(m compress.Method) int64 { return int64(2*maxHeader + compress.Bound(m, maxHeader)) }

// A compression is a Step that compresses with gzip, zstd or LZ4: each batch becomes a
// member or frame of its own, so that batches can be compressed side by side, and a file
// that is damaged or continued is whole up to a batch. Level 0 is the default of the
// method.
//
// The batches have packed records, which no later step can look at. The header above
// them is compressed too.
type compression struct {
	method compress.Method
	level  int
	line   bool

	alone sync.Mutex // one call of lonely at a time

	mu   sync.Mutex
	idle []*packer
}

func (c *compression) do(_ context.Context, in, out *weir.Batch) error {
	p, err := c.take()
	if err != nil {
		return err
	}
	defer c.give(p)
	if header := in.Header(); len(header) > 0 {
		if header, err = p.header(header, c.line); err != nil {
			return err
		}
		out.SetHeader(header)
	}
	for block := in.Bytes(); len(block) > 0 && err == nil; {
		n := min(len(block), largestBlock)
		if err = c.compress(p, out, block[:n]); errors.Is(err, weir.ErrBatchFull) {
			_ = out.Grow(compress.Bound(c.method, len(block))) // in vain; the error tells then what all of it may need
		}
		block = block[n:]
	}
	out.SetPacked(in.Records() + in.Packed())
	return err
}

// largestBlock is the most that becomes one member or frame, in bytes: there is room
// for all that it can become before it is compressed.
const largestBlock = weir.MaxBatch

// compress appends block to out.
func (c *compression) compress(p *packer, out *weir.Batch, block []byte) error {
	if most := compress.Bound(c.method, len(block)); !out.Grow(most) {
		return weir.ErrBatchFull
	}
	made, err := p.append(out.Space()[:0], block)
	if err == nil {
		out.Advance(len(made))
	}
	return err
}

// take returns an idle packer, or a new one.
func (c *compression) take() (*packer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return newPacker(c.method, c.level)
	}
	p := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return p, nil
}

func (c *compression) give(p *packer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, p)
}

// A packer compresses blocks for one call at a time.
type packer struct {
	encoder *compress.Encoder // nil: they stay as they are

	seen, packed []byte // the last header, before and after
}

func newPacker(m compress.Method, level int) (*packer, error) {
	if m == compress.None {
		return new(packer), nil
	}
	encoder, err := compress.NewEncoder(m, compress.WriteOptions{Level: level})
	return &packer{encoder: encoder}, err
}

// append appends block to dst, compressed.
func (p *packer) append(dst, block []byte) ([]byte, error) {
	if p.encoder == nil {
		return append(dst, block...), nil
	}
	return p.encoder.Append(dst, block)
}

// pack returns text compressed.
func (p *packer) pack(text string) ([]byte, error) { return p.append(nil, []byte(text)) }

// header returns the header of a stream compressed, with the end of its line if
// line is set. The batches of a stream have the same one.
func (p *packer) header(header []byte, line bool) ([]byte, error) {
	if p.seen != nil && bytes.Equal(header, p.seen) {
		return p.packed, nil
	}
	text := string(header)
	if line && header[len(header)-1] != '\n' {
		text += "\n"
	}
	packed, err := p.pack(text)
	if err == nil {
		p.seen, p.packed = bytes.Clone(header), packed
	}
	return packed, err
}
