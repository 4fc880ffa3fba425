package checkpoint

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/weirflow/weir"
)

const (
	// MaxText is the largest ID, name or description, in bytes.
	MaxText = 4 << 10
	// maxNumbers is what the numbers, lengths and flags of a value take at most.
	maxNumbers = 96
	maxValue   = 2*MaxText + 2*weir.MaxPosition + maxNumbers
)

// errValue is about a value whose checksum is right: it was written wrong.
var errValue = errors.New("a record that this program does not understand")

// appendEntry appends e, saved at the given time, to b.
func appendEntry(b []byte, e *Entry, now time.Time) []byte {
	b = appendText(b, e.ID)
	b = appendText(b, e.Name)
	b = appendText(b, e.Position)
	b = appendText(b, e.Mark)
	for _, n := range []int64{e.Read.Bytes, e.Read.Records, e.Written.Bytes, e.Written.Records, e.Size} {
		b = binary.AppendVarint(b, n)
	}
	b = appendBool(b, e.Whole)
	return appendTime(b, now)
}

// decodeEntry reads what appendEntry wrote. It copies what it keeps of b.
func decodeEntry(b []byte) (Entry, error) {
	d := decoder{rest: b}
	e := Entry{ID: string(d.text(MaxText)), Name: string(d.text(MaxText))}
	e.Position = append(weir.Position(nil), d.text(weir.MaxPosition)...)
	e.Mark = append([]byte(nil), d.text(weir.MaxPosition)...)
	for _, n := range []*int64{&e.Read.Bytes, &e.Read.Records, &e.Written.Bytes, &e.Written.Records, &e.Size} {
		*n = d.varint()
	}
	e.Whole = d.bool()
	e.Updated = d.time()
	if !d.end() || e.check() != nil {
		return Entry{}, errValue
	}
	return e, nil
}

// jobValue is a Job with its number.
type jobValue struct {
	Job
	number uint32
}

func appendJob(b []byte, j *jobValue) []byte {
	b = binary.AppendUvarint(b, uint64(j.number))
	b = appendText(b, j.ID)
	b = appendText(b, j.Description)
	b = appendBool(b, j.Done)
	b = appendTime(b, j.Created)
	return appendTime(b, j.Updated)
}

// decodeJob reads what appendJob wrote.
func decodeJob(b []byte) (jobValue, error) {
	d := decoder{rest: b}
	number := d.uvarint()
	j := jobValue{number: uint32(number), Job: Job{
		ID:          string(d.text(MaxText)),
		Description: string(d.text(MaxText)),
		Done:        d.bool(),
		Created:     d.time(),
		Updated:     d.time(),
	}}
	if !d.end() || number == jobsNumber || number > maxNumber || j.check() != nil {
		return jobValue{}, errValue
	}
	return j, nil
}

func appendText[T string | []byte | weir.Position](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, t.UnixNano()) }

// decoder reads a value from the front. What is missing or malformed is noted,
// and end reports it.
type decoder struct {
	rest []byte
	bad  bool
}

// end reports whether everything was well and nothing is left.
func (d *decoder) end() bool { return !d.bad && len(d.rest) == 0 }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	d.skip(n)
	return v
}

func (d *decoder) text(limit uint64) []byte {
	n := d.uvarint()
	if n > limit || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) bool() bool {
	v := d.uvarint()
	d.bad = d.bad || v > 1
	return v == 1
}

func (d *decoder) time() time.Time { return time.Unix(0, d.varint()).UTC() }

// skip takes n bytes away; without any there was no number.
func (d *decoder) skip(n int) {
	if n <= 0 {
		d.bad, d.rest = true, nil
		return
	}
	d.rest = d.rest[n:]
}
