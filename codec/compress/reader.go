package compress

import (
	"errors"
	"fmt"
	"io"
)

const (
	defaultMaxWindow = 8 << 20
	defaultBuffer    = 4 << 10
	minBuffer        = 1 << 10 // the longest header that is looked at in one piece
	ratioFloor       = 1 << 20 // bytes of output below which MaxRatio is not looked at
)

// ReadOptions says what a stream may cost and where it begins. The zero value
// reads a stream from its beginning.
type ReadOptions struct {
	// MaxWindow is the largest window, block or dictionary in bytes that a
	// stream may need: the Reader's memory depends on it. To hold a Reader to
	// what was charged for it, set it to Need.Window. Default: 8 MiB.
	MaxWindow int64

	// MaxRatio fails a stream that has made more than MaxRatio bytes for each
	// compressed one, once it has made 1 MiB. Default: 0, no limit.
	MaxRatio float64

	// Buffer is the size of the input buffer in bytes, at least 1 KiB. A larger
	// one costs memory and saves calls of the reader underneath. Default: 4 KiB.
	Buffer int

	// In and Out are the restart point at which the reader underneath stands:
	// the compressed and the decompressed offset. Default: 0, the beginning.
	In, Out int64
}

func (o ReadOptions) withDefaults() ReadOptions {
	if o.MaxWindow == 0 {
		o.MaxWindow = defaultMaxWindow
	}
	if o.Buffer == 0 {
		o.Buffer = defaultBuffer
	}
	return o
}

func (o ReadOptions) validate(m Method) error {
	var errs []error
	if m == None || !m.valid() {
		errs = append(errs, fmt.Errorf("%s is not a compression", m))
	}
	if o.MaxWindow < 0 {
		errs = append(errs, fmt.Errorf("MaxWindow is %d: it is a number of bytes", o.MaxWindow))
	}
	if !(o.MaxRatio >= 0) {
		errs = append(errs, fmt.Errorf("MaxRatio is %v: it must not be negative", o.MaxRatio))
	}
	if o.Buffer < minBuffer {
		errs = append(errs, fmt.Errorf("Buffer is %d bytes: it must be at least %d", o.Buffer, minBuffer))
	}
	if o.In < 0 || o.Out < 0 {
		errs = append(errs, fmt.Errorf("In and Out are %d and %d: offsets are not negative", o.In, o.Out))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("options for reading %s: %w", m, err)
	}
	return nil
}

// A decoder decompresses the sections of one format, one after the other.
type decoder interface {
	// open begins the section that the input stands at. It returns io.EOF if
	// there is none and first is false: the stream ends here.
	open(first bool) error

	// Read gives bytes of the section. io.EOF is the section's end, with all its
	// checksums verified and the input exactly behind it.
	Read(p []byte) (int, error)

	// reset forgets the stream, and keeps memory for the next one.
	reset()

	// held is the size of the largest window the decoder has memory for.
	held() int64
}

func newDecoder(m Method, in *input) decoder {
	switch m {
	case Gzip:
		return &gzipDecoder{in: in}
	case Zstd:
		return newZstdDecoder(in)
	case LZ4:
		return newLZ4Decoder(in)
	case Bzip2:
		return &bzip2Decoder{in: in}
	case Xz:
		return &xzDecoder{in: in}
	default: // Snappy, S2
		return &s2Decoder{in: in}
	}
}

// A Reader decompresses a stream. It is for one goroutine, starts none, and
// need not be closed.
type Reader struct {
	method Method
	in     input
	dec    decoder
	o      ReadOptions
	open   bool // a section is
	out    int64
	err    error // what ended the stream

	restart struct{ in, out int64 }
}

// NewReader returns a Reader of the stream src, compressed with m. It does not
// read from src yet. It fails if m cannot be read or o is wrong.
func NewReader(m Method, src io.Reader, o ReadOptions) (*Reader, error) {
	r := new(Reader)
	if err := r.Reset(m, src, o); err != nil {
		return nil, err
	}
	return r, nil
}

// Reset makes r a Reader of another stream, as NewReader does, with the memory
// that r has. It lets go of memory that is more than o.MaxWindow allows. The
// decoders of bzip2 and xz cannot be used again: they allocate for each section.
func (r *Reader) Reset(m Method, src io.Reader, o ReadOptions) error {
	o = o.withDefaults()
	if err := o.validate(m); err != nil {
		return err
	}
	if r.dec == nil || r.method != m || r.dec.held() > o.MaxWindow {
		r.dec = newDecoder(m, &r.in)
	}
	r.method, r.o = m, o
	r.open, r.out, r.err = false, o.Out, nil
	r.restart.in, r.restart.out = o.In, o.Out
	r.in.reset(src, o)
	r.dec.reset()
	return nil
}

// Read decompresses into p. It returns at least one byte or an error if p has
// room, and it reads from the reader underneath as often as that takes.
//
// At the end of the stream it returns io.EOF. A stream that cannot be
// decompressed is an *Error; an error of the reader underneath is returned as
// it is. An error is final, but for what Allow does.
func (r *Reader) Read(p []byte) (int, error) {
	for r.err == nil && len(p) > 0 {
		if !r.open {
			r.err = r.next()
			continue
		}
		n, err := r.dec.Read(p)
		r.out += int64(n)
		switch {
		case err == io.EOF:
			r.open = false
			r.restart.in, r.restart.out = r.in.offset(), r.out
		case err != nil:
			r.err = r.fail(err)
		}
		if r.err == nil {
			r.err = r.checkRatio()
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, r.err
}

// next opens the section that the input stands at.
func (r *Reader) next() error {
	r.restart.in, r.restart.out = r.in.offset(), r.out
	switch err := r.dec.open(r.restart.in == 0); {
	case err == io.EOF:
		return io.EOF
	case err != nil:
		return r.fail(err)
	}
	r.open = true
	return nil
}

// fail returns the error of the reader underneath if that is what stopped the
// decoder, and else an Error.
func (r *Reader) fail(err error) error {
	if r.in.err != nil && (r.in.Buffered() == 0 || errors.Is(err, r.in.err)) {
		return r.in.err
	}
	return newError(r.method, r.in.offset(), r.out, err)
}

func (r *Reader) checkRatio() error {
	in := r.in.offset()
	if r.o.MaxRatio == 0 || r.out <= ratioFloor || float64(r.out) <= r.o.MaxRatio*float64(in) {
		return nil
	}
	err := fmt.Errorf("%w: %d bytes of %d compressed ones, more than %g for one", ErrRatio, r.out, in, r.o.MaxRatio)
	return newError(r.method, in, r.out, err)
}

// Allow raises ReadOptions.MaxWindow. After a *WindowError it also lets Read go
// on from there, and have the same error again if the window is still too small.
//
// A stream may be a concatenation of what was compressed with different settings
// or in parts of different sizes, and only some of them need a large window. So
// charge Need.Memory for the beginning, and WindowError.Memory instead when one
// comes.
func (r *Reader) Allow(maxWindow int64) {
	if maxWindow <= r.in.max {
		return
	}
	r.in.max = maxWindow
	var tooLarge *WindowError
	if errors.As(r.err, &tooLarge) {
		r.err = nil
	}
}

// Method returns the compression of the stream.
func (r *Reader) Method() Method { return r.method }

// Restart returns the last offset in the compressed stream at which a new
// Reader can begin, and the offset in the decompressed stream of what it will
// deliver first, which is at most what Read has delivered. At the end of the
// stream it is the end, or padding before it. It stays valid after an error.
func (r *Reader) Restart() (in, out int64) { return r.restart.in, r.restart.out }
