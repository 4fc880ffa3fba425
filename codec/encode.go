package codec

import (
	"path"
	"slices"
	"strings"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/compress"
)

// EncodeOptions say how records become the content of a file. The zero value
// works.
type EncodeOptions struct {
	// Convert says how records are turned into another form. Where rows are made
	// of objects and Columns are not given, they are the members of the first
	// object of each stream.
	Convert ConvertOptions
	// Level of the compression; see compress.WriteOptions. Default: that of the
	// compression.
	Level int
	// KeepNames leaves the names of streams as they are. Default: the extensions
	// of a name become those of what is written, "orders.csv.gz" becomes
	// "orders.ndjson.zst".
	KeepNames bool
	// KeepColumns says that the columns that are written are those that are read,
	// although records are objects in between. A stream of rows that has a header
	// and no rows gets its header then. Where rows become rows, it always does.
	KeepColumns bool
	// Join says that Sink's inner sink writes all streams one behind another into
	// one output, as standard output is. It gets one header, and is one array; a
	// stream with other columns is an error. The source must be that of
	// Encoder.Source. Default: each stream is a file of its own.
	Join bool
}

// An Encoder is how records become the content of files: Steps makes the
// records, and compresses them if that is asked for, and Sink adds what stands
// around them. An Encoder is for one Ingest.
type Encoder struct {
	to     Format
	method compress.Method
	level  int
	steps  []weir.Step
	finder *finder // nil: columns are given, or there are none
	names  bool    // streams are renamed

	pieces  pieces
	from    Format
	given   bool         // the columns are: pieces.empty is their header
	headers bool         // a stream without records has the header that was read
	packer  *compression // nil: there is no compression
	joint   *joint       // nil: each stream is a file of its own
	watch   watch
}

// NewEncoder returns the encoder of records of from as to. No compression in to
// is none. The error is about from, to or o.
func NewEncoder(from Format, to Spec, o EncodeOptions) (*Encoder, error) {
	e, err := newEncoder(from, to, o)
	if err != nil {
		return nil, &weir.Error{Op: "encode", Kind: weir.Invalid, Err: err}
	}
	return e, nil
}

func newEncoder(from Format, to Spec, o EncodeOptions) (*Encoder, error) {
	e := &Encoder{to: to.Format.withDefaults(), from: from.withDefaults(), level: o.Level, names: !o.KeepNames}
	e.headers = e.to.hasHeader() && o.Convert.Columns == nil && (familyOf(e.from) == rows || o.KeepColumns)
	if o.Join {
		e.joint = new(joint)
	}
	if familyOf(e.from) == texts && familyOf(e.to) == rows && o.Convert.Columns == nil {
		e.finder = &finder{joined: o.Join}
	}
	if to.Compression != "" {
		var err error
		if e.method, err = compress.ByName(to.Compression); err != nil {
			return nil, err
		}
	}
	steps, err := convert(e.from, e.to, o.Convert, e.finder)
	if err == nil && o.Join && len(steps) == 0 {
		steps, err = endRecords(e.from, o.Convert)
	}
	if err != nil {
		return nil, err
	}
	e.steps = steps
	if e.method != compress.None {
		if e.packer, err = newCompression(e.method, e.level, e.to.hasHeader()); err != nil {
			return nil, err
		}
		e.steps = append(e.steps, e.packer.step())
	}
	return e, e.prepare(o.Convert.Columns)
}

// endRecords returns the step that sees to it that the last record of a stream has
// the end that other records of f have.
func endRecords(f Format, o ConvertOptions) ([]weir.Step, error) {
	if framing := newFraming(f); !framing.line && !framing.nul {
		return nil, nil
	}
	c, err := newConversion(f, f, o.withDefaults(), nil)
	if err != nil {
		return nil, err
	}
	return []weir.Step{c.step(o)}, nil
}

// pieces are what stands around the records of a file, compressed as they are.
type pieces struct {
	begin   []byte // before the first record, if there is one
	between []byte // between two batches
	end     []byte // behind the last record
	empty   []byte // in a file without records
}

// prepare makes the pieces. names are the columns that were given.
func (e *Encoder) prepare(names []string) error {
	var begin, between, end, empty string
	switch {
	case e.to.Name == JSON:
		begin, between, end, empty = "[\n", elementsBetween, "\n]\n", "[]\n"
	case e.to.hasHeader() && names != nil:
		c, err := newColumns(names, e.to)
		if err != nil {
			return err
		}
		empty, e.given = string(c.header), true
	}
	packer, err := newPacker(e.method, e.level)
	if err != nil {
		return err
	}
	for _, p := range []struct {
		piece *[]byte
		text  string
	}{{&e.pieces.begin, begin}, {&e.pieces.between, between}, {&e.pieces.end, end}, {&e.pieces.empty, empty}} {
		if p.text == "" && p.piece != &e.pieces.empty {
			continue
		}
		if *p.piece, err = packer.pack(p.text); err != nil {
			return err
		}
	}
	return nil
}

// convertHeader returns the header of a file of format, as it is written.
func (e *Encoder) convertHeader(header []byte, format string) ([]byte, error) {
	spec, err := ParseSpec(format)
	if err != nil {
		return nil, err
	}
	from := spec.Format.withDefaults()
	if familyOf(e.from) == rows {
		w := rowCopier{from: from, to: e.to, fields: newFieldWriter(e.to)}
		err := w.convertHeader(header)
		return w.header, err
	}
	names, err := headerNames(header, from)
	if err != nil {
		return nil, err
	}
	c, err := newColumns(names, e.to)
	if err != nil {
		return nil, err
	}
	return c.header, nil
}

// Steps returns what makes records of the other format, and compresses them. It
// belongs behind every other step.
func (e *Encoder) Steps() []weir.Step { return slices.Clone(e.steps) }

// Sink returns inner with what stands around the records in each file: the header
// of CSV, the brackets and commas of a JSON array. If records are divided by what
// stands between batches, these are written one at a time.
//
// A stream can be continued if inner's Writers are weir.Resumers that go back to
// their mark. If its columns were found and are too long for a mark, it begins
// again.
func (e *Encoder) Sink(inner weir.Sink) weir.Sink { return &encodedSink{Sink: inner, e: e} }

// Rename returns the name that a stream has when it is written.
func (e *Encoder) Rename(name string) string {
	if !e.names {
		return name
	}
	name = TrimCompression(name)
	if f, ok := formatByName(name); !ok || f.Name != e.to.Name {
		if ext := path.Ext(name); ok && len(ext) < len(path.Base(name)) {
			name = strings.TrimSuffix(name, ext)
		}
		name += extensionOf(e.to)
	}
	if e.method != compress.None {
		name += e.method.Extensions()[0]
	}
	return name
}

// extensionOf returns the extension of the files of a format, with its dot. Bytes
// have none.
func extensionOf(f Format) string {
	row, ok := lookup(f.Name)
	switch {
	case ok && len(row.extensions) > 0:
		return row.extensions[0]
	case f.Name == Bytes:
		return ""
	}
	return "." + f.Name
}

// ordered reports whether the batches of a stream must be written in their order.
func (e *Encoder) ordered() bool { return e.to.hasHeader() || len(e.pieces.between) > 0 }

// surrounds reports whether anything but a header stands around records.
func (e *Encoder) surrounds() bool {
	p := &e.pieces
	return len(p.begin)+len(p.between)+len(p.end)+len(p.empty) > 0
}
