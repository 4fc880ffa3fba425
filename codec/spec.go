package codec

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/weirflow/weir/codec/compress"
)

// A Spec is a format and a compression, as people write them.
type Spec struct {
	Format Format
	// Compression is the name of one (see compress.ByName), "none", or empty:
	// found by the name of the stream, or else by its first bytes.
	Compression string
}

// None is the Compression of a stream that is not compressed, whatever it looks
// like.
const None = "none"

// ParseSpec reads a format, its settings, and a compression:
//
//	ndjson    lines+zstd    csv+none    +gzip
//	csv,sep=semicolon,header=no,quotes=no
//	length,width=varint    length,width=8,order=little    fixed,size=512
//
// What is left out is as in the zero Spec. A separator is a character or one of
// comma, tab, semicolon, pipe, space, plus.
func ParseSpec(text string) (Spec, error) {
	format, compression, compressed := strings.Cut(text, "+")
	s := Spec{Compression: compression}
	name, settings, _ := strings.Cut(format, ",")
	s.Format.Name = name
	if row, ok := lookup(name); ok {
		s.Format.Name = row.name
	}
	var errs []error
	for settings != "" {
		var setting string
		setting, settings, _ = strings.Cut(settings, ",")
		if err := s.Format.set(setting); err != nil {
			errs = append(errs, err)
		}
	}
	if compressed && compression == "" {
		errs = append(errs, errors.New("there is a + and no compression behind it"))
	}
	errs = append(errs, s.validate())
	if err := errors.Join(errs...); err != nil {
		return Spec{}, fmt.Errorf("format %q: %w", text, err)
	}
	return s, nil
}

// validate reports everything that is wrong with s.
func (s Spec) validate() error {
	err := s.Format.Validate()
	if s.Compression == "" {
		return err
	}
	_, unknown := compress.ByName(s.Compression)
	return errors.Join(err, unknown)
}

// String returns the text that ParseSpec reads as s.
func (s Spec) String() string {
	if s.Compression == "" {
		return s.Format.String()
	}
	return s.Format.String() + "+" + s.Compression
}

// separators are characters that have names, because they are hard to see or have
// a meaning where a Spec is written.
var separators = map[string]byte{"comma": ',', "tab": '\t', "semicolon": ';', "pipe": '|', "space": ' ', "plus": '+'}

// set sets what "sep=tab" or the like says.
func (f *Format) set(setting string) error {
	key, value, _ := strings.Cut(setting, "=")
	var ok bool
	switch key {
	case "sep":
		f.Separator, ok = parseSeparator(value)
	case "header":
		f.NoHeader, ok = value == "no", isYesNo(value)
	case "quotes":
		f.NoQuotes, ok = value == "no", isYesNo(value)
	case "size":
		f.Size, ok = parseSize(value)
	case "width":
		if f.Width, ok = Varint, true; value != "varint" {
			f.Width, ok = parseSize(value)
		}
	case "order":
		f.LittleEndian, ok = value == "little", value == "little" || value == "big"
	default:
		return fmt.Errorf("no setting is called %q: it is one of sep, header, quotes, size, width, order", key)
	}
	if !ok {
		return fmt.Errorf("the setting %q cannot be %q", key, value)
	}
	return nil
}

func isYesNo(value string) bool { return value == "yes" || value == "no" }

func parseSeparator(value string) (byte, bool) {
	if sep, ok := separators[value]; ok {
		return sep, true
	}
	if len(value) != 1 {
		return 0, false
	}
	return value[0], true
}

// parseSize reads a positive number that has one text.
func parseSize(value string) (int, bool) {
	n, err := strconv.Atoi(value)
	return n, err == nil && n > 0 && strconv.Itoa(n) == value
}

// String returns the name and every setting that is not the default, as ParseSpec
// reads it.
func (f Format) String() string {
	d := f.withDefaults()
	text := d.Name
	if plain := (Format{Name: d.Name}).withDefaults(); d.Separator != plain.Separator {
		text += ",sep=" + separatorName(d.Separator)
	}
	if d.NoHeader {
		text += ",header=no"
	}
	if d.NoQuotes {
		text += ",quotes=no"
	}
	if d.Size != 0 {
		text += ",size=" + strconv.Itoa(d.Size)
	}
	switch d.Width {
	case 0, 4:
	case Varint:
		text += ",width=varint"
	default:
		text += ",width=" + strconv.Itoa(d.Width)
	}
	if d.LittleEndian {
		text += ",order=little"
	}
	return text
}

func separatorName(sep byte) string {
	for name, c := range separators {
		if c == sep {
			return name
		}
	}
	return string(rune(sep))
}

// InferSpec returns what the extensions of a name say: "orders.csv.gz" is CSV and
// gzip. It reports false if they say nothing; a name such as "orders.csv" says that
// the stream is not compressed.
func InferSpec(name string) (Spec, bool) {
	plain := TrimCompression(name)
	f, known := formatByName(plain)
	switch {
	case plain != name:
		return Spec{Format: f, Compression: compress.ByExtension(path.Ext(name)).String()}, true
	case known:
		return Spec{Format: f, Compression: None}, true
	}
	return Spec{}, false
}

// TrimCompression returns a name without the extension of a compression: what a
// stream is called once it is decompressed.
func TrimCompression(name string) string {
	ext := path.Ext(name)
	if compress.ByExtension(ext) == compress.None || len(ext) == len(path.Base(name)) {
		return name
	}
	return name[:len(name)-len(ext)]
}
