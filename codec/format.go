package codec

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Names of formats.
const (
	// Auto is found by the name of the stream, or else by its first bytes.
	Auto = ""
	// Bytes is bytes without records.
	Bytes = "bytes"
	// Lines end with LF or CRLF; the last one need not.
	Lines = "lines"
	// NDJSON is a JSON text a line. Empty lines belong to what follows them.
	NDJSON = "ndjson"
	// JSON is JSON texts one after another, with or without whitespace between
	// them. Of arrays at the top each element is a record.
	JSON = "json"
	// CSV is RFC 4180: fields may be in quotes, and then hold separators, line
	// ends and doubled quotes. The first row is the header. Empty lines belong to
	// what follows them.
	CSV = "csv"
	// TSV is CSV with tabs.
	TSV = "tsv"
	// NUL ends a record with a zero byte, as "find -print0" does; the last one
	// need not.
	NUL = "nul"
	// Length puts the number of bytes before each record.
	Length = "length"
	// Fixed is records of the same number of bytes; the last may be shorter.
	Fixed = "fixed"
	// Whole makes a record of all that a stream has.
	Whole = "whole"
)

// Varint as Format.Width is a length as an unsigned varint, seven bits a byte and
// the low ones first, as protocol buffers have it.
const Varint = -1

// A Format says how records are told apart. The zero value is Auto.
type Format struct {
	// Name is one of the names above.
	Name string

	// Separator is between the fields of CSV and TSV: an ASCII character, not a
	// quote or part of a line end. Default: a comma, a tab.
	Separator byte
	// NoHeader says that the first row of CSV or TSV is a record like the others.
	NoHeader bool
	// NoQuotes says that a quote is a character like the others in CSV or TSV: a
	// record is a line.
	NoQuotes bool

	// Size of the records of Fixed, in bytes. Default: none, it must be given.
	Size int

	// Width of Length, in bytes: 1, 2, 4, 8 or Varint. Default: 4.
	Width int
	// LittleEndian says that the low byte of the length is the first.
	LittleEndian bool
}

// format is a row of the table of formats.
type format struct {
	name       string
	aliases    []string
	extensions []string
	text       bool // a byte order mark is none of its bytes, and it has an encoding
	strict     bool // a record may be bad although it is short
	framer     func(Format) framer
	payload    func(Format) func([]byte) []byte
}

// formats is the table, in the order in which people are told of them.
var formats = []format{
	{
		name: Lines, aliases: []string{"line", "text"}, extensions: []string{".txt", ".log"}, text: true,
		framer: newLines, payload: linePayload,
	},
	{
		name: NDJSON, aliases: []string{"jsonl"}, extensions: []string{".ndjson", ".jsonl"}, text: true,
		framer: newFilledLines, payload: filledLinePayload,
	},
	{
		name: JSON, extensions: []string{".json"}, text: true,
		framer: newJSON, payload: jsonPayload,
	},
	{
		name: CSV, extensions: []string{".csv"}, text: true, strict: true,
		framer: newCSV, payload: filledLinePayload,
	},
	{
		name: TSV, aliases: []string{"tab"}, extensions: []string{".tsv", ".tab"}, text: true, strict: true,
		framer: newCSV, payload: filledLinePayload,
	},
	{
		name: NUL, aliases: []string{"null"},
		framer: newNUL, payload: nulPayload,
	},
	{
		name: Length, aliases: []string{"prefixed"},
		framer: newLength, payload: lengthPayload,
	},
	{
		name: Fixed, aliases: []string{"chunks"},
		framer: newFixed, payload: wholePayload,
	},
	{
		name: Whole, aliases: []string{"object"},
		framer: newWhole, payload: wholePayload,
	},
	{name: Bytes, aliases: []string{"raw", "opaque"}, payload: wholePayload},
}

// lookup returns the row of a name or alias.
func lookup(name string) (*format, bool) {
	for i := range formats {
		if f := &formats[i]; f.name == name || slices.Contains(f.aliases, name) {
			return f, true
		}
	}
	return nil, false
}

// FormatNames returns the names of all formats.
func FormatNames() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// FormatByExtension returns the format of files with the extension, which begins
// with a dot and is in either case. It reports false if there is none.
func FormatByExtension(extension string) (Format, bool) {
	for _, f := range formats {
		if slices.Contains(f.extensions, strings.ToLower(extension)) {
			return Format{Name: f.name}, true
		}
	}
	return Format{}, false
}

// formatByName returns the format of the name of a stream.
func formatByName(name string) (Format, bool) { return FormatByExtension(path.Ext(name)) }

// withDefaults fills what was left zero, and gives an alias its name.
func (f Format) withDefaults() Format {
	if row, ok := lookup(f.Name); ok {
		f.Name = row.name
	}
	switch f.Name {
	case CSV, TSV:
		if f.Separator == 0 {
			f.Separator = map[string]byte{CSV: ',', TSV: '\t'}[f.Name]
		}
	case Length:
		if f.Width == 0 {
			f.Width = 4
		}
	}
	return f
}

// Validate reports everything that is wrong with f.
func (f Format) Validate() error {
	d := f.withDefaults()
	if _, ok := lookup(d.Name); !ok && d.Name != Auto {
		return fmt.Errorf("no format is called %q: it is one of %s", f.Name, strings.Join(FormatNames(), ", "))
	}
	var errs []error
	only := func(is bool, option string, names ...string) {
		if is && !slices.Contains(names, d.Name) {
			errs = append(errs, fmt.Errorf("format %q has no %s", d.Name, option))
		}
	}
	only(f.Separator != 0, "separator", CSV, TSV)
	only(f.NoHeader, "header", CSV, TSV)
	only(f.NoQuotes, "quotes", CSV, TSV)
	only(f.Size != 0, "size", Fixed)
	only(f.Width != 0, "width", Length)
	only(f.LittleEndian, "order of bytes", Length)
	if d.Separator >= 0x80 || strings.IndexByte("\r\n\"", d.Separator) >= 0 {
		errs = append(errs, fmt.Errorf("the separator is %q; it must be an ASCII character and not a quote or a line end", d.Separator))
	}
	if d.Name == Fixed && d.Size <= 0 {
		errs = append(errs, fmt.Errorf("the size of records is %d; it must be given, in bytes, such as %s,size=80", d.Size, Fixed))
	}
	if d.Name == Length && !slices.Contains([]int{1, 2, 4, 8, Varint}, d.Width) {
		errs = append(errs, fmt.Errorf("the width of a length is %d; it must be 1, 2, 4, 8 or Varint", d.Width))
	}
	return errors.Join(errs...)
}

// hasHeader says that the first row is not a record.
func (f Format) hasHeader() bool { return (f.Name == CSV || f.Name == TSV) && !f.NoHeader }

// Payload returns a function that gives what is inside a record: without the
// terminator, the length, or what stands before an element of a JSON array. It
// copies nothing. f must be valid and not Auto.
func (f Format) Payload() func(record []byte) []byte {
	f = f.withDefaults()
	row, ok := lookup(f.Name)
	if !ok {
		panic("codec: Payload of " + f.String())
	}
	return row.payload(f)
}
