package codec

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
)

// Defaults of SourceOptions.
const (
	DefaultMaxRecord = 1 << 20
	DefaultCarry     = 60 << 10
)

// minCarry is the smallest carry, which a header and what is looked at to tell the
// format must fit.
const minCarry = sniffSize

// Encoding says what becomes of bytes that are not valid UTF-8.
type Encoding uint8

const (
	// AnyBytes leaves them as they are.
	AnyBytes Encoding = iota
	// RejectInvalid makes a record that has some a bad record.
	RejectInvalid
	// ReplaceInvalid puts a question mark in the place of each of them, so that
	// a record keeps its size.
	ReplaceInvalid
)

// SourceOptions say what the inner streams are. The zero value finds out.
type SourceOptions struct {
	// Format says how records are told apart. Default: Auto, each stream's own, by
	// its name, and if that says nothing by its first bytes.
	Format Format

	// Compression is the name of one (see compress.ByName) or None. Default: each
	// stream's own, by its name, and if that says nothing by its first bytes.
	Compression string

	// MaxRecord is the largest record, in bytes, with its terminator. It bounds the
	// batches that a record can ask for. Default: DefaultMaxRecord.
	MaxRecord int

	// Bad decides about records that cannot be used. Default: weir.FailBad.
	Bad weir.BadPolicy

	// Validate makes a record bad that is not one JSON text, or that has not as
	// many fields as the header of its CSV stream.
	Validate bool

	// UTF8 is about text that is not. Default: AnyBytes.
	UTF8 Encoding

	// MaxWindow is the largest window of a decoder, in bytes: see
	// compress.ReadOptions. A stream is charged what its beginning needs, and if
	// MaxWindow is given, as much of it as its compression can use, because later
	// members, frames or blocks may have larger windows. Default: that of compress for
	// the first one; for later ones what the first has, and 2 MiB for zstd.
	MaxWindow int64
	// MaxRatio bounds what a decoder may make: see compress.ReadOptions. Default:
	// no limit.
	MaxRatio float64

	// Carry is how many bytes a stream holds of the record that did not fit a
	// batch any more, at most; a header must fit it too. Default: DefaultCarry.
	Carry int

	// Table, if not nil, lets a stream whose name says nothing be CSV or TSV, if its
	// first bytes look like that, and is told of each such stream, with the header.
	// It is called from several goroutines at once and must not keep header. Default:
	// such a stream is Lines. What counts is in docs/formats.md; it is a guess, and
	// whoever allows it should tell people.
	Table func(stream string, f Format, header []byte)

	// Rename, if not nil, gives the streams their names; TrimCompression is one.
	Rename func(name string) string
}

func (o SourceOptions) withDefaults() SourceOptions {
	o.Format = o.Format.withDefaults()
	if o.MaxRecord == 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	if o.Carry == 0 {
		o.Carry = DefaultCarry
	}
	return o
}

// validate reports every option that is out of bounds. It is called with defaults.
func (o SourceOptions) validate() error {
	var errs []error
	bad := func(name string, value any, bound string) {
		errs = append(errs, fmt.Errorf("option %s is %v; it must be %s", name, value, bound))
	}
	if o.MaxRecord < 0 || o.MaxRecord > 1<<30 {
		bad("MaxRecord", o.MaxRecord, "0 (default) or up to 1 GiB, in bytes")
	}
	if o.Carry < minCarry || o.Carry > 1<<30 {
		bad("Carry", o.Carry, fmt.Sprintf("0 (default) or from %d bytes to 1 GiB", minCarry))
	}
	if o.UTF8 > ReplaceInvalid {
		bad("UTF8", o.UTF8, "AnyBytes, RejectInvalid or ReplaceInvalid")
	}
	if o.MaxWindow < 0 || o.MaxWindow > 2<<30 {
		bad("MaxWindow", o.MaxWindow, "0 (default) or up to 2 GiB, in bytes")
	}
	if o.MaxRatio < 0 || o.MaxRatio != o.MaxRatio {
		bad("MaxRatio", o.MaxRatio, "0 (no limit) or more")
	}
	if o.Format.Size > o.MaxRecord {
		bad("Format.Size", o.Format.Size, fmt.Sprintf("at most MaxRecord, %d", o.MaxRecord))
	}
	return errors.Join(append(errs, Spec{o.Format, o.Compression}.validate())...)
}

// Source is a source of the streams of another one, with records.
type Source struct {
	inner weir.Source
	o     SourceOptions
}

var _ weir.Source = (*Source)(nil)

// NewSource returns a source of the streams of inner, whose bytes it decompresses
// and divides into records. It owns inner. The error says which options are wrong.
func NewSource(inner weir.Source, o SourceOptions) (*Source, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, &weir.Error{Op: "options", Kind: weir.Invalid, Err: err}
	}
	return &Source{inner: inner, o: o}, nil
}

// String is what the inner source calls itself.
func (s *Source) String() string {
	if inner, ok := s.inner.(fmt.Stringer); ok {
		return inner.String()
	}
	return fmt.Sprintf("%T", s.inner)
}

// Next returns the inner source's next stream. It reads nothing of it.
func (s *Source) Next(ctx context.Context) (weir.Stream, error) {
	inner, err := s.inner.Next(ctx)
	if err != nil {
		return nil, err
	}
	return newStream(inner, &s.o), nil
}

// Close closes the inner source.
func (s *Source) Close() error { return s.inner.Close() }

// specOf returns what is known of a stream before it is read: what the options say,
// and then its name. Of a compression that nothing is said about sure is false, and
// also of none that only the name says.
func (o *SourceOptions) specOf(name string) (f Format, m compress.Method, found, sure bool) {
	f = o.Format
	named, known := InferSpec(name)
	if f.Name == Auto {
		f = named.Format.withDefaults()
	}
	text := o.Compression
	if text == "" && known {
		text = named.Compression
	}
	if text == "" {
		return f, compress.None, false, false
	}
	m, err := compress.ByName(text)
	return f, m, err == nil, o.Compression != "" || m != compress.None
}
