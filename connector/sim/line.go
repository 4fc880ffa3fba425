package sim

import "strconv"

// line renders the lines of one NDJSON stream: a request log whose id is the
// number of the record, padded to the size asked for. Everything before the
// padding is a template in which a few digits change.
type line struct {
	c      *content
	key    uint64
	stream int

	// The template below holds for ids of this many digits and lines of this
	// size.
	digits, size int

	buf  [256]byte
	head []byte // what comes before the padding, in buf
	full bool   // all fields, not only id and note

	id, time, level, path, status, bytes, ms int // where they are in head
}

// tail ends a line after its padding.
const tail = "\"}\n"

// render fills dst, all of it, with line n.
func (l *line) render(dst []byte, n int64) {
	if d := digits(n); d != l.digits || len(dst) != l.size {
		l.template(d, len(dst))
	}
	if len(l.head) == 0 {
		tinyLine(dst, n)
		return
	}
	h := mix(l.key + uint64(n))
	at := copy(dst, l.head)
	putInt(dst[l.id:l.id+l.digits], n)
	if l.full {
		l.patch(dst, n, h)
	}
	end := len(dst) - len(tail)
	l.c.letters(dst[at:end], h)
	copy(dst[end:], tail)
}

// patch writes the fields that differ from line to line. One record is one
// millisecond, and the month begins again after its 28 days.
func (l *line) patch(dst []byte, n int64, h uint64) {
	ms := uint32(n % (28 * 24 * 3600 * 1000))
	sec := ms / 1000
	t := dst[l.time : l.time+len("2026-01-01T00:00:00.000Z")]
	put2(t[8:], sec/86400+1)
	put2(t[11:], sec/3600%24)
	put2(t[14:], sec/60%60)
	put2(t[17:], sec%60)
	putInt(t[20:23], int64(ms%1000))

	if h%32 == 0 {
		copy(dst[l.level:], "warn")
		copy(dst[l.status:], "503")
	}
	x := uint32(h >> 40) // 24 random bits
	putInt(dst[l.path:l.path+6], int64(x%900_000+100_000))
	y := uint32(h >> 8 & 0xffffff)
	putInt(dst[l.bytes:l.bytes+5], int64(y%90_000+10_000))
	putInt(dst[l.ms:l.ms+3], int64(y>>4%900+100))
}

// template prepares lines of this size whose id has d digits: with all fields,
// with id and note, or none of ours (see tinyLine).
func (l *line) template(d, size int) {
	l.digits, l.size, l.full = d, size, true
	b := append(l.buf[:0], `{"id":`...)
	l.id = len(b)
	b = append(b, "00000000000000000000"[:d]...)
	idOnly := len(b)
	b = strconv.AppendInt(append(b, `,"stream":`...), int64(l.stream), 10)
	field := func(name, value string) (at int) {
		b = append(b, name...)
		at = len(b)
		b = append(b, value...)
		return at
	}
	l.time = field(`,"time":"`, "2026-01-01T00:00:00.000Z")
	l.level = field(`","level":"`, "info")
	l.path = field(`","method":"GET","path":"/orders/`, "000000")
	l.status = field(`","status":`, "200")
	l.bytes = field(`,"bytes":`, "00000")
	l.ms = field(`,"ms":`, "000")
	field(`,"note":"`, "")
	if len(b)+len(tail) > size {
		l.full = false
		b = append(b[:idOnly], `,"note":"`...)
	}
	if len(b)+len(tail) > size {
		b = b[:0]
	}
	l.head = b
}

// tinyLine fills dst with a line that has no room for an id and a note: the
// most telling JSON value that fits, padded with spaces. One byte is an empty
// line.
func tinyLine(dst []byte, n int64) {
	end := len(dst) - 1
	for i := range dst[:end] {
		dst[i] = ' '
	}
	dst[end] = '\n'
	switch d := digits(n); {
	case end >= d+len(`{"id":}`):
		copy(dst, `{"id":`)
		putInt(dst[6:6+d], n)
		dst[6+d] = '}'
	case end >= 2:
		copy(dst, "{}")
	case end == 1:
		dst[0] = '0'
	}
}

// digits returns the number of decimal digits of n, which is not negative.
func digits(n int64) int {
	d := 1
	for ; n >= 10_000; n /= 10_000 {
		d += 4
	}
	switch {
	case n >= 1000:
		return d + 3
	case n >= 100:
		return d + 2
	case n >= 10:
		return d + 1
	}
	return d
}

const pairs = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" +
	"30313233343536373839" + "40414243444546474849" + "50515253545556575859" +
	"60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"

// put2 writes v, below 100, as two digits.
func put2(dst []byte, v uint32) {
	_ = dst[1]
	dst[0], dst[1] = pairs[v*2], pairs[v*2+1]
}

// putInt fills dst with the last digits of v, zeros in front.
func putInt(dst []byte, v int64) {
	i := len(dst)
	for ; i >= 2; i -= 2 {
		put2(dst[i-2:], uint32(v%100))
		v /= 100
	}
	if i == 1 {
		dst[0] = byte('0' + v%10)
	}
}
