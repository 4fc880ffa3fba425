package codec

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
)

// inputSize is the size of the buffer for compressed bytes.
const inputSize = 64 << 10

// unpack is the origin of compressed streams.
type unpack struct {
	*intake
	method   compress.Method
	o        compress.ReadOptions
	dec      *compress.Reader
	buf      *weir.Batch // compressed bytes that were read
	used     int         // of them, those that the decoder has
	ctx      context.Context
	restarts trail[restart]
}

// A restart is a place where decoding can begin.
type restart struct{ in, out int64 }

// input is an unpack as what its decoder reads. Its context is that of the read
// that is running, for which an io.Reader has no place.
type input unpack

func (f *input) Read(p []byte) (int, error) {
	if f.used == f.buf.Len() {
		f.buf.Reset()
		f.used = 0
		if n, err := f.intake.read(f.ctx, f.buf, inputSize); n == 0 {
			return 0, inputError(err)
		}
	}
	n := copy(p, f.buf.Bytes()[f.used:])
	f.used += n
	return n, nil
}

// inputError refuses an inner stream that asks for more memory than there is where
// it is read.
func inputError(err error) error {
	if need, ok := err.(*weir.NeedError); ok {
		// A NeedError in the chain would be answered with a larger batch.
		return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("the inner stream must be read in small pieces, and wants a batch of %d bytes", need.Size)}
	}
	return err
}

// newUnpack returns the origin of a stream of which head was read from in.
func newUnpack(in *intake, head []byte, m compress.Method, o compress.ReadOptions) (*unpack, error) {
	u := &unpack{intake: in, method: m, o: o, buf: weir.NewBatch(inputSize)}
	u.buf.Advance(copy(u.buf.Space(), head))
	u.restarts.start(restart{})
	var err error
	u.dec, err = compress.NewReader(m, (*input)(u), o)
	return u, err
}

// rewind goes to the restart point of p.
func (u *unpack) rewind(ctx context.Context, p *position) error {
	if err := u.seek(ctx, p.inner, p.in-p.z); err != nil {
		return err
	}
	u.used = 0
	u.buf.Reset()
	for z := p.z; z > 0; {
		u.buf.Reset()
		n, err := u.intake.read(ctx, u.buf, inputSize)
		if u.used = int(min(z, int64(n))); err != nil && int64(n) < z {
			return endsEarly(err)
		}
		z -= int64(u.used)
	}
	at := restart{p.in, p.off - p.skip}
	u.restarts.start(at)
	o := u.o
	o.In, o.Out = at.in, at.out
	return u.dec.Reset(u.method, (*input)(u), o)
}

// endsEarly turns the end of a stream, met on the way to a position, into an error.
func endsEarly(err error) error {
	if err != io.EOF {
		return err
	}
	return &weir.Error{Kind: weir.Corrupt, Err: errors.New("the stream has become shorter: it ends before the position; read it from its beginning")}
}

// read decompresses until there are n bytes, or some and no compressed ones that
// have come already.
func (u *unpack) read(ctx context.Context, b *weir.Batch, n int) (got int, err error) {
	space := b.Space()[:n]
	u.ctx = ctx
	for err == nil && got < n && (got == 0 || !u.drained()) {
		var k int
		k, err = u.dec.Read(space[got:])
		got += k
		u.noteRestart()
	}
	u.ctx = nil
	b.Advance(got)
	return got, err
}

func (u *unpack) noteRestart() {
	in, out := u.dec.Restart()
	if u.restarts.all[u.restarts.n-1].in != in {
		u.restarts.push(&restart{in, out})
	}
}

// drained says that the decoder has all that has come of the inner stream.
func (u *unpack) drained() bool { return u.used == u.buf.Len() && u.short }

func (u *unpack) locate(off int64, p *position) bool {
	r := u.restarts.last(func(r *restart) bool { return r.out <= off })
	at := u.before(r.in)
	if at.n == 0 {
		p.inner, p.head = nil, u.fingerprint(headSize)
		return u.resumable
	}
	p.inner = at.text[:at.n]
	p.in, p.z, p.skip = r.in, r.in-at.off, off-r.out
	return true
}
