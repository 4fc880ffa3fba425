package codec

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
)

// zstdFloor is the smallest window that a zstd decoder gets if the options name
// none, because of frames in a row the first may be the smallest.
const zstdFloor = 2 << 20

// An opener looks at the first bytes of a stream, as far as it must, to find out
// what compresses it and what its decoder needs.
type opener struct {
	o      *SourceOptions
	method compress.Method
	found  bool // method is what it is
	plain  bool // the name says that it is not compressed
	text   bool // it may begin with a byte order mark
	grows  bool // it has no end of its own

	opened bool
	head   *weir.Batch // what was read; nil: nothing, or it was taken
	need   compress.Need
	limits compress.ReadOptions
}

// open does so once. It can be called again after an error.
func (p *opener) open(ctx context.Context, in *intake) error {
	if p.opened {
		return nil
	}
	if p.grows {
		return p.openGrowing()
	}
	if p.head == nil && (!p.sure() || p.text || p.method != compress.None) {
		p.head = weir.NewBatch(sniffSize)
	}
	for p.head != nil && !in.end && in.failed == nil && !p.enough(p.head.Bytes()) {
		if err := p.more(ctx, in); err != nil {
			return err
		}
	}
	if err := p.detect(); err != nil {
		return err
	}
	if err := p.inspect(); err != nil {
		return err
	}
	p.opened = true
	return nil
}

// openGrowing reads nothing: there may be nothing yet, and later something else may
// be where the stream is continued. What grows cannot be compressed: a decoder would
// have the end of what it is given only when more is there.
func (p *opener) openGrowing() error {
	if p.method != compress.None {
		return errGrowing(p.method)
	}
	p.opened, p.found, p.plain = true, true, false
	return nil
}

func errGrowing(m compress.Method) error {
	return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("it is compressed with %s, and what is followed cannot be; leave it out with a pattern such as *.log, or copy it without following", m)}
}

// more reads on. A stream that gives whole records may need more room.
func (p *opener) more(ctx context.Context, in *intake) error {
	_, err := in.read(ctx, p.head, len(p.head.Space()))
	var need *weir.NeedError
	switch {
	case err == nil || err == io.EOF:
		return nil
	case !errors.As(err, &need) && p.head.Len() > 0 && ctx.Err() == nil:
		in.failed = err // what came before it is looked at
		return nil
	case need == nil:
		return err
	case need.Size > p.o.Carry-p.head.Len():
		return inputError(err)
	}
	p.head = p.head.Larger(p.head.Len() + need.Size)
	return nil
}

// sure says that the method need not be looked for.
func (p *opener) sure() bool { return p.found && !p.plain }

// enough says that nothing more has to be read. Of a compressed stream it is what
// a fingerprint covers.
func (p *opener) enough(head []byte) bool {
	switch {
	case len(head) >= headSize:
		return true
	case p.sure() && p.method != compress.None:
		return false
	case !p.sure() && (!settled(head) || compress.Detect(head) != compress.None):
		return false
	}
	return !p.text || bomSettled(head)
}

// detect finds the method if the options and the name do not tell it.
func (p *opener) detect() error {
	if p.sure() {
		return nil
	}
	m := compress.Detect(p.head.Bytes())
	if p.plain && m != compress.None {
		return &weir.Error{Kind: weir.Invalid, Err: fmt.Errorf("its name says that it is not compressed, and it begins as %s does: name the compression, or %s", m, None)}
	}
	p.method, p.found, p.plain = m, true, false
	return nil
}

// inspect finds out what the decoder needs, and holds it to that.
func (p *opener) inspect() (err error) {
	p.limits = compress.ReadOptions{MaxWindow: p.o.MaxWindow, MaxRatio: p.o.MaxRatio}
	if p.method == compress.None {
		return nil
	}
	if p.need, err = compress.Inspect(p.method, p.head.Bytes(), p.limits); err != nil {
		return err
	}
	p.roomForSections()
	p.limits.MaxWindow = p.need.Window
	return nil
}

// roomForSections raises the need of a stream to that of sections which are larger
// than its first one.
func (p *opener) roomForSections() {
	window := p.o.MaxWindow
	if window == 0 && p.method == compress.Zstd {
		window = zstdFloor
	}
	if larger := compress.NeedOf(p.method, window); larger.Window > p.need.Window {
		p.need = larger
	}
}

// memory is what the decoder and its input hold.
func (p *opener) memory() int64 {
	if p.method == compress.None {
		return 0
	}
	return p.need.Memory + inputSize
}

// takeHead returns what was read, once.
func (p *opener) takeHead() []byte {
	if p.head == nil {
		return nil
	}
	head := p.head.Bytes()
	p.head = nil
	return head
}
