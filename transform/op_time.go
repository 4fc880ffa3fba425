package transform

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// timeOp writes times in another form.
type timeOp struct {
	at   []ref
	from timeReader
	to   timeForm
}

// timeForm is how a time is written.
type timeForm uint8

const (
	toRFC3339 timeForm = iota
	toUnix
	toUnixMilli
)

// parseTime parses PATH {, PATH} [as LAYOUT] [to FORM].
func parseTime(s *scanner) (Statement, error) {
	all, err := s.paths()
	if err != nil {
		return Statement{}, err
	}
	o := timeOp{from: autoReader{}}
	if s.acceptWord("as") {
		s.skip()
		at := s.i
		layout, err := s.textOrWord("a layout or the name of one")
		if err != nil {
			return Statement{}, err
		}
		if o.from, err = readerOf(layout); err != nil {
			return Statement{}, s.errorf(at, "%w", err)
		}
	}
	if s.acceptWord("to") {
		s.skip()
		at := s.i
		switch s.word() {
		case "rfc3339":
		case "unix":
			o.to = toUnix
		case "unix_ms":
			o.to = toUnixMilli
		default:
			return Statement{}, s.errorf(at, "a time is written to rfc3339, unix or unix_ms")
		}
	}
	return Statement{short("parse_time", all), func(b *builder) (op, error) {
		made := o
		made.at = b.refs(all)
		b.p.cost.add(len(all) * len(time.RFC3339Nano))
		return &made, nil
	}}, nil
}

func (o *timeOp) apply(w *worker) (verdict, error) {
	for i := range o.at {
		if err := w.editAt(o.at[i], o); err != nil {
			return next, err
		}
	}
	return next, nil
}

// edit reads the time in val and appends it in the other form, in UTC. Null stays
// null.
func (o *timeOp) edit(w *worker, dst, val []byte) ([]byte, change, error) {
	var s []byte
	switch k := kindOf(val); k {
	case missing, null:
		return dst, unchanged, nil
	case text:
		w.text[0] = appendText(w.text[0][:0], val)
		s = bytes.TrimSpace(w.text[0])
	case number:
		s = val
	default:
		return dst, unchanged, &cannot{do: "read a time in it", kind: k}
	}
	t, ok := o.from.read(s)
	if !ok {
		return dst, unchanged, fmt.Errorf("%.60q is no time%v", s, o.from)
	}
	t = t.UTC()
	switch o.to {
	case toUnix:
		return appendUnix(dst, t), changed, nil
	case toUnixMilli:
		return strconv.AppendInt(dst, t.UnixMilli(), 10), changed, nil
	}
	if y := t.Year(); y < 0 || y > 9999 {
		return dst, unchanged, fmt.Errorf("the year %d has no form in RFC 3339", y)
	}
	dst = t.AppendFormat(append(dst, '"'), time.RFC3339Nano)
	return append(dst, '"'), changed, nil
}

// appendUnix appends the seconds since 1970, with as many decimals as t has.
func appendUnix(dst []byte, t time.Time) []byte {
	sec, nano := t.Unix(), t.Nanosecond()
	if sec < 0 && nano > 0 {
		sec, nano = sec+1, 1e9-nano
		if sec == 0 {
			dst = append(dst, '-')
		}
	}
	dst = strconv.AppendInt(dst, sec, 10)
	if nano > 0 {
		var digits [10]byte
		d := strconv.AppendInt(digits[:0], int64(1e9+nano), 10)
		d[0] = '.'
		dst = append(dst, bytes.TrimRight(d, "0")...)
	}
	return dst
}
