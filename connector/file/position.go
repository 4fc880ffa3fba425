package file

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

const (
	// fingerprintSize is the largest number of bytes a fingerprint covers.
	fingerprintSize = 1 << 10
	// endSize is the largest number of bytes before the offset that are summed up.
	endSize = 4 << 10
)

// A Position says which file was read, and how far. Its text is
//
//	dev=2049,ino=131075,size=52428800,mod=0c7e5a11,fp=cbf29ce484222325,end=89abcdef,off=1048576
type Position struct {
	Dev, Ino    uint64 // identity
	Size        int64  // when the file was opened
	Modified    uint32 // CRC-32C of the time of its last change then, in Unix nanoseconds; 0 of a file that is followed
	Fingerprint uint64 // FNV-1a of the first min(Size, 1024) bytes
	End         uint32 // CRC-32C of the last min(Offset, 4096) bytes before Offset
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
		Modified:    uint32(s.hex(",mod=", 8)),
		Fingerprint: s.hex(",fp=", 16),
		End:         uint32(s.hex(",end=", 8)),
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
	return p.appendRest(p.appendPrefix(b))
}

// appendPrefix adds everything that is the same for all positions of an open file
// to b, so that a stream encodes it once.
func (p Position) appendPrefix(b []byte) []byte {
	b = strconv.AppendUint(append(b, "dev="...), p.Dev, 10)
	b = strconv.AppendUint(append(b, ",ino="...), p.Ino, 10)
	b = strconv.AppendInt(append(b, ",size="...), p.Size, 10)
	b = appendHex(append(b, ",mod="...), uint64(p.Modified), 8)
	return appendHex(append(b, ",fp="...), p.Fingerprint, 16)
}

// appendRest adds what appendPrefix leaves out.
func (p Position) appendRest(b []byte) []byte {
	b = appendHex(append(b, ",end="...), uint64(p.End), 8)
	return strconv.AppendInt(append(b, ",off="...), p.Offset, 10)
}

// appendHex adds the last digits of n to b.
func appendHex(b []byte, n uint64, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[n>>shift&0xf])
	}
	return b
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

func (s *scanner) hex(label string, digits int) uint64 {
	text := s.token(label)
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil || len(text) != digits || strings.ContainsAny(text, "ABCDEF") {
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
