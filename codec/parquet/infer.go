package parquet

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/weirflow/weir"
	"github.com/weirflow/weir/codec/jsonscan"
)

// What has been seen of a field, as bits.
const (
	sawBool    = 1 << iota
	sawInt64   // a whole number that fits
	sawUint64  // a whole number that fits only without a sign
	sawNegated // a whole number below zero
	sawInexact // a whole number that a double does not hold exactly
	sawHuge    // a whole number of more than 64 bits
	sawFloat   // another number
	sawText
	sawNested
)

var errName = errors.New("it has a field whose name is not valid UTF-8")

// inferred collects the fields of records, in the order of their first appearance.
type inferred struct {
	scan   members
	names  []string
	saw    []int
	size   int // bytes of the names
	places map[string]int
	name   []byte
}

// infer returns the columns that the records of b need. What is not a record is
// left out: it will be found again.
func infer(b *weir.Batch, most int) ([]field, error) {
	f := &inferred{places: map[string]int{}}
	for i := range b.Records() {
		more, err := true, f.scan.reset(b.Record(i))
		for more && err == nil {
			if more, err = f.scan.next(); more {
				err = f.add()
			}
			if len(f.names) > most || f.size > maxFieldNames {
				return nil, invalid("the first records have more than %d fields, or more than %d bytes in their names; give a schema, or raise MaxColumns", most, maxFieldNames)
			}
		}
	}
	columns := make([]field, len(f.names))
	for i, name := range f.names {
		columns[i] = field{name: name, kind: kindOf(f.saw[i])}
	}
	return columns, nil
}

// kindOf is the smallest kind that takes all that was seen. Where there is none, or
// nothing was seen, JSON takes everything.
func kindOf(saw int) kind {
	switch {
	case saw == 0:
		return kindJSON
	case saw == sawBool:
		return kindBool
	case saw == sawText:
		return kindString
	case saw&^(sawInt64|sawNegated|sawInexact) == 0:
		return kindInt64
	case saw&^(sawInt64|sawUint64|sawInexact) == 0:
		return kindUint64
	case saw&^(sawInt64|sawNegated|sawFloat|sawUint64) == 0:
		return kindDouble
	}
	return kindJSON
}

// add notes the member that the scan is at.
func (f *inferred) add() error {
	name, err := f.scan.name(f.name)
	if err != nil {
		return err
	}
	if f.name = append(f.name[:0], name...); !utf8.Valid(f.name) {
		return errName
	}
	at, ok := f.places[string(f.name)]
	if !ok {
		at = len(f.names)
		f.names = append(f.names, string(f.name))
		f.saw = append(f.saw, 0)
		f.places[f.names[at]] = at
		f.size += len(f.name)
	}
	f.saw[at] |= sawOf(f.scan.kind, f.scan.raw)
	return nil
}

func sawOf(k jsonscan.Kind, raw []byte) int {
	switch k {
	case jsonscan.Null:
		return 0
	case jsonscan.True, jsonscan.False:
		return sawBool
	case jsonscan.String:
		return sawText
	case jsonscan.Number:
		return sawNumber(raw)
	}
	return sawNested
}

func sawNumber(raw []byte) int {
	n, err := parseWhole(raw)
	switch {
	case err == errNotWhole:
		return sawFloat
	case err != nil:
		return sawHuge
	}
	saw := sawInt64
	if !n.fitsInt64() {
		saw = sawUint64
		if n.negative {
			return sawHuge
		}
	}
	if n.negative {
		saw |= sawNegated
	}
	if f, _ := strconv.ParseFloat(string(raw), 64); !n.is(f) {
		saw |= sawInexact
	}
	return saw
}
