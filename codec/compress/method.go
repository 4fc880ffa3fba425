package compress

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Method is a compression format. The zero value is None.
type Method uint8

// The formats. All of them can be read; Gzip, Zstd and LZ4 can be written.
const (
	None   Method = iota // bytes as they are
	Gzip                 // RFC 1952, any number of members
	Zstd                 // RFC 8878 frames, without dictionaries
	LZ4                  // LZ4 frames, without dictionaries
	Snappy               // the Snappy framing format
	S2                   // the framing format of S2, a superset of Snappy's
	Bzip2                // any number of streams
	Xz                   // any number of streams, LZMA2 without other filters
)

// methods describes each Method. The first name and the first extension are
// the usual ones.
var methods = [...]struct {
	names      []string
	extensions []string
}{
	None:   {names: []string{"none"}},
	Gzip:   {names: []string{"gzip", "gz"}, extensions: []string{".gz", ".gzip", ".bgz"}},
	Zstd:   {names: []string{"zstd", "zst"}, extensions: []string{".zst", ".zstd"}},
	LZ4:    {names: []string{"lz4"}, extensions: []string{".lz4"}},
	Snappy: {names: []string{"snappy", "sz"}, extensions: []string{".sz"}},
	S2:     {names: []string{"s2"}, extensions: []string{".s2"}},
	Bzip2:  {names: []string{"bzip2", "bz2"}, extensions: []string{".bz2"}},
	Xz:     {names: []string{"xz"}, extensions: []string{".xz"}},
}

// ByName returns the Method with the name: gzip or gz, zstd or zst, lz4, snappy
// or sz, s2, bzip2 or bz2, xz, none.
func ByName(name string) (Method, error) {
	usual := make([]string, 0, len(methods))
	for m, about := range methods {
		if slices.Contains(about.names, name) {
			return Method(m), nil
		}
		usual = append(usual, about.names[0])
	}
	return None, fmt.Errorf("no compression is called %q: it is one of %s", name, strings.Join(usual, ", "))
}

// ByExtension returns the Method of files with the extension, which begins with
// a dot and is in either case, and None for any other.
func ByExtension(extension string) Method {
	for m, about := range methods {
		for _, e := range about.extensions {
			if strings.EqualFold(e, extension) {
				return Method(m)
			}
		}
	}
	return None
}

// Extensions returns the extensions of the Method's files, with their dots, the
// usual one first.
func (m Method) Extensions() []string {
	if !m.valid() {
		return nil
	}
	return slices.Clone(methods[m].extensions)
}

// String returns the Method's usual name.
func (m Method) String() string {
	if !m.valid() {
		return fmt.Sprintf("method(%d)", uint8(m))
	}
	return methods[m].names[0]
}

func (m Method) valid() bool { return int(m) < len(methods) }

// DetectSize is how many bytes Detect looks at, at most.
const DetectSize = 18

// Detect returns the Method of a stream that begins with head, by its magic
// number, and None if it has none that is known. If head is shorter than
// DetectSize it should be the whole stream.
func Detect(head []byte) Method {
	switch {
	case isGzip(head):
		return Gzip
	case isSkippable(head):
		return detectSkippable(head)
	case hasMagic(head, zstdMagic):
		return Zstd
	case hasMagic(head, lz4Magic), hasMagic(head, lz4LegacyMagic):
		return LZ4
	case hasMagic(head, snappyMagic):
		return Snappy
	case hasMagic(head, s2Magic):
		return S2
	case isBzip2(head):
		return Bzip2
	case hasMagic(head, xzMagic):
		return Xz
	}
	return None
}

// detectSkippable looks behind a skippable frame, which zstd and LZ4 have in
// common. It is zstd where writers begin a stream with one.
func detectSkippable(head []byte) Method {
	for isSkippable(head) {
		size := skippableSize(head)
		if size > int64(len(head)) {
			return Zstd
		}
		head = head[size:]
	}
	if hasMagic(head, lz4Magic) {
		return LZ4
	}
	return Zstd
}

func hasMagic(head []byte, magic string) bool {
	return bytes.HasPrefix(head, []byte(magic))
}
