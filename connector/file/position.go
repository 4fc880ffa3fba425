package file

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

// fingerprintSize is the largest number of bytes a fingerprint covers.
const fingerprintSize = 1 << 10

// A Position says which file was read, and how far. Its text is
//
//	dev=2049,ino=131075,size=52428800,fp=cbf29ce484222325,off=1048576
type Position struct {
	Dev, Ino    uint64 // identity
	Size        int64  // when the file was opened
	Fingerprint uint64 // FNV-1a of the first min(Size, 1024) bytes
	Offset      int64  // everything before it was read
}

var errNotPosition = errors.New("not a position of a file")

// ParsePosition reads the text of a position. It accepts exactly what String
// returns.
func ParsePosition(p weir.Position) (Position, error) {
	if len(p) > weir.MaxPosition {
		return Position{}, fmt.Errorf("%w: %d bytes long", errNotPosition, len(p))
	}
	s := scanner{rest: string(p)}
	pos := Position{
		Dev:         s.decimal("dev=", math.MaxUint64),
		Ino:         s.decimal(",ino=", math.MaxUint64),
		Size:        int64(s.decimal(",size=", math.MaxInt64)),
		Fingerprint: s.hex(",fp="),
		Offset:      int64(s.decimal(",off=", math.MaxInt64)),
	}
	if s.failed || s.rest != "" {
		return Position{}, fmt.Errorf("%w: %s", errNotPosition, p)
	}
	return pos, nil
}

// String returns the text of the position.
func (p Position) String() string { return string(p.append(nil)) }

// append adds the text of p to b.
func (p Position) append(b []byte) []byte {
	return strconv.AppendInt(p.appendPrefix(b), p.Offset, 10)
}

// appendPrefix adds everything but the offset to b: it is the same for all
// positions of an open file, so a stream encodes it once.
func (p Position) appendPrefix(b []byte) []byte {
	b = strconv.AppendUint(append(b, "dev="...), p.Dev, 10)
	b = strconv.AppendUint(append(b, ",ino="...), p.Ino, 10)
	b = strconv.AppendInt(append(b, ",size="...), p.Size, 10)
	b = append(b, ",fp="...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[p.Fingerprint>>shift&0xf])
	}
	return append(b, ",off="...)
}

// covered is the number of bytes that the fingerprint of a file covers which
// had size bytes when it was opened.
func covered(size int64) int { return int(min(size, fingerprintSize)) }

// scanner takes labelled numbers off the front of rest. It accepts only their
// canonical form, so that a position has one text.
type scanner struct {
	rest   string
	failed bool
}

func (s *scanner) decimal(label string, limit uint64) uint64 {
	text := s.token(label)
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > limit || len(text) > 1 && text[0] == '0' {
		s.failed = true
	}
	return n
}

func (s *scanner) hex(label string) uint64 {
	text := s.token(label)
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil || len(text) != 16 || strings.ContainsAny(text, "ABCDEF") {
		s.failed = true
	}
	return n
}

// token takes label and everything after it, up to the next comma.
func (s *scanner) token(label string) string {
	rest, ok := strings.CutPrefix(s.rest, label)
	if !ok {
		s.failed = true
		return ""
	}
	end := strings.IndexByte(rest, ',')
	if end < 0 {
		end = len(rest)
	}
	s.rest = rest[end:]
	return rest[:end]
}
