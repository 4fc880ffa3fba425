package transform

import (
	"math"
	"strconv"

	"github.com/zeebo/xxh3"
)

// sampleOp lets a part of the records through, chosen by a hash: of the record
// as it came in, or of some fields.
type sampleOp struct {
	by   []ref
	most uint64 // the largest hash that passes
	none bool
	seed uint64
}

// parseSample parses NUMBER% [by PATH {, PATH}] [seed NUMBER].
func parseSample(s *scanner) (Statement, error) {
	s.skip()
	at := s.i
	for s.i < len(s.src) && (isDigit(s.src[s.i]) || s.src[s.i] == '.') {
		s.i++
	}
	share, err := strconv.ParseFloat(s.src[at:s.i], 64)
	percent := s.accept('%')
	if percent {
		share /= 100
	}
	if err != nil || share < 0 || share > 1 || share == 1 && !percent {
		return Statement{}, s.errorf(at, "sample takes a share such as 1%% or 0.01, from 0%% to 100%%")
	}
	var by []path
	if s.acceptWord("by") {
		if by, err = s.paths(); err != nil {
			return Statement{}, err
		}
	}
	seed, seeded := uint64(0), s.acceptWord("seed")
	if seeded {
		s.skip()
		at := s.i
		if seed, err = strconv.ParseUint(s.word(), 10, 64); err != nil {
			return Statement{}, s.errorf(at, "a seed is a whole number from 0")
		}
	}
	return Statement{"sample", func(b *builder) (op, error) {
		o := &sampleOp{by: b.refs(by), seed: b.o.Seed, none: share == 0, most: math.MaxUint64}
		if share < 1 {
			o.most = uint64(share * (1 << 64))
		}
		if seeded {
			o.seed = seed
		}
		return o, nil
	}}, nil
}

func (o *sampleOp) apply(w *worker) (verdict, error) {
	seed := o.seed + w.ordinal*golden
	h := uint64(0)
	if len(o.by) == 0 {
		h = xxh3.HashSeed(trimLineEnd(w.rec.raw), seed)
	} else {
		h = xxh3.HashSeed(w.keyText(o.by), o.seed)
	}
	if o.none || h > o.most {
		return leaveOut, nil
	}
	return next, nil
}

// golden spreads small numbers over 64 bits.
const golden = 0x9E3779B97F4A7C15

func trimLineEnd(rec []byte) []byte {
	for len(rec) > 0 && (rec[len(rec)-1] == '\n' || rec[len(rec)-1] == '\r') {
		rec = rec[:len(rec)-1]
	}
	return rec
}

// keyText returns the values of fields as one text that no other values have: each
// with its kind and length before it. A string is what it says, a number, array
// or object its JSON text. It is valid until the next call.
func (w *worker) keyText(at []ref) []byte {
	buf := w.text[0][:0]
	for i := range at {
		val := w.at(&at[i])
		k := kindOf(val)
		n := len(buf)
		buf = append(buf, byte(k), 0, 0, 0, 0)
		if k == text {
			buf = appendText(buf, val)
		} else {
			buf = append(buf, val...)
		}
		size := len(buf) - n - 5
		buf[n+1], buf[n+2], buf[n+3], buf[n+4] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
	}
	w.text[0] = buf
	return buf
}
