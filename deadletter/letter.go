package deadletter

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
	"unicode/utf8"

	"github.com/weirflow/weir"
)

// MaxRecord is the largest record that is kept as a whole, in bytes.
const MaxRecord = 1 << 20

// A Letter is a record that was given up on.
type Letter struct {
	Time   time.Time `json:"time"`
	Stage  string    `json:"stage"`
	Stream string    `json:"stream"`
	Record int64     `json:"record,omitempty"` // its number in the stream, from 1
	Line   int64     `json:"line,omitempty"`   // that it begins in, from 1; 0: not known
	Offset int64     `json:"offset"`           // of its first byte in the stream; -1: not known
	Size   int64     `json:"size"`             // bytes
	Reason string    `json:"reason"`
	// Text or Bytes is the record, as far as it was kept: the one that can hold
	// it.
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
	// Whole says that all of the record is kept.
	Whole bool `json:"whole"`

	// Segment, At and End are where the letter is kept: the number of the
	// segment, and the offsets in it of its beginning and behind its end.
	Segment int   `json:"-"`
	At, End int64 `json:"-"`
}

// Content returns the record, as far as it was kept.
func (l *Letter) Content() []byte {
	if l.Bytes != nil {
		return l.Bytes
	}
	return []byte(l.Text)
}

// newLetter returns the letter of r, which has all of it up to most bytes.
func newLetter(r *weir.BadRecord, now time.Time, most int) Letter {
	l := Letter{
		Time: now.UTC(), Stage: r.Stage, Stream: r.Stream, Record: r.Record, Line: r.Line, Offset: r.Offset, Size: r.Size,
		Reason: r.Reason.Error(),
	}
	content := r.Excerpt
	if r.Whole != nil && len(r.Whole) <= most {
		content, l.Whole = r.Whole, true
	}
	if len(content) > weir.MaxExcerpt && !l.Whole {
		content = content[:weir.MaxExcerpt]
	}
	if utf8.Valid(content) {
		l.Text = string(content)
	} else {
		l.Bytes = bytes.Clone(content)
	}
	return l
}

// sumLen is the length of a line's checksum and the space behind it.
const sumLen = 9

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendLine appends the line of l to dst.
func appendLine(dst []byte, l *Letter) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return dst, err
	}
	dst = fmt.Appendf(dst, "%08x ", crc32.Checksum(text, castagnoli))
	return append(append(dst, text...), '\n'), nil
}

// errTorn is a line that ends before its end.
var errTorn = errors.New("the letter is torn")

// parseLine reads a line with its end.
func parseLine(line []byte) (Letter, error) {
	var l Letter
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return l, errTorn
	}
	if len(line) < sumLen+1 || line[sumLen-1] != ' ' {
		return l, errors.New("not a letter")
	}
	var sum [4]byte
	if _, err := hex.Decode(sum[:], line[:sumLen-1]); err != nil {
		return l, errors.New("not a letter")
	}
	text := line[sumLen : len(line)-1]
	if want := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3]); crc32.Checksum(text, castagnoli) != want {
		return l, errors.New("the checksum does not match")
	}
	err := json.Unmarshal(text, &l)
	return l, err
}
