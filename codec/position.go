package codec

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"strings"

	"github.com/weirflow/weir"
)

// A position says where a stream is continued. Its text is a position of the inner
// stream and what to do from there,
//
//	dev=1,ino=2,off=4096;codec:csv+gzip,state=0,in=4000,z=96,skip=17,rec=42,off=16384,line=44
//
// or, where the inner stream is read from its beginning, a check of its first bytes,
//
//	codec:csv+gzip,state=0,head=1024.0c7e5a11,rec=42,off=16384,line=44
//
// The line is there if lines are counted.
type position struct {
	inner weir.Position // empty: the beginning
	spec  string        // format and compression
	state uint8         // framer.mark

	in   int64 // offset in the compressed stream of a restart point
	z    int64 // of them, bytes to skip behind inner
	skip int64 // decompressed bytes to skip behind that

	head fingerprint

	rec int64 // number of the next record, from 1
	off int64 // its offset in the decompressed stream

	line int64 // in which it begins, from 1; 0: not known
}

// A fingerprint is of the first bytes of a stream.
type fingerprint struct {
	bytes int64
	crc   uint32
}

// headSize is the most that a fingerprint covers.
const headSize = 1 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func fingerprintOf(head []byte) fingerprint {
	return fingerprint{int64(len(head)), crc32.Checksum(head, castagnoli)}
}

const (
	innerEnd = ";codec:" // behind the inner stream's position
	noInner  = "codec:"  // where there is none
)

// append adds the text of p to b.
func (p *position) append(b []byte) []byte {
	b = append(b, p.inner...)
	if len(p.inner) > 0 {
		b = append(b, innerEnd...)
	} else {
		b = append(b, noInner...)
	}
	b = append(b, p.spec...)
	b = appendField(b, ",state=", int64(p.state))
	if len(p.inner) > 0 {
		b = appendField(b, ",in=", p.in)
		b = appendField(b, ",z=", p.z)
		b = appendField(b, ",skip=", p.skip)
	} else {
		b = appendField(b, ",head=", p.head.bytes)
		b = append(b, '.')
		for shift := 28; shift >= 0; shift -= 4 {
			b = append(b, "0123456789abcdef"[p.head.crc>>shift&0xf])
		}
	}
	b = appendField(b, ",rec=", p.rec)
	b = appendField(b, ",off=", p.off)
	if p.line > 0 {
		b = appendField(b, lineLabel, p.line)
	}
	return b
}

const lineLabel = ",line="

func appendField(b []byte, label string, n int64) []byte {
	return strconv.AppendInt(append(b, label...), n, 10)
}

var errNotPosition = errors.New("not a position of this stream")

// parsePosition reads the text of a position. It accepts exactly what append
// writes.
func parsePosition(text weir.Position) (position, error) {
	var p position
	s := fields{rest: string(text)}
	if i := strings.LastIndex(s.rest, innerEnd); i > 0 {
		p.inner = weir.Position(s.rest[:i])
		s.rest = s.rest[i+1:]
	}
	p.spec = s.word(noInner)
	p.state = uint8(s.number(",state=", math.MaxUint8))
	if len(p.inner) > 0 {
		p.in = s.number(",in=", math.MaxInt64)
		p.z = s.number(",z=", p.in)
		p.skip = s.number(",skip=", math.MaxInt64)
	} else {
		p.head = s.fingerprint(",head=")
	}
	p.rec = s.number(",rec=", math.MaxInt64)
	p.off = s.number(",off=", math.MaxInt64)
	if s.rest != "" {
		p.line = s.number(lineLabel, math.MaxInt64)
		s.failed = s.failed || p.line == 0
	}
	if s.failed || s.rest != "" || p.rec < 1 || p.skip > p.off || len(text) > weir.MaxPosition {
		return position{}, fmt.Errorf("%w: %s", errNotPosition, text)
	}
	return p, nil
}

// InnerPosition returns the position of the inner stream in p, a position of a
// stream of Source: where reading goes on there. It is p itself if that is of
// another stream, and empty if the stream is read from its beginning.
func InnerPosition(p weir.Position) weir.Position {
	if i := strings.LastIndex(string(p), innerEnd); i > 0 {
		return p[:i]
	}
	if strings.HasPrefix(string(p), noInner) {
		return nil
	}
	return p
}

// fields takes labelled values off the front of rest. It accepts only their
// canonical form, so that a position has one text.
type fields struct {
	rest   string
	failed bool
}

// word takes label and everything after it, up to the next comma.
func (s *fields) word(label string) string {
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

func (s *fields) number(label string, limit int64) int64 {
	return s.parse(s.word(label), limit)
}

func (s *fields) parse(text string, limit int64) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > limit || strconv.FormatInt(n, 10) != text {
		s.failed = true
		return 0
	}
	return n
}

func (s *fields) fingerprint(label string) fingerprint {
	size, sum, _ := strings.Cut(s.word(label), ".")
	n := s.parse(size, headSize)
	crc, err := strconv.ParseUint(sum, 16, 32)
	if err != nil || len(sum) != 8 || strings.ContainsAny(sum, "ABCDEF") {
		s.failed = true
	}
	return fingerprint{n, uint32(crc)}
}
