package codec

import (
	"bytes"
	"fmt"

	"github.com/weirflow/weir/codec/compress"
)

// magics are how compressed streams begin, and perhaps a skippable frame of zstd
// or LZ4, whose first byte is any of 'P' to '_'.
var magics = []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18", "\x02\x21\x4c\x18", "\xff\x06\x00\x00", "BZh", "\xfd7zXZ\x00"}

const skippableMagic = "\x2a\x4d\x18"

// settled says that head is enough to tell what compresses a stream, or that
// nothing does. A line that somebody types is enough.
func settled(head []byte) bool {
	if len(head) >= compress.DetectSize || len(head) == 0 {
		return len(head) > 0
	}
	for _, m := range magics {
		n := min(len(head), len(m))
		if string(head[:n]) == m[:n] {
			return false
		}
	}
	if head[0] >= 'P' && head[0] <= '_' {
		n := min(len(head)-1, len(skippableMagic))
		return string(head[1:1+n]) != skippableMagic[:n]
	}
	return true
}

// Byte order marks.
const (
	utf8BOM    = "\xef\xbb\xbf"
	utf16LEBOM = "\xff\xfe"
	utf16BEBOM = "\xfe\xff"
)

// bomSettled says that head is enough to tell whether it begins with a byte order
// mark.
func bomSettled(head []byte) bool {
	for _, mark := range []string{utf8BOM, utf16LEBOM, utf16BEBOM} {
		if len(head) < len(mark) && string(head) == mark[:len(head)] {
			return false
		}
	}
	return true
}

// bom returns the length of the byte order mark that head begins with. That of
// UTF-16 is an error: records cannot be told apart in it.
func bom(head []byte) (int, error) {
	switch {
	case bytes.HasPrefix(head, []byte(utf8BOM)):
		return len(utf8BOM), nil
	case bytes.HasPrefix(head, []byte(utf16LEBOM)), bytes.HasPrefix(head, []byte(utf16BEBOM)):
		return 0, fmt.Errorf("it begins with the byte order mark of UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)")
	}
	return 0, nil
}

// firstLine returns the first line of head that is not empty, up to and with its
// end, and whether head has that much of it that its format can be told.
func firstLine(head []byte) (line []byte, enough bool) {
	line = bytes.TrimLeft(head, " \t\r\n")
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		return line[:i+1], true
	}
	return line, len(line) > 0 && line[0] == '[' || len(head) >= sniffSize
}

// sniffSize is the most that is looked at to tell the format of a stream.
const sniffSize = 4 << 10

// sniffFormat guesses the format of a stream that begins with head: JSON in lines
// or not, lines, or bytes if there is a zero byte.
func sniffFormat(head []byte) Format {
	line, _ := firstLine(head[:min(len(head), sniffSize)])
	switch {
	case bytes.HasPrefix(line, []byte{'['}):
		return Format{Name: JSON}
	case bytes.IndexByte(line, 0) >= 0:
		return Format{Name: Bytes}
	case !bytes.HasPrefix(line, []byte{'{'}):
		return Format{Name: Lines}
	case spansLines(line):
		return Format{Name: JSON}
	}
	return Format{Name: NDJSON}
}

// spansLines says that the JSON text that the line begins with goes on in the
// next one.
func spansLines(line []byte) bool {
	var j jsonFramer
	var end [1]uint32
	n, _, _ := j.frame(line, 0, end[:])
	return n == 0 && line[len(line)-1] == '\n'
}
