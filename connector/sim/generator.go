package sim

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/weirflow/weir"
)

// Format is what a Generator makes.
type Format uint8

const (
	// Random is bytes that do not compress, in records of equal size.
	Random Format = iota
	// NDJSON is one JSON object a line, like a request log.
	NDJSON
	// Zeros is zero bytes, like /dev/zero: a source that costs next to nothing,
	// where what comes after it is measured.
	Zeros
)

var formatText = [...]string{"random", "ndjson", "zeros"}

// String returns the format in lower case.
func (f Format) String() string {
	if int(f) >= len(formatText) {
		return fmt.Sprintf("format(%d)", uint8(f))
	}
	return formatText[f]
}

// ParseFormat is the inverse of Format.String.
func ParseFormat(s string) (Format, error) {
	for i, text := range formatText {
		if s == text {
			return Format(i), nil
		}
	}
	return 0, fmt.Errorf("the format is %q; it must be random, ndjson or zeros", s)
}

// Bounds of GeneratorOptions.
const (
	DefaultRecord = 256
	MaxRecord     = 1 << 30
	MaxStreams    = 1 << 20
)

// GeneratorOptions are what a Generator makes. The zero value is one endless
// stream of random records.
type GeneratorOptions struct {
	// Size is the number of bytes of all streams together. Default: endless.
	Size int64
	// Seed chooses the content: the same seed, the same bytes. Default: 0.
	Seed uint64
	// Format is random (bytes that do not compress), ndjson (a request log, one
	// JSON object a line) or zeros (zero bytes, which cost least). Default:
	// random.
	Format Format
	// Record is the size of a record, in bytes; for ndjson with its newline.
	// The last record of a stream may be shorter. Default: 256.
	Record int
	// Rate is how fast all streams together deliver, in bytes a second.
	// Default: as fast as they are read.
	Rate int64
	// Streams is the number of streams that share Size. Default: 1.
	Streams int
	// Opaque leaves out the record boundaries: bytes, not records.
	// Default: records.
	Opaque bool
}

func (o GeneratorOptions) withDefaults() GeneratorOptions {
	if o.Record == 0 {
		o.Record = DefaultRecord
	}
	if o.Streams == 0 {
		o.Streams = 1
	}
	return o
}

func (o GeneratorOptions) validate() error {
	var p problems
	p.check("Size", o.Size, o.Size >= 0, "0 (endless) or more, in bytes")
	p.check("Format", o.Format, o.Format <= Zeros, "random, ndjson or zeros")
	p.check("Record", o.Record, o.Record >= 0 && o.Record <= MaxRecord, "0 (default) or up to 1 GiB, in bytes")
	p.check("Rate", o.Rate, o.Rate >= 0, "0 (no limit) or more, in bytes a second")
	p.check("Streams", o.Streams, o.Streams >= 0 && o.Streams <= MaxStreams, "0 (default) or up to 1048576")
	return p.err(generatorName)
}

const generatorName = "gen://"

// A Generator is a source of streams made out of nothing. It costs no
// allocation a batch, and the content does not depend on how it is read.
type Generator struct {
	o       GeneratorOptions
	content *content
	pace    pacer
	pauses  pauses
	next    int
}

var _ weir.Source = (*Generator)(nil)

// NewGenerator returns a generator, or an error that names every option out of
// bounds.
func NewGenerator(o GeneratorOptions) (*Generator, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	g := &Generator{o: o, content: newContent(o.Seed, o.Format == NDJSON)}
	g.pace.rate = o.Rate
	return g, nil
}

func (g *Generator) String() string { return generatorName }

// Next returns the next stream at once.
func (g *Generator) Next(ctx context.Context) (weir.Stream, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if g.next == g.o.Streams {
		return nil, io.EOF
	}
	s := newStream(g, g.next)
	g.next++
	return s, nil
}

// Close releases nothing: a generator holds only memory.
func (g *Generator) Close() error { return nil }

// problems collects what is wrong with options.
type problems struct{ errs []error }

func (p *problems) check(name string, value any, ok bool, bound string) {
	if !ok {
		p.errs = append(p.errs, fmt.Errorf("%s is %v; it must be %s", name, value, bound))
	}
}

func (p *problems) err(node string) error {
	if len(p.errs) == 0 {
		return nil
	}
	return &weir.Error{Op: "options", Node: node, Kind: weir.Invalid, Err: errors.Join(p.errs...)}
}
