package compress

import (
	"bufio"
	"errors"
	"io"
)

// input is the compressed side of a Reader: a buffer that knows how many bytes
// have been taken out of it, so that where a section ends is known exactly.
type input struct {
	*bufio.Reader
	src  io.Reader
	read int64 // offset behind what has been read from src
	err  error // what ended src, if it was not io.EOF
	max  int64 // ReadOptions.MaxWindow
}

func (in *input) reset(src io.Reader, o ReadOptions) {
	in.src, in.read, in.err, in.max = src, o.In, nil, o.MaxWindow
	if in.Reader == nil || in.Size() != o.Buffer {
		in.Reader = bufio.NewReaderSize((*filler)(in), o.Buffer)
	} else {
		in.Reader.Reset((*filler)(in))
	}
}

// filler is an input as what fills its own buffer.
type filler input

func (f *filler) Read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	f.read += int64(n)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// offset is where the next byte to be taken stands in the stream.
func (in *input) offset() int64 { return in.read - int64(in.Buffered()) }

// atEnd reports whether there is no further byte.
func (in *input) atEnd() (bool, error) {
	_, err := in.Peek(1)
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// need returns the next n bytes without taking them; n is at most minBuffer.
func (in *input) need(n int) ([]byte, error) {
	b, err := in.Peek(n)
	return b, noEOF(err)
}

// take takes the next n bytes, at most minBuffer. They are valid until the next
// call.
func (in *input) take(n int) ([]byte, error) {
	b, err := in.need(n)
	if err == nil {
		_, err = in.Discard(n)
	}
	return b, err
}

// skip takes n bytes.
func (in *input) skip(n int64) error {
	for n > 0 {
		step := min(n, 1<<20)
		if _, err := in.Discard(int(step)); err != nil {
			return noEOF(err)
		}
		n -= step
	}
	return nil
}

// skipZeros takes zeros up to another byte or the end, and returns how many
// there were.
func (in *input) skipZeros() (int64, error) {
	for n := int64(0); ; n++ {
		b, err := in.ReadByte()
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, err
		case b != 0:
			return n, in.UnreadByte()
		}
	}
}

// window returns an error if a window of the size is not allowed; memory is what
// the decoder would hold with it. It must be called before anything of what
// needs the window is taken, so that Reader.Allow can go on from there.
func (in *input) window(what string, size, memory int64) error {
	if size > in.max {
		return &WindowError{What: what, Window: size, Max: in.max, Memory: memory + int64(in.Size())}
	}
	return nil
}

// noEOF is for reads inside a section, where the end of the input is none.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// gate lets a decoder see one section and no more. Without it a decoder would
// go on into the next section by itself, and nobody would know where it began.
type gate struct {
	in   *input
	left int64                 // bytes to pass before next is asked
	next func() (int64, error) // size of the next piece; io.EOF: the section ends here
	end  bool                  // next returned io.EOF
}

// open begins a section.
func (g *gate) open() { g.left, g.end = 0, false }

// content reads what dec makes of the section. The content must not end before the
// section does.
func (g *gate) content(dec io.Reader, p []byte) (int, error) {
	n, err := dec.Read(p)
	if err == io.EOF && !g.end {
		err = errors.New("the frame is longer than its content")
	}
	return n, err
}

func (g *gate) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for g.left == 0 {
		if g.end {
			return 0, io.EOF
		}
		n, err := g.next()
		if err != nil {
			g.end = err == io.EOF
			return 0, err
		}
		g.left = n
	}
	n, err := g.in.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	return n, noEOF(err)
}
