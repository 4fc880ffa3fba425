package codec

import (
	"context"

	"github.com/weirflow/weir"
)

// An origin is where the bytes come from that records are looked for in.
type origin interface {
	// read adds at most n bytes to b: at least one, if there is no error. With
	// io.EOF there may be some.
	read(ctx context.Context, b *weir.Batch, n int) (int, error)

	// drained says that the last read took what there was: another one may wait.
	drained() bool

	// locate writes to p how to come back to off, which never decreases. It
	// reports false if there is no way.
	locate(off int64, p *position) bool

	// rewind goes to the place of p that is before the bytes to skip.
	rewind(ctx context.Context, p *position) error
}

// plain is the origin of streams that are not compressed.
type plain struct{ *intake }

func (o plain) drained() bool { return o.short }

func (o plain) locate(off int64, p *position) bool {
	at := o.before(off)
	if at.n == 0 {
		p.inner, p.head = nil, o.fingerprint(off)
		return o.resumable
	}
	p.inner = at.text[:at.n]
	p.in, p.z, p.skip = 0, 0, off-at.off
	return true
}

func (o plain) rewind(ctx context.Context, p *position) error {
	return o.seek(ctx, p.inner, p.off-p.skip)
}
