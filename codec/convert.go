package codec

import (
	"errors"
	"fmt"

	"github.com/weirflow/weir"
)

// InvalidText says what becomes of text that is not valid UTF-8 where JSON is made
// of it.
type InvalidText uint8

const (
	// Replace puts U+FFFD in the place of each byte that is not valid.
	Replace InvalidText = iota
	// Refuse makes the record a bad one.
	Refuse
	// Base64 keeps all bytes of the record: the member is called like Key with
	// "_base64" behind it and holds them in base64. Records that are rows of CSV
	// or TSV cannot be kept that way.
	Base64
)

// DefaultKey is the member that holds a record that is not JSON or a row.
const DefaultKey = "message"

// ConvertOptions say how records are turned into another form. The zero value
// works.
type ConvertOptions struct {
	// Columns are the names of the columns of CSV and TSV: of what is written, in
	// the order that they have there, and of what is read if it has no header. Default: where
	// rows are read, "c1", "c2" and so on; where they are written, the members of
	// the first object of the stream (see Encoder).
	Columns []string
	// DropOthers leaves members that are not in Columns out. Default: an object
	// that has others is a bad record.
	DropOthers bool
	// Strings makes every field of CSV and TSV a string, "1" and the empty one
	// too. Default: see docs/formats.md for what becomes a number or null.
	Strings bool
	// Text is what becomes of text that is not valid UTF-8. Default: Replace.
	Text InvalidText
	// Key is the member that holds a record that is not JSON or a row.
	// Default: DefaultKey.
	Key string
	// Validate checks that every record is JSON where NDJSON is only passed on. What
	// is or becomes an element of an array is always checked.
	Validate bool
	// Bad decides what becomes of records that cannot be turned into the other
	// form. Default: weir.FailBad.
	Bad weir.BadPolicy
	// Expand is the output to make room for ahead, in bytes per byte of input
	// batch memory. A batch that needs more gets it while the budget has it.
	// Default: 3 for objects made of rows, which have the names of the columns in
	// each of them, 2 for objects made of other records, 1.25 otherwise.
	Expand float64
}

// withDefaults fills what was left zero.
func (o ConvertOptions) withDefaults() ConvertOptions {
	if o.Key == "" {
		o.Key = DefaultKey
	}
	return o
}

// validate reports everything that is wrong with o.
func (o ConvertOptions) validate(from Format) error {
	var errs []error
	if o.Text > Base64 || o.Text == Base64 && familyOf(from) == rows {
		errs = append(errs, fmt.Errorf("option Text is %d; it must be Replace or Refuse, or Base64 for records that are not rows", o.Text))
	}
	if o.Expand < 0 {
		errs = append(errs, fmt.Errorf("option Expand is %g; it must be 0 (default) or more", o.Expand))
	}
	return errors.Join(append(errs, checkColumns(o.Columns))...)
}

// A family is formats whose records mean the same and differ in how they are told
// apart.
type family uint8

const (
	opaque family = iota // any bytes
	texts                // JSON values
	rows                 // fields
)

func familyOf(f Format) family {
	switch f.Name {
	case NDJSON, JSON:
		return texts
	case CSV, TSV:
		return rows
	}
	return opaque
}

// Convert returns the steps that turn records of from into records of to. In
// between, and where to is NDJSON, a record is a JSON value on a line of its own;
// rows and other records become objects, which is the form that transforms work
// on. No steps are needed where nothing has to be done.
//
// What is made are records. What a file has around them is added by Encoder, of
// which this is a part. Where to is CSV or TSV, Convert needs Columns.
//
// A record that cannot be turned into the other form goes to o.Bad. The error is
// about from, to or o.
func Convert(from, to Format, o ConvertOptions) ([]weir.Step, error) {
	steps, err := convert(from, to, o, nil)
	if err != nil {
		return nil, &weir.Error{Op: "convert", Kind: weir.Invalid, Err: err}
	}
	return steps, nil
}

// convert does what Convert does, and finds the columns of streams with finder if
// it is not nil.
func convert(from, to Format, o ConvertOptions, finder *finder) ([]weir.Step, error) {
	from, to, o = from.withDefaults(), to.withDefaults(), o.withDefaults()
	if err := errors.Join(from.Validate(), to.Validate(), o.validate(from)); err != nil {
		return nil, err
	}
	switch {
	case from.Name == Auto || to.Name == Auto:
		return nil, errors.New("a format that is found by name cannot be converted: name it")
	case from == to && passes(from, o):
		return nil, nil
	case from.Name == Bytes || to.Name == Bytes:
		return nil, fmt.Errorf("%s has no records: name the format they have", Bytes)
	case familyOf(to) == rows && (familyOf(from) == opaque || from.hasHeader() && o.Columns != nil):
		return convertTwice(from, to, o, finder)
	}
	c, err := newConversion(from, to, o, finder)
	if err != nil {
		return nil, err
	}
	return []weir.Step{c.step(o)}, nil
}

// passes reports whether records of f stay as they are where they are written as
// records of f.
func passes(f Format, o ConvertOptions) bool {
	switch familyOf(f) {
	case texts:
		return f.Name != JSON && !o.Validate
	case rows:
		return o.Columns == nil || f.NoHeader
	}
	return true
}

// convertTwice goes by way of objects.
func convertTwice(from, to Format, o ConvertOptions, finder *finder) ([]weir.Step, error) {
	objects := Format{Name: NDJSON}
	first, err := convert(from, objects, o, nil)
	if err != nil {
		return nil, err
	}
	if o.Columns == nil {
		o.Columns = []string{o.Key}
	}
	second, err := convert(objects, to, o, finder)
	return append(first, second...), err
}
