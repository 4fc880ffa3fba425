package codec

import "github.com/weirflow/weir"

// A carry holds bytes between two batches.
type carry struct {
	slab *weir.Batch
	from int // bytes of slab that were taken
}

func newCarry(size int) carry { return carry{slab: weir.NewBatch(size)} }

// room is how many bytes it can hold.
func (c *carry) room() int { return c.slab.Cap() }

// bytes returns those that were not taken yet.
func (c *carry) bytes() []byte { return c.slab.Bytes()[c.from:] }

func (c *carry) len() int { return c.slab.Len() - c.from }

// skip takes n bytes.
func (c *carry) skip(n int) { c.from += n }

// reset empties it.
func (c *carry) reset() {
	c.slab.Reset()
	c.from = 0
}

// take moves up to n bytes to the end of b.
func (c *carry) take(b *weir.Batch, n int) int {
	n = copy(b.Space()[:n], c.bytes())
	b.Advance(n)
	c.from += n
	return n
}

// putBack stores bytes before the others, from where they were taken if there
// are others. It reports false if they do not fit.
func (c *carry) putBack(p []byte) bool {
	switch {
	case c.len() > 0 && len(p) <= c.from:
		c.from -= len(p)
	case c.len() > 0 || len(p) > c.room():
		return false
	default:
		c.slab.Reset()
		c.slab.Advance(copy(c.slab.Space(), p))
		c.from = 0
	}
	return true
}
